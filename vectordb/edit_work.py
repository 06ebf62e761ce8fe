"""The part of editing chunks that a worker does: their vectors, and taking edits along."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from config.errors import AppError
from config.status import Status
from vectordb import chunk_store, edited_chunks, partitions
from vectordb.embedding import get_embedder
from vectordb.embedding_models import EmbeddingFailed
from vectordb.endpoint_failures import TextFailed
from vectordb.ingestion_rows import announce
from vectordb.models import (
    CHUNKS_PER_DOCUMENT,
    FIRST_ADDED,
    Chunk,
    ChunkEdit,
    Ingestion,
    VectorDatabase,
)
from vectordb.tokens import count_tokens
from vectordb.whole_chunks import embed_whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)


def apply_edits(database_id: str, check: Callable[[], None]) -> None:
    """Put the texts that editors gave into the chunks, embedded. What cannot be embedded says why.

    It may be killed at any moment and run again, also twice at once.
    """
    database = VectorDatabase.objects.filter(pk=database_id).first()
    if database is None or not partitions.exists(database_id):
        return
    waiting = database.chunk_edits.filter(status=Status.NEW).order_by("updated_at")
    while (edit := waiting.first()) is not None:
        check()
        try:
            _apply(database, edit, check)
        except EmbeddingFailed as error:
            if not isinstance(error, TextFailed):
                fail_edits(database_id, error.message)
                return
            _fail(edit, error.message)
        except AppError as error:
            _fail(edit, error.message)


def fail_edits(database_id: str, message: str) -> None:
    """Leave none waiting when the job itself broke."""
    waiting = ChunkEdit.objects.filter(vector_database=database_id, status=Status.NEW)
    waiting.update(status=Status.ERROR, error_message=message)
    announce(database_id)


def _fail(edit: ChunkEdit, message: str) -> None:
    # Unless it was changed meanwhile: then the new text is tried.
    same = ChunkEdit.objects.filter(pk=edit.pk, status=Status.NEW, text=edit.text)
    same.update(status=Status.ERROR, error_message=message)


def _apply(database: VectorDatabase, edit: ChunkEdit, check: Callable[[], None]) -> None:
    model_id = database.embedding_model
    [vector] = embed_whole(get_embedder(model_id), [edit.text], model_id, check=check)
    length = count_tokens(edit.text, model_id)
    with transaction.atomic():
        # In the order in which editors lock.
        list(VectorDatabase.objects.select_for_update(no_key=True).filter(pk=database.pk))
        same = ChunkEdit.objects.filter(pk=edit.pk, status=Status.NEW, text=edit.text)
        current = same.select_for_update().first()
        if current is None:
            return
        if edited_chunks.rewrite(current, vector, length) or _insert(current, vector, length):
            current.status = Status.COMPLETED
            edited_chunks.keep(current)
        else:
            current.delete()
        own = VectorDatabase.objects.filter(pk=database.pk)
        own.update(edited_at=timezone.now())
        # Without a chunk to search it had failed. Whoever counts next says how it is now.
        own.filter(status=Status.ERROR).update(status=Status.RUNNING, error_message="")


def _insert(edit: ChunkEdit, vector: "NDArray[np.float32]", length: int) -> bool:
    number = edit.chunk_id // CHUNKS_PER_DOCUMENT
    # Of a document that was replaced, until its new file is there.
    of_document = Q(number=number) | Q(replaces=number)
    ingestion = edit.vector_database.ingestions.filter(of_document).first()
    if not edit.is_added or ingestion is None:
        return False
    edited_chunks.insert(edit, ingestion, vector, length)
    if not edit.is_enabled:
        edited_chunks.disable(edit.vector_database_id, edit.chunk_id)
    return True


def take_edits_along(ingestion: Ingestion) -> None:
    """Edit the chunks of a document that was just stored as they were edited before: in the file
    that it replaces, or in the version that this one follows. Call it in the same transaction."""
    database_id, replaced = ingestion.vector_database_id, ingestion.replaces
    if replaced is not None:
        _carry_over(ingestion, database_id, replaced)
        chunk_store.delete(database_id, replaced)
        Ingestion.objects.filter(pk=ingestion.pk).update(replaces=None)
        return
    if ingestion.vector_database.version == 1:
        return
    before = Ingestion.objects.filter(
        document=ingestion.document_id, vector_database__children=database_id
    )
    for one in before:
        is_old = one.status != Status.COMPLETED
        number = one.replaces if is_old and one.replaces else one.number
        _carry_over(ingestion, one.vector_database_id, number)


def _edits(database_id: str, number: int) -> list[ChunkEdit]:
    first = chunk_store.first_id(number)
    last = first + CHUNKS_PER_DOCUMENT - 1
    edits = ChunkEdit.objects.filter(vector_database=database_id, chunk_id__range=(first, last))
    return list(edits)


def _carry_over(ingestion: Ingestion, database_id: str, number: int) -> None:
    """Edits of the document with this number find their chunk by the text that it had; of several
    alike, the one at the same place, else the first that is left."""
    edits = _edits(database_id, number)
    if not edits:
        return
    moved = chunk_store.first_id(ingestion.number) - chunk_store.first_id(number)
    alike = _chunks_by_text(ingestion, {edit.original for edit in edits})
    added = lost = 0
    for edit in edits:
        if edit.is_added:
            chunk_id = chunk_store.first_id(ingestion.number) + FIRST_ADDED + added
            added += 1
        elif left := alike.get(edit.original):
            same = edit.chunk_id + moved
            chunk_id = left.pop(left.index(same) if same in left else 0)
        else:
            lost += 1
            continue
        _repeat(edit, ingestion.vector_database_id, chunk_id)
    Ingestion.objects.filter(pk=ingestion.pk).update(
        is_edited=True, added_count=added, lost_edits=lost
    )


def _chunks_by_text(ingestion: Ingestion, texts: Iterable[str]) -> dict[str, list[int]]:
    first = chunk_store.first_id(ingestion.number)
    chunks = Chunk.objects.filter(
        vector_database_id=ingestion.vector_database_id,
        id__range=(first, first + CHUNKS_PER_DOCUMENT - 1),
        text__in=list(texts),
    )
    by_text: dict[str, list[int]] = defaultdict(list)
    for chunk_id, text in chunks.order_by("id").values_list("id", "text"):
        by_text[text].append(chunk_id)
    return by_text


def _repeat(edit: ChunkEdit, database_id: str, chunk_id: int) -> None:
    ChunkEdit.objects.create(
        vector_database_id=database_id,
        chunk_id=chunk_id,
        original=edit.original,
        text=edit.text,
        page=edit.page,
        is_enabled=edit.is_enabled,
        status=Status.NEW if edit.changes_text else Status.COMPLETED,
        edited_by_id=edit.edited_by_id,
    )
    if not edit.is_enabled and not edit.is_added:
        edited_chunks.disable(database_id, chunk_id)
