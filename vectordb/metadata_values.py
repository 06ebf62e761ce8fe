"""Which fields the chunks of a vector database have, and what is in them, for those who write filters."""

from collections import defaultdict
from dataclasses import dataclass
from json import loads
from typing import Any

from psycopg import sql

from vectordb import partitions, rows
from vectordb.models import VectorDatabase

_SAMPLED_CHUNKS = 5_000
_MOST_FIELDS = 40
_MOST_VALUES = 50
_LONGEST_VALUE = 120

# Whole pages at random, but the same ones each time: whoever looks twice is offered the same.
_SAMPLE = sql.SQL("TABLESAMPLE SYSTEM ({share}) REPEATABLE (1)")
_OFFERS = sql.SQL("""
WITH sampled AS (SELECT metadata FROM {table} {sample} WHERE {own} LIMIT {chunks}),
said AS (
    SELECT key AS name, value, count(*) AS times
    FROM sampled, jsonb_each(metadata)
    WHERE jsonb_typeof(value) IN ('string', 'number', 'boolean')
        AND length(value::text) <= {longest} AND key !~ '^[$]'
    GROUP BY key, value
), ranked AS (
    SELECT name, value, row_number() OVER (PARTITION BY name ORDER BY times DESC, value) AS place
    FROM said
)
SELECT name, value::text FROM ranked WHERE place <= {values} ORDER BY name, place
""")


@dataclass(frozen=True, slots=True)
class Field:
    """A field and its most frequent values, as JSON has them: texts, numbers, true and false."""

    name: str
    values: tuple[Any, ...]


def fields_of(database: VectorDatabase) -> list[Field]:
    """By name. Of a large database what a sample of 5,000 chunks has; long texts are left out."""
    if not partitions.exists(database.pk):
        return []
    found: dict[str, list[Any]] = defaultdict(list)
    for name, value in rows.fetch(_statement(database)):
        found[name].append(loads(value))
    return [Field(name, tuple(values)) for name, values in list(found.items())[:_MOST_FIELDS]]


def _statement(database: VectorDatabase) -> sql.Composed:
    share = 100 * _SAMPLED_CHUNKS / max(database.chunks_count, 1)
    is_whole = share >= 100
    return _OFFERS.format(
        table=partitions.table(database.pk),
        own=partitions.belongs_to(database.pk),
        sample=sql.SQL("") if is_whole else _SAMPLE.format(share=sql.Literal(round(share, 4))),
        chunks=sql.Literal(_SAMPLED_CHUNKS),
        longest=sql.Literal(_LONGEST_VALUE),
        values=sql.Literal(_MOST_VALUES),
    )
