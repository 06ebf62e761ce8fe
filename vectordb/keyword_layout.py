"""What a keyword table's chunks are: which, in what sections, of what lengths. Kept in memory, since
every question needs it and it stays as it is until the table is made anew.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from psycopg import sql

from vectordb import keyword_index, postings, rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ids = NDArray[np.int64]
    Scores = NDArray[np.float32]
    Places = slice | NDArray[np.int32]
    Counts = NDArray[np.uint8] | NDArray[np.uint16]

K1, B = 1.2, 0.75
# Those used last are kept, up to so many chunks of them, or one: 16 bytes for each.
_MOST_CHUNKS = 4_000_000


class Lengths:
    """How many terms each has: of chunks, or of sections."""

    def __init__(self, lengths: "Counts | Ids") -> None:
        import numpy as np

        self.total = len(lengths)
        mean = max(1, int(lengths.sum())) / max(1, self.total)
        self._weighed = (K1 * (1 - B + B / mean * lengths)).astype(np.float32)

    def weighed(self, places: "Places") -> "Scores":
        """What BM25 adds to the count of a term: k1 · (1 - b + b · length / mean length)."""
        return self._weighed[places]


class Part(NamedTuple):
    """The postings of a term in one run: in which chunks and sections of the table it is, by their
    numbers, and how often in each."""

    chunks: "Places"
    counts: "Counts"
    sections: "Places"
    section_counts: "Counts"


class _Run(NamedTuple):
    chunks: slice
    sections: slice
    starts: "Ids"  # of the sections, counted from the run's first chunk


@dataclass(frozen=True, slots=True)
class Layout:
    """The chunks of a table are numbered from 0, by id, and so are their sections."""

    chunk_lengths: Lengths
    section_lengths: Lengths
    _ids: "Ids"
    _sections: "NDArray[np.int32]"  # of each chunk
    _runs: dict[int, _Run]

    @classmethod
    def of(cls, runs: "list[tuple[int, bytes]]") -> "Layout":
        """Of the id of each run's first chunk, and what the run's row says of its chunks."""
        import numpy as np

        read = [postings.read_layout(layout) for _, layout in runs]
        by_id, chunk, section = {}, 0, 0
        for (first_id, _), run in zip(runs, read, strict=True):
            ends = np.cumsum(run.sizes, dtype=np.int64)
            chunks, sections = len(run.lengths), len(run.sizes)
            by_id[first_id] = _Run(
                slice(chunk, chunk + chunks), slice(section, section + sections), ends - run.sizes
            )
            chunk, section = chunk + chunks, section + sections
        sizes = np.concatenate([run.sizes for run in read])
        lengths = np.concatenate([run.lengths for run in read])
        starts = np.cumsum(sizes, dtype=np.int64) - sizes
        first_ids = np.concatenate([run.first_ids for run in read])
        return cls(
            Lengths(lengths),
            Lengths(np.add.reduceat(lengths, starts, dtype=np.int64)),
            np.repeat(first_ids - starts, sizes) + np.arange(len(lengths)),
            np.repeat(np.arange(len(sizes), dtype=np.int32), sizes),
            by_id,
        )

    @property
    def total(self) -> int:
        return len(self._ids)

    def part(self, first_id: int, packed: bytes) -> Part:
        import numpy as np

        run = self._runs[first_id]
        places, counts = postings.read(packed, run.chunks.stop - run.chunks.start)
        if places is None:
            inside = np.add.reduceat(counts, run.starts, dtype=np.uint16)
            return Part(run.chunks, counts, run.sections, inside)
        chunks = places.astype(np.int32) + np.int32(run.chunks.start)
        sections = self._sections[chunks]
        starts = np.flatnonzero(np.concatenate(([True], sections[1:] != sections[:-1])))
        inside = np.add.reduceat(counts, starts, dtype=np.uint16)
        return Part(chunks, counts, sections[starts], inside)

    def scored(self, own: "Scores", around: "Scores") -> "tuple[Ids, Scores]":
        """The ids of chunks that score anything themselves, in order, with what they score together
        with their sections."""
        import numpy as np

        held = np.flatnonzero(own)
        return self._ids[held], own[held] + around[self._sections[held]]


class _Kept:
    """The layouts of tables, by the number that PostgreSQL gives each table once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._layouts: OrderedDict[int, Layout] = OrderedDict()

    def get(self, table: int) -> Layout | None:
        with self._lock:
            if table in self._layouts:
                self._layouts.move_to_end(table)
            return self._layouts.get(table)

    def keep(self, table: int, layout: Layout) -> None:
        with self._lock:
            self._layouts[table] = layout
            while len(self._layouts) > 1 and self._chunks() > _MOST_CHUNKS:
                self._layouts.popitem(last=False)

    def _chunks(self) -> int:
        return sum(layout.total for layout in self._layouts.values())


_kept = _Kept()
_LAYOUTS = sql.SQL("SELECT tableoid, first_id, postings FROM {} WHERE term = $1 ORDER BY first_id")


def of(database_id: str, table: int) -> Layout | None:
    """The layout of the database's keyword table, which has this number; None when it was made anew
    meanwhile."""
    layout = _kept.get(table)
    if layout is None:
        statement = _LAYOUTS.format(keyword_index.table(database_id))
        found = rows.fetch(statement, [postings.LAYOUT])
        if not found or found[0][0] != table:
            return None
        layout = Layout.of([(first_id, packed) for _, first_id, packed in found])
        _kept.keep(table, layout)
    return layout
