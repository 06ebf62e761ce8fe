"""The logs of a trace, or of a session, in the order in which a reader comes to them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q, QuerySet

from config.formats import dollars, duration
from config.status import Status
from tracing.models import Log, LogKind, Session
from tracing.reading import Span, read_span
from tracing.timeline import Bar, TimeLine

# Whatever is deeper stands below those of this depth, so that a page can be read and parsed.
_DEEPEST = 8
# Of a longer trace a reader opens the steps that matter, one at a time.
MOST_TOLD = 60
MOST_SHOWN = 2_000
_TOLD = ("user", "blueprint", "blueprint_version__blueprint", "file", "session", "payload")
# All that a place on the time-line takes.
_NAMED = ("blueprint", "file")
_PLACED = (
    "kind",
    "status",
    "parent_id",
    "started_at",
    "ended_at",
    "latency_ms",
    "first_token_ms",
    "input_tokens",
    "output_tokens",
    "cost",
    "model_name",
    "blueprint__path",
    "file__path",
)
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
class Row:
    """A node on the time-line. All texts: a template takes its time with whatever else it is given,
    and there may be thousands."""

    pk: str
    hue: str
    depth: str
    kind: str
    name: str
    is_bad: bool
    start: str
    width: str
    waiting: str
    time: str
    tokens: str
    cost: str


@dataclass(frozen=True, slots=True)
class Sums:
    """Tokens, US dollars."""

    logs: int
    input_tokens: int | None
    output_tokens: int
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class Tree:
    """`closes` is as a node's, of the levels that are open at the end; `left_out` counts the logs that
    are too many for a page. Where `is_long`, only some nodes have their contents."""

    nodes: list[Node]
    closes: str
    line: TimeLine
    left_out: int
    is_long: bool

    @property
    def root(self) -> Node:
        return self.nodes[0]

    @property
    def rows(self) -> Iterator[Row]:
        return map(_row, self.nodes)

    @property
    def sums(self) -> Sums:
        """Of all that it shows. What holds the sums of the steps below it is counted without them."""
        return _sums(self.nodes, self.left_out)


def trace_of(root_id: str) -> Tree:
    """A whole tree, however deep."""
    return _tree(_tree_of(root_id))


def session_trace(session: Session) -> Tree | None:
    """Everything in a session as one trace; None where nothing is in it yet. What its logs' trees hold
    belongs to it, whether it says so itself or not."""
    roots = session.logs.filter(parent=None).values("pk")
    own = Q(session=session) | Q(root__in=roots)
    logs = Log.objects.filter(own, use_case=session.use_case_id)
    return _tree(logs) if logs.exists() else None


def step_of(root_id: str, pk: str) -> Node | None:
    """One log of a tree with its contents; None where it is none of this tree."""
    log = _tree_of(root_id).select_related(*_TOLD).filter(pk=pk).first()
    if log is None:
        return None
    return Node(log, 0, TimeLine([log]).bar(log), read_span(log))


def _tree_of(root_id: str) -> QuerySet[Log]:
    return Log.objects.filter(Q(pk=root_id) | Q(root=root_id))


def _tree(logs: QuerySet[Log]) -> Tree:
    count = logs.count()
    is_long = count > MOST_TOLD
    if is_long:
        logs = logs.select_related(*_NAMED).only(*_PLACED)
    else:
        logs = logs.select_related(*_TOLD)
    placed = list(_in_order(logs.order_by("started_at", "pk")[:MOST_SHOWN]))
    line = TimeLine(log for log, depth in placed if depth == 0)
    nodes, open_levels = [], 0
    for log, depth in placed:
        node = Node(log, depth, line.bar(log))
        node.opens, node.closes = depth > open_levels, "x" * (open_levels - depth)
        open_levels = depth
        nodes.append(node)
    if not is_long:
        _tell(nodes)
    return Tree(nodes, "x" * open_levels, line, left_out=count - len(nodes), is_long=is_long)


def _in_order(logs: Iterable[Log]) -> Iterator[tuple[Log, int]]:
    """Each with its depth; what is below a log that is not here stands for itself."""
    found = {log.pk: log for log in logs}
    below: dict[str | None, list[Log]] = defaultdict(list)
    for log in found.values():
        below[log.parent_id if log.parent_id in found else None].append(log)
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


def _sums(nodes: Iterable[Node], left_out: int) -> Sums:
    counted: set[str | None] = set()
    logs, read, written = left_out, None, 0
    cost: Decimal | None = None
    for node in nodes:
        log = node.log
        logs += 1
        has_figures = log.input_tokens is not None or log.cost is not None
        if log.parent_id in counted:
            counted.add(log.pk)
        elif has_figures:
            counted.add(log.pk)
            read = (read or 0) + (log.input_tokens or 0)
            written += log.output_tokens or 0
            if log.cost is not None:
                cost = (cost or Decimal()) + log.cost
    return Sums(logs, read, written, cost)


def _row(node: Node) -> Row:
    log, bar = node.log, node.bar
    tokens = ""
    if log.input_tokens is not None:
        tokens = f"{log.input_tokens:,} → {log.output_tokens or 0:,}"
    return Row(
        pk=log.pk,
        hue=str(node.hue),
        depth=str(node.depth),
        kind=LogKind(log.kind).label,
        name=_name(log),
        is_bad=log.status == Status.ERROR,
        start=str(bar.start),
        width=str(bar.width),
        waiting=str(bar.waiting) if bar.waiting else "",
        time=duration(log.duration_ms) or "-",
        tokens=tokens,
        cost=dollars(log.cost),
    )


def _name(log: Log) -> str:
    """What was called, or else which LLM."""
    if log.file is not None:
        return log.file.path
    if log.kind == LogKind.ANSWER and log.blueprint is not None:
        return log.blueprint.path
    return log.model_name
