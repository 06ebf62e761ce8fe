"""An index is of the kind that finds enough in little time, and stays so."""

import numpy as np
import pytest
from django.db import connection

from tests.vectordb.conftest import HANDBOOK, add, build
from vectordb import ingest, partitions, search, vector_index
from vectordb.index_kinds import DENSE, USUAL, Graph, Lists, definition, lists_for, settings_of
from vectordb.models import VectorDatabase

GOOD, POOR = 0.99, 0.9


@pytest.fixture
def indexed(dataset, settings) -> VectorDatabase:
    settings.EXACT_SCAN_LIMIT = 3
    for number in range(5):
        add(dataset, f"{number}.md", HANDBOOK + b"Shelf number %d." % number)
    return build(dataset, chunk_size=128)


@pytest.fixture
def built(monkeypatch) -> list[Graph | Lists]:
    """What is built, in its order."""
    found: list[Graph | Lists] = []
    create = vector_index._create_index

    def create_index(database, count, kind, *, workers):
        found.append(kind)
        create(database, count, kind, workers=workers)

    monkeypatch.setattr(vector_index, "_create_index", create_index)
    return found


@pytest.fixture
def recall(monkeypatch):
    """Say what is measured: how hard must be searched, and what is found then."""

    def say(*measured: tuple[int, float]) -> None:
        left = iter(measured)
        monkeypatch.setattr(vector_index, "choose_width", lambda *asked: next(left))

    return say


def indexes(database: VectorDatabase) -> dict[str, list[str]]:
    """Those of its vectors, by the ends of their names."""
    name = partitions.table_name(database.pk)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, reloptions FROM pg_class WHERE relkind = 'i' AND relname = ANY(%s)",
            [[f"{name}_{end}" for end in ("hnsw", "hnsw_new", "ivfflat", "ivfflat_new")]],
        )
        return {relname.removeprefix(f"{name}_"): options for relname, options in cursor}


def built_again(database: VectorDatabase) -> VectorDatabase:
    vector_index.build_index(database, database.chunks_count)
    database.refresh_from_db()
    return database


def test_an_index_is_the_usual_graph(indexed, built, recall):
    recall((160, 0.97))
    built_again(indexed)

    assert built == [USUAL]
    assert indexes(indexed) == {"hnsw": ["m=16", "ef_construction=64"]}
    assert (indexed.index_kind, indexed.index_width, indexed.index_recall) == ("hnsw", 160, 0.97)


@pytest.mark.parametrize("poor", [(320, 0.99), (80, 0.96), (1000, 0.9)])
def test_where_that_is_searched_too_hard_or_finds_too_little_it_becomes_lists(
    indexed, built, recall, poor
):
    recall(poor, (7, 0.98))
    built_again(indexed)

    assert built == [USUAL, Lists(1)]
    assert indexes(indexed) == {"ivfflat": ["lists=1"]}
    assert (indexed.index_kind, indexed.index_width, indexed.index_recall) == ("ivfflat", 7, 0.98)


def test_where_these_find_too_little_as_well_it_becomes_a_denser_graph(indexed, built, recall):
    recall((1000, POOR), (9, POOR), (320, POOR))
    built_again(indexed)

    assert built == [USUAL, Lists(1), DENSE]
    assert indexes(indexed) == {"hnsw": ["m=32", "ef_construction=128"]}
    assert (indexed.index_kind, indexed.index_width) == ("hnsw", 320)


@pytest.mark.parametrize(
    ("measured", "kind"),
    [([(1000, POOR), (9, GOOD)], Lists(1)), ([(1000, POOR), (9, POOR), (320, GOOD)], DENSE)],
)
def test_what_was_needed_once_is_built_at_once(indexed, built, recall, measured, kind):
    recall(*measured, (9, GOOD))
    built_again(indexed)
    built.clear()
    built_again(indexed)

    assert built == [kind]


def test_lists_that_find_too_little_by_now_make_room_as_well(indexed, built, recall):
    recall((1000, POOR), (9, GOOD), (30, POOR), (80, GOOD))
    built_again(indexed)
    built.clear()
    built_again(indexed)

    assert built == [Lists(1), DENSE]
    assert list(indexes(indexed)) == ["hnsw"]


def test_a_database_that_lost_its_index_begins_as_usual(indexed, built, recall):
    recall((1000, POOR), (9, GOOD), (80, GOOD))
    built_again(indexed)
    vector_index.drop_index(indexed)
    assert indexes(indexed) == {}
    indexed.refresh_from_db()
    assert (indexed.index_kind, indexed.index_width) == ("", None)
    built_again(indexed)

    assert built == [USUAL, Lists(1), USUAL]
    assert list(indexes(indexed)) == ["hnsw"]


@pytest.mark.parametrize(("also_poor", "kind"), [((), "ivfflat"), ((Lists,), "hnsw")])
def test_whatever_it_is_finds_what_an_exact_scan_finds(indexed, monkeypatch, also_poor, kind):
    tune = vector_index._tune

    def poor(database, kind, count):
        width, recall = tune(database, kind, count)
        return width, 0.0 if kind == USUAL or isinstance(kind, also_poor) else recall

    monkeypatch.setattr(vector_index, "_tune", poor)
    built_again(indexed)
    ingest.ingest(indexed.pk)

    indexed.refresh_from_db()
    assert indexed.index_kind == kind
    assert indexed.index_recall == pytest.approx(1, abs=0.05)
    vector = np.random.default_rng(2).normal(size=384).tolist()
    found = search.nearest(indexed, vector, limit=4)
    assert found.search == kind
    indexed.index_width = None
    assert [hit.chunk_id for hit in found.hits] == [
        hit.chunk_id for hit in search.nearest(indexed, vector, limit=4).hits
    ]


def test_until_it_is_tuned_one_of_another_kind_is_searched_as_hard_as_it_can(indexed, monkeypatch):
    seen = []
    choose = iter([(1000, POOR), (1, GOOD)])

    def look(database, kind, count):
        seen.append(VectorDatabase.objects.values_list("index_kind", "index_width").get())
        return next(choose)

    monkeypatch.setattr(vector_index, "choose_width", look)
    built_again(indexed)

    assert seen[1] == ("ivfflat", 1)


@pytest.mark.parametrize(
    ("count", "lists"), [(1, 1), (5_000, 5), (100_000, 100), (1_000_000, 1_000), (9_000_000, 2_000)]
)
def test_lists_hold_a_thousand_vectors_while_there_are_not_too_many(count, lists):
    assert lists_for(count) == Lists(lists)


def test_lists_are_read_until_some_thousand_vectors_were_looked_at():
    assert Lists(1_000).widths(1_000_000) == (4, 6, 8, 10, 15, 20, 30)
    assert Lists(5).widths(5_000) == (4, 5)
    assert Lists(2_000).widths(8_000_000)[0] == 1


def test_lists_take_less_memory_to_build_than_graphs():
    assert Lists(1_000).memory(1_000_000, 384) < USUAL.memory(1_000_000, 384) / 4


def test_a_graph_is_searched_for_as_many_as_are_wanted():
    assert settings_of("hnsw", 80, 200)["hnsw.ef_search"] == "200"
    assert settings_of("ivfflat", 8, 200)["ivfflat.probes"] == "8"


def test_an_index_is_defined_for_its_dimensions():
    assert definition(Lists(7), 384).as_string() == (
        "USING ivfflat ((embedding::halfvec(384)) halfvec_cosine_ops) WITH (lists = 7)"
    )
