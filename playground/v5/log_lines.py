"""Logs as lines of JSON in the form in which this API shows them, to be brought in elsewhere: see
`importing`. What is below a log, and what is said of it, comes along."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import cast

from django.db.models import F, QuerySet

from config.threads import give_connection_back
from playground.v5.log_showing import show_logs
from tracing import log_pages
from tracing.log_export import json_bytes
from tracing.log_filters import Wanted
from tracing.models import Log, LogQuerySet
from tracing.surroundings import complete

_AT_ONCE = 50


def lines(rows: QuerySet[Log], wanted: Wanted) -> Iterator[bytes]:
    """Blocks of lines. Of roots all that is below them follows, parents first; where all levels are
    wanted, each log stands for itself. What was done inside an answer is no log of this API."""
    rows = cast("LogQuerySet", rows).of_programs()
    for ids in log_pages.walk(rows, wanted.text, at_once=_AT_ONCE):
        keys = ids if wanted.is_deep else [*ids, *_below(ids)]
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            found = {log.pk: log for log in complete(Log.objects.filter(pk__in=some))}
            shown = show_logs([found[pk] for pk in some if pk in found])
            give_connection_back()
            yield b"".join(json_bytes(log) + b"\n" for log in shown)
        # Also where there was none: between two blocks it is seen whether anybody still reads.
        yield b""


def _below(roots: Sequence[str]) -> list[str]:
    """The keys of all logs below these, without what is said of them, each after its parent."""
    rows = Log.objects.of_programs().filter(root__in=roots).exclude(judged=F("parent"))
    children: dict[str | None, list[str]] = defaultdict(list)
    for pk, parent in rows.order_by("created_at", "pk").values_list("pk", "parent_id"):
        children[parent].append(pk)
    found: list[str] = []
    level = list(roots)
    while level := [child for parent in level for child in children[parent]]:
        found += level
    return found
