"""Chunks into a partition, a document at a time: all of its chunks become visible at once.

A document of any length must neither fill the memory nor hold a transaction open for an hour, so
rows beyond a limit wait in a temporary table, which vanishes by itself when the worker dies.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from django.db import connection, transaction
from psycopg import sql

from vectordb import partitions
from vectordb.chunking import Chunk
from vectordb.models import (
    CHUNKS_PER_DOCUMENT,
    FIRST_ADDED,
    ChunkEdit,
    DisabledChunk,
    Ingestion,
)
from vectordb.parsing.base import ParseError
from vectordb.rows import know_vectors

if TYPE_CHECKING:
    from vectordb.embedding import Vectors

Row = tuple[Any, ...]

_STAGING = sql.Identifier("vectordb_staged_chunks")
_MOST_ROWS = 1_000
# The way to a passage is one text, for filters to compare: "Returns > Damaged goods".
HEADINGS_SEPARATOR = " > "
_COLUMNS = (
    "vector_database_id", "id", "document_id", "position", "page", "start_offset", "end_offset",
    "token_count", "embedding", "language", "text", "metadata",
)  # fmt: skip
_TYPES = (
    "varchar", "int8", "varchar", "int4", "int4", "int8", "int8", "int4", "halfvec", "varchar", "text", "jsonb",
)  # fmt: skip


def chunk_columns() -> sql.Composed:
    """Those that a document's chunks come with."""
    return sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))


def first_id(number: int) -> int:
    """The id of the first chunk of the document with this number in its database."""
    return number * CHUNKS_PER_DOCUMENT


def delete(database_id: str, number: int) -> None:
    """Delete the chunks of the document with this number, and what editors made of them."""
    _delete_chunks(database_id, [number])
    ids = {"vector_database_id": database_id}
    first, last = first_id(number), first_id(number + 1) - 1
    DisabledChunk.objects.filter(**ids, id__range=(first, last)).delete()
    ChunkEdit.objects.filter(**ids, chunk_id__range=(first, last)).delete()


def _delete_chunks(database_id: str, numbers: Sequence[int]) -> None:
    statement = sql.SQL("DELETE FROM {} WHERE {} AND id >= %s AND id < %s").format(
        partitions.table(database_id), partitions.belongs_to(database_id)
    )
    with connection.cursor() as cursor:
        for first, last in _runs(sorted(numbers)):
            cursor.execute(statement, [first_id(first), first_id(last + 1)])


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """The first and the last of those that follow on each other."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def document_metadata(ingestion: Ingestion) -> dict[str, Any]:
    """What filters see of all chunks. The name is kept here, so that a database outlives its
    dataset."""
    return {**ingestion.document.metadata, "source": ingestion.document.name}


def _told_by_text(chunk: Chunk) -> dict[str, Any]:
    """What filters see of where the chunk stands; what is not known is left out."""
    told = {
        "title": chunk.title,
        "headings": HEADINGS_SEPARATOR.join(chunk.headings),
        "page": chunk.page,
        "language": chunk.language,
    }
    return {name: value for name, value in told.items() if value not in ("", None)}


class _Metadata:
    """The same object for chunks that follow on each other and differ in nothing."""

    def __init__(self, ingestion: Ingestion) -> None:
        self._whole = document_metadata(ingestion)
        self._last: Chunk | None = None
        self._current: Any = None

    def of(self, chunk: Chunk) -> Any:
        if self._last is None or _place(chunk) != _place(self._last):
            self._last = chunk
            own = chunk.metadata or {}
            # A row without a path has the file's name.
            named = {name: value for name, value in own.items() if value != ""}
            # A column of the user's own goes before what the text tells.
            self._current = _json(_told_by_text(chunk) | self._whole | named)
        return self._current


def _place(chunk: Chunk) -> tuple[object, ...]:
    return chunk.row, chunk.title, chunk.headings, chunk.page, chunk.language


def rows_of(
    ingestion: Ingestion,
    chunks: Sequence[Chunk],
    vectors: "Vectors",
    metadata: _Metadata | None = None,
) -> list[Row]:
    """Raises ParseError where they are more than a document may have."""
    from pgvector import HalfVector

    metadata = metadata or _Metadata(ingestion)
    first = first_id(ingestion.number)
    if max((chunk.position for chunk in chunks), default=0) >= FIRST_ADDED:
        raise ParseError(f"This file makes more than {FIRST_ADDED:,} chunks: split it into parts.")
    return [
        (
            ingestion.vector_database_id,
            first + chunk.position,
            ingestion.document_id,
            chunk.position,
            chunk.page,
            chunk.start,
            chunk.end,
            chunk.token_count,
            HalfVector(vector),
            chunk.language,
            chunk.text,
            metadata.of(chunk),
        )
        for chunk, vector in zip(chunks, vectors, strict=True)
    ]


def replace(database_id: str, numbers: Sequence[int], rows: Sequence[Row]) -> None:
    """Give the documents with these numbers these chunks. Call it in the transaction that completes
    the documents."""
    # Editors change what is stored: of what is not yet, there are no edits.
    _delete_chunks(database_id, numbers)
    copy_rows(partitions.table(database_id), rows)


class ChunkWriter:
    """Gathers a document's chunks; `commit` inside a transaction makes them visible. What is not
    committed when it is left is gone."""

    def __init__(self, ingestion: Ingestion) -> None:
        self._ingestion = ingestion
        self._metadata = _Metadata(ingestion)
        self._rows: list[Row] = []
        self._is_staged = False
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # The connection goes on to others, and with it what was staged. One that broke lost it.
        if self._is_staged and connection.is_usable():
            _drop_staged()

    def add(self, chunks: Sequence[Chunk], vectors: "Vectors") -> None:
        self._rows += rows_of(self._ingestion, chunks, vectors, self._metadata)
        self.count += len(chunks)
        if len(self._rows) >= _MOST_ROWS:
            self._stage()

    def _stage(self) -> None:
        with connection.cursor() as cursor:
            if not self._is_staged:
                _drop_staged()
                cursor.execute(
                    sql.SQL(
                        "CREATE TEMPORARY TABLE {} (LIKE vectordb_chunk INCLUDING DEFAULTS)"
                    ).format(_STAGING)
                )
                self._is_staged = True
        self._copy_rows(_STAGING)

    def commit(self) -> None:
        """Replace the document's chunks. Call it in the transaction that completes the document."""
        database_id = self._ingestion.vector_database_id
        target = partitions.table(database_id)
        replace(database_id, [self._ingestion.number], [])
        if self._is_staged:
            with connection.cursor() as cursor:
                cursor.execute(
                    sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
                        target, chunk_columns(), chunk_columns(), _STAGING
                    )
                )
        self._copy_rows(target)

    def _copy_rows(self, target: sql.Identifier) -> None:
        copy_rows(target, self._rows)
        self._rows = []


