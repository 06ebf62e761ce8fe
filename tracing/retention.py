"""For how long a use case keeps its logs, and the daily work of deleting what is older."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import UseCase, User
from accounts.services import require_owner
from config.errors import InvalidInput
from tracing.announcing import announce
from tracing.list_models import Retention
from tracing.models import Log, LogPayload, Session

logger = logging.getLogger(__name__)

_AT_ONCE = 1_000
# Of whole traces, each of which may have many logs.
_TRACES_AT_ONCE = 200


def retention_of(use_case: UseCase) -> Retention | None:
    """None where nobody has said anything: everything is kept."""
    return Retention.objects.filter(use_case=use_case).first()


def keep_for(
    use_case: UseCase, *, user: User, payload_days: int | None, log_days: int | None
) -> Retention:
    """Only owners say so; None is for ever. Nothing is deleted before the next daily run. Raises
    InvalidInput for less than a day, and for payloads that would outlast their logs."""
    require_owner(use_case, user)
    for field, days in (("payload_days", payload_days), ("log_days", log_days)):
        if days is not None and days < 1:
            raise InvalidInput("At least a day, please.", field=field)
    if payload_days and log_days and payload_days > log_days:
        raise InvalidInput(
            "Nothing stays longer than its log: give fewer days.", field="payload_days"
        )
    retention, _ = Retention.objects.update_or_create(
        use_case=use_case,
        defaults={"payload_days": payload_days, "log_days": log_days, "updated_by": user},
    )
    return retention


def run(now: datetime | None = None, *, should_end: Callable[[], bool] = lambda: False) -> None:
    """Delete what is too old in each use case, some at a time, until all is gone or it should end; the
    next run goes on from there."""
    moment = now or timezone.now()
    rows = Retention.objects.exclude(payload_days=None, log_days=None).order_by("pk")
    for retention in rows:
        if should_end():
            return
        try:
            _run(retention, moment, should_end)
        except DatabaseError:
            # The others' logs are not to stay for that; the next run tries again.
            logger.exception("Old logs of %s could not be deleted", retention.use_case_id)


def _run(retention: Retention, now: datetime, should_end: Callable[[], bool]) -> None:
    logs, payloads = 0, 0
    if retention.log_days is not None:
        before = now - timedelta(days=retention.log_days)
        logs = _until_done(lambda: _delete_traces(retention.use_case_id, before), should_end)
        _delete_sessions(retention.use_case_id, before)
    if retention.payload_days is not None:
        before = now - timedelta(days=retention.payload_days)
        payloads = _until_done(lambda: _delete_payloads(retention.use_case_id, before), should_end)
    Retention.objects.filter(pk=retention.pk).update(
        last_run_at=now, deleted_logs=logs, deleted_payloads=payloads
    )
    if logs:
        announce(retention.use_case_id)
    logger.info(
        "Retention in %s: %d logs and the payloads of %d more are deleted",
        retention.use_case_id,
        logs,
        payloads,
    )


def _until_done(delete_some: Callable[[], int], should_end: Callable[[], bool]) -> int:
    count = 0
    while not should_end() and (deleted := delete_some()):
        count += deleted
    return count


def _older(use_case_id: str, before: datetime) -> QuerySet[Log]:
    rows = Log.objects.filter(use_case=use_case_id, created_at__lt=before)
    return rows.order_by("created_at", "pk")


@transaction.atomic
def _delete_traces(use_case_id: str, before: datetime) -> int:
    """Whole ones, by the age of their roots; how many logs these were."""
    roots = _older(use_case_id, before).filter(parent=None).select_for_update(skip_locked=True)
    keys = list(roots.values_list("pk", flat=True)[:_TRACES_AT_ONCE])
    if not keys:
        return 0
    _, deleted = Log.objects.filter(Q(pk__in=keys) | Q(root__in=keys)).delete()
    return deleted.get("tracing.Log", 0)


@transaction.atomic
def _delete_payloads(use_case_id: str, before: datetime) -> int:
    """From logs that stay; a later change of one writes no new payload."""
    rows = _older(use_case_id, before).filter(is_payload_kept=True)
    rows = rows.select_for_update(skip_locked=True, no_key=True)
    keys = list(rows.values_list("pk", flat=True)[:_AT_ONCE])
    LogPayload.objects.filter(pk__in=keys).delete()
    return Log.objects.filter(pk__in=keys).update(is_payload_kept=False)


def _delete_sessions(use_case_id: str, before: datetime) -> None:
    """Of which no log is left."""
    is_used = Exists(Log.objects.filter(session=OuterRef("pk")))
    Session.objects.filter(~is_used, use_case=use_case_id, updated_at__lt=before).delete()
