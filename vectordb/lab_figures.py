"""What the chunking lab tells of a trial besides its chunks."""

from dataclasses import dataclass
from statistics import median
from typing import Self

from django.db.models import Sum

from vectordb.chunking_settings import ChunkingSettings
from vectordb.models import Document
from vectordb.trial_cuts import Outcome

_BARS = 16
# Of the drawing, in its own units.
_BAR_WIDTH, _HEIGHT = 20, 80


@dataclass(frozen=True, slots=True)
class Bar:
    """Chunks of `low` to `high` tokens; the rest is where it is drawn."""

    low: int
    high: int
    count: int
    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """`seconds` is None where nothing was embedded on this installation yet."""

    chunks: int
    bytes: int
    seconds: float | None

    @property
    def milliseconds(self) -> float | None:
        return None if self.seconds is None else self.seconds * 1_000


@dataclass(frozen=True, slots=True)
class Figures:
    """Tokens of chunks; `overlap` is the share of them that stands in two chunks, 0 to 1."""

    count: int
    smallest: int
    median: int
    largest: int
    overlap: float
    bars: tuple[Bar, ...]
    document: Estimate
    dataset: Estimate

    @property
    def widest(self) -> int:
        """The right end of the axis."""
        return self.bars[-1].high

    @classmethod
    def of(cls, outcome: Outcome, chunking: ChunkingSettings, document: Document) -> Self:
        tokens = [chunk.tokens for chunk in outcome.chunks]
        overlap = sum(chunk.overlap for chunk in outcome.chunks)
        return cls(
            count=len(tokens),
            smallest=min(tokens),
            median=round(median(tokens)),
            largest=max(tokens),
            overlap=overlap / max(1, sum(tokens)),
            bars=_bars(tokens, max(chunking.model.max_tokens, *tokens)),
            document=_estimate(outcome, 1 / outcome.share),
            dataset=_estimate(outcome, _times_in_dataset(document) / outcome.share),
        )


def _bars(tokens: list[int], widest: int) -> tuple[Bar, ...]:
    """Chunks by length. The axis is as wide as the model's window, so that two can be compared."""
    width = -(-widest // _BARS)
    counts = [0] * _BARS
    for count in tokens:
        counts[min(count // width, _BARS - 1)] += 1
    return tuple(_bar(index, width, count, max(counts)) for index, count in enumerate(counts))


def _bar(index: int, width: int, count: int, most: int) -> Bar:
    height = round(_HEIGHT * count / most, 1)
    low = index * width
    return Bar(low, low + width - 1, count, index * _BAR_WIDTH, _HEIGHT - height, height)


def _times_in_dataset(document: Document) -> float:
    """How many times as large as this document all of them are: the only thing known of the others."""
    whole = document.dataset.documents.aggregate(whole=Sum("size"))["whole"]
    return float(whole) / max(1, document.size)


def _estimate(outcome: Outcome, times: float) -> Estimate:
    tokens = sum(chunk.tokens for chunk in outcome.chunks)
    pace = outcome.tokens_per_second
    return Estimate(
        chunks=round(len(outcome.chunks) * times),
        bytes=outcome.room.bytes(times),
        seconds=tokens * times / pace if pace else None,
    )
