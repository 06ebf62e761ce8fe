"""Rows for a search, by the shortest way to the database: values and results in binary, statements that
come again prepared, settings and statement in one message.

Measured at 100,000 chunks: with its vector written out in decimal, and read by the server at each
place where a statement has it, a search takes twice as long.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import connection
from psycopg import RawCursor, sql

if TYPE_CHECKING:
    from pgvector import HalfVector


def fetch(
    statement: sql.Composed,
    values: Sequence[Any] = (),
    settings: Mapping[str, str] | None = None,
) -> list[tuple[Any, ...]]:
    """The rows of a statement whose values stand in it as $1, $2 and so on, looked up with these
    settings of the server, which hold for it alone."""
    connection.ensure_connection()
    link = connection.connection
    with connection.wrap_database_errors:
        cursor: RawCursor[tuple[Any, ...]] = RawCursor(link)
        if not settings:
            return cursor.execute(statement, values, binary=True).fetchall()
        # What is sent together is a transaction of its own.
        with link.pipeline():
            RawCursor(link).execute(_locally(len(settings)), _pairs(settings))
            cursor.execute(statement, values, binary=True)
        return cursor.fetchall()


def _locally(count: int) -> sql.Composed:
    calls = [sql.SQL(f"set_config(${2 * n + 1}, ${2 * n + 2}, true)") for n in range(count)]
    return sql.SQL("SELECT {}").format(sql.SQL(", ").join(calls))


def _pairs(settings: Mapping[str, str]) -> list[str]:
    return [part for pair in settings.items() for part in pair]


def halfvec(vector: Sequence[float]) -> "HalfVector":
    """A vector as a value for `fetch`."""
    from pgvector import HalfVector

    know_vectors()
    return HalfVector(list(vector))


def know_vectors() -> None:
    """Teach the connection pgvector's types, once."""
    from pgvector.psycopg import register_vector

    connection.ensure_connection()
    raw = connection.connection
    if raw.adapters.types.get("halfvec") is None:
        register_vector(raw)
