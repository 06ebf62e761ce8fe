"""The partition of each vector database: made, measured and dropped. All of it is DDL."""

import re

from django.db import connection, transaction
from psycopg import sql

from vectordb.models import VectorDatabase

_PARENT = "vectordb_chunk"
_LOCK_WAIT = "3s"
# A row's text goes out of line (the vector alone exceeds the target), so that a scan of the vectors
# reads little else; the metadata stay with them, for filters.
_CREATE = """
CREATE TABLE {table} (LIKE {parent} INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING INDEXES)
    WITH (toast_tuple_target = 128);
ALTER TABLE {table} ALTER COLUMN metadata SET STORAGE MAIN;
ALTER TABLE {table} ADD CONSTRAINT {dimensions_check} CHECK (vector_dims(embedding) = {dimensions});
ALTER TABLE {table} ADD CONSTRAINT {id_check} CHECK (vector_database_id = {id});
ALTER TABLE {parent} ATTACH PARTITION {table} FOR VALUES IN ({id});
"""


def checked(database_id: str) -> str:
    """Raise ValueError for what must not be part of a table's name."""
    if not re.fullmatch("[0-9a-f]{24}", database_id):
        raise ValueError(f"{database_id!r} is no id")
    return database_id


def table_name(database_id: str) -> str:
    return f"{_PARENT}_{checked(database_id)}"


def table(database_id: str) -> sql.Identifier:
    return sql.Identifier(table_name(database_id))


def belongs_to(database_id: str) -> sql.Composed:
    """A condition that all rows of the partition satisfy. Ids are looked up with it: the primary key
    begins there, and without it the whole partition would be read for them."""
    return sql.SQL("vector_database_id = {}").format(sql.Literal(checked(database_id)))


def exists(database_id: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [table_name(database_id)])
        return bool(cursor.fetchone()[0])


@transaction.atomic
def create(database: VectorDatabase) -> bool:
    """Make the partition if it is missing. False when the database was deleted meanwhile.

    Attaching needs no lock that would stop those who read or fill other partitions.
    """
    locked = VectorDatabase.objects.select_for_update().filter(pk=database.pk)
    if not locked.exists():
        return False
    if not exists(database.pk):
        name = table_name(database.pk)
        statement = sql.SQL(_CREATE).format(
            table=table(database.pk),
            parent=sql.Identifier(_PARENT),
            id=sql.Literal(database.pk),
            dimensions=sql.Literal(database.dimensions),
            dimensions_check=sql.Identifier(f"{name}_dimensions"),
            id_check=sql.Identifier(f"{name}_database"),
        )
        with connection.cursor() as cursor:
            cursor.execute(statement)
    return True


@transaction.atomic
def drop(database_id: str) -> None:
    """Drop the partition if there is one. Raises OperationalError when it is in use for seconds."""
    with connection.cursor() as cursor:
        # The parent is locked for a moment: never make others queue behind a wait.
        cursor.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(_LOCK_WAIT))
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table(database_id)))


def measure(database_id: str) -> tuple[int, int]:
    """How many chunks there are, and how many bytes they take on disk."""
    name = table_name(database_id)
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT count(*), pg_total_relation_size({}) FROM {}").format(
                name, table(database_id)
            )
        )
        count, size = cursor.fetchone()
    return int(count), int(size)


def analyze(database_id: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("ANALYZE {}").format(table(database_id)))
