"""What a row of a keyword table holds: in which chunks a term is, packed."""

import sys
from array import array
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from vectordb.models import CHUNKS_PER_DOCUMENT, FIRST_ADDED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Chunks of a section.
SECTION = 16
POSTING_BYTES = 10
# They bound the memory of a build to some 100 MB.
_MOST_POSTINGS_IN_RUN = 2_500_000
_MOST_TERMS_IN_RUN = 100_000
_LARGEST_OFFSET = (1 << 32) - 1
_LARGEST_COUNT = (1 << 8) - 1
_LARGEST_LENGTH = (1 << 16) - 1


@dataclass
class Section:
    """(id, how often each term is in it, how many terms it has) of each chunk, in order."""

    chunks: list[tuple[int, Counter[str], int]] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)

    @property
    def length(self) -> int:
        return sum(length for *_, length in self.chunks)

    def goes_on_with(self, chunk_id: int) -> bool:
        """Between documents an id is left out; what was added by hand stands by itself."""
        is_added = chunk_id % CHUNKS_PER_DOCUMENT >= FIRST_ADDED
        is_next = chunk_id == self.chunks[-1][0] + 1
        return is_next and len(self.chunks) < SECTION and not is_added


class Postings(NamedTuple):
    """Arrays of shape (chunks that hold the term,).

    `offsets` are of the chunks' ids from the run's first (uint32); `counts` say how often the term is
    in each, `places` how many chunks of its section come before (uint8); `lengths` and
    `section_lengths` count the terms of the chunk and of its section (uint16).
    """

    offsets: "NDArray[np.uint32]"
    counts: "NDArray[np.uint8]"
    places: "NDArray[np.uint8]"
    lengths: "NDArray[np.uint16]"
    section_lengths: "NDArray[np.uint16]"


def read(postings: bytes) -> Postings:
    import numpy as np

    n = len(postings) // POSTING_BYTES
    return Postings(
        np.frombuffer(postings, "<u4", n),
        np.frombuffer(postings, "u1", n, 4 * n),
        np.frombuffer(postings, "u1", n, 5 * n),
        np.frombuffer(postings, "<u2", n, 6 * n),
        np.frombuffer(postings, "<u2", n, 8 * n),
    )


class _PostingsMade:
    """The same, growing."""

    __slots__ = ("arrays",)

    def __init__(self) -> None:
        self.arrays: tuple[array[int], ...] = tuple(array(kind) for kind in "IBBHH")

    def add(self, *values: int) -> None:
        for column, value in zip(self.arrays, values, strict=True):
            column.append(value)

    def to_bytes(self) -> bytes:
        if sys.byteorder == "big":
            for column in self.arrays:
                column.byteswap()
        return b"".join(column.tobytes() for column in self.arrays)


@dataclass
class Run:
    """The postings of sections that follow on each other."""

    first_id: int = -1
    count: int = 0
    postings: int = 0
    by_term: dict[str, _PostingsMade] = field(default_factory=lambda: defaultdict(_PostingsMade))

    def is_full_for(self, section: Section) -> bool:
        is_far = self.count > 0 and section.chunks[-1][0] - self.first_id > _LARGEST_OFFSET
        is_large = self.postings >= _MOST_POSTINGS_IN_RUN or len(self.by_term) >= _MOST_TERMS_IN_RUN
        return is_far or is_large

    def add(self, section: Section) -> None:
        if not self.count:
            self.first_id = section.chunks[0][0]
        self.count += len(section.chunks)
        whole = min(section.length, _LARGEST_LENGTH)
        for place, (chunk_id, counts, length) in enumerate(section.chunks):
            offset, own = chunk_id - self.first_id, min(length, _LARGEST_LENGTH)
            self.postings += len(counts)
            for term, count in counts.items():
                self.by_term[term].add(offset, min(count, _LARGEST_COUNT), place, own, whole)
