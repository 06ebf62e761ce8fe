"""What large partitions have so that filters which keep little need not look at every chunk."""

import pytest
from django.db import connection, transaction
from psycopg import sql

from tests.vectordb.conftest import HANDBOOK, add, build
from vectordb import partitions, vector_index
from vectordb.metadata_filter import to_sql
from vectordb.models import VectorDatabase


@pytest.fixture
def indexed(dataset, settings) -> VectorDatabase:
    settings.EXACT_SCAN_LIMIT = 3
    for number in range(5):
        add(dataset, f"{number}.md", HANDBOOK + b"Shelf number %d." % number)
    return build(dataset, chunk_size=128)


def plan_of(database: VectorDatabase, metadata_filter: dict[str, object]) -> str:
    """How PostgreSQL finds what the filter keeps, where it would rather not read everything."""
    statement = sql.SQL("EXPLAIN SELECT id FROM {} WHERE {}").format(
        partitions.table(database.pk), to_sql(metadata_filter)
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(statement)
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.parametrize(
    "metadata_filter",
    [
        {"source": "3.md"},
        {"source": {"$in": ["3.md", "4.md"]}},
        {"$or": [{"source": "3.md"}, {"source": {"$eq": "4.md"}}]},
        {"source": "3.md", "year": {"$gt": 2020}},
    ],
)
def test_equality_is_looked_up(indexed, metadata_filter):
    assert f"{partitions.table_name(indexed.pk)}_metadata" in plan_of(indexed, metadata_filter)


def test_small_partitions_have_no_such_index(indexed, settings):
    settings.EXACT_SCAN_LIMIT = 1_000
    vector_index.drop_index(indexed)

    assert "_metadata" not in plan_of(indexed, {"source": "3.md"})


def test_an_index_that_is_there_is_kept(indexed):
    vector_index.build_index(indexed, indexed.chunks_count)

    assert "_metadata" in plan_of(indexed, {"source": "3.md"})
