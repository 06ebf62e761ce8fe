"""Durations counted in buckets, which can be added up where the durations themselves are too many.

The buckets of DDSketch (Masson, Rim and Lee, "DDSketch: a fast and fully-mergeable quantile sketch
with relative-error guarantees", VLDB 2019): each is wider than the one before by the same factor, so
that what stands for all in it is off by no more than `ACCURACY` of the true value.
"""

import math
from collections.abc import Iterable

ACCURACY = 0.02
_FACTOR = (1 + ACCURACY) / (1 - ACCURACY)
# Milliseconds; below it nobody looks.
_SHORTEST = 0.01


def bucket_sql(duration: str) -> str:
    """The bucket of a column of milliseconds; null for null. Numbers of ours alone are put in."""
    logarithm = f"ln(greatest({duration}, {_SHORTEST}::float8)) / {math.log(_FACTOR)!r}"
    return f"CASE WHEN {duration} IS NOT NULL THEN ceil({logarithm})::smallint END"


def quantile(counts: Iterable[tuple[int, int]], share: float) -> float | None:
    """What this share of the durations in (bucket, count) is below: between two as `percentile_cont`
    has it. None where there is none."""
    ordered = sorted(counts)
    rank = share * (sum(count for _, count in ordered) - 1)
    if rank < 0:
        return None
    below, above = _at(ordered, math.floor(rank)), _at(ordered, math.ceil(rank))
    return below + (above - below) * (rank - math.floor(rank))


def _at(ordered: Iterable[tuple[int, int]], rank: int) -> float:
    """Milliseconds of the one with this rank, the first being 0."""
    seen = 0
    for bucket, count in ordered:
        seen += count
        if seen > rank:
            return 2 * _FACTOR**bucket / (_FACTOR + 1)
    raise IndexError(rank)
