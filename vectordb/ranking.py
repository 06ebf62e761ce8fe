"""Which chunks fit a question best: by meaning, by words, or by both."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from config.errors import Conflict
from vectordb import search
from vectordb.embedding_models import get_model
from vectordb.fusion import Measure, fused
from vectordb.keyword_search import score_words
from vectordb.models import VectorDatabase
from vectordb.passages import Record
from vectordb.retrieval_settings import SearchMode

# How many of each search are fused.
DEPTH = 100
# How much the meaning counts beside the words, of 1. Vectors of a model that does not know the
# language say little.
_MEANING, _FOREIGN_MEANING = 0.55, 0.2


@dataclass(frozen=True, slots=True)
class Query:
    """`vector` is that of `text`; `condition` is what a metadata filter says, in SQL."""

    database: VectorDatabase
    text: str
    vector: Sequence[float]
    mode: str = SearchMode.HYBRID
    condition: sql.Composable | None = None


@dataclass(frozen=True, slots=True)
class Ranked:
    """Chunk ids, best first. `search` says how vectors were looked up: "exact", "hnsw" or ""."""

    ids: list[int]
    search: str


def ranked(query: Query, limit: int, record: Record) -> Ranked:
    """The `limit` best chunks; fewer only when fewer match. Raises Conflict for a search by words
    alone where there is no index of words."""
    has_words = query.database.keyword_facts is not None
    if query.mode == SearchMode.KEYWORD:
        if not has_words:
            raise Conflict(
                "This vector database was built before words could be searched for: build it again."
            )
        return _by_words(query, limit, record)
    if query.mode == SearchMode.VECTOR or not has_words:
        found = _by_meaning(query, limit, record)
        if query.mode == SearchMode.HYBRID:
            record.note("keyword search", 0, 0, "not there: build this database again")
        return found
    return _by_both(query, limit, record)


def _by_both(query: Query, limit: int, record: Record) -> Ranked:
    depth = max(limit, DEPTH)
    near = _nearest(query, depth, record)
    words = score_words(query.database, query.text)
    matches = words.best(depth, query.condition)
    record.note("keyword search", words.total, len(matches))
    distances = {hit.chunk_id: hit.distance for hit in near.hits}
    farther = [chunk_id for chunk_id in matches if chunk_id not in distances]
    distances |= search.distances(query.database, query.vector, farther)
    weight = _weight_of_meaning(query.database)
    ids = fused(
        [
            Measure({chunk_id: -distance for chunk_id, distance in distances.items()}, weight),
            Measure(words.of(list(distances)), 1 - weight),
        ],
        limit,
    )
    record.note("fusion", len(distances), len(ids), f"meaning counts {weight:.0%}, words the rest")
    return Ranked(ids, near.search)


def _by_meaning(query: Query, limit: int, record: Record) -> Ranked:
    found = _nearest(query, limit, record)
    return Ranked([hit.chunk_id for hit in found.hits], found.search)


def _nearest(query: Query, limit: int, record: Record) -> search.Found:
    found = search.nearest(query.database, query.vector, limit=limit, condition=query.condition)
    total = entered = query.database.chunks_count
    if query.condition is not None:
        entered = total if found.matching is None else found.matching
        note = "" if found.matching is not None else "wide filter, checked while searching"
        # Filter and search are one statement; its time counts as the search's.
        record.note_at_once("metadata filter", total, entered, note)
    record.note("search", entered, len(found.hits), found.search)
    return found


def _by_words(query: Query, limit: int, record: Record) -> Ranked:
    words = score_words(query.database, query.text)
    ids = words.best(limit, query.condition)
    record.note("keyword search", words.total, len(ids))
    return Ranked(ids, "")


def _weight_of_meaning(database: VectorDatabase) -> float:
    languages = (database.keyword_facts or {})["languages"]
    is_known = not languages or languages[0] in get_model(database.embedding_model).language_codes
    return _MEANING if is_known else _FOREIGN_MEANING
