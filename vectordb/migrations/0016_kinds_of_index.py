from django.db import migrations, models

_GRAPHS = "UPDATE vectordb_vectordatabase SET index_kind = 'hnsw' WHERE index_width IS NOT NULL"


class Migration(migrations.Migration):
    dependencies = [("vectordb", "0015_when_chunks_were_removed")]

    operations = [
        migrations.RenameField("vectordatabase", "ef_search", "index_width"),
        migrations.AddField(
            "vectordatabase",
            "index_kind",
            models.CharField(blank=True, default="", max_length=20),
            preserve_default=False,
        ),
        # Lists came with this field.
        migrations.RunSQL(_GRAPHS, migrations.RunSQL.noop),
    ]
