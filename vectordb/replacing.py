"""A document's new file in the old one's place. Callers take it from `services`."""

from functools import partial
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from accounts.models import User
from config.errors import Conflict, InvalidInput
from config.status import Status
from vectordb import files, ingestion_rows, tasks
from vectordb.databases import check_and_note_columns, lock_databases_of
from vectordb.models import Document, Ingestion, VectorDatabase
from vectordb.permissions import require_dataset_editor
from vectordb.uploads import add_one


def replace_document(document: Document, *, user: User, upload: "UploadedFile[Any]") -> Document:
    """Put a new file in the document's place, in its dataset and in every vector database.

    The databases stay in use: each finds the old text until the new one is brought in, and keeps it
    if that fails. Edits of chunks are made again where the new file has the same passage. Raises
    InvalidInput for a file that cannot be taken; then all is as it was.
    """
    require_dataset_editor(document.dataset, user)
    added = add_one(document.dataset, user=user, upload=upload)
    if added.document is None or added.error:
        raise InvalidInput(added.error, field="file")
    try:
        _take_place(document, added.document)
    except BaseException:
        _discard(added.document)
        raise
    return added.document


@transaction.atomic
def _take_place(old: Document, new: Document) -> None:
    databases = lock_databases_of(old)
    if not Document.objects.filter(pk=old.pk).exists():
        raise Conflict("This document was replaced or deleted meanwhile: reload the page.")
    for database in databases:
        _bring_in_instead(database, old, new)
    new.metadata = old.metadata
    new.save(update_fields=["metadata"])
    transaction.on_commit(partial(files.remove, old.stored_name))
    old.delete()


def _bring_in_instead(database: VectorDatabase, old: Document, new: Document) -> None:
    """Have the job bring the new file in under a number of its own: what the old chunks' ids meant,
    no other chunk will ever mean."""
    ingestion = database.ingestions.select_for_update(no_key=True).get(document=old)
    others = Document.objects.filter(ingestions__vector_database=database).exclude(pk=old.pk)
    check_and_note_columns(database, [*others.order_by("ingestions__number"), new])
    numbers = database.ingestions.values_list("number", flat=True)
    database.last_number = max(database.last_number, *numbers) + 1
    database.save(update_fields=["metadata_columns", "last_number", "updated_at"])
    # One that was replaced before it was ever brought in still has the chunks of the one before it.
    had = ingestion.number if ingestion.status == Status.COMPLETED else ingestion.replaces
    Ingestion.objects.filter(pk=ingestion.pk).update(
        document=new,
        number=database.last_number,
        replaces=had,
        # What was cancelled waits for whoever retries it.
        status=Status.CANCELLED if database.status == Status.CANCELLED else Status.NEW,
        error_message="",
        progress_done=0,
        progress_total=0,
        is_edited=False,
        added_count=0,
        lost_edits=0,
        started_at=None,
        finished_at=None,
    )
    failed = VectorDatabase.objects.filter(pk=database.pk, status=Status.ERROR)
    failed.update(status=Status.NEW, error_message="")
    tasks.enqueue_ingestion(database.pk)
    ingestion_rows.announce(database.pk)


def _discard(document: Document) -> None:
    if Document.objects.filter(pk=document.pk).delete()[0]:
        files.remove(document.stored_name)
