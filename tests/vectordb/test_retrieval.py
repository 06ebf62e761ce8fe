"""Retrieval on real vectors, against the same computed by numpy."""

import asyncio
import json
from itertools import pairwise

import numpy as np
import pytest
from django.db import connection

from config.errors import Conflict, InvalidInput
from config.threads import in_thread
from tests.vectordb.conftest import HANDBOOK, add, build, create
from vectordb import ingest, partitions, search
from vectordb.embedding import embed_ahead, embed_query, embed_texts, get_embedder
from vectordb.embedding_models import MINILM
from vectordb.metadata_filter import to_sql
from vectordb.models import CHUNKS_PER_DOCUMENT, Chunk, VectorDatabase
from vectordb.passages import Retrieval
from vectordb.retrieval import chunk_in_context, retrieve
from vectordb.retrieval_settings import RetrievalSettings
from vectordb.tokens import count_tokens

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "On which day is the shop closed?"


def ask(
    database: VectorDatabase,
    query: str = QUESTION,
    *,
    metadata_filter: dict[str, object] | None = None,
    token_limit: int | None = None,
    **settings: object,
) -> Retrieval:
    async def run() -> Retrieval:
        return await retrieve(
            database,
            query,
            RetrievalSettings(**settings),  # type: ignore[arg-type]
            metadata_filter=metadata_filter,
            token_limit=token_limit,
        )

    return asyncio.run(run())


@pytest.fixture
def library(dataset) -> VectorDatabase:
    """Two documents of several overlapping chunks each."""
    tales = b"".join(
        b"Tale %d: a fox met %d hens behind barn %d.\n\n" % (n, n * 3, n) for n in range(80)
    )
    add(dataset, "handbook.md", HANDBOOK * 6)
    add(dataset, "tales.txt", tales)
    return build(dataset, chunk_size=128, chunk_overlap_percentage=30)


def fill(database: VectorDatabase, vectors: np.ndarray, metadata=lambda number: {}) -> None:
    """Rows of made-up text with these vectors."""
    partitions.create(database)
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO vectordb_chunk VALUES (%s, %s, 'd', %s, NULL, %s, %s, 1, %s::halfvec, %s, %s)",
            [
                (
                    database.pk,
                    CHUNKS_PER_DOCUMENT + number,
                    number,
                    number * 10,
                    number * 10 + len(f"text {number}"),
                    str(vector.tolist()),
                    f"text {number}",
                    json.dumps(metadata(number)),
                )
                for number, vector in enumerate(vectors)
            ],
        )


@pytest.fixture
def made_up(dataset) -> tuple[VectorDatabase, np.ndarray]:
    add(dataset, "a.txt", b"words")
    database = create(dataset)
    vectors = np.random.default_rng(7).normal(size=(600, 384)).astype(np.float32)
    fill(database, vectors, lambda number: {"group": number % 100, "source": "a.txt"})
    return database, vectors


def exact_ids(vectors: np.ndarray, query: np.ndarray, limit: int, among=None) -> list[int]:
    half = vectors.astype(np.float16).astype(np.float64)
    wanted = query.astype(np.float16).astype(np.float64)
    similarity = half @ wanted / np.linalg.norm(half, axis=1) / np.linalg.norm(wanted)
    if among is not None:
        similarity[[n for n in range(len(vectors)) if n not in among]] = -2
    return [CHUNKS_PER_DOCUMENT + int(n) for n in np.argsort(-similarity)[:limit]]


def ids(found: search.Found) -> list[int]:
    return [hit.chunk_id for hit in found.hits]


def test_a_question_finds_its_passage(handbook):
    found = ask(handbook)
    [passage] = found.passages

    assert "closed on Mondays" in passage.text
    assert (passage.document_name, passage.rank, passage.is_neighbor) == ("handbook.md", 1, False)
    assert passage.metadata == {"source": "handbook.md", "headings": "Returns", "language": "en"}
    [own, question] = asyncio.run(embed_texts(MINILM, [passage.text, QUESTION]))
    assert passage.similarity == pytest.approx(float(own @ question), abs=0.01)


def test_the_record_tells_each_stage(library):
    found = ask(
        library, add_neighbor_chunks=True, metadata_filter={"source": "tales.txt"}, max_tokens=300
    )

    assert [stage.name for stage in found.stages] == [
        "embed",
        "metadata filter",
        "search",
        "keyword search",
        "fusion",
        "neighbours",
        "de-duplication",
        "token cap",
    ]
    by_name = {stage.name: stage for stage in found.stages}
    assert by_name["metadata filter"].entered == library.chunks_count
    assert by_name["metadata filter"].left == library.ingestions.get(number=2).chunks_count
    assert by_name["fusion"].left == 4
    assert by_name["token cap"].left == len(found.passages)
    assert found.search == "exact"
    json.dumps(found.explain())


