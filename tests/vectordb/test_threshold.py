"""Hits that are less similar to the question than the settings allow."""

import asyncio

import pytest

from config.errors import InvalidInput
from tests.vectordb.conftest import add, build
from vectordb.models import VectorDatabase
from vectordb.passages import Retrieval
from vectordb.retrieval import retrieve
from vectordb.retrieval_settings import RetrievalSettings

in_database = pytest.mark.django_db(transaction=True)

QUESTION = "When is the shop closed?"
ROWS = (
    ("hours", "The shop is closed on Mondays."),
    ("sunday", "On Sundays the shop opens late."),
    ("boat", "Parcels to the islands go by boat."),
    ("rain", "Umbrellas are rented out on days of rain."),
    # Shares a word with the question, and no meaning.
    ("gas", "Closed closed closed: nitrogen boils at 77 kelvin."),
)


@pytest.fixture
def shop(dataset) -> VectorDatabase:
    lines = ["document,document_file_path", *(f'"{text}",{name}' for name, text in ROWS)]
    add(dataset, "shop.csv", "\n".join(lines).encode())
    return build(dataset)


def ask(database: VectorDatabase, **settings: object) -> Retrieval:
    usual = {"max_documents_retrieved_per_prompt": 5} | settings
    return asyncio.run(retrieve(database, QUESTION, RetrievalSettings(**usual)))  # type: ignore[arg-type]


@in_database
def test_only_what_is_similar_enough_is_left(shop):
    for mode in ("hybrid", "vector", "keyword"):
        everything = ask(shop, search_mode=mode)
        assert "threshold" not in {stage.name for stage in everything.stages}
        for threshold in (0, 0.2, 0.5, 0.9):
            found = ask(shop, search_mode=mode, similarity_threshold=threshold)

            expected = [p.chunk_id for p in everything.passages if p.similarity >= threshold]
            assert [passage.chunk_id for passage in found.passages] == expected
            [stage] = [stage for stage in found.stages if stage.name == "threshold"]
            assert (stage.entered, stage.left) == (len(everything.passages), len(expected))
            assert {one.chunk_id for one in found.dropped} == {
                passage.chunk_id for passage in everything.passages
            } - set(expected)


@in_database
def test_a_hit_by_words_alone_is_held_against_it_too(shop):
    first = ask(shop, search_mode="keyword").passages
    assert "gas" in {passage.document_name for passage in first}

    found = ask(shop, search_mode="keyword", similarity_threshold=0.3)

    assert "gas" not in {passage.document_name for passage in found.passages}
    [dropped] = [one for one in found.dropped if one.document_name == "gas"]
    assert dropped.stage == "threshold"
    [passage] = [passage for passage in first if passage.document_name == "gas"]
    assert dropped.why == f"similarity {passage.similarity:.3f} is below 0.3"
    assert dropped.rank == passage.rank


@in_database
def test_it_takes_no_place_from_what_is_similar_enough(shop):
    """By words “gas” is among the first two; the next that is similar enough moves up."""
    two = {"search_mode": "keyword", "max_documents_retrieved_per_prompt": 2}
    assert "gas" in {passage.document_name for passage in ask(shop, **two).passages}

    for retrieval_mode in ("similarity", "maximal_marginal_relevance"):
        found = ask(shop, **two, similarity_threshold=0.3, retrieval_mode=retrieval_mode)
        assert [passage.document_name for passage in found.passages] == ["hours", "sunday"]


@in_database
def test_a_neighbour_may_be_less_similar(dataset):
    boats = [f"Boat {n} sails to the islands with parcels." for n in range(25)]
    shop = ["The shop is closed on Mondays."] * 14
    add(dataset, "shop.txt", "\n\n".join([*boats, *shop, *boats]).encode())
    database = build(dataset, chunk_size=128, chunk_overlap_percentage=0)
    first = ask(database, search_mode="vector").passages[0]

    found = ask(database, similarity_threshold=0.5, add_neighbor_chunks=True)

    sent = {passage.chunk_id for passage in found.passages}
    assert first.chunk_id in sent
    assert min(passage.similarity for passage in found.passages) < 0.5
    assert all(passage.similarity >= 0.5 for passage in found.passages if not passage.is_neighbor)
    assert not sent & {one.chunk_id for one in found.dropped}


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_no_other_number_is_taken(value):
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        RetrievalSettings(similarity_threshold=value)
