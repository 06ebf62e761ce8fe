"""Figures of logs by time, by version and by LLM, in one pass over them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, QuerySet
from django.db.models.functions import Trunc
from django.utils import timezone

from accounts.models import UseCase
from blueprints.models import BlueprintVersion, FileVersion
from config.errors import InvalidInput
from tracing.log_filters import Feedback, judged_as
from tracing.log_indexes import duration
from tracing.log_pages import bounded
from tracing.models import Log

USUAL_DAYS = 14
_MOST_DAYS = 1_100
_MOST_GROUPS = 12
_SORTING_MEMORY = "64MB"
_STEPS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
_SUMS = """
SELECT GROUPING(at), GROUPING(model_name), at, blueprint_version_id, file_version_id, model_name,
    count(*), count(*) FILTER (WHERE status = 'ERROR'),
    percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY duration),
    coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0), coalesce(sum(cost), 0)
FROM ({rows}) AS log
GROUP BY GROUPING SETS ((at), (blueprint_version_id, file_version_id), (model_name))
"""


@dataclass(frozen=True, slots=True)
class Span:
    """A time, and the steps in which it is shown: hours, days or weeks, in UTC."""

    start: datetime
    end: datetime
    step: str

    @classmethod
    def of(cls, since: datetime | None, until: datetime | None) -> "Span":
        """Raises InvalidInput for one that is too long."""
        end = until or max(timezone.now(), since or datetime.min.replace(tzinfo=UTC))
        start = since or end - timedelta(days=USUAL_DAYS)
        days = (end - start) / timedelta(days=1)
        if days > _MOST_DAYS:
            raise InvalidInput(
                f"Charts show up to {_MOST_DAYS:,} days: choose a later beginning.", field="since"
            )
        return cls(start, end, "hour" if days <= 3 else "day" if days <= 120 else "week")

    @property
    def moments(self) -> list[datetime]:
        """When each step begins."""
        return list(self._moments())

    def _moments(self) -> Iterator[datetime]:
        at = self.start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        if self.step != "hour":
            at = at.replace(hour=0)
        if self.step == "week":
            at -= timedelta(days=at.weekday())
        while at < self.end:
            yield at
            at += _STEPS[self.step]


@dataclass(frozen=True, slots=True)
class Sums:
    """Of some logs. Latencies in milliseconds, cost in US dollars."""

    count: int = 0
    errors: int = 0
    p50: float | None = None
    p95: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal()
    good: int = 0
    bad: int = 0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Group:
    """`query` finds its logs in the list; blank: the list has no filter for it."""

    name: str
    sums: Sums
    query: dict[str, str]


@dataclass(frozen=True, slots=True)
class Figures:
    span: Span
    by_time: list[tuple[datetime, Sums]]
    by_version: list[Group]
    by_model: list[Group]

    @property
    def count(self) -> int:
        return sum(sums.count for _, sums in self.by_time)


def figures_of(use_case: UseCase, rows: QuerySet[Log], span: Span) -> Figures:
    """Of those of the rows that were made in the span. Raises Conflict where it takes too long."""
    within = rows.filter(created_at__gte=span.start, created_at__lt=span.end).order_by()
    within = within.annotate(at=Trunc("created_at", span.step, tzinfo=UTC))
    with bounded():
        times, versions, models = _sums(within)
        judged = {
            word: dict(
                within.filter(judged_as(word, use_case))
                .values("at")
                .annotate(count=Count("pk"))
                .values_list("at", "count")
            )
            for word in (Feedback.GOOD, Feedback.BAD)
        }
    good, bad = judged[Feedback.GOOD], judged[Feedback.BAD]
    by_time = [
        (at, replace(Sums(*times.get(at, ())), good=good.get(at, 0), bad=bad.get(at, 0)))
        for at in span.moments
    ]
    return Figures(span, by_time, _of_versions(versions), _of_models(models))


_Values = tuple[Any, ...]


def _sums(
    rows: QuerySet[Log],
) -> tuple[
    dict[datetime, _Values], dict[tuple[str | None, str | None], _Values], dict[str, _Values]
]:
    """By time, by version and by LLM."""
    columns = ("blueprint_version_id", "file_version_id", "model_name", "status", "cost")
    tokens = ("input_tokens", "output_tokens")
    inner = rows.annotate(duration=duration()).values("at", "duration", *columns, *tokens)
    sql, parameters = inner.query.sql_with_params()
    times: dict[datetime, _Values] = {}
    versions: dict[tuple[str | None, str | None], _Values] = {}
    models: dict[str, _Values] = {}
    with connection.cursor() as cursor:
        # Percentiles sort what they are of, once for each way of grouping.
        cursor.execute("SELECT set_config('work_mem', %s, true)", [_SORTING_MEMORY])
        cursor.execute(_SUMS.format(rows=sql), parameters)
        for no_time, no_model, at, blueprint, file, model, count, errors, latency, *sums in cursor:
            p50, p95 = latency or (None, None)
            values = (count, errors, p50, p95, *sums)
            if not no_time:
                # What was cut to its step has lost its zone.
                times[at.replace(tzinfo=UTC)] = values
            elif not no_model:
                models[model] = values
            else:
                versions[blueprint, file] = values
    return times, versions, models


def _most(found: dict[Any, _Values]) -> list[tuple[Any, Sums]]:
    ordered = sorted(found.items(), key=lambda item: item[1][0], reverse=True)
    return [(key, Sums(*values)) for key, values in ordered[:_MOST_GROUPS]]


def _of_versions(found: dict[tuple[str | None, str | None], _Values]) -> list[Group]:
    most = _most(found)
    blueprints = BlueprintVersion.objects.filter(pk__in=[key[0] for key, _ in most])
    files = FileVersion.objects.filter(pk__in=[key[1] for key, _ in most])
    names: dict[str | None, tuple[str, int]] = {
        pk: (path, number)
        for rows in (
            blueprints.values_list("pk", "blueprint__path", "number"),
            files.values_list("pk", "file__path", "number"),
        )
        for pk, path, number in rows
    }
    groups = []
    for (blueprint, file), sums in most:
        path, number = names.get(blueprint or file, ("", 0))
        query = {"path": path, "version": str(number)} if path else {}
        groups.append(Group(f"{path} v{number}" if path else "no version", sums, query))
    return groups


def _of_models(found: dict[str, _Values]) -> list[Group]:
    return [Group(model or "none", sums, {}) for model, sums in _most(found)]
