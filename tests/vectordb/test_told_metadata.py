"""Title, headings, page and language among the metadata of chunks: in filters, beside the user's."""

import pytest

from config.threads import in_thread
from tests.vectordb import samples
from tests.vectordb.conftest import add, build
from vectordb import services
from vectordb.models import Chunk
from vectordb.retrieval import retrieve
from vectordb.retrieval_settings import RetrievalSettings

SHOP = b"""# The shop

## Returns

Goods that were bought here can be returned within thirty days of their delivery.

## Shipping

The parcels are sent to the islands on Tuesdays, and they go there by boat.
"""
ENGLISH = "These are the words of a page that was written in English, and they are all there is."


def metadata_of(database) -> list[dict[str, object]]:
    chunks = Chunk.objects.filter(vector_database_id=database.pk)
    return [chunk.metadata for chunk in chunks]


def test_what_a_text_tells_is_among_the_metadata(dataset):
    add(
        dataset,
        "shop.html",
        b"<title>The shop</title><h1>Returns</h1><h2>Damaged</h2><p>We pay for the parcel.",
    )
    assert metadata_of(build(dataset)) == [
        {
            "source": "shop.html",
            "title": "The shop",
            "headings": "Returns > Damaged",
            "language": "en",
        }
    ]


def test_pages_are_among_the_metadata(dataset):
    add(dataset, "a.pdf", samples.pdf(ENGLISH, ENGLISH))
    assert metadata_of(build(dataset)) == [
        {"source": "a.pdf", "page": page, "language": "en"} for page in (1, 2)
    ]


def test_columns_of_the_user_go_before_what_the_text_tells(dataset):
    rows = f"{ENGLISH},a.txt,Mine,7,xx\n{ENGLISH},b.txt,,,\n"
    add(
        dataset,
        "rows.csv",
        f"document,document_file_path,title,page,language\n{rows}".replace(
            ENGLISH, f'"{ENGLISH}"'
        ).encode(),
    )
    assert metadata_of(build(dataset)) == [
        {"source": "a.txt", "title": "Mine", "page": 7, "language": "xx"},
        {"source": "b.txt", "language": "en"},
    ]


@pytest.fixture
def shop(transactional_db, dataset):
    add(dataset, "shop.md", SHOP.replace(b"here", b"here " * 60))
    add(dataset, "leaves.pdf", samples.pdf("First leaf.", "Second leaf."))
    return build(dataset, chunk_size=128)


@pytest.mark.parametrize(
    ("metadata_filter", "expected"),
    [
        ({"title": "The shop"}, {"shop.md"}),
        ({"title": {"$contains": "sho"}}, {"shop.md"}),
        ({"headings": "The shop > Shipping"}, {"shop.md"}),
        ({"headings": {"$contains": "Shipping"}}, {"shop.md"}),
        ({"headings": {"$in": ["Shipping"]}}, set()),
        ({"page": 2}, {"leaves.pdf"}),
        ({"page": {"$gte": 1}}, {"leaves.pdf"}),
        ({"page": {"$gt": 2}}, set()),
        ({"page": "2"}, set()),
        ({"language": {"$in": ["en", "de"]}}, {"shop.md"}),
        ({"language": {"$ne": "en"}}, {"leaves.pdf"}),
        ({"$or": [{"title": "The shop"}, {"page": 1}]}, {"shop.md", "leaves.pdf"}),
    ],
)
async def test_filters_know_what_a_text_tells(shop, metadata_filter, expected):
    assert await sources(shop, metadata_filter) == expected


async def sources(database, metadata_filter) -> set[str]:
    found = await retrieve(
        database, "Shipping", RetrievalSettings(), metadata_filter=metadata_filter
    )
    return {passage.document_name for passage in found.passages}


async def test_in_databases_without_them_filters_find_nothing(shop):
    chunks = Chunk.objects.filter(vector_database_id=shop.pk)
    await in_thread(chunks.update, metadata={"source": "old.md"})
    for name, value in (("title", "The shop"), ("headings", "x"), ("page", 1), ("language", "en")):
        assert await sources(shop, {name: value}) == set()
        assert await sources(shop, {name: {"$ne": value}}) == {"old.md"}


def test_the_same_content_brings_them_along(dataset, alice, use_case, monkeypatch):
    add(dataset, "shop.md", SHOP)
    first = metadata_of(build(dataset))
    other = services.create_dataset(user=alice, name="Other", use_case=use_case)
    add(other, "copy.md", SHOP)

    def refuse(*_):
        raise AssertionError("embedded again")

    monkeypatch.setattr("vectordb.ingest_run.get_embedder", refuse)
    copied = metadata_of(build(other))

    assert copied == [told | {"source": "copy.md"} for told in first]
    assert copied[0]["title"] == "The shop"
