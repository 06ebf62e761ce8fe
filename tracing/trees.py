"""The logs of a trace, or of a session, in the order in which a reader comes to them."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q, QuerySet, Sum

from tracing.models import Log, LogKind, Session
from tracing.reading import Span, read_span
from tracing.timeline import Bar, TimeLine

# Whatever is deeper stands below those of this depth, so that a page can be read and parsed.
_DEEPEST = 8
# Of a longer trace a reader opens the steps that matter; their contents come then.
MOST_TOLD = 60
MOST_SHOWN = 2_000
_NAMED = ("user", "blueprint", "blueprint_version__blueprint", "file")
_TOLD = (*_NAMED, "payload")
_HUES = {
    LogKind.ANSWER: 1,
    LogKind.REWRITE: 4,
    LogKind.RETRIEVE: 3,
    LogKind.GENERATE: 2,
    LogKind.FLOW: 5,
    LogKind.TOOL: 6,
    LogKind.EVALUATOR: 7,
}


@dataclass(slots=True)
class Node:
    """One call at its place. `opens` says that it begins a level of the tree; `closes` has a letter
    for each level that ends before it."""

    log: Log
    depth: int
    bar: Bar
    # None: to be asked for.
    span: Span | None = None
    opens: bool = False
    closes: str = ""

    @property
    def hue(self) -> int:
        return _HUES[LogKind(self.log.kind)]


@dataclass(frozen=True, slots=True)
class Tree:
    """`closes` is as a node's, of the levels that are open at the end; `left_out` counts the logs that
    are too many for a page."""

    nodes: list[Node]
    closes: str
    line: TimeLine
    left_out: int

    @property
    def root(self) -> Node:
        return self.nodes[0]


@dataclass(frozen=True, slots=True)
class Sums:
    """Of the roots of a session: tokens, US dollars."""

    logs: int
    input_tokens: int
    output_tokens: int
    cost: Decimal | None


def trace_of(root_id: str) -> Tree:
    """A whole tree, however deep."""
    return _tree(Log.objects.filter(Q(pk=root_id) | Q(root=root_id)))


def session_trace(session: Session) -> Tree | None:
    """Everything in a session as one trace; None where nothing is in it yet. What its logs' trees hold
    belongs to it, whether it says so itself or not."""
    roots = session.logs.filter(parent=None).values("pk")
    own = Q(session=session) | Q(root__in=roots)
    logs = Log.objects.filter(own, use_case=session.use_case_id)
    return _tree(logs) if logs.exists() else None


def session_sums(session: Session) -> Sums:
    """Of its outermost logs, for they hold the sums of what is below them."""
    told = session.logs.filter(Q(parent=None) | ~Q(parent__session=session)).aggregate(
        tokens_in=Sum("input_tokens"), tokens_out=Sum("output_tokens"), cost=Sum("cost")
    )
    return Sums(
        logs=session.logs.count(),
        input_tokens=told["tokens_in"] or 0,
        output_tokens=told["tokens_out"] or 0,
        cost=told["cost"],
    )


def step_of(root_id: str, pk: str) -> Node | None:
    """One log of a tree with its contents; None where it is none of this tree."""
    logs = Log.objects.filter(Q(pk=root_id) | Q(root=root_id)).select_related(*_TOLD)
    log = logs.filter(pk=pk).first()
    if log is None:
        return None
    return Node(log, 0, TimeLine([log]).bar(log), read_span(log))


def _tree(logs: QuerySet[Log]) -> Tree:
    ordered = logs.order_by("started_at", "pk")
    count = ordered.count()
    is_told = count <= MOST_TOLD
    found = list(ordered.select_related(*(_TOLD if is_told else _NAMED))[:MOST_SHOWN])
    ordered_nodes = list(_in_order(found))
    line = TimeLine(log for log, depth in ordered_nodes if depth == 0)
    nodes, open_levels = [], 0
    for log, depth in ordered_nodes:
        node = Node(log, depth, line.bar(log))
        node.opens, node.closes = depth > open_levels, "x" * (open_levels - depth)
        open_levels = depth
        nodes.append(node)
    if is_told:
        _tell(nodes)
    return Tree(nodes, "x" * open_levels, line, left_out=count - len(found))


def _in_order(logs: list[Log]) -> Iterator[tuple[Log, int]]:
    """Each with its depth; what is below a log that is not here stands for itself."""
    here = {log.pk for log in logs}
    below: dict[str | None, list[Log]] = defaultdict(list)
    for log in logs:
        below[log.parent_id if log.parent_id in here else None].append(log)
    waiting = [(log, 0) for log in reversed(below[None])]
    while waiting:
        log, depth = waiting.pop()
        yield log, depth
        waiting += [(child, min(depth + 1, _DEEPEST)) for child in reversed(below[log.pk])]


def _tell(nodes: list[Node]) -> None:
    told_below = {node.log.parent_id for node in nodes if node.log.kind == LogKind.GENERATE}
    for node in nodes:
        node.span = read_span(node.log)
        node.span.is_told_below = node.log.pk in told_below