@pytest.mark.parametrize("limit", [1, 4, 10])
def test_search_is_exact(made_up, limit):
    database, vectors = made_up
    query = np.random.default_rng(limit).normal(size=384).astype(np.float32)
    found = search.nearest(database, query.tolist(), limit=limit)
    assert ids(found) == exact_ids(vectors, query, limit)


def test_a_filter_is_exact_and_counted(made_up):
    database, vectors = made_up
    query = vectors[3]
    found = search.nearest(
        database, query.tolist(), limit=10, condition=to_sql({"group": {"$in": [3, 4]}})
    )
    among = {n for n in range(600) if n % 100 in (3, 4)}
    assert ids(found) == exact_ids(vectors, query, 10, among)
    assert found.matching == 12


@pytest.fixture
def indexed(made_up, settings) -> tuple[VectorDatabase, np.ndarray]:
    settings.EXACT_SCAN_LIMIT = 100
    database, vectors = made_up
    database.ingestions.all().delete()
    VectorDatabase.objects.filter(pk=database.pk).update(status="RUNNING")
    ingest.ingest(database.pk)
    database.refresh_from_db()
    return database, vectors


def test_a_large_partition_is_indexed_and_searched_by_it(indexed):
    database, vectors = indexed
    assert database.index_width is not None
    assert database.index_recall == pytest.approx(1, abs=0.01)
    assert database.status == "COMPLETED"
    shared = 0
    for seed in range(20):
        query = np.random.default_rng(seed).normal(size=384).astype(np.float32)
        found = search.nearest(database, query.tolist(), limit=10)
        assert found.search == "hnsw"
        assert len(found.hits) == 10
        assert [h.distance for h in found.hits] == sorted(h.distance for h in found.hits)
        shared += len(set(ids(found)) & set(exact_ids(vectors, query, 10)))
    assert shared >= 190


def test_a_narrow_filter_on_an_indexed_partition_is_exact(indexed):
    database, _ = indexed
    found = ask(database, metadata_filter={"group": 7}, max_documents_retrieved_per_prompt=10)
    assert found.search == search.EXACT
    assert len(found.passages) == 6
    assert {passage.position % 100 for passage in found.passages} == {7}


def test_a_wide_filter_uses_the_index_and_misses_no_row(indexed):
    database, _ = indexed
    wide = ask(
        database, metadata_filter={"group": {"$lt": 90}}, max_documents_retrieved_per_prompt=10
    )
    assert wide.search == "hnsw"
    assert len(wide.passages) == 10
    assert "wide filter" in {stage.name: stage for stage in wide.stages}["metadata filter"].note


def test_an_index_that_gives_up_early_is_not_believed(indexed, monkeypatch):
    database, _ = indexed
    monkeypatch.setattr("vectordb.search._Query.indexed", lambda *_: [])
    assert len(ask(database, max_documents_retrieved_per_prompt=10).passages) == 10
    filtered = ask(database, metadata_filter={"group": {"$gte": 0}})
    assert (len(filtered.passages), filtered.search) == (4, search.EXACT)


def test_documents_added_to_an_indexed_partition_are_found(indexed, alice):
    database, vectors = indexed
    fill_more = vectors[:1] * -1
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO vectordb_chunk VALUES (%s, %s, 'e', 0, NULL, 0, 1, 1, %s::halfvec, 'new', '{}')",
            [database.pk, 2 * CHUNKS_PER_DOCUMENT, str(fill_more[0].tolist())],
        )
    ingest.ingest(database.pk)
    database.refresh_from_db()
    assert database.chunks_count == 601
    found = search.nearest(database, fill_more[0].tolist(), limit=1)
    assert (ids(found), found.search) == ([2 * CHUNKS_PER_DOCUMENT], "hnsw")


