import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('playground', '0008_prompt_details'),
    ]

    operations = [
        migrations.AddField(
            model_name='chat',
            name='origin',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='branches', to='playground.chat'),
        ),
        migrations.AddField(
            model_name='chatprompt',
            name='copy_of',
            field=models.CharField(blank=True, default='', max_length=24),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='chatprompt',
            name='is_superseded',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='chatprompt',
            name='question_id',
            field=models.CharField(blank=True, default='', max_length=24),
            preserve_default=False,
        ),
    ]
