"""Chunks as their partition has them, read as passages."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import sql

from vectordb import partitions, rows, search
from vectordb.models import VectorDatabase
from vectordb.passages import Passage
from vectordb.ranking import Query

_PASSAGES = sql.SQL(
    "SELECT id, document_id, position, page, start_offset, end_offset, token_count, text, metadata::text,"
    " is_edited, {distance} FROM {table}"
    " WHERE {own} AND id = ANY($1::bigint[]) AND (id = ANY($2::bigint[]) OR {condition})"
)
_TEXTS = sql.SQL("SELECT id, text FROM {table} WHERE {own} AND id = ANY($1::bigint[])")


def read_passages(
    query: Query,
    ranks: Mapping[int, int],
    places: Mapping[int, dict[str, int]],
    *,
    hits: Sequence[int],
) -> dict[int, Passage]:
    """The chunks that `ranks` names, by id; those that are no hits only where they satisfy the
    filter too. `places` has the ranks of each hit by ranking, and names no neighbour."""
    if not ranks:
        return {}
    statement = _PASSAGES.format(
        distance=search.distance_to(len(query.vectors), first=3),
        table=partitions.table(query.database.pk),
        own=partitions.belongs_to(query.database.pk),
        condition=query.condition or sql.SQL("true"),
    )
    values = [list(ranks), list(hits), *map(rows.halfvec, query.vectors)]
    return {
        row[0]: _passage(row, ranks[row[0]], places.get(row[0]))
        for row in rows.fetch(statement, values)
    }


def read_texts(database: VectorDatabase, ids: Sequence[int]) -> dict[int, str]:
    statement = _TEXTS.format(
        table=partitions.table(database.pk), own=partitions.belongs_to(database.pk)
    )
    return dict(rows.fetch(statement, [list(ids)]))


def _passage(row: tuple[Any, ...], rank: int, ranks: dict[str, int] | None) -> Passage:
    (
        chunk_id,
        document_id,
        position,
        page,
        start,
        end,
        token_count,
        text,
        raw,
        is_edited,
        distance,
    ) = row
    metadata = json.loads(raw)
    return Passage(
        chunk_id=chunk_id,
        document_id=document_id,
        document_name=str(metadata.get("source", "")),
        page=page,
        position=position,
        start=start,
        end=end,
        text=text,
        token_count=token_count,
        similarity=1 - distance,
        rank=rank,
        is_neighbor=ranks is None,
        is_edited=is_edited,
        metadata=metadata,
        ranks=ranks or {},
    )
