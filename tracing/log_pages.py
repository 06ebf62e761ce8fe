"""Pages of logs, newest first. A page begins where another one ended, so that the last one comes as
fast as the first, and what is added meanwhile moves nothing."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import OperationalError, connection, transaction
from django.db.models import Q, QuerySet
from psycopg import errors

from config.errors import Conflict, InvalidInput
from tracing.models import Log
from tracing.search import mentions

ROWS = 50
_MOST_SECONDS = 10
# Of a search for words, which reads what it looks through.
_SEARCH_SECONDS = 0.4
_FIRST_STEP, _LONGEST_STEP = 1_000, 8_000
_MARK = re.compile(r"(-?\d{1,18})-([0-9a-f]{24})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place among the logs: that of one log, whether it is still there or not."""

    created_at: datetime
    pk: str

    def __str__(self) -> str:
        return f"{(self.created_at - _EPOCH) // timedelta(microseconds=1)}-{self.pk}"

    @classmethod
    def read(cls, text: str) -> "Mark":
        """Raises InvalidInput."""
        found = _MARK.fullmatch(text)
        try:
            if found:
                return cls(_EPOCH + timedelta(microseconds=int(found[1])), found[2])
        except OverflowError:
            pass
        raise InvalidInput("This is no place in the list: go back to the newest logs.")


@dataclass(frozen=True, slots=True)
class Place:
    """Below `older_than`, or above `newer_than`; neither: at the top."""

    older_than: Mark | None = None
    newer_than: Mark | None = None


@dataclass(frozen=True, slots=True)
class LogPage:
    """`ids` newest first. `older` and `newer` are where the pages around it begin. A search for words
    that took too long ended at `stopped_at`, after `looked_through` logs."""

    ids: list[str] = field(default_factory=list)
    older: Mark | None = None
    newer: Mark | None = None
    stopped_at: Mark | None = None
    looked_through: int = 0


def find(rows: QuerySet[Log], text: str = "", place: Place = Place()) -> LogPage:
    """A page of these logs. Raises Conflict where it takes too long."""
    is_upwards = place.newer_than is not None
    start = place.newer_than or place.older_than
    with bounded():
        found = _Walk(rows, is_upwards=is_upwards).some(text, start, ROWS + 1)
    shown, has_more = found.marks[:ROWS], len(found.marks) > ROWS
    if is_upwards:
        shown.reverse()
    first, last = (shown[0], shown[-1]) if shown else (None, None)
    has_older = has_more or is_upwards
    has_newer = has_more if is_upwards else start is not None
    return LogPage(
        ids=[mark.pk for mark in shown],
        older=last if has_older else None,
        newer=(first or start) if has_newer else None,
        stopped_at=found.stopped_at,
        looked_through=found.looked_through,
    )


def walk(rows: QuerySet[Log], text: str = "", *, at_once: int) -> Iterator[list[str]]:
    """The ids of all these logs, newest first, some at a time. Nothing is held in between."""
    downwards = _Walk(rows, is_upwards=False)
    start: Mark | None = None
    while True:
        with bounded():
            found = downwards.some(text, start, at_once)
        yield [mark.pk for mark in found.marks]
        if found.stopped_at is None and len(found.marks) < at_once:
            return
        start = found.stopped_at or found.marks[-1]


@contextmanager
def bounded(advice: str = "choose a shorter time, or one more filter.") -> Iterator[None]:
    """Queries that end, and are planned for the very values that they are asked with: which index is
    the right one depends on them. Raises Conflict with the advice where one takes too long."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('statement_timeout', %s, true),"
                    " set_config('plan_cache_mode', 'force_custom_plan', true)",
                    [f"{_MOST_SECONDS}s"],
                )
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, errors.QueryCanceled):
            raise Conflict(f"That is too much to look through at once: {advice}") from error
        raise


@dataclass(frozen=True, slots=True)
class _Found:
    marks: list[Mark]
    stopped_at: Mark | None = None
    looked_through: int = 0


class _Walk:
    """One way through the rows: downwards from the newest, or upwards."""

    def __init__(self, rows: QuerySet[Log], *, is_upwards: bool) -> None:
        sign = "" if is_upwards else "-"
        self._rows = rows.order_by(f"{sign}created_at", f"{sign}pk")
        self._next, self._other = ("gt", "lt") if is_upwards else ("lt", "gt")

    def some(self, text: str, start: Mark | None, count: int) -> _Found:
        if text:
            return self._search(text, start, count, time.monotonic() + _SEARCH_SECONDS)
        return _Found(self._read(self._beyond(start), count))

    def _search(self, text: str, start: Mark | None, count: int, ends_at: float) -> _Found:
        """Step by step, for as long as there is time: words may be rare, and logs long."""
        found: list[Mark] = []
        step, looked = _FIRST_STEP, 0
        while True:
            stretch = self._beyond(start)
            end = self._read(stretch[step - 1 :], 1)
            if end:
                stretch = stretch.filter(self._up_to(end[0]))
            found += self._read(stretch.filter(mentions(text)), count - len(found))
            looked += step
            if not end or len(found) == count:
                return _Found(found)
            start = end[0]
            if time.monotonic() > ends_at:
                return _Found(found, stopped_at=start, looked_through=looked)
            step = min(2 * step, _LONGEST_STEP)

    def _beyond(self, start: Mark | None) -> QuerySet[Log]:
        if start is None:
            return self._rows
        here = Q(created_at=start.created_at)
        passed = here & Q(**{f"pk__{self._other}e": start.pk})
        return self._rows.filter(Q(**{f"created_at__{self._next}e": start.created_at}) & ~passed)

    def _up_to(self, end: Mark) -> Q:
        beyond = Q(created_at=end.created_at) & Q(**{f"pk__{self._next}": end.pk})
        return Q(**{f"created_at__{self._other}e": end.created_at}) & ~beyond

    @staticmethod
    def _read(rows: QuerySet[Log], count: int) -> list[Mark]:
        return [Mark(*row) for row in rows.values_list("created_at", "pk")[:count]]
