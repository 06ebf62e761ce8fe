"""BM25 over a vector database's postings: the chunks whose words fit a question best.

Score of a chunk, summed over the question's terms t, each as often as the question has it:
idf(t) · f · (k1 + 1) / (f + k1 · (1 - b + b · length / mean length)), where f counts t in the chunk
(Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009), and
idf(t) = ln(1 + (N - n + 0.5) / (n + 0.5)), which is never negative (as Lucene has it).
The score of the chunk's section, computed alike with sections for chunks, is added to it: whole
short documents rank better than their halves, and in long ones a chunk need not repeat what the
page around it is about.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection
from psycopg import sql

from vectordb import keyword_index, partitions
from vectordb.lexing import terms
from vectordb.models import VectorDatabase
from vectordb.postings import Postings, read

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ids = NDArray[np.int64]
    Scores = NDArray[np.float64]

K1, B = 1.2, 0.75
SECTION_WEIGHT = 1.0
# Of a question's terms the rarest are scored, up to so many bytes of postings: a text of 500,000
# characters would ask for all there is.
_MOST_BYTES = 20_000_000
# How many of the best are checked against a filter at first, and how much more each time.
_FIRST_CHECK, _GROWTH = 1_000, 8


class Scored:
    """The chunks that hold any of a question's terms, with their scores, which are above 0."""

    def __init__(self, database: VectorDatabase, ids: "Ids", scores: "Scores") -> None:
        """`ids` in order."""
        self._database = database
        self._ids, self._scores = ids, scores

    @property
    def total(self) -> int:
        return len(self._ids)

    def of(self, chunk_ids: Sequence[int]) -> dict[int, float]:
        """The scores of these chunks; 0 for those that hold none of the terms."""
        import numpy as np

        if not self.total:
            return dict.fromkeys(chunk_ids, 0.0)
        places = np.minimum(np.searchsorted(self._ids, chunk_ids), self.total - 1)
        scores = np.where(self._ids[places] == chunk_ids, self._scores[places], 0.0)
        return dict(zip(chunk_ids, scores.tolist(), strict=True))

    def best(self, limit: int, condition: sql.Composable | None = None) -> list[int]:
        """The ids with the highest scores, best first; fewer only when fewer match the condition."""
        if not self.total:
            return []
        count = limit if condition is None else max(limit, _FIRST_CHECK)
        kept = self._alive_between(0, count, condition)
        while len(kept) < limit and count < self.total:
            if condition is not None and len(kept) * _GROWTH < 2 * limit:
                # It keeps little: looked up at once, that is faster than going on.
                return self._among(_kept(self._database, condition)).best(limit)
            kept += self._alive_between(count, count * _GROWTH, condition)
            count *= _GROWTH
        return kept[:limit]

    def _alive_between(self, start: int, end: int, condition: sql.Composable | None) -> list[int]:
        some = self._between(start, end)
        alive = _alive(self._database, some, condition)
        return [chunk_id for chunk_id in some if chunk_id in alive]

    def _among(self, ids: "Ids") -> "Scored":
        """Without all chunks but these."""
        import numpy as np

        is_kept = np.isin(self._ids, ids, assume_unique=True)
        return Scored(self._database, self._ids[is_kept], self._scores[is_kept])

    def _between(self, start: int, end: int) -> list[int]:
        """Ids by score, then by id. Only the beginning is put in order."""
        import numpy as np

        candidates = np.arange(self.total)
        if end < self.total:
            border = -np.partition(-self._scores, end - 1)[end - 1]
            candidates = np.flatnonzero(self._scores >= border)
        order = np.lexsort((self._ids[candidates], -self._scores[candidates]))
        chosen: list[int] = self._ids[candidates[order[start:end]]].tolist()
        return chosen


def score_words(database: VectorDatabase, question: str) -> Scored:
    """Needs `database.keyword_facts`."""
    import numpy as np

    wanted = _terms_of(database, question)
    found = _scored(database, wanted) if wanted else None
    return Scored(database, *(found or (np.empty(0, np.int64), np.empty(0))))


def _terms_of(database: VectorDatabase, question: str) -> Counter[str]:
    """In each language of the database, since a question is too short to tell its own."""
    counts: Counter[str] = Counter()
    languages = facts_of(database)["languages"] or [""]
    for language in languages:
        # What one language leaves out is rare in the others, and would weigh much there.
        counts |= Counter(terms(question, language, also_without=languages))
    return counts


def facts_of(database: VectorDatabase) -> dict[str, Any]:
    """What its index of words says of it all, see the model. Raises ValueError without one."""
    if database.keyword_facts is None:
        raise ValueError(f"{database.pk} has no keyword index")
    facts: dict[str, Any] = database.keyword_facts
    return facts


