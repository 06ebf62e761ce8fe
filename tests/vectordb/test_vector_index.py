"""An index is as dense as its recall needs, and stays so."""

import pytest
from django.db import connection

from tests.vectordb.conftest import HANDBOOK, add, build
from vectordb import ingest, partitions, vector_index
from vectordb.models import VectorDatabase

USUAL, DENSE = ["m=16", "ef_construction=64"], ["m=32", "ef_construction=128"]


@pytest.fixture
def indexed(dataset, settings) -> VectorDatabase:
    settings.EXACT_SCAN_LIMIT = 3
    for number in range(5):
        add(dataset, f"{number}.md", HANDBOOK + b"Shelf number %d." % number)
    return build(dataset, chunk_size=128)


@pytest.fixture
def built(monkeypatch) -> list[int]:
    """The links of the graphs that are built, in their order."""
    found: list[int] = []
    create = vector_index._create_index

    def create_index(database, count, graph, *, workers):
        found.append(graph.m)
        create(database, count, graph, workers=workers)

    monkeypatch.setattr(vector_index, "_create_index", create_index)
    return found


@pytest.fixture
def recall(monkeypatch):
    """Say what is measured: how hard must be searched, and what is found then."""

    def say(*measured: tuple[int, float]) -> None:
        left = iter(measured)
        monkeypatch.setattr(vector_index, "choose_ef_search", lambda database: next(left))

    return say


def options(database: VectorDatabase) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reloptions FROM pg_class WHERE relname = %s",
            [f"{partitions.table_name(database.pk)}_hnsw"],
        )
        return list(cursor.fetchone()[0])


def test_an_index_has_the_usual_links(indexed, built, recall):
    recall((160, 0.97))
    vector_index.build_index(indexed, indexed.chunks_count)

    assert (built, options(indexed)) == ([16], USUAL)


@pytest.mark.parametrize("poor", [(320, 0.99), (80, 0.96), (1000, 0.9)])
def test_one_that_is_searched_too_hard_or_finds_too_little_gets_more(indexed, built, recall, poor):
    recall(poor, (80, 0.995))
    vector_index.build_index(indexed, indexed.chunks_count)

    assert (built, options(indexed)) == ([16, 32], DENSE)
    indexed.refresh_from_db()
    assert (indexed.ef_search, indexed.index_recall) == (80, 0.995)


def test_once_dense_it_is_built_so_at_once(indexed, built, recall):
    recall((1000, 0.9), (80, 0.99), (1000, 0.9))
    vector_index.build_index(indexed, indexed.chunks_count)
    vector_index.build_index(indexed, indexed.chunks_count)

    assert (built, options(indexed)) == ([16, 32, 32], DENSE)


def test_a_database_that_lost_its_index_begins_as_usual(indexed, built, recall):
    recall((1000, 0.9), (80, 0.99), (80, 0.99))
    vector_index.build_index(indexed, indexed.chunks_count)
    vector_index.drop_index(indexed)
    vector_index.build_index(indexed, indexed.chunks_count)

    assert (built, options(indexed)) == ([16, 32, 16], USUAL)


def test_a_dense_index_finds_what_an_exact_scan_finds(indexed, built, monkeypatch):
    monkeypatch.setattr(vector_index, "_WIDEST_SEARCH", 0)
    vector_index.build_index(indexed, indexed.chunks_count)
    ingest.ingest(indexed.pk)

    indexed.refresh_from_db()
    assert options(indexed) == DENSE
    assert indexed.index_recall == pytest.approx(1, abs=0.05)
