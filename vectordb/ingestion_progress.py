"""How far a vector database has come, as its page shows it."""

from collections import Counter
from dataclasses import dataclass
from typing import Self

from config.status import UNFINISHED, Status
from vectordb.models import Ingestion, VectorDatabase

_WHOLE = 1_000


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` is for the bar: each document weighs the same, in thousandths."""

    ingestions: list[Ingestion]
    done: int
    total: int
    finished: int
    failed: int
    is_running: bool

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
