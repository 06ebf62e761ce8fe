from django.db import migrations
from pgvector.django import VectorExtension

# halfvec without dimensions: databases of different embedding models share the parent table, and
# each partition checks its own. PLAIN keeps vectors out of TOAST; both must be set before loading.
CREATE = """
CREATE TABLE vectordb_chunk (
    vector_database_id varchar(24) NOT NULL,
    id bigint NOT NULL,
    document_id varchar(24) NOT NULL,
    position integer NOT NULL,
    page integer,
    start_offset bigint NOT NULL,
    end_offset bigint NOT NULL,
    token_count integer NOT NULL,
    embedding halfvec STORAGE PLAIN NOT NULL,
    text text NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (vector_database_id, id)
) PARTITION BY LIST (vector_database_id)
"""


class Migration(migrations.Migration):
    dependencies = [("vectordb", "0001_initial")]

    operations = [
        VectorExtension(),
        migrations.RunSQL(CREATE, "DROP TABLE vectordb_chunk"),
    ]