def test_neighbours_come_once_in_order_and_say_nothing_twice(library):
    found = ask(library, add_neighbor_chunks=True)

    chunk_ids = [passage.chunk_id for passage in found.passages]
    assert len(set(chunk_ids)) == len(chunk_ids) > 4
    order = [(passage.rank, passage.position) for passage in found.passages]
    assert order == sorted(order)
    hits = {passage.chunk_id for passage in found.passages if not passage.is_neighbor}
    for passage in found.passages:
        near = {passage.chunk_id + step for step in (-1, 0, 1)}
        assert near & hits
    texts = {1: (HANDBOOK * 6).decode()}
    for passage in found.passages:
        text = texts.get(passage.chunk_id // CHUNKS_PER_DOCUMENT)
        if text:
            assert text[passage.start : passage.end] == passage.text
    spans = sorted((p.document_id, p.start, p.end) for p in found.passages)
    for first, second in pairwise(spans):
        assert first[0] != second[0] or first[2] <= second[1]


def test_neighbours_stay_in_their_document(library):
    last = Chunk.objects.filter(
        vector_database_id=library.pk, id__lt=2 * CHUNKS_PER_DOCUMENT
    ).last()
    assert last is not None
    found = ask(library, last.text, add_neighbor_chunks=True, max_documents_retrieved_per_prompt=1)
    assert {passage.document_id for passage in found.passages} == {last.document_id}
    assert [passage.position for passage in found.passages] == [last.position - 1, last.position]


def test_neighbours_satisfy_the_filter_too(made_up):
    database, _ = made_up
    found = ask(database, metadata_filter={"group": 5}, add_neighbor_chunks=True)
    assert {passage.position % 100 for passage in found.passages} == {5}
    assert not any(passage.is_neighbor for passage in found.passages)


@pytest.mark.parametrize("cap", [1, 50, 128, 200, 51_200])
def test_the_token_cap_holds_exactly(library, cap):
    for extra in (
        {"max_tokens": cap},
        {"token_limit": cap},
        {"max_tokens": 51_200, "token_limit": cap},
    ):
        found = ask(library, add_neighbor_chunks=True, **extra)
        assert 0 < found.token_count <= cap
        assert found.token_count == sum(count_tokens(p.text) for p in found.passages)
        assert found.passages[0].rank == 1


def test_no_room_at_all_gives_no_passage(library):
    assert ask(library, token_limit=0).passages == ()


def test_a_source_can_be_filtered(library):
    found = ask(library, metadata_filter={"source": {"$contains": "tales"}})
    assert {passage.document_name for passage in found.passages} == {"tales.txt"}
    assert ask(library, metadata_filter={"source": "nowhere"}).passages == ()


def test_a_filter_that_cannot_be_read_is_refused(library):
    with pytest.raises(InvalidInput):
        ask(library, metadata_filter={"a": {"$near": 1}})


def test_a_database_that_is_not_built_says_so(dataset):
    add(dataset, "a.txt", b"words")
    with pytest.raises(Conflict, match="no chunks"):
        ask(create(dataset))


def test_a_chunk_is_shown_between_its_neighbours(library):
    chunks = list(Chunk.objects.filter(vector_database_id=library.pk))
    first, second, third = chunks[:3]
    assert chunk_in_context(library, second.id) == (first, second, third)
    assert chunk_in_context(library, first.id)[0] is None
    with pytest.raises(Chunk.DoesNotExist):
        chunk_in_context(library, 99)


def test_many_questions_at_once_are_all_answered_alike():
    questions = [f"What about number {n}?" for n in range(40)]

    async def run() -> list[list[float]]:
        return await asyncio.gather(*(embed_query(MINILM, question) for question in questions))

    together = np.array(asyncio.run(run()))
    alone = get_embedder(MINILM).embed(questions)
    assert (together * alone).sum(axis=1) == pytest.approx(1, abs=0.005)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-3)


def test_a_question_that_was_announced_is_not_embedded_again():
    async def run() -> bool:
        ahead = embed_ahead(MINILM, "How long is the warranty?")
        vector = await embed_query(MINILM, "How long is the warranty?")
        return vector is ahead.result()

    assert asyncio.run(run())


def test_who_gives_up_waiting_does_not_take_the_vector_from_others():
    async def run() -> list[float]:
        impatient = asyncio.create_task(embed_query(MINILM, "How long?"))
        patient = asyncio.create_task(embed_query(MINILM, "How long?"))
        await asyncio.sleep(0)
        impatient.cancel()
        return await patient

    assert len(asyncio.run(run())) == 384


def test_what_failed_is_tried_again(monkeypatch):
    async def run() -> list[float]:
        with monkeypatch.context() as patched:
            patched.setattr("vectordb.embedding.get_embedder", None)
            with pytest.raises(TypeError):
                await embed_query(MINILM, "Once more?")
        return await embed_query(MINILM, "Once more?")

    assert len(asyncio.run(run())) == 384


def test_no_text_gives_no_vector():
    assert get_embedder(MINILM).embed([]).shape == (0, 384)


def test_an_unknown_model_is_refused():
    with pytest.raises(InvalidInput):
        asyncio.run(embed_query("nobody/nothing", "words"))


def test_a_failing_model_is_heard_of(monkeypatch):
    def fail(_):
        raise RuntimeError("no memory")

    monkeypatch.setattr("vectordb.embedding.get_embedder", fail)
    with pytest.raises(RuntimeError, match="no memory"):
        asyncio.run(embed_query(MINILM, "words"))


def test_threads_give_their_connection_back():
    def query() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.05), 7")
            return int(cursor.fetchone()[1])

    async def run() -> list[int]:
        return await asyncio.gather(*(in_thread(query) for _ in range(50)))

    assert asyncio.run(run()) == [7] * 50
