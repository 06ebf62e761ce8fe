"""What calls of prompts, flows and tools cost and were worth, by one query of each kind.

Ratings are thumbs on answers in chats, and what programs say by the evaluator `rating`.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import (
    Aggregate,
    Count,
    FloatField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
)
from django.utils import timezone

from accounts.models import UseCase
from blueprints.kinds import AnyFile
from blueprints.models import Blueprint, BlueprintVersion, File
from config.status import Status
from playground.models import Feedback
from tracing.models import Log, LogKind

DAYS = 30
_RATING = "rating"  # the built-in evaluator's path
_GOOD, _BAD = "good", "bad"


class Median(Aggregate):
    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


@dataclass(slots=True)
class Figures:
    """Costs in US dollars, null where no price is known; the median latency in milliseconds, of
    answers that were given to their end."""

    calls: int = 0
    cost: Decimal | None = None
    latency_ms: float | None = None
    ups: int = 0
    votes: int = 0

    @property
    def score(self) -> int | None:
        """The share of thumbs that point up, in per cent."""
        return round(100 * self.ups / self.votes) if self.votes else None


def since() -> datetime:
    return timezone.now() - timedelta(days=DAYS)


def of_versions(
    blueprint: Blueprint, version: BlueprintVersion | None = None
) -> dict[str | None, Figures]:
    """Of the last days, by the version's key; None are calls with settings that are no version. Of
    one version alone where it is given."""
    logs = Log.objects.filter(
        blueprint=blueprint, kind=LogKind.ANSWER, created_at__gte=since()
    ).order_by()
    thumbs: dict[str, Any] = {"prompt__blueprint_version__blueprint": blueprint}
    ratings: dict[str, Any] = {"judged__blueprint": blueprint}
    if version is not None:
        logs = logs.filter(blueprint_version=version)
        thumbs = {"prompt__blueprint_version": version}
        ratings["judged__blueprint_version"] = version
    found = _figures(logs, "blueprint_version")
    _add_votes(
        found,
        _thumbs("prompt__blueprint_version", **thumbs),
        _ratings("judged__blueprint_version", **ratings),
    )
    return found


def of_file_versions(file: File) -> dict[str | None, Figures]:
    """Likewise, of a flow or tool."""
    logs = Log.objects.filter(file=file, created_at__gte=since()).order_by()
    found = _figures(logs, "file_version")
    _add_votes(found, _ratings("judged__file_version", judged__file=file))
    return found


def of_files(use_case: UseCase) -> dict[str | None, Figures]:
    """Of all that has a path, by its key, without the latency, for which all calls would be sorted."""
    recent = Log.objects.filter(use_case=use_case, created_at__gte=since()).order_by()
    answers = recent.filter(kind=LogKind.ANSWER, blueprint__isnull=False)
    others = recent.filter(file__isnull=False)
    found = _figures(answers, "blueprint", is_timed=False)
    found |= _figures(others, "file", is_timed=False)
    judged = {"judged__use_case": use_case}
    _add_votes(
        found,
        _thumbs("prompt__chat__blueprint", prompt__chat__blueprint__use_case=use_case),
        _ratings("judged__blueprint", judged__blueprint__isnull=False, **judged),
        _ratings("judged__file", judged__file__isnull=False, **judged),
    )
    return found


def last_calls(files: Sequence[AnyFile]) -> dict[str, Log]:
    """The newest call of each that was ever called, with its user."""
    prompts = [file.pk for file in files if isinstance(file, Blueprint)]
    others = [file.pk for file in files if isinstance(file, File)]
    newest = Log.objects.order_by("-created_at", "-pk").values("pk")
    of_prompt = newest.filter(blueprint=OuterRef("pk"), kind=LogKind.ANSWER)
    of_file = newest.filter(file=OuterRef("pk"))
    keys = [
        *_with_last(Blueprint.objects.filter(pk__in=prompts), of_prompt),
        *_with_last(File.objects.filter(pk__in=others), of_file),
    ]
    logs = Log.objects.filter(pk__in=keys).select_related("user")
    return {log.blueprint_id or log.file_id or "": log for log in logs}


def _with_last(rows: Any, newest: QuerySet[Log, Any]) -> Iterable[str]:
    found = rows.order_by().annotate(last=Subquery(newest[:1])).values_list("last", flat=True)
    return filter(None, found)


def _figures(
    logs: QuerySet[Log], column: str, *, is_timed: bool = True
) -> dict[str | None, Figures]:
    median: Any = Value(None, output_field=FloatField())
    if is_timed:
        median = Median("latency_ms", filter=Q(status=Status.COMPLETED))
    rows = logs.values_list(column).annotate(calls=Count("pk"), spent=Sum("cost"), median=median)
    return {key: Figures(calls, cost, latency) for key, calls, cost, latency in rows}


def _thumbs(column: str, **which: Any) -> Any:
    """Rows of (key, thumbs, thumbs that point up)."""
    return (
        Feedback.objects.filter(updated_at__gte=since(), **which)
        .values_list(column)
        .annotate(n=Count("pk"), ups=Count("pk", filter=Q(is_positive=True)))
    )


def _ratings(column: str, **which: Any) -> Any:
    """Likewise, of what programs say."""
    return (
        Log.objects.filter(
            kind=LogKind.EVALUATOR,
            file__path=_RATING,
            judgment__in=[_GOOD, _BAD],
            created_at__gte=since(),
            **which,
        )
        .order_by()
        .values_list(column)
        .annotate(n=Count("pk"), ups=Count("pk", filter=Q(judgment=_GOOD)))
    )


def _add_votes(
    found: dict[str | None, Figures], *votes: Collection[tuple[str | None, int, int]]
) -> None:
    for rows in votes:
        for key, count, ups in rows:
            figures = found.setdefault(key, Figures())
            figures.votes += count
            figures.ups += ups
