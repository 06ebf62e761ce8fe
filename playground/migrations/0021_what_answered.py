from django.db import migrations, models


class Migration(migrations.Migration):
    """The way to a prompt's LLM and vector database. No columns are added."""

    dependencies = [
        ("blueprints", "0011_locks"),
        ("playground", "0020_support_due"),
        ("vectordb", "0016_kinds_of_index"),
    ]

    operations = [
        migrations.AddField(
            "chatprompt",
            "llm",
            models.ForeignObject(
                "blueprints.llm",
                models.DO_NOTHING,
                ["llm_id"],
                ["id"],
                null=True,
                related_name="+",
            ),
        ),
        migrations.AddField(
            "chatprompt",
            "vector_database",
            models.ForeignObject(
                "vectordb.vectordatabase",
                models.DO_NOTHING,
                ["vector_database_id"],
                ["id"],
                null=True,
                related_name="+",
            ),
        ),
    ]
