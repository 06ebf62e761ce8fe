"""What editors can do with single chunks. Callers take it from `services`.

What needs no new vector is done at once. For the rest a job embeds the text; until it has, searches
find the chunk as it was.
"""

import hashlib

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.services import require_editor
from config.errors import Conflict, InvalidInput, NotFound
from config.status import UNFINISHED, Status
from vectordb import edited_chunks, ingestion_rows, tasks
from vectordb.embedding_models import get_model
from vectordb.models import (
    ADDED_ROOM,
    CHUNKS_PER_DOCUMENT,
    FIRST_ADDED,
    ChunkEdit,
    Ingestion,
    VectorDatabase,
)
from vectordb.tokens import count_tokens

_LAST_PAGE = 1_000_000


@transaction.atomic
def edit_chunk(
    database: VectorDatabase, chunk_id: int, *, user: User, text: str, seen: str
) -> None:
    """Give a chunk another text. `seen` is the revision of the one that the editor had before them.

    Raises InvalidInput for a text that the embedding model does not take whole, and Conflict when
    somebody else changed the chunk meanwhile.
    """
    text, length = _cleaned(text, database)
    database = _held(database, user)
    edit = _edit(database, chunk_id)
    _require_fit(length, database, before=edit.original)
    if seen != revision_of(edit.text):
        raise Conflict(
            "Somebody else changed this chunk meanwhile: copy your text, and open the chunk anew."
        )
    _change(edit, text, user)


@transaction.atomic
def restore_chunk(database: VectorDatabase, chunk_id: int, *, user: User) -> None:
    """Give a chunk the text back that the document has. Raises Conflict for one that was added."""
    database = _held(database, user)
    edit = _edit(database, chunk_id)
    if edit.is_added:
        raise Conflict("This chunk was added by hand: there is nothing to go back to.")
    _change(edit, edit.original, user)


@transaction.atomic
def switch_chunk(database: VectorDatabase, chunk_id: int, *, user: User, is_enabled: bool) -> None:
    """Take a chunk out of the searches, or put it back in. At once."""
    database = _held(database, user)
    edit = _edit(database, chunk_id)
    if edit.is_enabled == is_enabled:
        return
    move = edited_chunks.enable if is_enabled else edited_chunks.disable
    if not move(database.pk, chunk_id):
        raise Conflict("This chunk is not embedded yet: wait a moment, and try again.")
    edit.is_enabled, edit.edited_by = is_enabled, user
    edited_chunks.keep(edit)
    if is_enabled and database.status == Status.ERROR:
        # It was all that there is.
        VectorDatabase.objects.filter(pk=database.pk).update(status=Status.NEW)
    _tell(database, chunk_id, moment="edited_at" if is_enabled else "chunks_removed_at")
    tasks.enqueue_ingestion(database.pk)


@transaction.atomic
def add_chunk(
    database: VectorDatabase, number: int, *, user: User, text: str, page: int | None = None
) -> ChunkEdit:
    """Add a chunk to the document with this number in the database, on one of its pages or on none.

    Raises InvalidInput for a text that the embedding model does not take whole, NotFound, and
    Conflict for a document that is not brought in.
    """
    text, length = _cleaned(text, database)
    database = _held(database, user)
    _require_fit(length, database)
    if page is not None and not 1 <= page <= _LAST_PAGE:
        raise InvalidInput("Pages count from 1.", field="page")
    ingestion = database.ingestions.select_for_update().filter(number=number).first()
    if ingestion is None:
        raise NotFound("There is no such document in this database.")
    position = FIRST_ADDED + ingestion.added_count
    if ingestion.status != Status.COMPLETED or position >= CHUNKS_PER_DOCUMENT:
        raise Conflict("Nothing can be added to this document: bring it in first.")
    ingestion.added_count += 1
    ingestion.save(update_fields=["added_count"])
    edit = ChunkEdit(
        vector_database=database, chunk_id=number * CHUNKS_PER_DOCUMENT + position, page=page
    )
    _change(edit, text, user)
    return edit


