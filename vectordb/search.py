"""The nearest chunks of one vector database: exact while that is fast, else by its index."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from vectordb import partitions, rows
from vectordb.index_kinds import settings_of
from vectordb.models import VectorDatabase

EXACT = "exact"


@dataclass(frozen=True, slots=True)
class Hit:
    chunk_id: int
    distance: float  # cosine distance, 0 to 2


@dataclass(frozen=True, slots=True)
class Found:
    """`matching` counts what the filter kept; None where it was not counted to the end."""

    hits: list[Hit]
    search: str  # "exact", or the kind of the index
    matching: int | None = None


# Adding 0 keeps the planner from using the index.
_EXACT = sql.SQL(
    "SELECT id, (embedding <=> $1) + 0 AS distance FROM {table} ORDER BY distance, id LIMIT {limit}"
)
# One pass collects what the filter keeps, up to a bound; below it the order is exact.
_FILTERED = sql.SQL(
    "WITH kept AS MATERIALIZED"
    " (SELECT id, embedding <=> $1 AS distance FROM {table} WHERE {condition} LIMIT {bound})"
    " SELECT id, distance, (SELECT count(*) FROM kept) FROM kept ORDER BY distance, id LIMIT {limit}"
)
# The index serves this very form only: the operator alone, ascending, with a limit.
_INDEXED = sql.SQL(
    "SELECT id, embedding::halfvec({n}) <=> $1 AS distance FROM {table}"
    " WHERE {condition} ORDER BY embedding::halfvec({n}) <=> $1 LIMIT {limit}"
)
_DISTANCES = sql.SQL("SELECT id, {distance} FROM {table} WHERE {own} AND id = ANY($1::bigint[])")
_VECTORS = sql.SQL(
    "SELECT id, embedding::real[] FROM {table} WHERE {own} AND id = ANY($1::bigint[])"
)
_ANY = sql.SQL("true")
# Some pages tell about how much a filter keeps, in less than a millisecond.
_SAMPLED = sql.SQL(
    "SELECT count(*) FILTER (WHERE {condition}), count(*) FROM {table}"
    " TABLESAMPLE SYSTEM ({percentage})"
)
_SAMPLE_ROWS = 500
# PostgreSQL gives no helpers to tables below 8 MB; a chunk takes at most 8 KB of them.
_NEVER_HELPED = 1_000
# The order of so many that a filter keeps is exact: some 50 ms among a million, where the index would
# miss a fifth of the nearest.
_MOST_KEPT = 20_000
# The index finds the nearest of those that a filter keeps when it keeps this share or more.
_WIDE = 0.25


def nearest(
    database: VectorDatabase,
    vector: Sequence[float],
    *,
    limit: int,
    condition: sql.Composable | None = None,
) -> Found:
    """The `limit` nearest chunks, nearest first; fewer only when fewer match the condition."""
    query = _Query(database, vector, limit)
    if database.index_width is None:
        return query.exact() if condition is None else query.filtered(condition, bound=None)
    if condition is not None and query.share(condition) < _WIDE:
        found = query.filtered(condition, bound=_MOST_KEPT)
        if found.matching is not None:
            return found
    hits = query.indexed(condition or _ANY, database.index_kind, database.index_width)
    if len(hits) == limit:
        return Found(hits, database.index_kind)
    # The index gave up early, as it may with a filter: count on nothing less than all rows.
    return query.exact() if condition is None else query.filtered(condition, bound=None)


def distances(
    database: VectorDatabase, vectors: Sequence[Sequence[float]], chunk_ids: Sequence[int]
) -> dict[int, float]:
    """The cosine distance of each of these chunks that is there to the nearest of the vectors."""
    if not chunk_ids:
        return {}
    statement = _DISTANCES.format(
        distance=distance_to(len(vectors), first=2),
        table=partitions.table(database.pk),
        own=partitions.belongs_to(database.pk),
    )
    return dict(rows.fetch(statement, [list(chunk_ids), *map(rows.halfvec, vectors)]))


def vectors(database: VectorDatabase, chunk_ids: Sequence[int]) -> dict[int, list[float]]:
    """The vector of each of these chunks that is there."""
    statement = _VECTORS.format(
        table=partitions.table(database.pk), own=partitions.belongs_to(database.pk)
    )
    return dict(rows.fetch(statement, [list(chunk_ids)]))


class _Query:
    def __init__(self, database: VectorDatabase, vector: Sequence[float], limit: int) -> None:
        self._parts = {
            "table": partitions.table(database.pk),
            "n": sql.Literal(database.dimensions),
            "limit": sql.Literal(limit),
        }
        self._vector = rows.halfvec(vector)
        self._limit = limit
        self._may_get_helpers = database.chunks_count > _NEVER_HELPED
        self._percentage = min(100.0, 100 * _SAMPLE_ROWS / max(1, database.chunks_count))

    def share(self, condition: sql.Composable) -> float:
        """About how much of the partition the condition keeps, 0 to 1."""
        statement = _SAMPLED.format(
            condition=condition,
            table=self._parts["table"],
            percentage=sql.Literal(self._percentage),
        )
        [(kept, seen)] = rows.fetch(statement)
        return int(kept) / max(1, int(seen))

    def exact(self) -> Found:
        # Helpers would take longer to start than a partition takes that is scanned exactly.
        alone = {"max_parallel_workers_per_gather": "0"} if self._may_get_helpers else None
        found = rows.fetch(_EXACT.format(**self._parts), [self._vector], alone)
        return Found(_hits(found), EXACT)

    def filtered(self, condition: sql.Composable, *, bound: int | None) -> Found:
        """Exact, unless the condition keeps `bound` chunks or more: then `matching` is None."""
        statement = _FILTERED.format(condition=condition, bound=sql.Literal(bound), **self._parts)
        found = rows.fetch(statement, [self._vector])
        kept = found[0][2] if found else 0
        is_counted = bound is None or kept < bound
        return Found(_hits(found), EXACT, kept if is_counted else None)

    def indexed(self, condition: sql.Composable, kind: str, width: int) -> list[Hit]:
        found = rows.fetch(
            _INDEXED.format(condition=condition, **self._parts),
            [self._vector],
            settings_of(kind, width, self._limit) | {"enable_seqscan": "off"},
        )
        # The index computes with other roundings than the expression does.
        return sorted(_hits(found), key=lambda hit: hit.distance)


def _hits(found: list[tuple[Any, ...]]) -> list[Hit]:
    return [Hit(chunk_id=row[0], distance=row[1]) for row in found]


def distance_to(count: int, *, first: int) -> sql.Composable:
    """The cosine distance of a row to the nearest of so many vectors, the values of a statement from
    its `first` on."""
    each = [sql.SQL(f"embedding <=> ${number}") for number in range(first, first + count)]
    return each[0] if count == 1 else sql.SQL("LEAST({})").format(sql.SQL(", ").join(each))
