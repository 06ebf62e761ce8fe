"""What the rows of a keyword table hold, packed and in little-endian order.

Chunks that follow on each other are a run; in it they are numbered from 0. A run has a row for each of
its terms, which says in which of its chunks the term is and how often, and one that says what chunks
these are.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from vectordb.models import CHUNKS_PER_DOCUMENT, FIRST_ADDED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Counts = NDArray[np.uint8]

# What stands for a term in the row of a run's chunks: no text has such a term.
LAYOUT = "\n"
# Chunks of a section.
SECTION = 16
# At most: of a term that is in a third of the chunks, every chunk has a byte.
POSTING_BYTES = 3
# They bound the memory of a build to some 100 MB.
_MOST_POSTINGS_IN_RUN = 2_500_000
_MOST_TERMS_IN_RUN = 250_000
_MOST_CHUNKS_IN_RUN = 1 << 16
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
    """Of one term in one run. `counts` say how often the term is in each of the chunks `places`, or,
    where that is None, in each chunk of the run."""

    places: "NDArray[np.uint16] | None"
    counts: "Counts"


def read(postings: bytes, chunks: int) -> Postings:
    """`chunks` is how many the run has."""
    import numpy as np

    if len(postings) == chunks:
        return Postings(None, np.frombuffer(postings, "u1"))
    n = len(postings) // POSTING_BYTES
    return Postings(np.frombuffer(postings, "<u2", n), np.frombuffer(postings, "u1", n, 2 * n))


class Layout(NamedTuple):
    """The chunks of a run: the id of each section's first, how many each section has, and how many
    terms each chunk has."""

    first_ids: "NDArray[np.int64]"
    sizes: "Counts"
    lengths: "NDArray[np.uint16]"


def read_layout(layout: bytes) -> Layout:
    import numpy as np

    [n] = np.frombuffer(layout, "<u4", 1).tolist()
    return Layout(
        np.frombuffer(layout, "<i8", n, 4),
        np.frombuffer(layout, "u1", n, 4 + 8 * n),
        np.frombuffer(layout, "<u2", offset=4 + 9 * n),
    )


@dataclass
class Run:
    """The postings of sections that follow on each other, as they come: chunk by chunk."""

    first_ids: list[int] = field(default_factory=list)
    _sizes: list[int] = field(default_factory=list)
    _lengths: list[int] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=lambda: defaultdict(count().__next__))
    _terms: "array[int]" = field(default_factory=lambda: array("I"))
    _places: "array[int]" = field(default_factory=lambda: array("H"))
    _counts: "array[int]" = field(default_factory=lambda: array("B"))

    def is_full_for(self, section: Section) -> bool:
        return (
            len(self._lengths) + len(section.chunks) > _MOST_CHUNKS_IN_RUN
            or len(self._terms) >= _MOST_POSTINGS_IN_RUN
            or len(self._numbers) >= _MOST_TERMS_IN_RUN
        )

    def add(self, section: Section) -> None:
        self.first_ids.append(section.chunks[0][0])
        self._sizes.append(len(section.chunks))
        numbers = self._numbers
        for _, counts, length in section.chunks:
            place = len(self._lengths)
            self._lengths.append(min(length, _LARGEST_LENGTH))
            self._terms.extend([numbers[term] for term in counts])
            self._places.extend([place] * len(counts))
            often: Iterable[int] = counts.values()
            if max(often, default=0) > _LARGEST_COUNT:
                often = [min(times, _LARGEST_COUNT) for times in often]
            self._counts.extend(often)

    def rows(self) -> Iterator[tuple[str, bytes]]:
        """(term, what its row holds), by term."""
        import numpy as np

        chunks = len(self._lengths)
        numbers = np.frombuffer(self._terms, f"u{self._terms.itemsize}")
        order = np.argsort(numbers, kind="stable")
        places = np.frombuffer(self._places, "u2")[order].astype("<u2")
        counts = np.frombuffer(self._counts, "u1")[order]
        ends = np.cumsum(np.bincount(numbers, minlength=len(self._numbers))).tolist()
        packed_places, packed_counts = places.tobytes(), counts.tobytes()
        yield LAYOUT, self._layout()
        for term, number in sorted(self._numbers.items()):
            start, end = ends[number - 1] if number else 0, ends[number]
            if POSTING_BYTES * (end - start) < chunks:
                yield term, packed_places[2 * start : 2 * end] + packed_counts[start:end]
            else:
                every = np.zeros(chunks, "u1")
                every[places[start:end]] = counts[start:end]
                yield term, every.tobytes()

    def _layout(self) -> bytes:
        import numpy as np

        return b"".join(
            np.array(values, kind).tobytes()
            for values, kind in (
                ([len(self._sizes)], "<u4"),
                (self.first_ids, "<i8"),
                (self._sizes, "u1"),
                (self._lengths, "<u2"),
            )
        )
