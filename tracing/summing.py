"""Keeping the sums of hours and days true: the worker makes those anew in which something changed.

Whoever writes logs only notes the hour, by adding a row (the database does it, see the migration
`sums_by_hour`), so that no two of them wait for each other. An hour that is noted is counted log by
log until its sums are made: figures are never behind.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from tracing.durations import bucket_sql
from tracing.log_indexes import DURATION
from tracing.models import FILE_KINDS
from tracing.sum_models import Step

logger = logging.getLogger(__name__)

_DAY = timedelta(days=1)
_KEYS = "is_root, kind, status, blueprint_id, blueprint_version_id, file_id, file_version_id, model_name"
_SUMS = "input_tokens, output_tokens, cost, good, bad, thumbs_up, thumbs_down"
# First by bucket, then all buckets of a key in one row.
_MAKE = f"""
INSERT INTO tracing_logsum
    (use_case_id, step, start, {_KEYS}, count, {_SUMS}, buckets, counts)
SELECT %(use_case)s, %(step)s, start, {_KEYS}, sum(count), sum(input_tokens), sum(output_tokens),
    sum(cost), sum(good), sum(bad), sum(thumbs_up), sum(thumbs_down),
    array_agg(bucket ORDER BY bucket) FILTER (WHERE bucket IS NOT NULL),
    array_agg(timed ORDER BY bucket) FILTER (WHERE bucket IS NOT NULL)
FROM (
    SELECT start, {_KEYS}, bucket, sum(timed)::bigint AS timed, sum(count) AS count,
        sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, sum(cost) AS cost,
        sum(good) AS good, sum(bad) AS bad, sum(thumbs_up) AS thumbs_up,
        sum(thumbs_down) AS thumbs_down
    FROM ({{parts}}) AS part
    GROUP BY start, {_KEYS}, bucket
) AS in_bucket
GROUP BY start, {_KEYS}
"""  # noqa: S608 - of constants alone
_LOGS = f"""
SELECT date_trunc('hour', created_at, 'UTC') AS start, parent_id IS NULL AS is_root, kind, status,
    coalesce(blueprint_id, '') AS blueprint_id,
    coalesce(blueprint_version_id, '') AS blueprint_version_id,
    coalesce(file_id, '') AS file_id, coalesce(file_version_id, '') AS file_version_id,
    model_name, {bucket_sql(DURATION)} AS bucket, 1 AS timed, 1 AS count,
    input_tokens, output_tokens, cost,
    (thumbs_up > 0)::int AS good, (thumbs_down > 0)::int AS bad, thumbs_up, thumbs_down
FROM tracing_log
WHERE use_case_id = %(use_case)s AND created_at >= %(first)s AND created_at < %(end)s
    AND date_trunc('hour', created_at, 'UTC') = ANY(%(hours)s)
    AND (parent_id IS NULL OR kind = ANY(%(kinds)s))
"""  # noqa: S608 - likewise
# What is not about durations counts once for each hour, whose buckets become rows here.
_ONCE = ", ".join(
    f"CASE WHEN coalesce(place, 1) = 1 THEN {name} END AS {name}"
    for name in ("count", *_SUMS.split(", "))
)
_HOURS = f"""
SELECT %(day)s::timestamptz AS start, {_KEYS}, bucket, timed,
    {_ONCE}
FROM tracing_logsum
LEFT JOIN LATERAL unnest(buckets, counts) WITH ORDINALITY AS latency (bucket, timed, place) ON true
WHERE use_case_id = %(use_case)s AND step = 'hour' AND start >= %(day)s AND start < %(next_day)s
"""  # noqa: S608 - likewise
_TAKE = """
DELETE FROM tracing_stalehour WHERE use_case_id = %(use_case)s AND hour >= %(day)s
    AND hour < least(%(next_day)s, %(until)s)
RETURNING hour
"""
# The last note of an hour says as much as all of them.
_THIN = """
DELETE FROM tracing_stalehour AS note USING (
    SELECT use_case_id, hour, max(id) AS id FROM tracing_stalehour WHERE hour >= %s
    GROUP BY use_case_id, hour
) AS last
WHERE note.use_case_id = last.use_case_id AND note.hour = last.hour AND note.id < last.id
"""


def sum_up(now: datetime | None = None, *, should_end: Callable[[], bool] = lambda: False) -> None:
    """Make the sums of all hours that are over and in which something changed, the newest first. The
    current hour is left: there something changes all the time."""
    until = (now or timezone.now()).replace(minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(_THIN, [until])
    while not should_end() and _sum_a_day(until):
        pass


def keep_up(*, should_end: Callable[[], bool]) -> None:
    """As `sum_up`, for a worker that has more to do: where it fails, logs are counted one by one until
    the next time."""
    try:
        sum_up(should_end=should_end)
    except DatabaseError:
        logger.exception("Logs could not be summed up")


@transaction.atomic
def _sum_a_day(until: datetime) -> bool:
    """Of one use case; False where none is left."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT use_case_id, date_trunc('day', hour, 'UTC') FROM tracing_stalehour"
            " WHERE hour < %s ORDER BY hour DESC LIMIT 1",
            [until],
        )
        found = cursor.fetchone()
        if found is None:
            return False
        use_case, day = found
        # Two that make the same sums would make them twice.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext('log sums'), hashtext(%s))", [use_case]
        )
        names = {"use_case": use_case, "day": day, "next_day": day + _DAY, "until": until}
        cursor.execute(_TAKE, names)
        hours = sorted({hour for (hour,) in cursor.fetchall()})
        if hours:
            _make_hours(cursor, use_case, hours)
            _make_day(cursor, names)
    return True


def _make_hours(cursor: Any, use_case: str, hours: list[datetime]) -> None:
    names = {
        "use_case": use_case,
        "step": Step.HOUR.value,
        "hours": hours,
        "first": hours[0],
        "end": hours[-1] + timedelta(hours=1),
        "kinds": [kind.value for kind in FILE_KINDS],
    }
    cursor.execute(
        "DELETE FROM tracing_logsum"
        " WHERE use_case_id = %(use_case)s AND step = %(step)s AND start = ANY(%(hours)s)",
        names,
    )
    cursor.execute(_MAKE.format(parts=_LOGS), names)


def _make_day(cursor: Any, names: dict[str, Any]) -> None:
    names = names | {"step": Step.DAY.value}
    cursor.execute(
        "DELETE FROM tracing_logsum"
        " WHERE use_case_id = %(use_case)s AND step = %(step)s AND start = %(day)s",
        names,
    )
    cursor.execute(_MAKE.format(parts=_HOURS), names)
