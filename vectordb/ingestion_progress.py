"""How far a vector database has come, as its page shows it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from django.utils import timezone

from config.status import UNFINISHED, Status
from vectordb.models import Ingestion, VectorDatabase

_WHOLE = 1_000
# What was done longer ago says little about what is to come.
_RECENTLY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast documents have come in lately, and how long the others will take."""

    chunks_per_second: float
    milliseconds_left: float

    @classmethod
    def of(cls, ingestions: Iterable[Ingestion], now: datetime) -> Self | None:
        """None while there is nothing to tell by."""
        ingestions = list(ingestions)
        recent = [one for one in ingestions if _is_recent(one, now)]
        # One comes after the other; between two jobs nothing is done.
        seconds = sum(_seconds(one, now) for one in recent)
        done = sum(_bytes_done(one) for one in recent)
        if not done or seconds <= 0:
            return None
        left = sum(
            one.document.size - _bytes_done(one)
            for one in ingestions
            if not Status(one.status).is_final
        )
        chunks = sum(one.chunks_count for one in recent)
        return cls(chunks / seconds, 1_000 * left * seconds / done)


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` is for the bar: each document weighs the same, in thousandths."""

    ingestions: list[Ingestion]
    done: int
    total: int
    finished: int
    failed: int
    is_running: bool
    pace: Pace | None  # None unless it is running

    @classmethod
    def of(cls, database: VectorDatabase) -> Self:
        ingestions = list(database.ingestions.select_related("document"))
        counts = Counter(Status(ingestion.status) for ingestion in ingestions)
        unfinished = sum(counts[status] for status in UNFINISHED)
        return cls(
            ingestions=ingestions,
            done=sum(_thousandths(ingestion) for ingestion in ingestions),
            total=_WHOLE * len(ingestions) or 1,
            finished=len(ingestions) - unfinished,
            failed=counts[Status.ERROR] + counts[Status.CANCELLED],
            is_running=database.status in UNFINISHED or unfinished > 0,
            pace=Pace.of(ingestions, timezone.now()) if unfinished else None,
        )

    @property
    def percent(self) -> int:
        return 100 * self.done // self.total


def _thousandths(ingestion: Ingestion) -> int:
    if Status(ingestion.status).is_final:
        return _WHOLE
    if not ingestion.progress_total:
        return 0
    return min(_WHOLE, _WHOLE * ingestion.progress_done // ingestion.progress_total)


def _is_recent(ingestion: Ingestion, now: datetime) -> bool:
    if ingestion.status == Status.RUNNING:
        return True
    return ingestion.finished_at is not None and ingestion.finished_at > now - _RECENTLY


def _seconds(ingestion: Ingestion, now: datetime) -> float:
    end = now if ingestion.status == Status.RUNNING else ingestion.finished_at
    if ingestion.started_at is None or end is None:
        return 0.0
    return (end - ingestion.started_at).total_seconds()


def _bytes_done(ingestion: Ingestion) -> float:
    return ingestion.document.size * _thousandths(ingestion) / _WHOLE
