"""Which logs of a file a program asks for."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, TextField, Value, When
from django.db.models.functions import MD5, Cast, Concat
from django.db.models.lookups import IContains

from blueprints.kinds import AnyFile, AnyVersion
from blueprints.models import Blueprint, BlueprintVersion, FileVersion
from config.storable import storable
from tracing.models import ASKING_FACES, Face, Log, LogKind


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Empty: all. `ids` and texts are found within the values; `sample` is how many to pick at
    random. The same logs are picked again, so that one may page through them."""

    version: AnyVersion | None = None
    ids: Sequence[str] = ()
    text: str = ""
    metadata: str = ""
    start: datetime | None = None
    end: datetime | None = None
    in_trace: Sequence[bool] = ()
    sample: int | None = None


def logs_of(file: AnyFile, wanted: LogFilter = LogFilter()) -> QuerySet[Log]:
    """The newest first."""
    rows = Log.objects.of_programs().order_by("-created_at", "-pk")
    if isinstance(file, Blueprint):
        rows = rows.filter(blueprint=file, kind=LogKind.ANSWER)
    else:
        rows = rows.filter(file=file)
    rows = rows.filter(_conditions(wanted))
    if len(set(wanted.in_trace)) == 1:
        rows = rows.filter(in_trace() if wanted.in_trace[0] else ~in_trace())
    if wanted.sample is not None:
        rows = rows.filter(pk__in=rows.order_by(MD5("pk")).values("pk")[: wanted.sample])
    return rows


def _conditions(wanted: LogFilter) -> Q:
    found = Q()
    match wanted.version:
        case BlueprintVersion():
            found &= Q(blueprint_version=wanted.version)
        case FileVersion():
            found &= Q(file_version=wanted.version)
    if wanted.start is not None:
        found &= Q(created_at__gte=wanted.start)
    if wanted.end is not None:
        found &= Q(created_at__lte=wanted.end)
    if wanted.ids:
        found &= reduce(or_, map(_has_id, wanted.ids))
    if wanted.text:
        found &= says(wanted.text)
    if wanted.metadata:
        found &= _within("metadata", wanted.metadata)
    return found


def says(text: str) -> Q:
    """In the inputs or the output. Of a chat's answer the input is the question, and not the settings
    beside it."""
    text = storable(text)
    asked = Q(face__in=ASKING_FACES, payload__inputs__question__icontains=text)
    given = ~Q(face__in=ASKING_FACES) & _within("payload__inputs", text)
    said = Q(payload__text__icontains=text) | _within("payload__output_message", text)
    return said | asked | given


def mentions(text: str) -> Q:
    """In what was asked, messages included, or in what came back."""
    return says(text) | _within("payload__messages", text)


def in_trace() -> Q:
    """Of logs that are part of a trace: flows, what is below another log, and what others are below.
    Judgments make no trace of what they are about."""
    below = Log.objects.filter(parent=OuterRef("pk")).of_programs()
    hangs = Q(parent__isnull=False) & ~Q(parent=F("judged"), judged__isnull=False)
    return Q(kind=LogKind.FLOW) | hangs | Q(Exists(below.exclude(judged=F("parent"))))


def _has_id(part: str) -> Q:
    prefix = Case(When(face=Face.SESSIONS, then=Value("data_")), default=Value("log_"))
    made = Q(chosen_id=None) & Q(
        IContains(Concat(prefix, "pk", output_field=TextField()), storable(part))
    )
    return Q(chosen_id__icontains=storable(part)) | made


def _within(field: str, text: str) -> Q:
    """In a JSON value as PostgreSQL writes it."""
    escaped = json.dumps(storable(text), ensure_ascii=False)[1:-1]
    return Q(IContains(Cast(F(field), TextField()), escaped))
