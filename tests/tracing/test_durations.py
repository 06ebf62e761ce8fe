"""Durations in buckets."""

import random
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connection

from tracing.durations import ACCURACY, bucket_sql, quantile

pytestmark = pytest.mark.django_db


def buckets_of(durations: Sequence[float | None]) -> Any:
    """Of each a number, or None."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {bucket_sql('duration')} FROM unnest(%s::float8[]) AS duration",  # noqa: S608
            [list(durations)],
        )
        return [bucket for (bucket,) in cursor.fetchall()]


def exactly(durations: list[float], share: float) -> float:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT percentile_cont(%s) WITHIN GROUP (ORDER BY one) FROM unnest(%s::float8[]) AS one",
            [share, durations],
        )
        return float(cursor.fetchone()[0])


@pytest.mark.parametrize("count", [1, 2, 3, 10, 1000])
@pytest.mark.parametrize("share", [0, 0.5, 0.95, 1])
def test_a_quantile_is_as_near_as_is_said(count, share):
    chance = random.Random(count)  # noqa: S311
    durations: list[float] = [chance.lognormvariate(6, 3) for _ in range(count)]
    counts: dict[int, int] = {}
    for bucket in buckets_of(durations):
        counts[bucket] = counts.get(bucket, 0) + 1

    found = quantile(counts.items(), share)

    true = exactly(durations, share)
    assert found is not None
    assert abs(found - true) <= ACCURACY * 1.001 * true + 0.01


def test_the_longest_and_the_shortest_have_a_bucket_and_what_is_unknown_has_none():
    longest, nothing, negative, unknown = buckets_of([1e12, 0.0, -5.0, None])

    assert quantile([(longest, 1)], 0.5) == pytest.approx(1e12, rel=ACCURACY)
    assert nothing == negative
    assert quantile([(nothing, 3)], 0.5) == pytest.approx(0.01, rel=ACCURACY)
    assert unknown is None


def test_of_nothing_there_is_no_quantile():
    assert quantile([], 0.5) is None
