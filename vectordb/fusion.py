"""Several measures of the same chunks to one ranking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


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
