"""How hard an index has to be searched to find what an exact scan finds."""

import logging
from typing import TYPE_CHECKING

from psycopg import sql

from vectordb import rows
from vectordb.index_kinds import Kind, settings_of
from vectordb.models import VectorDatabase
from vectordb.partitions import table

if TYPE_CHECKING:
    from pgvector import HalfVector

logger = logging.getLogger(__name__)

_SAMPLE = 50
# The vector itself, which any search finds, is not counted.
_NEIGHBOURS = 11
_GOOD_RECALL = 0.99


def choose_width(database: VectorDatabase, kind: Kind, count: int) -> tuple[int, float]:
    """The smallest width at which stored vectors find the same neighbours as an exact scan, and what
    share of them they find, 0 to 1."""
    sample = _sample(database)
    exact = [_exact_neighbours(database, vector) for vector in sample]
    best, best_recall = kind.widths(count)[0], -1.0
    for width in kind.widths(count):
        found = [_indexed_neighbours(database, kind, vector, width) for vector in sample]
        hits = sum(len(a & b) - 1 for a, b in zip(exact, found, strict=True))
        recall = hits / max(1, sum(len(neighbours) - 1 for neighbours in exact))
        logger.info("Recall of %s by %s at %s: %.3f", database.pk, kind, width, recall)
        if recall > best_recall:
            best, best_recall = width, recall
        if recall >= _GOOD_RECALL:
            break
    return best, best_recall


def _sample(database: VectorDatabase) -> "list[HalfVector]":
    rows.know_vectors()
    statement = sql.SQL("SELECT embedding FROM {} ORDER BY random() LIMIT {}")
    found = rows.fetch(statement.format(table(database.pk), sql.Literal(_SAMPLE)))
    return [vector for (vector,) in found]


def _exact_neighbours(database: VectorDatabase, vector: "HalfVector") -> set[int]:
    statement = sql.SQL("SELECT id FROM {} ORDER BY (embedding <=> $1) + 0, id LIMIT {}")
    return _ids(statement.format(table(database.pk), sql.Literal(_NEIGHBOURS)), vector)


def _indexed_neighbours(
    database: VectorDatabase, kind: Kind, vector: "HalfVector", width: int
) -> set[int]:
    statement = sql.SQL(
        "SELECT id FROM {table} ORDER BY embedding::halfvec({n}) <=> $1 LIMIT {limit}"
    )
    parts = {"n": sql.Literal(database.dimensions), "limit": sql.Literal(_NEIGHBOURS)}
    settings = settings_of(kind.name, width, _NEIGHBOURS) | {"enable_seqscan": "off"}
    return _ids(statement.format(table=table(database.pk), **parts), vector, settings)


def _ids(
    statement: sql.Composed, vector: "HalfVector", settings: dict[str, str] | None = None
) -> set[int]:
    return {row[0] for row in rows.fetch(statement, [vector], settings)}
