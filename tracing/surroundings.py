"""What is shown with logs: what hangs below them, what was judged of them, and whose parts they are."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import F, QuerySet

from tracing.models import Log, LogKind

# Of a tree that is deeper, whatever is below stands with the logs of this level. Each still says
# which its parent is; readers and writers of JSON follow only so far down.
DEEPEST = 100


@dataclass(frozen=True, slots=True)
class Named:
    public_id: str
    kind: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """By the logs' keys: `children` of all levels where they were asked for; `judgments`, without
    those that were taken back; `names` of parents, roots and of what judgments are about; `trunks`
    are the roots that have something below them."""

    children: dict[str, list[Log]] = field(default_factory=lambda: defaultdict(list))
    judgments: dict[str, list[Log]] = field(default_factory=lambda: defaultdict(list))
    names: dict[str, Named] = field(default_factory=dict)
    trunks: set[str] = field(default_factory=set)

    def trace_of(self, log: Log) -> Named | None:
        """The root of the trace that the log is in; None outside of one."""
        if log.root_id:
            return None if _is_judgment_only(log) else self.names.get(log.root_id)
        is_trunk = log.kind == LogKind.FLOW or log.pk in self.trunks
        return Named(log.public_id, log.kind) if is_trunk else None

    def parent_of(self, log: Log) -> Named | None:
        """The parent in the trace, which is not what a judgment is about."""
        return None if _is_judgment_only(log) else self.names.get(log.parent_id or "")


def complete(logs: QuerySet[Log]) -> QuerySet[Log]:
    """With what is shown of each log itself."""
    return logs.select_related("payload", "session")


def around(logs: Sequence[Log], *, with_children: Sequence[Log] = ()) -> Surroundings:
    """Of all these logs, in at most four queries; with what is below some of them, at all levels."""
    found = Surroundings()
    shown = {log.pk: log for log in logs}
    _add_children(found, with_children, shown)
    _add_judgments(found, shown)
    _add_names(found, shown)
    _add_trunks(found, shown)
    return found


def _add_children(found: Surroundings, tops: Sequence[Log], shown: dict[str, Log]) -> None:
    if not tops:
        return
    rows = complete(Log.objects.of_programs()).exclude(judged=F("parent"))
    below: dict[str | None, list[Log]] = defaultdict(list)
    for log in rows.filter(root__in={top.root_id or top.pk for top in tops}):
        below[log.parent_id].append(log)
    walked: set[str] = set()
    # With each log, which one the logs below it stand with, and how deep that is.
    waiting = [(top, top.pk, 0) for top in tops]
    while waiting:
        log, holder, depth = waiting.pop()
        if log.pk in walked:
            continue
        walked.add(log.pk)
        for child in below[log.pk]:
            shown[child.pk] = child
            found.children[holder].append(child)
            waiting.append(
                (child, child.pk, depth + 1) if depth < DEEPEST else (child, holder, depth)
            )


def _add_judgments(found: Surroundings, shown: dict[str, Log]) -> None:
    rows = complete(Log.objects.filter(judged__in=list(shown))).order_by("created_at", "pk")
    for log in rows.exclude(judgment__isnull=True, error_message=""):
        found.judgments[log.judged_id or ""].append(log)
    for judgments in list(found.judgments.values()):
        shown |= {log.pk: log for log in judgments}


def _add_names(found: Surroundings, shown: dict[str, Log]) -> None:
    wanted = {
        pk for log in shown.values() for pk in (log.parent_id, log.root_id, log.judged_id) if pk
    }
    named = [shown[pk] for pk in wanted if pk in shown]
    missing = wanted - set(shown)
    if missing:
        named += Log.objects.filter(pk__in=missing).only("chosen_id", "face", "kind")
    found.names.update({log.pk: Named(log.public_id, log.kind) for log in named})


def _add_trunks(found: Surroundings, shown: dict[str, Log]) -> None:
    roots = [pk for pk, log in shown.items() if not log.root_id and log.kind != LogKind.FLOW]
    if roots:
        below = Log.objects.of_programs().filter(parent__in=roots).exclude(judged=F("parent"))
        found.trunks.update(below.values_list("parent_id", flat=True).distinct())


def _is_judgment_only(log: Log) -> bool:
    return bool(log.judged_id) and log.judged_id == log.parent_id
