"""Logs that programs write themselves: made, changed and taken away."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from psycopg.errors import UniqueViolation

from accounts.models import UseCase, User
from accounts.services import require_editor
from blueprints.kinds import AnyVersion, file_of
from blueprints.models import BlueprintVersion
from config.errors import AppError, Conflict, InvalidInput, NotFound
from config.inserting import insert
from config.storable import storable
from tracing import contents, sessions, traces
from tracing.announcing import announce
from tracing.models import LONGEST_NAME, Face, Log, LogKind, LogPayload, Session, made_pk

_CHOSEN_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST_NAME}}}")
# Of when something was used last. A write for each of many logs would make them wait in a row.
_LAST_USED_RESOLUTION = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Place:
    """What a new log is called by and what it belongs to. `judged` is the log that an evaluator's
    speaks of, and its parent unless it has another one."""

    chosen_id: str | None = None
    reference_id: str | None = None
    parent: Log | None = None
    session: Session | None = None
    judged: Log | None = None


NOWHERE = Place()


def log_named(use_case: UseCase, public_id: str, *, field: str = "trace_parent_id") -> Log:
    """The log that programs call this. Raises NotFound for what is none of this use case's."""
    found = Log.objects.filter(use_case=use_case).of_programs().named(public_id)
    if found is None:
        raise NotFound(
            f"There is no log {public_id} here: {field} names one that was stored before."
        )
    return found


def log_referred_to(use_case: UseCase, reference_id: str) -> Log:
    """The log that its caller gave this reference. Raises NotFound."""
    rows = Log.objects.filter(use_case=use_case, reference_id=storable(reference_id))
    found = rows.first()
    if found is None:
        raise NotFound(f"There is no log with the reference {reference_id} here.")
    return found


def check_place(use_case: UseCase, place: Place) -> None:
    """What `create` would refuse, for callers that do something dear in between. Raises InvalidInput
    for ids that are no ids, Conflict for those that are taken and for a trace that is complete."""
    _check_names(place)
    sessions.session_of(place.parent, place.session)
    if place.parent is not None:
        traces.check_open(place.parent.root or place.parent)
    if place.chosen_id and Log.objects.filter(use_case=use_case).named(place.chosen_id):
        raise _taken("log_id", place.chosen_id)


def create(
    *,
    user: User,
    version: AnyVersion,
    face: Face,
    fields: Mapping[str, Any],
    place: Place = NOWHERE,
    save: bool = True,
) -> Log:
    """A log of a call of this version. `fields` are those of `contents`, kept as they are; without
    `save` none of the payload's is written, not even for a moment.

    Raises InvalidInput, Conflict for an id or reference that is taken and for a parent whose trace
    is complete, NotFound for a parent that is gone.
    """
    file = file_of(version)
    require_editor(file.use_case, user)
    _check_names(place)
    log = _made(user, version, face, contents.of_new(version_kind(version), fields))
    log.use_case_id, log.is_payload_kept = file.use_case_id, save
    log.chosen_id, log.reference_id, log.judged = place.chosen_id, place.reference_id, place.judged
    parent = place.parent or place.judged
    log.session = sessions.session_of(parent, place.session)
    payload = contents.payload_of(fields)
    contents.check_complete(log, payload)
    try:
        # What can go wrong below is undone alone; without a name and a parent nothing can.
        is_tried = bool(place.chosen_id or place.reference_id or parent)
        with transaction.atomic(savepoint=is_tried):
            _write(log, payload, parent, is_late=place.parent is None)
            announce(log.use_case_id)
    except IntegrityError as error:
        raise _translated(error, place) from error
    _note_use(version)
    return log


def version_kind(version: AnyVersion) -> LogKind:
    if isinstance(version, BlueprintVersion):
        return LogKind.ANSWER
    return LogKind(version.file.kind)


def _made(user: User, version: AnyVersion, face: Face, columns: Mapping[str, Any]) -> Log:
    log = Log(kind=version_kind(version), face=face, user=user, **columns)
    if isinstance(version, BlueprintVersion):
        log.blueprint_id, log.blueprint_version = version.blueprint_id, version
        named = version.prompt.model or version.llm_id or version.saved_llm_id
        log.model_name = log.model_name or named
    else:
        log.file_id, log.file_version = version.file_id, version
    return log


def _write(log: Log, payload: dict[str, Any], parent: Log | None, *, is_late: bool) -> None:
    root = traces.hang(log, parent, is_late=is_late) if parent else None
    # The database sees to the other chosen ids.
    made = made_pk(log.chosen_id or "")
    if made and Log.objects.filter(use_case=log.use_case_id, pk=made).exists():
        raise _taken("log_id", log.chosen_id)
    if log.is_payload_kept:
        log.payload = LogPayload(log=log, **payload)
        insert(log, log.payload)
    else:
        insert(log)
    if root is not None:
        traces.widen(root, log)
    if log.session is not None:
        sessions.note_change(log.session)


@transaction.atomic
def patch(log: Log, *, user: User, changes: Mapping[str, Any]) -> Log:
    """Change what is given; None clears. `parent` moves the log within its use case.

    Raises InvalidInput for a flow that is completed without a word of how it ended, and what
    `traces.move` raises. Of a log whose payload is not kept none is written now either.
    """
    require_editor(log.use_case, user)
    rows = Log.objects.select_for_update(of=("self",), no_key=True).select_related("use_case")
    changed = rows.filter(pk=log.pk).first()
    if changed is None:
        raise NotFound("This log was deleted meanwhile.")
    payload = LogPayload.objects.filter(log=changed).first() or LogPayload(log=changed)
    contents.apply(changed, payload, changes)
    changed.save(force_update=True)
    if changed.is_payload_kept and contents.payload_of(changes):
        payload.save()
    if "parent" in changes:
        traces.move(changed, changes["parent"])
    elif changed.root is not None:
        traces.widen(changed.root, changed)
    if changed.session is not None:
        sessions.note_change(changed.session)
    announce(changed.use_case_id)
    return changed


def _check_names(place: Place) -> None:
    if place.chosen_id is not None and not _CHOSEN_ID.fullmatch(place.chosen_id):
        raise InvalidInput(
            f"An id has 1 to {LONGEST_NAME} letters, digits, - and _.", field="log_id"
        )
    if place.reference_id is not None and not 0 < len(place.reference_id) <= LONGEST_NAME:
        raise InvalidInput(
            f"A reference of 1 to {LONGEST_NAME} characters, please.", field="reference_id"
        )


def _taken(field: str, value: str | None) -> Conflict:
    return Conflict(f"Another log has the {field} {value} already: choose another.", field=field)


def _translated(error: IntegrityError, place: Place) -> AppError | IntegrityError:
    if not isinstance(error.__cause__, UniqueViolation):
        return error
    if error.__cause__.diag.constraint_name == "log_reference_unique":
        return _taken("reference_id", place.reference_id)
    return _taken("log_id", place.chosen_id)


def _note_use(version: AnyVersion) -> None:
    now: datetime = timezone.now()
    if version.last_used_at is None or now - version.last_used_at > _LAST_USED_RESOLUTION:
        type(version).objects.filter(pk=version.pk).update(last_used_at=now)
        version.last_used_at = now
