"""The rules of trees: what may hang where, and what that does to the root."""

from datetime import datetime

from django.db.models import F, Q
from django.db.models.functions import Greatest, Least

from config.errors import Conflict, InvalidInput, NotFound
from tracing.models import Log, LogKind, LogStatus


def check_open(root: Log) -> None:
    """Raises Conflict for the root of a trace that was said to be complete."""
    if root.kind == LogKind.FLOW and root.log_status == LogStatus.COMPLETE:
        raise Conflict("This trace is complete: it takes no more logs. Begin another one.")


def hang(log: Log, parent: Log, *, is_late: bool = False) -> Log:
    """Give the log, which is not saved here, its place below the parent; its root as it is now, held
    until the commit so that nobody completes or deletes it meanwhile. What `is_late`, such as what
    somebody says of a log, may come to complete traces too.

    Raises NotFound where the parent was deleted, and Conflict where its trace is complete.
    """
    parent, root = _held(parent)
    if not is_late:
        check_open(root)
    log.parent, log.root = parent, root
    return root


def move(log: Log, parent: Log | None) -> None:
    """Hang a log of the database elsewhere, with all that is below it; `None` makes it a root.

    Raises InvalidInput where the parent is below the log, else as `hang`.
    """
    below = below_of(log)
    if parent is not None and parent.pk in {log.pk, *below}:
        raise InvalidInput("A log cannot be below itself.", field="trace_parent_id")
    if parent is None:
        log.parent, log.root = None, None
    else:
        widen(hang(log, parent), log)
    Log.objects.filter(pk__in=below).update(root=log.root or log)
    Log.objects.filter(pk=log.pk).update(parent=log.parent, root=log.root)


def below_of(log: Log) -> list[str]:
    """The ids of all logs below this one."""
    tree = Log.objects.filter(root=log.root_id or log.pk).values_list("pk", "parent_id")
    children: dict[str | None, list[str]] = {}
    for pk, parent_id in tree:
        children.setdefault(parent_id, []).append(pk)
    found: list[str] = []
    waiting = [log.pk]
    while waiting:
        own = children.get(waiting.pop(), [])
        found += own
        waiting += own
    return found


def widen(root: Log, log: Log) -> None:
    """A flow lasts from its first log's beginning to its last one's end."""
    if root.kind != LogKind.FLOW:
        return
    is_earlier = log.started_at < root.started_at
    is_later = log.ended_at is not None and (root.ended_at is None or log.ended_at > root.ended_at)
    if is_earlier or is_later:
        _stretch(root.pk, log.started_at, log.ended_at)


def _stretch(root_id: str, start: datetime, end: datetime | None) -> None:
    # PostgreSQL's functions leave nulls out.
    Log.objects.filter(pk=root_id).update(
        started_at=Least(F("started_at"), start), ended_at=Greatest(F("ended_at"), end)
    )


def _held(parent: Log) -> tuple[Log, Log]:
    """The parent and its root, both locked."""
    root_id = parent.root_id or parent.pk
    rows = Log.objects.select_for_update(of=("self",), no_key=True)
    held = {row.pk: row for row in rows.filter(Q(pk=parent.pk) | Q(pk=root_id)).order_by("pk")}
    found, root = held.get(parent.pk), held.get(root_id)
    if found is None or root is None or (found.root_id or found.pk) != root_id:
        raise NotFound("The log to hang this one below was deleted or moved meanwhile.")
    return found, root
