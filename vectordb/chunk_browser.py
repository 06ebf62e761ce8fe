"""The chunks of a document as its browser shows them, with what editors made of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import OperationalError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from psycopg import errors

from config.errors import Conflict
from config.status import Status
from vectordb.models import (
    CHUNKS_PER_DOCUMENT,
    FIRST_ADDED,
    Chunk,
    ChunkEdit,
    DisabledChunk,
    Ingestion,
    VectorDatabase,
)

_ROWS = 50
_MOST_SECONDS = 5
LARGEST_NUMBER = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which chunks to show: from this id on, with this in their text, changed by hand or all."""

    start: int = 0
    text: str = ""
    is_changed: bool = False


@dataclass(frozen=True, slots=True)
class BrowsedChunk:
    """`chunk` is None for one that was added and is not embedded yet."""

    id: int
    chunk: Chunk | DisabledChunk | None
    edit: ChunkEdit | None

    @property
    def label(self) -> str:
        position = self.id % CHUNKS_PER_DOCUMENT
        if position >= FIRST_ADDED:
            return f"Added {position - FIRST_ADDED + 1:,}"
        return f"Chunk {position:,}"

    @property
    def text(self) -> str:
        """As it is meant to be, which it may become in a moment."""
        if self.edit is not None:
            return self.edit.text
        return self.chunk.text if self.chunk else ""

    @property
    def page(self) -> int | None:
        source = self.chunk or self.edit
        return source.page if source else None

    @property
    def is_enabled(self) -> bool:
        return self.edit is None or self.edit.is_enabled

    @property
    def is_edited(self) -> bool:
        return self.edit is not None and not self.edit.is_added and self.edit.changes_text

    @property
    def is_waiting(self) -> bool:
        return self.edit is not None and self.edit.status == Status.NEW


@dataclass(frozen=True, slots=True)
class ChunkPage:
    """`previous` and `following` are ids to start from for the pages around it."""

    chunks: list[BrowsedChunk]
    previous: int | None
    following: int | None
    name: str  # the document's
    can_be_added_to: bool
    count: int  # of all chunks of the document that searches find
    disabled: int
    changed: int

    @property
    def is_waiting(self) -> bool:
        return any(chunk.is_waiting for chunk in self.chunks)


def browse(database: VectorDatabase, number: int, wanted: Wanted) -> ChunkPage | None:
    """A page of the chunks of the document with this number; None when there is no such document.

    Raises Conflict where it takes too long to look for the words.
    """
    kinds = _Kinds.of(database, min(number, LARGEST_NUMBER))
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = '{_MOST_SECONDS}s'")
            return _page(kinds, database.ingestions.filter(number=number).first(), wanted)
    except OperationalError as error:
        if isinstance(error.__cause__, errors.QueryCanceled):
            raise Conflict(
                "These words are too rare to be looked for in so many chunks: look for others, or "
                "begin further on."
            ) from error
        raise


def _page(kinds: "_Kinds", ingestion: Ingestion | None, wanted: Wanted) -> ChunkPage | None:
    first = kinds.chunks.first() or kinds.disabled.first()
    if first is None:
        return None
    ids = kinds.ids(wanted, Q(id__gte=wanted.start), Q(chunk_id__gte=wanted.start))
    before = kinds.ids(wanted, Q(id__lt=wanted.start), Q(chunk_id__lt=wanted.start), reverse=True)
    return ChunkPage(
        chunks=kinds.browsed(ids[:_ROWS]),
        previous=before[:_ROWS][-1] if before else None,
        following=ids[_ROWS] if len(ids) > _ROWS else None,
        name=ingestion.document.name if ingestion else str(first.metadata.get("source", "")),
        can_be_added_to=ingestion is not None and ingestion.status == Status.COMPLETED,
        count=kinds.chunks.count(),
        disabled=kinds.disabled.count(),
        changed=kinds.edits.count(),
    )


@dataclass(frozen=True, slots=True)
class _Kinds:
    """A document's chunks that are searched, those that are not, and all edits."""

    chunks: QuerySet[Chunk]
    disabled: QuerySet[DisabledChunk]
    edits: QuerySet[ChunkEdit]

    @classmethod
    def of(cls, database: VectorDatabase, number: int) -> "_Kinds":
        first = number * CHUNKS_PER_DOCUMENT
        own = (first, first + CHUNKS_PER_DOCUMENT - 1)
        where = {"vector_database_id": database.pk, "id__range": own}
        return cls(
            Chunk.objects.filter(**where),
            DisabledChunk.objects.filter(**where),
            database.chunk_edits.filter(chunk_id__range=own),
        )

    def ids(self, wanted: Wanted, ids: Q, edit_ids: Q, *, reverse: bool = False) -> list[int]:
        """Up to one more than a page has room for."""
        edits = self.edits.filter(text__icontains=wanted.text) if wanted.text else self.edits
        found = set(self._first(edits.filter(edit_ids), "chunk_id", reverse=reverse))
        if not wanted.is_changed:
            # What was edited is looked for by its new text.
            untouched = self.chunks.filter(ids, ~Exists(self.edits.filter(chunk_id=OuterRef("id"))))
            if wanted.text:
                untouched = untouched.filter(text__icontains=wanted.text)
            found |= {*self._first(untouched, "id", reverse=reverse)}
        return sorted(found, reverse=reverse)[: _ROWS + 1]

    @staticmethod
    def _first(
        rows: QuerySet[Chunk] | QuerySet[ChunkEdit], field: str, *, reverse: bool
    ) -> Iterable[int]:
        ordered = rows.order_by(f"-{field}" if reverse else field)
        return ordered.values_list(field, flat=True)[: _ROWS + 1]

    def browsed(self, ids: list[int]) -> list[BrowsedChunk]:
        edits = {
            edit.chunk_id: edit
            for edit in self.edits.select_related("edited_by").filter(chunk_id__in=ids)
        }
        chunks: dict[int, Chunk | DisabledChunk] = {
            one.id: one for rows in (self.chunks, self.disabled) for one in rows.filter(id__in=ids)
        }
        return [BrowsedChunk(one, chunks.get(one), edits.get(one)) for one in ids]
