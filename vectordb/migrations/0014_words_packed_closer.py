from django.db import migrations


class Migration(migrations.Migration):
    """Indexes of words that an earlier Groundwork made cannot be read any more."""

    dependencies = [("vectordb", "0013_model_servers")]

    operations = [
        migrations.RunSQL(
            "UPDATE vectordb_vectordatabase SET keyword_facts = NULL", migrations.RunSQL.noop
        ),
    ]
