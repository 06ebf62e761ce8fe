"""The one way from a question to passages, for chats, pages, APIs and measurements alike."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import ProgrammingError
from psycopg import errors

from config.errors import Conflict
from vectordb.embedding import embed_ahead, embed_query
from vectordb.metadata_filter import to_sql, validate_metadata_filter
from vectordb.models import CHUNKS_PER_DOCUMENT, FIRST_ADDED, Chunk, VectorDatabase
from vectordb.passage_rows import read_passages, read_texts
from vectordb.passages import Dropped, Passage, Record, Retrieval
from vectordb.ranking import Query, Ranked, candidates, chosen
from vectordb.reranking import require_reranker, reranked
from vectordb.retrieval_settings import RetrievalSettings
from vectordb.selection import cap, without_overlap
from vectordb.time_limit import search_in_thread

__all__ = ["chunk_in_context", "retrieve", "validate_metadata_filter"]


async def retrieve(
    database: VectorDatabase,
    query: str,
    settings: RetrievalSettings,
    *,
    searches: Sequence[str] = (),
    metadata_filter: Mapping[str, Any] | None = None,
    token_limit: int | None = None,
) -> Retrieval:
    """The passages for a question, best first, and the record of how they were chosen.

    `searches` are questions to search with besides the query, see `fusion.fused_ranks`.
    `token_limit` is what is left of the LLM's context: the smaller of it and the settings' own cap
    holds for the sum of all passages. Raises InvalidInput for a filter that cannot be read, Conflict
    for a database without chunks, and where the settings ask for a reranker and this process has
    none, and AppError when the search takes longer than SEARCH_SECONDS. Outside of workers it
    has one embed the question.
    """
    condition = to_sql(metadata_filter)
    if settings.rerank:
        require_reranker()
    record = Record()
    texts = list(dict.fromkeys([query, *searches]))
    for text in texts[1:]:
        embed_ahead(database.embedding_model, text)
    vectors = [await embed_query(database.embedding_model, text) for text in texts]
    record.note("embed", len(texts), len(texts))
    caps = [limit for limit in (settings.max_tokens, token_limit) if limit is not None]
    further = tuple(zip(texts[1:], vectors[1:], strict=True))
    asked = Query(database, query, vectors[0], settings, condition, further)
    limit = min(caps, default=None)
    if not settings.rerank:
        return await search_in_thread(_retrieve, asked, limit, record)
    # In between, without a thread and a connection of those that all answers share.
    found, read = await search_in_thread(_candidates_with_texts, asked, record)
    found = await reranked(query, found, read, record)
    return await search_in_thread(_select, asked, found, limit, record)


def chunk_in_context(
    database: VectorDatabase, chunk_id: int
) -> tuple[Chunk | None, Chunk, Chunk | None]:
    """A chunk between its neighbours in the same document. Raises Chunk.DoesNotExist."""
    around = Chunk.objects.filter(
        vector_database_id=database.pk, id__range=(chunk_id - 1, chunk_id + 1)
    )
    by_id = {chunk.id: chunk for chunk in around}
    if chunk_id not in by_id:
        raise Chunk.DoesNotExist
    chunk = by_id[chunk_id]
    before, after = by_id.get(chunk_id - 1), by_id.get(chunk_id + 1)
    return _same_document(before, chunk), chunk, _same_document(after, chunk)


def _same_document(other: Chunk | None, chunk: Chunk) -> Chunk | None:
    return other if other is not None and other.document_id == chunk.document_id else None


def _retrieve(query: Query, token_limit: int | None, record: Record) -> Retrieval:
    with _built():
        found = candidates(query, record)
    return _select(query, found, token_limit, record)


def _candidates_with_texts(query: Query, record: Record) -> tuple[Ranked, dict[int, str]]:
    with _built():
        found = candidates(query, record)
        return found, read_texts(query.database, found.ids)


def _select(query: Query, found: Ranked, token_limit: int | None, record: Record) -> Retrieval:
    with _built():
        passages = _passages(query, chosen(query, found, record), record)
    selected = _selected(query, passages, token_limit, record)
    return Retrieval(
        # In order of rank of the hit; inside a group as the document has it.
        passages=tuple(sorted(selected, key=lambda passage: (passage.rank, passage.position))),
        stages=tuple(record.stages),
        query=query.text,
        search=found.search,
        dropped=tuple(record.dropped),
        searches=tuple(one.text for one in query.searches()) if query.further else (),
    )


@contextmanager
def _built() -> Iterator[None]:
    try:
        yield
    except ProgrammingError as error:
        if isinstance(error.__cause__, errors.UndefinedTable):
            raise Conflict(
                "This vector database has no chunks: wait until it is built, or build it again."
            ) from error
        raise


def _selected(
    query: Query, passages: list[Passage], token_limit: int | None, record: Record
) -> list[Passage]:
    """Those that are sent, best first: nothing is said twice, and all together fit the limit."""
    model_id = query.database.embedding_model
    unique = without_overlap(passages, model_id)
    record.note("de-duplication", len(passages), len(unique), _note_of_trimmed(passages, unique))
    left = {passage.chunk_id for passage in unique}
    record.dropped += [
        Dropped.of(passage, "de-duplication", "better passages say all of it")
        for passage in passages
        if passage.chunk_id not in left
    ]
    capped = cap(unique, token_limit, model_id)
    record.note("token cap", len(unique), len(capped), _note_of_cap(token_limit))
    record.dropped += [
        Dropped.of(passage, "token cap", _why_not(passage, place, capped, token_limit or 0))
        for place, passage in enumerate(unique[len(capped) :])
    ]
    return capped


def _why_not(passage: Passage, place: int, capped: list[Passage], token_limit: int) -> str:
    if place > 0 or any(other.is_cut for other in capped):
        return "comes after what filled the cap"
    left = token_limit - sum(other.token_count for other in capped)
    return f"has {passage.token_count:,} tokens, and {left:,} of {token_limit:,} are left"


def _passages(query: Query, found: Ranked, record: Record) -> list[Passage]:
    """The hits and, where wanted, their neighbours: the most important first.

    A chunk belongs to the best hit that brings it.
    """
    hits = found.ids
    ranks: dict[int, int] = {}
    reach = (-1, 0, 1) if query.settings.add_neighbor_chunks else (0,)
    for rank, chunk_id in enumerate(hits, 1):
        is_added = chunk_id % CHUNKS_PER_DOCUMENT >= FIRST_ADDED
        for step in (0,) if is_added else reach:
            # Ids of different documents never follow on each other, but for a document's last.
            same = (chunk_id + step) // CHUNKS_PER_DOCUMENT == chunk_id // CHUNKS_PER_DOCUMENT
            if same:
                ranks.setdefault(chunk_id + step, rank)
    # As a neighbour, what is not similar enough itself may come along.
    too_far = {key: rank for key, rank in found.too_far.items() if key not in ranks}
    places = record.ranks_of(hits)
    by_id = read_passages(query, ranks | too_far, places, hits=[*hits, *too_far])
    _note_too_far(query, [by_id.pop(key) for key in too_far if key in by_id], record)
    record.note("neighbours", len(hits), len(by_id))
    best_first = {chunk_id: place for place, chunk_id in enumerate(hits)}
    return sorted(
        by_id.values(),
        key=lambda passage: (
            passage.rank,
            best_first.get(passage.chunk_id, len(hits)),
            passage.position,
        ),
    )


def _note_too_far(query: Query, passages: list[Passage], record: Record) -> None:
    threshold = query.settings.similarity_threshold
    record.dropped += [
        Dropped.of(
            passage, "threshold", f"similarity {passage.similarity:.3f} is below {threshold:g}"
        )
        for passage in passages
    ]


def _note_of_trimmed(before: list[Passage], after: list[Passage]) -> str:
    lengths = {passage.chunk_id: len(passage.text) for passage in before}
    trimmed = sum(len(passage.text) < lengths[passage.chunk_id] for passage in after)
    return f"{trimmed} trimmed where they overlap" if trimmed else ""


def _note_of_cap(token_limit: int | None) -> str:
    return "none" if token_limit is None else f"{token_limit:,} tokens"
