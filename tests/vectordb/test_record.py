"""What the record of a retrieval tells about each passage: its ranks, and why it was left out."""

import asyncio
import json
from dataclasses import fields

import pytest

from tests.vectordb.conftest import HANDBOOK, add, build
from vectordb import search
from vectordb.embedding import embed_query
from vectordb.keyword_search import score_words
from vectordb.models import VectorDatabase
from vectordb.passages import Dropped, Record, Retrieval
from vectordb.retrieval import retrieve
from vectordb.retrieval_settings import RetrievalSettings

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "On which day is the shop closed?"


@pytest.fixture
def library(dataset) -> VectorDatabase:
    """Two documents of several overlapping chunks each."""
    tales = b"".join(
        b"Tale %d: a fox met %d hens behind barn %d.\n\n" % (n, n * 3, n) for n in range(60)
    )
    add(dataset, "handbook.md", HANDBOOK * 6)
    add(dataset, "tales.txt", tales)
    return build(dataset, chunk_size=128, chunk_overlap_percentage=30)


def ask(database: VectorDatabase, **settings: object) -> Retrieval:
    return asyncio.run(retrieve(database, QUESTION, RetrievalSettings(**settings)))  # type: ignore[arg-type]


def test_a_passage_knows_its_place_in_each_ranking(library):
    fusion = ["meaning", "words", "fusion"]
    for asked, names in (
        ({"search_mode": "vector"}, ["meaning"]),
        ({"search_mode": "keyword"}, ["words"]),
        ({}, fusion),
        ({"retrieval_mode": "maximal_marginal_relevance"}, [*fusion, "diversity"]),
    ):
        found = ask(library, **asked)
        assert set().union(*(passage.ranks for passage in found.passages)) == set(names)
        for passage in found.passages:
            assert passage.ranks[names[-1]] == passage.rank

    vector = asyncio.run(embed_query(library.embedding_model, QUESTION))
    nearest = [hit.chunk_id for hit in search.nearest(library, vector, limit=100).hits]
    words = score_words(library, QUESTION).best(100)
    for passage in ask(library).passages:
        assert passage.ranks["meaning"] == nearest.index(passage.chunk_id) + 1
        assert passage.ranks.get("words") == (
            words.index(passage.chunk_id) + 1 if passage.chunk_id in words else None
        )


def test_a_neighbour_was_in_no_ranking(library):
    found = ask(library, add_neighbor_chunks=True)

    assert {passage.is_neighbor for passage in found.passages} == {True, False}
    for passage in found.passages:
        assert bool(passage.ranks) != passage.is_neighbor

    found = ask(library, add_neighbor_chunks=True, max_tokens=300)
    told = json.loads(json.dumps(found.explain()))
    assert [one["ranks"] for one in told["passages"]] == [p.ranks for p in found.passages]
    assert sorted(told["dropped"][0]) == sorted(field.name for field in fields(Dropped))


def test_what_the_cap_cut_is_told_with_the_reason(library):
    everything = ask(library, add_neighbor_chunks=True)
    found = ask(library, add_neighbor_chunks=True, max_tokens=300)
    kept = {passage.chunk_id for passage in found.passages}

    [first, *others] = [one for one in found.dropped if one.stage == "token cap"]
    assert kept | {first.chunk_id, *(one.chunk_id for one in others)} == {
        passage.chunk_id for passage in everything.passages
    }
    left = 300 - found.token_count
    assert first.why == f"has {first.token_count} tokens, and {left} of 300 are left"
    assert {one.why for one in others} == {"comes after what filled the cap"}
    by_id = {passage.chunk_id: passage for passage in everything.passages}
    for one in [first, *others]:
        passage = by_id[one.chunk_id]
        assert (one.document_name, one.position, one.token_count, one.rank) == (
            passage.document_name,
            passage.position,
            passage.token_count,
            passage.rank,
        )

    cut = ask(library, max_tokens=20)
    assert [passage.is_cut for passage in cut.passages] == [True]
    assert [one.rank for one in cut.dropped] == [2, 3, 4]
    assert {one.why for one in cut.dropped} == {"comes after what filled the cap"}


def test_what_others_say_is_told_as_dropped(dataset):
    add(dataset, "waves.txt", b" ".join(b"Wave %d rolls in." % n for n in range(120)))
    database = build(dataset, chunk_size=128, chunk_overlap_percentage=50)
    found = ask(database, max_documents_retrieved_per_prompt=10, search_mode="vector")
    chosen = {passage.chunk_id for passage in found.passages}

    assert {stage.name: stage.entered - stage.left for stage in found.stages}[
        "de-duplication"
    ] == len(found.dropped)
    assert found.dropped
    for one in found.dropped:
        assert (one.stage, one.why) == ("de-duplication", "better passages say all of it")
        assert one.chunk_id not in chosen


def test_chunks_that_no_ranking_knew_have_no_ranks():
    record = Record()
    record.rank("meaning", [7, 8])
    record.rank("words", [8])
    record.rank("meaning", [8])
    assert record.ranks_of([8, 7, 9]) == {8: {"meaning": 1, "words": 1}, 7: {"meaning": 1}, 9: {}}
