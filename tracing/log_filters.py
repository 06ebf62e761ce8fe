"""Which logs of a use case a reader asks for."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual

from accounts.models import UseCase, User
from blueprints.models import Blueprint, BlueprintVersion, File, FileVersion
from tracing.log_indexes import duration
from tracing.models import FILE_KINDS, Log, LogKind


class Feedback(models.TextChoices):
    GOOD = "good", "good"
    BAD = "bad", "bad"
    ANY = "any", "any"
    NONE = "none", "none yet"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Empty: all roots. With `is_deep` whatever has a path, at any depth; `text` is left to
    whoever reads the rows, see `log_pages`. Costs in US dollars, latencies in milliseconds."""

    file: Blueprint | File | None = None
    version: BlueprintVersion | FileVersion | None = None
    environment: str = ""
    source: str = ""
    face: str = ""
    user: User | None = None
    end_user: str = ""
    status: str = ""
    since: datetime | None = None
    until: datetime | None = None
    cost_from: Decimal | None = None
    cost_to: Decimal | None = None
    latency_from: float | None = None
    latency_to: float | None = None
    feedback: str = ""
    text: str = ""
    is_deep: bool = False


def logs_in(use_case: UseCase, wanted: Wanted = Wanted()) -> QuerySet[Log]:
    """In no order. Each filter alone is answered by an index."""
    rows = Log.objects.filter(use_case=use_case)
    rows = rows.filter(kind__in=FILE_KINDS) if wanted.is_deep else rows.filter(parent=None)
    rows = rows.filter(_called(wanted), **_equal(wanted), **_between(wanted))
    if wanted.latency_from is not None:
        rows = rows.filter(GreaterThanOrEqual(duration(), wanted.latency_from))
    if wanted.latency_to is not None:
        rows = rows.filter(LessThanOrEqual(duration(), wanted.latency_to))
    if wanted.feedback:
        rows = rows.filter(judged_as(Feedback(wanted.feedback)))
    return rows


def _called(wanted: Wanted) -> Q:
    match wanted.version, wanted.file:
        case BlueprintVersion() as version, _:
            return Q(blueprint_version=version, kind=LogKind.ANSWER)
        case FileVersion() as version, _:
            return Q(file_version=version)
        case None, Blueprint() as blueprint:
            return Q(blueprint=blueprint, kind=LogKind.ANSWER)
        case None, File() as file:
            return Q(file=file)
    return Q()


def _equal(wanted: Wanted) -> dict[str, Any]:
    values = {
        "environment": wanted.environment,
        "source": wanted.source,
        "face": wanted.face,
        "user": wanted.user,
        "end_user": wanted.end_user,
        "status": wanted.status,
    }
    return {name: value for name, value in values.items() if value}


def _between(wanted: Wanted) -> dict[str, Any]:
    values = {
        "created_at__gte": wanted.since,
        "created_at__lt": wanted.until,
        "cost__gte": wanted.cost_from,
        "cost__lte": wanted.cost_to,
    }
    return {name: value for name, value in values.items() if value is not None}


def judged_as(word: Feedback) -> Q:
    """By programs and people, in whatever way they said it."""
    return _JUDGED[word]


_JUDGED = {
    Feedback.GOOD: Q(thumbs_up__gt=0),
    Feedback.BAD: Q(thumbs_down__gt=0),
    Feedback.ANY: Q(judgment_count__gt=0),
    Feedback.NONE: Q(judgment_count=0),
}