@transaction.atomic
def delete_chunk(database: VectorDatabase, chunk_id: int, *, user: User) -> None:
    """Delete a chunk that was added by hand. Raises Conflict for others: these are disabled."""
    database = _held(database, user)
    edit = _edit(database, chunk_id)
    if not edit.is_added:
        raise Conflict("This chunk comes from its document: disable it instead.")
    edited_chunks.delete(database.pk, chunk_id)
    edit.delete()
    _tell(database, chunk_id, moment="chunks_removed_at")
    tasks.enqueue_ingestion(database.pk)


def chunk_text(database: VectorDatabase, chunk_id: int) -> str:
    """The chunk's text as it is meant to be. Raises NotFound."""
    return _edit(database, chunk_id).text


def revision_of(text: str) -> str:
    """Tells one text of a chunk from another."""
    return hashlib.sha256(text.encode()).hexdigest()


def _held(database: VectorDatabase, user: User) -> VectorDatabase:
    """The database as it is now; changes to its chunks come one after the other."""
    require_editor(database.use_case, user)
    database = VectorDatabase.objects.select_for_update(no_key=True).get(pk=database.pk)
    if database.status in UNFINISHED:
        raise Conflict("This vector database is being built: wait until it is complete.")
    return database


def _cleaned(text: str, database: VectorDatabase) -> tuple[str, int]:
    """The text, and how many tokens it has. Raises InvalidInput for one that is none, or endless."""
    # Browsers send line breaks as CR LF.
    text = text.replace("\0", "").replace("\r\n", "\n").strip()
    if not text:
        raise InvalidInput("Write something, or disable the chunk instead.", field="text")
    if len(text) > ADDED_ROOM:
        raise InvalidInput(f"Use at most {ADDED_ROOM:,} characters.", field="text")
    return text, count_tokens(text, database.embedding_model)


def _require_fit(length: int, database: VectorDatabase, *, before: str = "") -> None:
    """What is no longer than it was before does: finished chunks may be longer than the window."""
    model = get_model(database.embedding_model)
    most = max(model.content_tokens, count_tokens(before, model.id))
    if length > most:
        raise InvalidInput(
            f"This text has {length:,} tokens, and {most:,} fit the embedding model: "
            "shorten it, or put the rest into a chunk of its own.",
            field="text",
        )


def _edit(database: VectorDatabase, chunk_id: int) -> ChunkEdit:
    """What was made of the chunk before, or the start of it. Raises NotFound."""
    edit = database.chunk_edits.filter(chunk_id=chunk_id).first()
    if edit is not None:
        return edit
    chunk = edited_chunks.find(database.pk, chunk_id)
    if chunk is None:
        raise NotFound("There is no such chunk any more.")
    return ChunkEdit(
        vector_database=database,
        chunk_id=chunk_id,
        original=chunk.text,
        text=chunk.text,
        page=chunk.page,
        status=Status.COMPLETED,
    )


def _change(edit: ChunkEdit, text: str, user: User) -> None:
    if text == edit.text and edit.status == Status.COMPLETED:
        return
    edit.text, edit.edited_by = text, user
    edit.status, edit.error_message = Status.NEW, ""
    edit.save()
    _tell(edit.vector_database, edit.chunk_id)
    tasks.enqueue_edits(edit.vector_database_id)


def _tell(database: VectorDatabase, chunk_id: int, *, moment: str = "") -> None:
    """`moment` is the field that says since when searches find something else; empty where they do not
    yet."""
    number = chunk_id // CHUNKS_PER_DOCUMENT
    Ingestion.objects.filter(vector_database=database, number=number).update(is_edited=True)
    if moment:
        VectorDatabase.objects.filter(pk=database.pk).update(**{moment: timezone.now()})
    ingestion_rows.announce(database.pk)
