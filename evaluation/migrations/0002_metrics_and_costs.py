import config.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('evaluation', '0001_evaluation_runs'),
        ('playground', '0004_moderation_and_scores'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CostConfiguration',
            fields=[
                ('id', config.ids.IdField(default=config.ids.new_id, editable=False, max_length=24, primary_key=True, serialize=False)),
                ('name', models.CharField(blank=True, max_length=200)),
                ('prices', models.JSONField(default=list)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('playground', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='cost_configurations', to='playground.playground')),
            ],
            options={
                'ordering': ['created_at', 'id'],
            },
        ),
        migrations.CreateModel(
            name='MetricConfiguration',
            fields=[
                ('id', config.ids.IdField(default=config.ids.new_id, editable=False, max_length=24, primary_key=True, serialize=False)),
                ('name', models.CharField(choices=[('latency', 'Latency'), ('prompt_tokens', 'Prompt tokens'), ('response_tokens', 'Response tokens'), ('document_tokens', 'Document tokens'), ('all_tokens', 'All tokens'), ('citations', 'Citations'), ('rouge_1', 'ROUGE-1'), ('faithfulness', 'Faithfulness'), ('correctness', 'Correctness'), ('jailbreak_violation', 'Jailbreak attempt'), ('toxicity_violation', 'Toxicity'), ('pii_violation', 'Personal data')], max_length=40)),
                ('custom_name', models.CharField(blank=True, max_length=200)),
                ('llm_id', models.CharField(blank=True, max_length=150)),
                ('custom_model_llm_validation_id', models.CharField(blank=True, max_length=24)),
                ('moderation', models.JSONField(null=True)),
                ('extra_settings', models.JSONField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('playground', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='metrics', to='playground.playground')),
            ],
            options={
                'ordering': ['created_at', 'id'],
                'constraints': [models.UniqueConstraint(fields=('playground', 'name', 'custom_name'), name='metric_configuration_unique')],
            },
        ),
    ]
