"""What logs amount to by time, version, LLM or path: from the sums of hours and days where there are
some, from the logs themselves for the rest of the time. Nothing is missing then, and nothing is old."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from accounts.models import UseCase
from blueprints.models import Blueprint, BlueprintVersion, File, FileVersion
from tracing.durations import bucket_sql, quantile
from tracing.log_filters import Wanted, logs_in
from tracing.log_indexes import duration
from tracing.log_pages import bounded
from tracing.models import FILE_KINDS, Log, LogKind
from tracing.search import mentions
from tracing.sum_models import LogSum, StaleHour, Step
from tracing.time_span import Span

# What figures can be told apart by; `at` is the step of the span.
Key = tuple[Any, ...]
_COLUMNS = (
    *("at", "blueprint_id", "blueprint_version_id", "file_id", "file_version_id", "model_name"),
)
# So many are counted one by one, and their percentiles are exact.
FEW = 5_000
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_SORTING_MEMORY = "64MB"

_OF_SUMS = (
    *("start", "status", *_COLUMNS[1:], "count", "input_tokens", "output_tokens", "cost"),
    *("good", "bad", "thumbs_up", "thumbs_down", "buckets", "counts"),
)
_OF_LOGS = (
    *("created_at", "status", *_COLUMNS[1:], "input_tokens", "output_tokens", "cost"),
    *("thumbs_up", "thumbs_down"),
)
# A log as a sum of one.
_AS_SUMS = f"""
SELECT created_at AS start, status, coalesce(blueprint_id, '') AS blueprint_id,
    coalesce(blueprint_version_id, '') AS blueprint_version_id,
    coalesce(file_id, '') AS file_id, coalesce(file_version_id, '') AS file_version_id, model_name,
    1 AS count, input_tokens, output_tokens, cost, (thumbs_up > 0)::int AS good,
    (thumbs_down > 0)::int AS bad, thumbs_up, thumbs_down,
    CASE WHEN duration IS NOT NULL THEN ARRAY[{bucket_sql("duration")}] END AS buckets,
    ARRAY[1::bigint] AS counts
FROM ({{logs}}) AS log
"""  # noqa: S608 - of constants alone
_FIGURES = """
SELECT {columns}, GROUPING({columns}),
    sum(count)::bigint, coalesce(sum(count) FILTER (WHERE status = 'ERROR'), 0)::bigint,
    coalesce(sum(input_tokens), 0)::bigint, coalesce(sum(output_tokens), 0)::bigint, sum(cost),
    sum(good)::bigint, sum(bad)::bigint, sum(thumbs_up)::bigint, sum(thumbs_down)::bigint{more}
FROM (SELECT *, date_trunc(%s, start, 'UTC') AS at FROM ({parts}) AS part) AS timed
GROUP BY GROUPING SETS ({sets})
"""
_EXACTLY = """,
    percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY duration) FILTER (WHERE {timed})"""
_BUCKETS = """
SELECT {columns}, GROUPING({columns}), bucket, sum(n)::bigint
FROM (SELECT *, date_trunc(%s, start, 'UTC') AS at FROM ({parts}) AS part) AS timed,
    unnest(buckets, counts) AS latency (bucket, n)
