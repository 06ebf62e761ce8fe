"""Taking logs away: what hangs below them stays, but for the steps inside an answer."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import UseCase, User
from accounts.services import require_editor
from blueprints.kinds import AnyFile
from blueprints.models import Blueprint
from tracing.announcing import announce
from tracing.models import FILE_KINDS, Log

_AT_ONCE = 500


def delete(logs: Iterable[Log], *, user: User) -> None:
    """Their children lose their parent, and are roots of what is below them.

    Raises Forbidden where the user may not change the use case of one; then all stay.
    """
    doomed = list(logs)
    for use_case in UseCase.objects.filter(pk__in={log.use_case_id for log in doomed}):
        require_editor(use_case, user)
    _delete(doomed)


def delete_of(file: AnyFile, *, user: User) -> None:
    """All logs of a file that is about to be deleted."""
    require_editor(file.use_case, user)
    rows: QuerySet[Log] = Log.objects.filter(
        **{"blueprint" if isinstance(file, Blueprint) else "file": file}, kind__in=FILE_KINDS
    )
    while some := list(rows.order_by("pk")[:_AT_ONCE]):
        _delete(some)


@transaction.atomic
def _delete(doomed: list[Log]) -> None:
    root_ids = {log.root_id or log.pk for log in doomed}
    trees = Log.objects.filter(Q(pk__in=root_ids) | Q(root__in=root_ids))
    nodes = list(
        trees.select_for_update(of=("self",))
        .order_by("pk")
        .only("pk", "parent_id", "root_id", "kind")
    )
    gone = {log.pk for log in doomed}
    gone |= {node.pk for node in nodes if node.parent_id in gone and node.kind not in FILE_KINDS}
    kept = {node.pk: node for node in nodes if node.pk not in gone}
    moved = [node for node in kept.values() if _is_moved(node, kept)]
    Log.objects.bulk_update(moved, ["parent", "root"], batch_size=_AT_ONCE)
    Log.objects.filter(pk__in=gone).delete()
    for use_case_id in {log.use_case_id for log in doomed}:
        announce(use_case_id)


def _is_moved(node: Log, kept: dict[str, Log]) -> bool:
    """Give the node its parent and root among those that stay; whether they are others."""
    root = node
    while root.parent_id in kept:
        root = kept[root.parent_id]
    parent = kept.get(node.parent_id or "")
    was = node.parent_id, node.root_id
    node.parent, node.root = parent, None if root is node else root
    return was != (node.parent_id, node.root_id)
