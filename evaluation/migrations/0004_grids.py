import config.ids
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('evaluation', '0003_question_sets'),
    ]

    operations = [
        migrations.CreateModel(
            name='Grid',
            fields=[
                ('id', config.ids.IdField(default=config.ids.new_id, editable=False, max_length=24, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=200)),
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='grid', to='evaluation.evaluationrun')),
            ],
            options={
                'ordering': ['-run__created_at', '-id'],
            },
        ),
        migrations.AddField(
            model_name='evaluationrow',
            name='word_f1',
            field=models.FloatField(null=True),
        ),
    ]
