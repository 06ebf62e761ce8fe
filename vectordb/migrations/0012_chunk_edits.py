import config.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

DISABLED = """
CREATE TABLE vectordb_disabled_chunk (
    LIKE vectordb_chunk INCLUDING DEFAULTS INCLUDING STORAGE,
    PRIMARY KEY (vector_database_id, id)
)
"""


class Migration(migrations.Migration):

    dependencies = [
        ('vectordb', '0011_numbers_given_once'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE vectordb_chunk ADD COLUMN is_edited boolean NOT NULL DEFAULT false",
            "ALTER TABLE vectordb_chunk DROP COLUMN is_edited",
        ),
        migrations.RunSQL(DISABLED, "DROP TABLE vectordb_disabled_chunk"),
        migrations.CreateModel(
            name='DisabledChunk',
            fields=[
                ('pk', models.CompositePrimaryKey('vector_database_id', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('vector_database_id', models.CharField(max_length=24)),
                ('id', models.BigIntegerField()),
                ('document_id', models.CharField(max_length=24)),
                ('position', models.IntegerField()),
                ('page', models.IntegerField(null=True)),
                ('start', models.BigIntegerField(db_column='start_offset')),
                ('end', models.BigIntegerField(db_column='end_offset')),
                ('token_count', models.IntegerField()),
                ('language', models.CharField(default='', max_length=8)),
                ('text', models.TextField()),
                ('metadata', models.JSONField(default=dict)),
                ('is_edited', models.BooleanField(default=False)),
            ],
            options={
                'db_table': 'vectordb_disabled_chunk',
                'ordering': [models.OrderBy(models.F('id'))],
                'managed': False,
            },
        ),
        migrations.AddField(
            model_name='ingestion',
            name='added_count',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='ingestion',
            name='is_edited',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='ingestion',
            name='lost_edits',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='ingestion',
            name='replaces',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='vectordatabase',
            name='indexed_count',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='vectordatabase',
            name='edited_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name='ChunkEdit',
            fields=[
                ('id', config.ids.IdField(default=config.ids.new_id, editable=False, max_length=24, primary_key=True, serialize=False)),
                ('chunk_id', models.BigIntegerField()),
                ('original', models.TextField(blank=True)),
                ('text', models.TextField()),
                ('page', models.IntegerField(null=True)),
                ('is_enabled', models.BooleanField(default=True)),
                ('status', models.CharField(choices=[('NEW', 'waiting'), ('RUNNING', 'running'), ('COMPLETED', 'done'), ('ERROR', 'failed'), ('REQUIRES_USER_INPUT', 'needs input'), ('SKIPPED', 'skipped'), ('CANCELLED', 'cancelled')], default='NEW', max_length=20)),
                ('error_message', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('edited_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('vector_database', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='chunk_edits', to='vectordb.vectordatabase')),
            ],
            options={
                'ordering': ['chunk_id'],
                'constraints': [models.UniqueConstraint(fields=('vector_database', 'chunk_id'), name='chunk_edit_chunk_unique')],
            },
        ),
    ]
