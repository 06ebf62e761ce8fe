from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('vectordb', '0006_index_recall'),
    ]

    operations = [
        migrations.AddField(
            model_name='ingestion',
            name='reading',
            field=models.PositiveSmallIntegerField(default=0),
        ),
    ]
