"""A time that figures are of."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from config.errors import InvalidInput

USUAL_DAYS = 14
_MOST_DAYS = 1_100
_STEPS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}


@dataclass(frozen=True, slots=True)
class Span:
    """A time, and the steps in which it is shown: hours, days or weeks, in UTC."""

    start: datetime
    end: datetime
    step: str

    @classmethod
    def of(cls, since: datetime | None, until: datetime | None) -> "Span":
        """Raises InvalidInput for one that is too long."""
        end = until or max(timezone.now(), since or datetime.min.replace(tzinfo=UTC))
        start = since or end - timedelta(days=USUAL_DAYS)
        days = (end - start) / timedelta(days=1)
        if days > _MOST_DAYS:
            raise InvalidInput(
                f"Charts show up to {_MOST_DAYS:,} days: choose a later beginning.", field="since"
            )
        return cls(start, end, "hour" if days <= 3 else "day" if days <= 120 else "week")

    @property
    def moments(self) -> list[datetime]:
        """When each step begins."""
        return list(self._moments())

    def _moments(self) -> Iterator[datetime]:
        at = self.start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        if self.step != "hour":
            at = at.replace(hour=0)
        if self.step == "week":
            at -= timedelta(days=at.weekday())
        while at < self.end:
            yield at
            at += _STEPS[self.step]
