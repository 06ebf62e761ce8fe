from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('playground', '0009_branches_and_versions'),
    ]

    operations = [
        migrations.AddField(
            model_name='chat',
            name='metadata_filter',
            field=models.JSONField(null=True),
        ),
    ]
