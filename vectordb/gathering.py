"""Documents of a few chunks, embedded and stored together: a model takes less than half the time for a text
among others, and the database waits for its disk once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING

from django.utils import timezone

from vectordb import chunk_store
from vectordb.chunking import Chunk
from vectordb.ingestion_rows import Done, Times
from vectordb.models import Ingestion

if TYPE_CHECKING:
    from vectordb.embedding import Vectors


@dataclass(frozen=True, slots=True)
class Gathered:
    """A document that is cut; `total` is what its progress counts to."""

    ingestion: Ingestion
    chunks: list[Chunk]
    total: int


@dataclass(frozen=True, slots=True)
class Embedded:
    gathered: Gathered
    vectors: "Vectors"
    times: Times

    def done(self) -> Done:
        one = self.gathered
        return Done(one.ingestion, len(one.chunks), one.total, self.times)

    def rows(self) -> list[chunk_store.Row]:
        return chunk_store.rows_of(self.gathered.ingestion, self.gathered.chunks, self.vectors)


def with_vectors(
    gathered: Sequence[Gathered], vectors: "Vectors", *, since: datetime
) -> list[Embedded]:
    """`vectors` are those of all chunks, in their order, and `since` when the first document was begun."""
    ends = accumulate(len(one.chunks) for one in gathered)
    return [
        Embedded(one, vectors[end - len(one.chunks) : end], times)
        for one, end, times in zip(gathered, ends, _shared_out(gathered, since), strict=True)
    ]


def _shared_out(gathered: Sequence[Gathered], began: datetime) -> list[Times]:
    """The time that all took together, to each by its chunks, one after the other: times of documents
    are summed up where their pace is told."""
    took = timezone.now() - began
    everything = sum(len(one.chunks) for one in gathered) or 1
    times, done = [], 0
    for one in gathered:
        start, done = done, done + len(one.chunks)
        times.append(Times(began + took * start / everything, began + took * done / everything))
    return times
