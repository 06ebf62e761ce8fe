from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('playground', '0003_comparisons'),
    ]

    operations = [
        migrations.AddField(
            model_name='chatprompt',
            name='asked_text',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='chatprompt',
            name='blocked_text',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='chatprompt',
            name='confidence_scores',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='chatprompt',
            name='metrics',
            field=models.JSONField(default=list),
        ),
    ]
