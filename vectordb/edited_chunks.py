"""Single chunks that editors changed: in the partition while searches find them, else beside it."""

from typing import TYPE_CHECKING, Any

from django.db import connection
from psycopg import sql

from config.status import Status
from vectordb import partitions
from vectordb.chunk_store import chunk_columns, copy_rows, document_metadata, first_id
from vectordb.models import (
    ADDED_ROOM,
    ADDED_START,
    CHUNKS_PER_DOCUMENT,
    Chunk,
    ChunkEdit,
    DisabledChunk,
    Ingestion,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DISABLED = sql.Identifier(DisabledChunk._meta.db_table)
_OWN = sql.SQL(" WHERE vector_database_id = %s AND id = %s")


def find(database_id: str, chunk_id: int) -> Chunk | DisabledChunk | None:
    """The chunk, wherever it is."""
    for kind in (Chunk, DisabledChunk):
        found = kind.objects.filter(vector_database_id=database_id, id=chunk_id).first()
        if found is not None:
            return found
    return None


def disable(database_id: str, chunk_id: int) -> bool:
    """Take it out of the searches, with its vector. False when it is not there."""
    return _move(database_id, chunk_id, partitions.table(database_id), _DISABLED)


def enable(database_id: str, chunk_id: int) -> bool:
    return _move(database_id, chunk_id, _DISABLED, partitions.table(database_id))


def _move(database_id: str, chunk_id: int, source: sql.Identifier, target: sql.Identifier) -> bool:
    columns = sql.SQL("{}, is_edited").format(chunk_columns())
    statement = sql.SQL(
        "WITH gone AS (DELETE FROM {source}{own} RETURNING {columns})"
        " INSERT INTO {target} ({columns}) SELECT {columns} FROM gone"
    ).format(source=source, target=target, columns=columns, own=_OWN)
    with connection.cursor() as cursor:
        cursor.execute(statement, [database_id, chunk_id])
        return bool(cursor.rowcount)


def delete(database_id: str, chunk_id: int) -> None:
    with connection.cursor() as cursor:
        for table in (partitions.table(database_id), _DISABLED):
            cursor.execute(sql.SQL("DELETE FROM {}{}").format(table, _OWN), [database_id, chunk_id])


def drop(database_id: str) -> None:
    """Delete all that are beside the partition of a database that is gone."""
    DisabledChunk.objects.filter(vector_database_id=database_id).delete()


def rewrite(edit: ChunkEdit, vector: "NDArray[np.float32]", token_count: int) -> bool:
    """Give the chunk the edit's text, with its vector of shape (dimensions,). False when it is not
    there any more."""
    from pgvector import HalfVector

    statement = sql.SQL(
        "UPDATE {} SET text = %s, token_count = %s, embedding = %s::halfvec, is_edited = %s{}"
    )
    values: list[Any] = [
        edit.text, token_count, HalfVector(vector).to_text(), edit.changes_text,
        edit.vector_database_id, edit.chunk_id,
    ]  # fmt: skip
    with connection.cursor() as cursor:
        for table in (partitions.table(edit.vector_database_id), _DISABLED):
            cursor.execute(statement.format(table, _OWN), values)
            if cursor.rowcount:
                return True
    return False


def insert(
    edit: ChunkEdit, ingestion: Ingestion, vector: "NDArray[np.float32]", token_count: int
) -> None:
    """Store a chunk that was added by hand."""
    from pgvector import HalfVector
    from psycopg.types.json import Jsonb

    number, position = divmod(edit.chunk_id, CHUNKS_PER_DOCUMENT)
    start = ADDED_START + position * ADDED_ROOM
    metadata = document_metadata(ingestion)
    if edit.page is not None:
        metadata = {"page": edit.page} | metadata
    row = (
        ingestion.vector_database_id, edit.chunk_id, ingestion.document_id, position, edit.page, start,
        start + len(edit.text), token_count, HalfVector(vector),
        _language(edit.vector_database_id, number), edit.text,
        Jsonb(metadata),
    )  # fmt: skip
    table = partitions.table(ingestion.vector_database_id)
    copy_rows(table, [row])
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("UPDATE {} SET is_edited = true{}").format(table, _OWN),
            [ingestion.vector_database_id, edit.chunk_id],
        )


def keep(edit: ChunkEdit) -> None:
    """Store it as long as it says anything."""
    if edit.is_enabled and not edit.changes_text and edit.status == Status.COMPLETED:
        ChunkEdit.objects.filter(pk=edit.pk).delete()
    else:
        edit.save()


def _language(database_id: str, number: int) -> str:
    """That of the document's first chunk: one text is too short to tell by."""
    first = first_id(number)
    chunks = Chunk.objects.filter(
        vector_database_id=database_id, id__range=(first, first + CHUNKS_PER_DOCUMENT - 1)
    )
    return chunks.values_list("language", flat=True).first() or ""
