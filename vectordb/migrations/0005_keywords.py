from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vectordb", "0004_sample_of_a_dataset")]

    operations = [
        migrations.AddField(
            "vectordatabase", "keyword_facts", models.JSONField(null=True)
        ),
        migrations.RunSQL(
            "ALTER TABLE vectordb_chunk ADD COLUMN language varchar(8) NOT NULL DEFAULT ''",
            "ALTER TABLE vectordb_chunk DROP COLUMN language",
        ),
    ]