_POSTINGS = sql.SQL(
    "WITH sizes AS (SELECT term, sum(octet_length(postings)) AS size FROM {table}"
    " WHERE term = ANY(%s) GROUP BY term),"
    " sums AS (SELECT term, sum(size) OVER (ORDER BY size, term) - size AS before FROM sizes)"
    " SELECT term, first_id, postings FROM {table} JOIN sums USING (term) WHERE before < %s"
)


def _scored(database: VectorDatabase, wanted: Counter[str]) -> "tuple[Ids, Scores] | None":
    """All chunks that hold any of the terms, by id, with their scores."""
    import numpy as np

    statement = _POSTINGS.format(table=keyword_index.table(database.pk))
    by_term: defaultdict[str, list[_Held]] = defaultdict(list)
    for term, first_id, postings in _rows(statement, [list(wanted), _MOST_BYTES]):
        by_term[term].append(_Held.of(first_id, read(postings)))
    if not by_term:
        return None
    facts = facts_of(database)
    chunks = _Bm25(facts["chunks"], facts["terms"])
    sections = _Bm25(facts["sections"], facts["terms"])
    section_of = []
    for term, parts in by_term.items():
        held = _Held(*(np.concatenate(column) for column in zip(*parts, strict=True)))
        section_of.append(held.sections)
        chunks.add(wanted[term], held.ids, held.counts, held.lengths)
        starts = _starts(held.sections)
        inside = np.add.reduceat(held.counts, starts)
        sections.add(wanted[term], held.sections[starts], inside, held.section_lengths[starts])
    order, ids, scores = chunks.summed()
    _, section_ids, section_scores = sections.summed()
    own = np.concatenate(section_of)[order]
    surroundings = section_scores[np.searchsorted(section_ids, own)]
    return ids, scores + SECTION_WEIGHT * surroundings


class _Held(NamedTuple):
    """The chunks that hold a term: arrays of shape (n,), by id. A section is called by the id of
    its first chunk."""

    ids: "Ids"
    sections: "Ids"
    counts: "Ids"
    lengths: "Ids"
    section_lengths: "Ids"

    @classmethod
    def of(cls, first_id: int, postings: Postings) -> "_Held":
        ids: Ids = postings.offsets.astype("int64") + first_id
        return cls(
            ids,
            ids - postings.places.astype("int64"),
            postings.counts.astype("int64"),
            postings.lengths.astype("int64"),
            postings.section_lengths.astype("int64"),
        )


class _Bm25:
    """Sums up, over terms, the scores of what holds them: chunks, or sections."""

    def __init__(self, total: int, terms_in_all: int) -> None:
        """`total` is how many there are, `terms_in_all` how many terms they have together."""
        self._total = total
        self._mean = max(1, terms_in_all) / max(1, total)
        self._ids: list[Ids] = []
        self._scores: list[Scores] = []

    def add(self, times: int, ids: "Ids", counts: "Ids", lengths: "Ids") -> None:
        """Of one term, that the question has so many times."""
        # The index may have been made anew since its facts were read.
        total = max(self._total, len(ids))
        idf = math.log(1 + (total - len(ids) + 0.5) / (len(ids) + 0.5))
        weight = times * idf * (K1 + 1)
        self._ids.append(ids)
        self._scores.append(weight * counts / (counts + K1 * (1 - B + B / self._mean * lengths)))

    def summed(self) -> "tuple[Ids, Ids, Scores]":
        """(where each was first added, ids in order, their scores)."""
        import numpy as np

        ids = np.concatenate(self._ids)
        order = np.argsort(ids, kind="stable")  # what is sorted in parts is merged
        ids = ids[order]
        starts = _starts(ids)
        return (
            order[starts],
            ids[starts],
            np.add.reduceat(np.concatenate(self._scores)[order], starts),
        )


def _starts(ids: "Ids") -> "Ids":
    """Where in sorted ids another one begins."""
    import numpy as np

    return np.flatnonzero(np.concatenate(([True], ids[1:] != ids[:-1])))


_ALIVE = sql.SQL("SELECT id FROM {} WHERE id = ANY({}) AND {}")


def _alive(
    database: VectorDatabase, ids: Sequence[int], condition: sql.Composable | None
) -> set[int]:
    """Those that are still there and satisfy the condition."""
    among = sql.Literal(list(ids))
    table = partitions.table(database.pk)
    return {row[0] for row in _rows(_ALIVE.format(table, among, condition or sql.SQL("true")))}


_KEPT = sql.SQL("SELECT id FROM {} WHERE {}")


def _kept(database: VectorDatabase, condition: sql.Composable) -> "Ids":
    """All chunks that satisfy the condition."""
    import numpy as np

    rows = _rows(_KEPT.format(partitions.table(database.pk), condition))
    return np.fromiter((row[0] for row in rows), np.int64, len(rows))


def _rows(statement: sql.Composable, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
    """In binary: postings would be twice as long as text. With values, a % in the statement is
    doubled."""
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.cursor(binary=True) as cursor:
        rows: list[tuple[Any, ...]] = cursor.execute(statement, values).fetchall()
        return rows
