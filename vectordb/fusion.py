"""Several measures of the same chunks, or several rankings, to one ranking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# As in reciprocal rank fusion, where the smaller it is, the more first places count.
_K = 60


@dataclass(frozen=True, slots=True)
class Measure:
    """How well each chunk fits, by its id, on a scale of its own; `weight` is how much that counts."""

    values: Mapping[int, float]
    weight: float


def fused(measures: Sequence[Measure], limit: int) -> dict[int, float]:
    """The best ids, best first, by the weighted sum of the measures, each stretched to reach from 0 to 1.

    All measures know the same ids. (Bruch, Gai and Ingber, An Analysis of Fusion Functions for
    Hybrid Retrieval, 2023, find such sums better than sums of reciprocal ranks.)
    """
    totals: dict[int, float] = {}
    for measure in measures:
        lowest = min(measure.values.values(), default=0.0)
        reach = max(measure.values.values(), default=0.0) - lowest
        scale = measure.weight / reach if reach > 0 else 0.0
        for chunk_id, value in measure.values.items():
            totals[chunk_id] = totals.get(chunk_id, 0.0) + scale * (value - lowest)
    best = sorted(totals, key=lambda chunk_id: (-totals[chunk_id], chunk_id))[:limit]
    return {chunk_id: totals[chunk_id] for chunk_id in best}


def fused_ranks(rankings: Sequence[Sequence[int]]) -> dict[int, float]:
    """All ids of the rankings, by the best place that each has in any, best first; and how well each
    fits, 0 to 1.

    For answers to different questions, whose scores say nothing about each other: what is best for
    one part of a question comes before what is fair for all of them, so that no part goes without.
    (CombMAX of Fox and Shaw, Combination of Multiple Searches, 1994, on reciprocals of ranks.) Where
    the best places are equal, the sum of 1 / (60 + rank) decides: what several questions find.
    (Cormack, Clarke and Büttcher, Reciprocal Rank Fusion Outperforms Condorcet and Individual Rank
    Learning Methods, 2009. Alone it would let four passages that are fifth everywhere push out what
    one question finds first.)
    """
    best: dict[int, int] = {}
    sums: dict[int, float] = {}
    for ranking in rankings:
        for rank, chunk_id in enumerate(ranking, 1):
            best[chunk_id] = min(rank, best.get(chunk_id, rank))
            sums[chunk_id] = sums.get(chunk_id, 0.0) + 1 / (_K + rank)
    order = sorted(best, key=lambda chunk_id: (best[chunk_id], -sums[chunk_id], chunk_id))
    return {chunk_id: (_K + 1) / (_K + best[chunk_id]) for chunk_id in order}
