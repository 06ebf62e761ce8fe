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
from typing import TYPE_CHECKING, Any

from psycopg import sql

from vectordb import keyword_index, keyword_layout, partitions, rows
from vectordb.keyword_layout import K1, B, Lengths, Part
from vectordb.lexing import terms
from vectordb.models import VectorDatabase

if TYPE_CHECKING:
    from vectordb.keyword_layout import Counts, Ids, Places, Scores

__all__ = ["K1", "SECTION_WEIGHT", "B", "Scored", "facts_of", "score_words"]

SECTION_WEIGHT = 1.0
# Of a question's terms the rarest are scored, up to so many bytes of postings: a text of 500,000
# characters would ask for all there is.
_MOST_BYTES = 20_000_000
# How many of the best are checked against a filter at first, and how much more each time.
_FIRST_CHECK, _GROWTH = 200, 8


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


# So often a table is read again that was made anew between two statements.
_TRIES = 5
_POSTINGS = sql.SQL(
    "WITH sizes AS (SELECT term, sum(octet_length(postings)) AS size FROM {table}"
    " WHERE term = ANY($1) GROUP BY term),"
    " sums AS (SELECT term, sum(size) OVER (ORDER BY size, term) - size AS before FROM sizes)"
    " SELECT held.tableoid, term, first_id, postings FROM {table} held JOIN sums USING (term)"
    " WHERE before < $2"
)


def _scored(database: VectorDatabase, wanted: Counter[str]) -> "tuple[Ids, Scores] | None":
    """All chunks that hold any of the terms, by id, with their scores."""
    statement = _POSTINGS.format(table=keyword_index.table(database.pk))
    for _ in range(_TRIES):
        found = rows.fetch(statement, [list(wanted), _MOST_BYTES])
        if not found:
            return None
        layout = keyword_layout.of(database.pk, found[0][0])
        if layout is not None:
            break
    else:
        raise RuntimeError(f"The keyword table of {database.pk} does not say what its chunks are")
    by_term: defaultdict[str, list[Part]] = defaultdict(list)
    for _, term, first_id, postings in found:
        by_term[term].append(layout.part(first_id, postings))
    chunks, sections = _Bm25(layout.chunk_lengths), _Bm25(layout.section_lengths)
    for term, parts in by_term.items():
        chunks.add(wanted[term], [(part.chunks, part.counts) for part in parts])
        sections.add(wanted[term], [(part.sections, part.section_counts) for part in parts])
    return layout.scored(chunks.scores, SECTION_WEIGHT * sections.scores)


class _Bm25:
    """Sums up, over terms, the scores of all there are: chunks, or sections."""

    def __init__(self, lengths: Lengths) -> None:
        import numpy as np

        self._lengths = lengths
        self.scores = np.zeros(lengths.total, np.float32)

    def add(self, times: int, parts: "Sequence[tuple[Places, Counts]]") -> None:
        """Of one term, that the question has so many times: where it is, and how often."""
        import numpy as np

        holding = sum(int(np.count_nonzero(counts)) for _, counts in parts)
        idf = math.log(1 + (self._lengths.total - holding + 0.5) / (holding + 0.5))
        weight = times * idf * (K1 + 1)
        for places, counts in parts:
            own = counts.astype(np.float32)
            divisor = self._lengths.weighed(places) + own
            np.divide(own, divisor, out=own)
            own *= weight
            self.scores[places] += own


_ALIVE = sql.SQL("SELECT id FROM {} WHERE {} AND id = ANY($1::bigint[]) AND {}")


def _alive(
    database: VectorDatabase, ids: Sequence[int], condition: sql.Composable | None
) -> set[int]:
    """Those that are still there and satisfy the condition."""
    statement = _ALIVE.format(
        partitions.table(database.pk),
        partitions.belongs_to(database.pk),
        condition or sql.SQL("true"),
    )
    return {row[0] for row in rows.fetch(statement, [list(ids)])}


_KEPT = sql.SQL("SELECT id FROM {} WHERE {}")


def _kept(database: VectorDatabase, condition: sql.Composable) -> "Ids":
    """All chunks that satisfy the condition."""
    import numpy as np

    found = rows.fetch(_KEPT.format(partitions.table(database.pk), condition))
    return np.fromiter((row[0] for row in found), np.int64, len(found))
