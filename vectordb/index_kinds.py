"""The kinds of index that find the nearest vectors, and how hard each can be searched.

Measured with 1,000,000 vectors of 384 dimensions in 64 topics, ten neighbours, two cores: the usual graph
was built in 325 s and found nothing at all for 1 question in 14, however hard it was searched, for the
way to a topic is found or missed above, where graphs have few nodes; one of twice the links, in 940 s,
missed 1 in 40. A thousand lists were made in 32 s, missed none, and found .97 in 3 ms and .996 in 5.
"""

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

from psycopg import sql

# Memory of a graph's node besides its vector: what finds no room is indexed many times slower.
# Measured with 16 links.
_NODE_BYTES = 200
_LINK_BYTES = 33

_CHUNKS_PER_LIST = 1_000
# What is compared to make them takes their number squared.
_MOST_LISTS = 2_000
_SAMPLES_PER_LIST = 50
_LEAST_SAMPLES = 10_000
# So many vectors are looked at, in as many lists as hold them.
_LOOKED_AT = (4_000, 6_000, 8_000, 10_000, 15_000, 20_000, 30_000)


@dataclass(frozen=True, slots=True)
class Graph:
    """HNSW: `m` links of a node (twice as many at the lowest level), and how many candidates for them
    are looked at while it is built. Its width is how many are looked at in a search."""

    name: ClassVar = "hnsw"
    m: int
    ef_construction: int

    @property
    def options(self) -> dict[str, int]:
        return {"m": self.m, "ef_construction": self.ef_construction}

    def memory(self, count: int, dimensions: int) -> int:
        """Bytes, to be built at its best."""
        return count * (2 * dimensions + _NODE_BYTES + self.m * _LINK_BYTES)

    def widths(self, count: int) -> tuple[int, ...]:
        # Questions lie farther from the stored vectors than these do from each other: where 40
        # sufficed for the sample, questions found .96, and 80 gives them all for a millisecond more.
        return (80, 160, 320, 640, 1000)


@dataclass(frozen=True, slots=True)
class Lists:
    """IVFFlat: each vector is in the list of the centre next to it. Its width is how many lists are
    read in a search."""

    name: ClassVar = "ivfflat"
    lists: int

    @property
    def options(self) -> dict[str, int]:
        return {"lists": self.lists}

    def memory(self, count: int, dimensions: int) -> int:
        """Bytes, below which it cannot be built."""
        samples = max(_LEAST_SAMPLES, self.lists * _SAMPLES_PER_LIST)
        return samples * (2 * dimensions + 4 * self.lists) + 8 * self.lists * dimensions

    def widths(self, count: int) -> tuple[int, ...]:
        chunks = max(1, count / self.lists)
        return tuple(sorted({min(self.lists, max(1, round(n / chunks))) for n in _LOOKED_AT}))


Kind = Graph | Lists

USUAL, DENSE = Graph(16, 64), Graph(32, 128)


def lists_for(count: int) -> Lists:
    """For so many chunks, as pgvector recommends: one for each thousand, and the square root of them
    beyond a million."""
    return Lists(min(_MOST_LISTS, max(1, round(min(count / _CHUNKS_PER_LIST, sqrt(count))))))


def definition(kind: Kind, dimensions: int) -> sql.Composed:
    """What follows ON {table} where the index is created."""
    options = (sql.SQL(f"{name} = {value}") for name, value in kind.options.items())
    return sql.SQL("USING {} ((embedding::halfvec({})) halfvec_cosine_ops) WITH ({})").format(
        sql.SQL(kind.name), sql.Literal(dimensions), sql.SQL(", ").join(options)
    )


def settings_of(name: str, width: int, limit: int) -> dict[str, str]:
    """Settings of the server for a search of an index of this kind that shall find so many."""
    if name == Lists.name:
        return {"ivfflat.probes": str(width), "ivfflat.iterative_scan": "relaxed_order"}
    return {
        # It caps the rows, silently.
        "hnsw.ef_search": str(max(width, limit)),
        "hnsw.iterative_scan": "strict_order",
    }
