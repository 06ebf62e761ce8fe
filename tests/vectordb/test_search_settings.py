"""Settings that a search is made with: sent along with it, and gone after it."""

import pytest
from django.db import connection

from tests.vectordb.conftest import add, build
from vectordb import search, vector_index
from vectordb.embedding import get_embedder
from vectordb.metadata_filter import to_sql

pytestmark = pytest.mark.django_db(transaction=True)


def setting(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        return str(cursor.fetchone()[0])


@pytest.fixture
def rules(dataset):
    """Fifty chunks, which count as many."""
    rows = b"".join(b"Rule %d.,%d.txt\n" % (number, number) for number in range(50))
    add(dataset, "rules.csv", b"document,document_file_path\n" + rows)
    database = build(dataset)
    database.chunks_count = 2_000
    return database


@pytest.mark.parametrize("how", ["exact", "filtered", "hnsw"])
def test_the_same_search_finds_the_same_however_often_it_is_put(rules, how):
    if how == "hnsw":
        vector_index.build_index(rules, 50)
        rules.refresh_from_db()
    vector = get_embedder(rules.embedding_model).embed(["Which is rule 7?"])[0].tolist()
    condition = to_sql({"source": {"$ne": "8.txt"}}) if how == "filtered" else None
    names = ("work_mem", "max_parallel_workers_per_gather", "enable_seqscan")
    before = [setting(name) for name in names]

    # More often than it takes for a statement to be prepared.
    found = [search.nearest(rules, vector, limit=5, condition=condition) for _ in range(8)]

    assert len(found[0].hits) == 5
    assert found[0].search == ("hnsw" if how == "hnsw" else search.EXACT)
    assert all(one == found[0] for one in found)
    assert [setting(name) for name in names] == before
