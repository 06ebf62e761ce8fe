"""Which chunks fit a question best: by meaning, by words, or by both."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from psycopg import sql

from config.errors import Conflict
from vectordb import search
from vectordb.diversity import Candidate, diversified
from vectordb.embedding_models import get_model
from vectordb.fusion import Measure, fused, fused_ranks
from vectordb.keyword_search import facts_of, score_words
from vectordb.models import VectorDatabase
from vectordb.passages import Record
from vectordb.retrieval_settings import RetrievalMode, RetrievalSettings, SearchMode

# How many of each search are fused, and looked through for those that are similar enough.
DEPTH = 100
# How many a reranker reads.
RERANK_DEPTH = 30
# Among how many those that differ are looked for.
_CANDIDATES = 50
# How much the meaning counts beside the words, of 1. Vectors of a model that does not know the
# language say little.
_MEANING, _FOREIGN_MEANING = 0.55, 0.2


@dataclass(frozen=True, slots=True)
class Query:
    """`vector` is that of `text`; `condition` is what a metadata filter says, in SQL. `further` are
    questions that are searched for as well, each with its vector."""

    database: VectorDatabase
    text: str
    vector: Sequence[float]
    settings: RetrievalSettings
    condition: sql.Composable | None = None
    further: tuple[tuple[str, Sequence[float]], ...] = ()

    @property
    def vectors(self) -> list[Sequence[float]]:
        return [self.vector, *(vector for _, vector in self.further)]

    def searches(self) -> "list[Query]":
        """One for each question."""
        alone = replace(self, further=())
        return [alone, *(replace(alone, text=text, vector=to) for text, to in self.further)]


@dataclass(frozen=True, slots=True)
class Ranked:
    """Chunk ids, best first, and how well each fits, 0 to 1. `search` says how vectors were looked
    up: "exact", the kind of index, or "" when they were not. `too_far` are those that would have been chosen,
    were they similar enough to the question, with the rank that they had."""

    ids: list[int]
    fits: list[float]
    search: str
    too_far: dict[int, int] = field(default_factory=dict)

    def first(self, count: int) -> "Ranked":
        return replace(self, ids=self.ids[:count], fits=self.fits[:count])


def candidates(query: Query, record: Record) -> Ranked:
    """The chunks to choose from, best first. Raises Conflict, see `ranked`."""
    settings = query.settings
    wanted = settings.documents
    if settings.rerank:
        wanted = max(wanted, RERANK_DEPTH)
    elif settings.retrieval_mode == RetrievalMode.MMR:
        wanted = max(wanted, _CANDIDATES)
    threshold = settings.similarity_threshold
    depth = wanted if threshold is None and not query.further else max(wanted, DEPTH)
    found = _found_by_all(query, depth, record) if query.further else ranked(query, depth, record)
    if threshold is not None:
        # Before the choice: else those would take the places of others that are similar enough.
        found = _similar_enough(query, found, threshold, record)
    return found.first(wanted)


def chosen(query: Query, found: Ranked, record: Record) -> Ranked:
    """The best of the candidates; fewer than the settings ask for only when there are fewer."""
    limit = query.settings.documents
    if query.settings.retrieval_mode != RetrievalMode.MMR:
        return found.first(limit)
    vectors = search.vectors(query.database, found.ids)
    fits = dict(zip(found.ids, found.fits, strict=True))
    trade_off = query.settings.maximal_marginal_relevance_lambda
    best = diversified(
        {chunk_id: Candidate(fits[chunk_id], vector) for chunk_id, vector in vectors.items()},
        trade_off=trade_off,
        limit=limit,
    )
    note = f"maximal marginal relevance: fit counts {trade_off:.0%}, difference the rest"
    record.note("diversity", len(found.ids), len(best), note)
    record.rank("diversity", best)
    return replace(found, ids=best, fits=[fits[chunk_id] for chunk_id in best])


def _similar_enough(query: Query, found: Ranked, threshold: float, record: Record) -> Ranked:
    """Without those whose cosine similarity to the question (the nearest of several) is below the
    threshold, however they were found: words alone can be chance."""
    distances = search.distances(query.database, query.vectors, found.ids)
    kept = [
        place
        for place, chunk_id in enumerate(found.ids)
        if 1 - distances.get(chunk_id, 2.0) >= threshold
    ]
    record.note("threshold", len(found.ids), len(kept), f"similarity of {threshold:g} or more")
    places = set(kept)
    return replace(
        found,
        ids=[found.ids[place] for place in kept],
        fits=[found.fits[place] for place in kept],
        too_far={
            chunk_id: place + 1
            for place, chunk_id in enumerate(found.ids[: query.settings.documents])
            if place not in places
        },
    )


def _found_by_all(query: Query, limit: int, record: Record) -> Ranked:
    """What the searches found, each `limit` chunks deep, as one ranking."""
    searches = query.searches()
    found = []
    for number, one in enumerate(searches, 1):
        record.search = f"{number} of {len(searches)}"
        found.append(ranked(one, limit, record))
    record.search = ""
    fits = fused_ranks([one.ids for one in found])
    best = list(fits)
    record.note(
        "fusion",
        sum(len(one.ids) for one in found),
        len(best),
        f"of {len(searches)} searches",
    )
    # Their own fusions of meaning and words were steps on the way to this one.
    record.rankings = [ranking for ranking in record.rankings if ranking[0] != "fusion"]
    record.rank("fusion", best)
    return Ranked(best, list(fits.values()), found[0].search)


def ranked(query: Query, limit: int, record: Record) -> Ranked:
    """The `limit` best chunks for one question; fewer only when fewer match. Raises Conflict for a
    search by words alone where there is no index of words."""
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
    record.rank("words", matches)
    distances = {hit.chunk_id: hit.distance for hit in near.hits}
    farther = [chunk_id for chunk_id in matches if chunk_id not in distances]
    distances |= search.distances(query.database, [query.vector], farther)
    weight = _weight_of_meaning(query.database)
    best = fused(
        [
            Measure({chunk_id: -distance for chunk_id, distance in distances.items()}, weight),
            Measure(words.of(list(distances)), 1 - weight),
        ],
        limit,
    )
    record.note("fusion", len(distances), len(best), f"meaning counts {weight:.0%}, words the rest")
    record.rank("fusion", list(best))
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
    record.rank("meaning", [hit.chunk_id for hit in found.hits])
    return found


def _by_words(query: Query, limit: int, record: Record) -> Ranked:
    words = score_words(query.database, query.text)
    ids = words.best(limit, query.condition)
    scores = words.of(ids)
    record.note("keyword search", words.total, len(ids))
    record.rank("words", ids)
    return Ranked(ids, [scores[chunk_id] / scores[ids[0]] for chunk_id in ids], "")


def _weight_of_meaning(database: VectorDatabase) -> float:
    languages = facts_of(database)["languages"]
    is_known = not languages or get_model(database.embedding_model).knows(languages[0])
    return _MEANING if is_known else _FOREIGN_MEANING