def _drop_staged() -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS pg_temp.{}").format(_STAGING))


def copy_rows(target: sql.Identifier, rows: Sequence[Row]) -> None:
    """Binary COPY of whole rows, in the order of the columns."""
    if not rows:
        return
    # Before the cursor is made: it takes over the types that the connection knows.
    know_vectors()
    with connection.cursor() as cursor, connection.wrap_database_errors:
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
            target, chunk_columns()
        )
        with cursor.copy(statement) as copy:
            copy.set_types(_TYPES)
            for row in rows:
                copy.write_row(row)


def copy_document(source: Ingestion, target: Ingestion) -> bool:
    """Take over the chunks of the same content from another database, cut and embedded alike.

    False, and nothing done, when they are not all there any more.
    """
    with _undone_unless_complete() as savepoint:
        _delete_chunks(target.vector_database_id, [target.number])
        with connection.cursor() as cursor:
            cursor.execute(
                sql.SQL(
                    "INSERT INTO {target} ({columns}) SELECT %s, id + %s, %s, position, page, "
                    "start_offset, end_offset, token_count, embedding, language, text, "
                    "metadata || %s::jsonb "
                    "FROM {source} WHERE {own} AND id >= %s AND id < %s"
                ).format(
                    target=partitions.table(target.vector_database_id),
                    source=partitions.table(source.vector_database_id),
                    own=partitions.belongs_to(source.vector_database_id),
                    columns=chunk_columns(),
                ),
                [
                    target.vector_database_id,
                    first_id(target.number) - first_id(source.number),
                    target.document_id,
                    # Rows that are documents bring theirs with them.
                    _json({} if target.document.holds_documents else document_metadata(target)),
                    first_id(source.number),
                    first_id(source.number + 1),
                ],
            )
            savepoint.is_complete = 0 < cursor.rowcount == source.chunks_count
    return savepoint.is_complete


class _Savepoint:
    is_complete = False


@contextmanager
def _undone_unless_complete() -> Iterator[_Savepoint]:
    savepoint = _Savepoint()
    with transaction.atomic():
        yield savepoint
        if not savepoint.is_complete:
            transaction.set_rollback(True)


def _json(value: dict[str, Any]) -> Any:
    from psycopg.types.json import Jsonb

    return Jsonb(value)
