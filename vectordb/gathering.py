"""Documents of a few chunks, worked on together: a model takes less than half the time for a text among
others, and the database for rows among others."""

from collections.abc import Iterable, Iterator, Sequence
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

# Whatever takes long to read does not keep others waiting.
LARGE_BYTES = 200_000
_BEGUN_AT_ONCE = 16


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


def small_together(ingestions: Iterable[Ingestion]) -> Iterator[list[Ingestion]]:
    """In their order: a few small documents are begun with at once, a large one alone."""
    some: list[Ingestion] = []
    for ingestion in ingestions:
        is_large = ingestion.document.size > LARGE_BYTES
        if some and (is_large or len(some) == _BEGUN_AT_ONCE):
            yield some
            some = []
        some.append(ingestion)
        if is_large:
            yield some
            some = []
    if some:
        yield some


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