WHERE bucket IS NOT NULL AND {timed}
GROUP BY GROUPING SETS ({sets})
"""


@dataclass(frozen=True, slots=True)
class Sums:
    """Of some logs. Latencies in milliseconds; cost in US dollars, None where none is known. `good` and
    `bad` are how many were called so by anybody, the thumbs how often."""

    count: int = 0
    errors: int = 0
    p50: float | None = None
    p95: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal | None = Decimal()
    good: int = 0
    bad: int = 0
    thumbs_up: int = 0
    thumbs_down: int = 0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Grouped:
    """For each way of grouping that was asked for, its groups. Unless percentiles are exact they are as
    near as `durations.ACCURACY`."""

    groups: list[dict[Key, Sums]]
    is_exact: bool


def figures_by(
    use_case: UseCase, wanted: Wanted, span: Span, *ways: Sequence[str], timed: str = "true"
) -> Grouped:
    """Of the logs that are wanted and were made in the span, grouped by columns of `_COLUMNS`; a key is
    "" where a log has none. `timed` is a condition on what counts for percentiles, in SQL. Raises
    Conflict where it takes too long."""
    wanted = replace(wanted, since=None, until=None)
    logs = logs_in(use_case, wanted).order_by()
    if wanted.text:
        logs = logs.filter(mentions(wanted.text))
    plan = _Plan(ways, span.step, timed)
    with bounded():
        cut = _cut(use_case, span) if _is_summed(wanted) else None
        if cut is not None and (cut.days or cut.hours):
            parts = _Parts()
            parts.add(_sums_in(use_case, wanted, cut).values_list(*_OF_SUMS))
            if cut.rest:
                parts.add(_made_in(logs, cut.rest), around=_AS_SUMS)
            groups = plan.figures(parts)
            if sum(sums.count for sums in groups[0].values()) > FEW:
                return Grouped(plan.with_percentiles(groups, parts), is_exact=False)
        exactly = _Parts()
        exactly.add(_made_in(logs, [(span.start, span.end)]), around=_AS_EXACT)
        return Grouped(plan.figures(exactly, is_exact=True), is_exact=True)


_AS_EXACT = _AS_SUMS.replace("SELECT created_at", "SELECT duration, created_at", 1)


@dataclass(slots=True)
class _Parts:
    """Rows to be added up, as SQL."""

    selects: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)

    def add(self, rows: QuerySet[Any, Any], around: str = "{logs}") -> None:
        sql, parameters = rows.query.sql_with_params()
        self.selects.append(around.format(logs=sql))
        self.parameters += parameters

    @property
    def sql(self) -> str:
        return " UNION ALL ".join(f"({one})" for one in self.selects)


@dataclass(frozen=True, slots=True)
class _Plan:
    """The queries of some ways of grouping."""

    ways: Sequence[Sequence[str]]
    step: str
    timed: str

    def figures(self, parts: _Parts, *, is_exact: bool = False) -> list[dict[Key, Sums]]:
        more = _EXACTLY.format(timed=self.timed) if is_exact else ""
        groups: list[dict[Key, Sums]] = [{} for _ in self.ways]
        for way, key, values in self._run(_FIGURES, parts, more):
            count, errors, *sums = values[:9]
            p50, p95 = (values[9] if is_exact else None) or (None, None)
            groups[way][key] = Sums(count, errors, p50, p95, *sums)
        return groups

    def with_percentiles(
        self, groups: list[dict[Key, Sums]], parts: _Parts
    ) -> list[dict[Key, Sums]]:
        found: list[dict[Key, list[tuple[int, int]]]] = [{} for _ in self.ways]
        for way, key, (bucket, count) in self._run(_BUCKETS, parts):
            found[way].setdefault(key, []).append((bucket, count))
        return [
            {
                key: replace(
                    sums,
                    p50=quantile(buckets.get(key, ()), 0.5),
                    p95=quantile(buckets.get(key, ()), 0.95),
                )
                for key, sums in one.items()
            }
            for one, buckets in zip(groups, found, strict=True)
        ]

    def _run(self, query: str, parts: _Parts, more: str = "") -> list[tuple[int, Key, Any]]:
        """Rows of (which way, key, the rest)."""
        columns = [name for name in _COLUMNS if any(name in way for way in self.ways)]
        within = ["bucket"] if query is _BUCKETS else []
        sql = query.format(
            columns=", ".join(columns),
            sets=", ".join(f"({', '.join([*way, *within])})" for way in self.ways),
            parts=parts.sql,
            timed=self.timed,
            more=more,
        )
        # GROUPING has a bit for each column that a row is not grouped by, the last one's the lowest.
        masks = {
            sum(2**place for place, name in enumerate(reversed(columns)) if name not in way): number
            for number, way in enumerate(self.ways)
        }
        found = []
        with connection.cursor() as cursor:
            # Percentiles sort what they are of, once for each way of grouping.
            cursor.execute("SELECT set_config('work_mem', %s, true)", [_SORTING_MEMORY])
            cursor.execute(sql, [self.step, *parts.parameters])
            for row in cursor:
                way = masks[row[len(columns)]]
                values = dict(zip(columns, row, strict=False))
                key = tuple(values[name] for name in self.ways[way])
                found.append((way, key, row[len(columns) + 1 :]))
        return found


@dataclass(frozen=True, slots=True)
class _Cut:
    """A span in pieces: days and hours that have sums, and the rest from … to."""

    days: list[datetime]
    hours: list[datetime]
    rest: list[tuple[datetime, datetime]]


def _is_summed(wanted: Wanted) -> bool:
    """Whether sums tell apart what is asked for."""
    known = {"file", "version", "status", "is_deep"}
    return replace(wanted, **{name: getattr(Wanted(), name) for name in known}) == Wanted()


def _cut(use_case: UseCase, span: Span) -> _Cut:
    # What becomes stale from now on is counted as it was a moment ago.
    first = _begin(span.start, _HOUR)
    notes = StaleHour.objects.filter(use_case=use_case, hour__gte=first, hour__lt=span.end)
    stale = set(notes.values_list("hour", flat=True).distinct())
    days: list[datetime] = []
    hours: list[datetime] = []
    rest: list[tuple[datetime, datetime]] = []
    at = first
    while at < span.end:
        whole_day = [at + number * _HOUR for number in range(24)] if at == _begin(at, _DAY) else []
        if (
            whole_day
            and span.step != "hour"
            and at + _DAY <= span.end
            and stale.isdisjoint(whole_day)
        ):
            days.append(at)
            at += _DAY
            continue
        if at in stale or at < span.start or at + _HOUR > span.end:
            rest.append((max(at, span.start), min(at + _HOUR, span.end)))
        else:
            hours.append(at)
        at += _HOUR
    return _Cut(days, hours, _joined(rest))


def _begin(moment: datetime, step: timedelta) -> datetime:
    start = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return start.replace(hour=0) if step == _DAY else start


def _joined(pieces: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    joined: list[tuple[datetime, datetime]] = []
    for start, end in pieces:
        if joined and joined[-1][1] == start:
            joined[-1] = joined[-1][0], end
        else:
            joined.append((start, end))
    return joined


def _sums_in(use_case: UseCase, wanted: Wanted, cut: _Cut) -> QuerySet[LogSum]:
    when = Q(step=Step.DAY, start__in=cut.days) | Q(step=Step.HOUR, start__in=cut.hours)
    rows = LogSum.objects.filter(when, use_case=use_case).order_by()
    rows = rows.filter(kind__in=FILE_KINDS) if wanted.is_deep else rows.filter(is_root=True)
    if wanted.status:
        rows = rows.filter(status=wanted.status)
    match wanted.version, wanted.file:
        case BlueprintVersion() as version, _:
            return rows.filter(blueprint_version_id=version.pk, kind=LogKind.ANSWER)
        case FileVersion() as version, _:
            return rows.filter(file_version_id=version.pk)
        case None, Blueprint() as blueprint:
            return rows.filter(blueprint_id=blueprint.pk, kind=LogKind.ANSWER)
        case None, File() as file:
            return rows.filter(file_id=file.pk)
    return rows


def _made_in(logs: QuerySet[Log], times: list[tuple[datetime, datetime]]) -> QuerySet[Log, Any]:
    made = reduce(or_, (Q(created_at__gte=start, created_at__lt=end) for start, end in times))
    timed: Any = logs.filter(made).annotate(duration=duration())
    rows: QuerySet[Log, Any] = timed.values("duration", *_OF_LOGS)
    return rows
