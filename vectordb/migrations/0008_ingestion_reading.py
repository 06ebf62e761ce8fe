from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('vectordb', '0007_trial_cuts'),
    ]

    operations = [
        migrations.AddField(
            model_name='ingestion',
            name='reading',
            field=models.PositiveSmallIntegerField(default=0),
        ),
    ]
