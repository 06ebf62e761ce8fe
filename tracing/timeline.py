"""When the calls of a trace or a session ran, as places on one line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracing.models import Log

LENGTH = 1000
_THINNEST = 4  # so that the shortest call can be seen
_PAUSE = 30  # the place of a pause, however long it was
_TICKS = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """Thousandths of the line. `waiting` is the part of the width before its text began to come."""

    start: int
    width: int
    waiting: int | None


class TimeLine:
    """The line that these calls fill together. Between them, where nothing ran, time is left out, so
    that a session of a week can be read like one of a minute.

    `milliseconds` are those in which something ran, and `pauses` the places where time is left out.
    """

    def __init__(self, logs: Iterable[Log]) -> None:
        self._stretches = _joined([interval(log) for log in logs])
        lasting = [_ms(start, end) for start, end in self._stretches]
        self.milliseconds = sum(lasting)
        pauses = len(lasting) - 1
        # Of many pauses none may leave the calls without room.
        self._pause = min(_PAUSE, LENGTH // (2 * pauses)) if pauses else 0
        self._room = LENGTH - self._pause * pauses
        self._before = [sum(lasting[:number]) for number in range(len(lasting))]
        self.pauses = [self._offset(number) - self._pause / 2 for number in range(1, len(lasting))]

    def bar(self, log: Log) -> Bar:
        start, end = interval(log)
        left, right = self._place(start), self._place(end)
        width = max(_THINNEST, round(right - left))
        begin = min(round(left), LENGTH - width)
        lasted = _ms(start, end)
        waiting = None
        if log.first_token_ms is not None and lasted:
            waiting = round((right - left) * min(1.0, log.first_token_ms / lasted))
        return Bar(max(0, begin), width, waiting)

    @property
    def ticks(self) -> list[float]:
        """Milliseconds at even distances, both ends included; none where time is left out."""
        if len(self._stretches) > 1:
            return []
        return [self.milliseconds * tick / _TICKS for tick in range(_TICKS + 1)]

    def _offset(self, number: int) -> float:
        """Where a stretch begins."""
        share = self._before[number] / self.milliseconds if self.milliseconds else 0.0
        return self._room * share + self._pause * number

    def _place(self, moment: datetime) -> float:
        number = max(
            (n for n, (start, _) in enumerate(self._stretches) if start <= moment), default=0
        )
        start, end = self._stretches[number]
        into = min(max(0.0, _ms(start, moment)), _ms(start, end))
        return self._offset(number) + (
            self._room * into / self.milliseconds if self.milliseconds else 0.0
        )


def interval(log: Log) -> tuple[datetime, datetime]:
    """One that tells neither its end nor how long it took has lasted no time."""
    lasted = timedelta(milliseconds=log.duration_ms or 0)
    ended = log.started_at + lasted if log.ended_at is None else log.ended_at
    return log.started_at, max(log.started_at, ended)


def _joined(intervals: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """In order, those that touch each other as one."""
    joined: list[tuple[datetime, datetime]] = []
    for start, end in sorted(intervals):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined


def _ms(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds() * 1000
