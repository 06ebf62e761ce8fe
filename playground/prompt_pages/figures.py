"""What calls of prompts, flows and tools cost and were worth, by one question for each page.

Ratings are thumbs on answers in chats, and what programs say by the evaluator `rating`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from accounts.models import UseCase
from blueprints.kinds import AnyFile
from blueprints.models import Blueprint, BlueprintVersion, File
from config.errors import Conflict
from tracing.log_filters import Wanted
from tracing.log_sums import Key, Sums, figures_by
from tracing.models import Log, LogKind
from tracing.time_span import Span

DAYS = 30
# Of failures nobody wants to know how long they took.
_TIMED = "status = 'COMPLETED'"


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
    """Of the calls of the last days, by the version's key; None are calls with settings that are no
    version. Of one version alone where it is given. Raises Conflict where it takes too long."""
    found = _of(blueprint.use_case, ("blueprint_version_id",), file=blueprint, version=version)
    return {key or None: _figures(sums) for (key,), sums in found.items()}


def of_file_versions(file: File) -> dict[str | None, Figures]:
    """Likewise, of a flow or tool."""
    found = _of(file.use_case, ("file_version_id",), file=file)
    return {key or None: _figures(sums) for (key,), sums in found.items()}


def of_files(use_case: UseCase) -> dict[str | None, Figures]:
    """Of all that has a path, by its key."""
    found = _of(use_case, ("blueprint_id", "file_id"))
    return {blueprint or file or None: _figures(sums) for (blueprint, file), sums in found.items()}


def or_problem(
    measure: Callable[[], dict[str | None, Figures]],
) -> tuple[dict[str | None, Figures], str]:
    """The figures, else why there are none: the rest of a page can do without them."""
    try:
        return measure(), ""
    except Conflict:
        return {}, "There are too many calls to count them now: try again in a minute."


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


def _of(use_case: UseCase, way: Sequence[str], **which: Any) -> dict[Key, Sums]:
    span = Span.of(since(), None)
    wanted = Wanted(**which, is_deep=True)
    [found] = figures_by(use_case, wanted, span, way, timed=_TIMED).groups
    return found


def _figures(sums: Sums) -> Figures:
    return Figures(
        calls=sums.count,
        cost=sums.cost,
        latency_ms=sums.p50,
        ups=sums.thumbs_up,
        votes=sums.thumbs_up + sums.thumbs_down,
    )
