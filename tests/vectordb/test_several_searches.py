"""Several questions searched for at once, and what they find fused."""

import asyncio

import pytest

from tests.vectordb.conftest import add, build
from vectordb.fusion import fused_ranks
from vectordb.models import VectorDatabase
from vectordb.passages import Retrieval
from vectordb.retrieval import retrieve
from vectordb.retrieval_settings import RetrievalSettings

in_database = pytest.mark.django_db(transaction=True)

QUESTION = "What do I need to know before my visit?"
PARTS = ("When is the shop closed?", "How do parcels reach the islands?")
ROWS = (
    ("hours", "The shop is closed on Mondays."),
    ("boat", "Parcels to the islands go by boat on Tuesdays."),
    ("visit", "A visit to the museum needs a ticket."),
    ("know", "What one needs to know about espresso is in the leaflet."),
    ("rain", "Umbrellas are rented out on days of rain."),
    ("dogs", "Dogs wait outside, at the hook beside the door."),
)


@pytest.fixture
def shop(dataset) -> VectorDatabase:
    lines = ["document,document_file_path", *(f'"{text}",{name}' for name, text in ROWS)]
    add(dataset, "shop.csv", "\n".join(lines).encode())
    return build(dataset)


def ask(
    database: VectorDatabase, searches: tuple[str, ...], query: str = QUESTION, **settings: object
) -> Retrieval:
    chosen = RetrievalSettings(**settings)  # type: ignore[arg-type]
    return asyncio.run(retrieve(database, query, chosen, searches=searches))


def sources(found: Retrieval) -> list[str]:
    return [passage.document_name for passage in found.passages]


@in_database
def test_each_part_brings_its_best(shop):
    alone = ask(shop, (), max_documents_retrieved_per_prompt=3)
    assert not {"hours", "boat"} <= set(sources(alone))
    assert alone.searches == ()

    for mode in ("hybrid", "vector", "keyword"):
        found = ask(shop, PARTS, max_documents_retrieved_per_prompt=3, search_mode=mode)
        assert {"hours", "boat"} <= set(sources(found)), mode
        assert found.searches == (QUESTION, *PARTS)


@in_database
def test_the_record_tells_of_each_search(shop):
    found = ask(shop, PARTS)

    first = [stage for stage in found.stages if stage.note.startswith("1 of 3")]
    assert [stage.name for stage in first] == ["search", "keyword search", "fusion"]
    assert [stage.name for stage in found.stages].count("search") == 3
    [fusion] = [stage for stage in found.stages if stage.note == "of 3 searches"]
    assert (fusion.name, fusion.left) == ("fusion", len(ROWS))
    assert found.stages[0].entered == 3
    for passage in found.passages:
        assert passage.ranks["fusion"] == passage.rank
        assert set(passage.ranks) <= {"meaning", "words", "fusion"}
    places = {passage.document_name: passage.ranks for passage in found.passages}
    assert places["hours"]["meaning"] == places["boat"]["meaning"] == 1
    assert found.explain()["searches"] == [QUESTION, *PARTS]


@in_database
def test_similarity_is_that_to_the_nearest_question(shop):
    [own] = ask(shop, (), PARTS[0], max_documents_retrieved_per_prompt=1).passages
    found = ask(shop, PARTS, max_documents_retrieved_per_prompt=6)
    [same] = [passage for passage in found.passages if passage.document_name == "hours"]
    assert same.similarity == pytest.approx(own.similarity, abs=1e-6)

    near = ask(shop, PARTS, max_documents_retrieved_per_prompt=6, similarity_threshold=0.5)
    assert set(sources(near)) == {
        passage.document_name for passage in found.passages if passage.similarity >= 0.5
    }
    assert {"hours", "boat"} <= set(sources(near))


@in_database
def test_the_same_question_is_searched_for_once(shop):
    found = ask(shop, (QUESTION, PARTS[0], PARTS[0]))
    assert found.searches == (QUESTION, PARTS[0])
    assert ask(shop, (QUESTION,)).searches == ()


def test_the_best_place_counts_then_how_many_have_it():
    fits = fused_ranks([[1, 2, 3], [3, 4, 2]])
    assert list(fits) == [3, 1, 2, 4]
    assert fits == pytest.approx({3: 1, 1: 1, 2: 61 / 62, 4: 61 / 62})
    assert fused_ranks([[7], [7]]) == {7: 1}
    assert fused_ranks([[], []]) == {}


def test_no_question_goes_without_its_best():
    fair = [50, 51, 52, 53]
    searches = [[number, *fair] for number in (1, 2, 3)]
    assert list(fused_ranks(searches)) == [1, 2, 3, *fair]
