from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vectordb", "0014_words_packed_closer")]

    operations = [
        migrations.AddField(
            model_name="vectordatabase",
            name="chunks_removed_at",
            field=models.DateTimeField(null=True),
        ),
    ]
