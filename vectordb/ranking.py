"""Which chunks fit a question best: by meaning, by words, or by both."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from config.errors import Conflict
from vectordb import search
from vectordb.diversity import Candidate, diversified
from vectordb.embedding_models import get_model
from vectordb.fusion import Measure, fused
from vectordb.keyword_search import facts_of, score_words
from vectordb.models import VectorDatabase
from vectordb.passages import Record
from vectordb.retrieval_settings import RetrievalMode, RetrievalSettings, SearchMode

# How many of each search are fused.
DEPTH = 100
# Among how many those that differ are looked for.
_CANDIDATES = 50
# How much the meaning counts beside the words, of 1. Vectors of a model that does not know the
# language say little.
_MEANING, _FOREIGN_MEANING = 0.55, 0.2


@dataclass(frozen=True, slots=True)
class Query:
    """`vector` is that of `text`; `condition` is what a metadata filter says, in SQL."""

    database: VectorDatabase
    text: str
    vector: Sequence[float]
    settings: RetrievalSettings
    condition: sql.Composable | None = None


@dataclass(frozen=True, slots=True)
class Ranked:
    """Chunk ids, best first, and how well each fits, 0 to 1. `search` says how vectors were looked
    up: "exact", "hnsw", or "" when they were not."""

    ids: list[int]
    fits: list[float]
    search: str


def ranked(query: Query, limit: int, record: Record) -> Ranked:
    """The `limit` best chunks; fewer only when fewer match. Raises Conflict for a search by words
    alone where there is no index of words."""
    settings = query.settings
    if settings.retrieval_mode != RetrievalMode.MMR:
        return _found(query, limit, record)
    candidates = _found(query, max(_CANDIDATES, limit), record)
    vectors = search.vectors(query.database, candidates.ids)
    fits = dict(zip(candidates.ids, candidates.fits, strict=True))
    trade_off = settings.maximal_marginal_relevance_lambda
    chosen = diversified(
        {chunk_id: Candidate(fits[chunk_id], vector) for chunk_id, vector in vectors.items()},
        trade_off=trade_off,
        limit=limit,
    )
    note = f"relevance counts {trade_off:.0%}, difference the rest"
    record.note("diversity", len(candidates.ids), len(chosen), note)
    record.rankings["diversity"] = chosen
    return Ranked(chosen, [fits[chunk_id] for chunk_id in chosen], candidates.search)


def _found(query: Query, limit: int, record: Record) -> Ranked:
    mode = query.settings.search_mode
    has_words = query.database.keyword_facts is not None
    if mode == SearchMode.KEYWORD:
        if not has_words:
            raise Conflict(
                "This vector database was built before words could be searched for: build it again."
            )
        return _by_words(query, limit, record)
    if mode == SearchMode.VECTOR or not has_words:
        found = _by_meaning(query, limit, record)
        if mode == SearchMode.HYBRID:
            record.note("keyword search", 0, 0, "not there: build this database again")
        return found
    return _by_both(query, limit, record)


def _by_both(query: Query, limit: int, record: Record) -> Ranked:
    depth = max(limit, DEPTH)
    near = _nearest(query, depth, record)
    words = score_words(query.database, query.text)
    matches = words.best(depth, query.condition)
    record.note("keyword search", words.total, len(matches))
    record.rankings["words"] = matches
    distances = {hit.chunk_id: hit.distance for hit in near.hits}
    farther = [chunk_id for chunk_id in matches if chunk_id not in distances]
    distances |= search.distances(query.database, query.vector, farther)
    weight = _weight_of_meaning(query.database)
    best = fused(
        [
            Measure({chunk_id: -distance for chunk_id, distance in distances.items()}, weight),
            Measure(words.of(list(distances)), 1 - weight),
        ],
        limit,
    )
    record.note("fusion", len(distances), len(best), f"meaning counts {weight:.0%}, words the rest")
    record.rankings["fusion"] = list(best)
    return Ranked(list(best), list(best.values()), near.search)


def _by_meaning(query: Query, limit: int, record: Record) -> Ranked:
    found = _nearest(query, limit, record)
    fits = [max(0.0, 1 - hit.distance) for hit in found.hits]
    return Ranked([hit.chunk_id for hit in found.hits], fits, found.search)


def _nearest(query: Query, limit: int, record: Record) -> search.Found:
    found = search.nearest(query.database, query.vector, limit=limit, condition=query.condition)
    total = entered = query.database.chunks_count
    if query.condition is not None:
        entered = total if found.matching is None else found.matching
        note = "" if found.matching is not None else "wide filter, checked while searching"
        # Filter and search are one statement; its time counts as the search's.
        record.note_at_once("metadata filter", total, entered, note)
    record.note("search", entered, len(found.hits), found.search)
    record.rankings["meaning"] = [hit.chunk_id for hit in found.hits]
    return found


def _by_words(query: Query, limit: int, record: Record) -> Ranked:
    words = score_words(query.database, query.text)
    ids = words.best(limit, query.condition)
    scores = words.of(ids)
    record.note("keyword search", words.total, len(ids))
    record.rankings["words"] = ids
    return Ranked(ids, [scores[chunk_id] / scores[ids[0]] for chunk_id in ids], "")


def _weight_of_meaning(database: VectorDatabase) -> float:
    languages = facts_of(database)["languages"]
    is_known = not languages or languages[0] in get_model(database.embedding_model).language_codes
    return _MEANING if is_known else _FOREIGN_MEANING
