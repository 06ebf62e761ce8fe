"""What can be done with datasets, documents and vector databases."""

import logging
from collections.abc import Iterable
from functools import partial
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from accounts.models import UseCase, User
from accounts.services import require_editor
from config.errors import Conflict, Forbidden, InvalidInput
from config.status import UNFINISHED, Status
from vectordb import chunk_store, files, ingest, partitions, tasks
from vectordb.chunking_settings import ChunkingSettings
from vectordb.embedding_models import MODELS, EmbeddingModel
from vectordb.models import Dataset, DatasetLink, Document, Ingestion, VectorDatabase
from vectordb.uploads import AddedFile, add_file

__all__ = [
    "AddedFile",
    "add_files",
    "cancel_ingestion",
    "create_dataset",
    "create_vector_database",
    "delete_dataset",
    "delete_document",
    "delete_vector_database",
    "link_dataset",
    "rename_dataset",
    "rename_vector_database",
    "retry_ingestion",
    "supported_embeddings",
    "unlink_dataset",
]

logger = logging.getLogger(__name__)

_LONGEST_NAME = 200


def supported_embeddings() -> list[EmbeddingModel]:
    return list(MODELS.values())


@transaction.atomic
def create_dataset(*, user: User, name: str = "", use_case: UseCase | None = None) -> Dataset:
    """An empty dataset of this user, in a use case when one is given."""
    dataset = Dataset.objects.create(
        name=_name(name, f"Dataset {timezone.now():%Y-%m-%d %H:%M:%S}"), created_by=user
    )
    if use_case is not None:
        link_dataset(dataset, use_case=use_case, user=user)
    return dataset


def rename_dataset(dataset: Dataset, *, user: User, name: str) -> Dataset:
    _require_dataset_editor(dataset, user)
    dataset.name = _name(name)
    dataset.save(update_fields=["name", "updated_at"])
    return dataset


def link_dataset(dataset: Dataset, *, use_case: UseCase, user: User) -> DatasetLink:
    """Show the dataset in a use case; its members then see the documents."""
    require_editor(use_case, user)
    _require_dataset_editor(dataset, user)
    link, _ = DatasetLink.objects.get_or_create(
        dataset=dataset, use_case=use_case, defaults={"created_by": user}
    )
    return link


def unlink_dataset(dataset: Dataset, *, use_case: UseCase, user: User) -> None:
    """Take the dataset out of a use case. Vector databases made from it stay."""
    require_editor(use_case, user)
    DatasetLink.objects.filter(dataset=dataset, use_case=use_case).delete()


@transaction.atomic
def delete_dataset(dataset: Dataset, *, user: User) -> None:
    """Delete the dataset, its documents and files. Vector databases made from it stay usable."""
    _require_dataset_editor(dataset, user)
    for stored_name in dataset.documents.values_list("stored_name", flat=True):
        transaction.on_commit(partial(files.remove, stored_name))
    dataset.delete()


def add_files(
    dataset: Dataset, *, user: User, files: Iterable["UploadedFile[Any]"]
) -> list[AddedFile]:
    """Add each file, or each member of a ZIP; what cannot be taken says why and stops no other."""
    _require_dataset_editor(dataset, user)
    return [added for upload in files for added in add_file(dataset, user=user, upload=upload)]


@transaction.atomic
def delete_document(document: Document, *, user: User) -> None:
    """Delete the document, its file, and its chunks in every vector database."""
    _require_dataset_editor(document.dataset, user)
    # Locked in the order in which a worker does it: the row first, then its chunks.
    for ingestion in document.ingestions.select_for_update():
        if partitions.exists(ingestion.vector_database_id):
            chunk_store.delete(ingestion.vector_database_id, ingestion.number)
            # The job counts again and renews the index, where there is one.
            tasks.enqueue_ingestion(ingestion.vector_database_id)
    transaction.on_commit(partial(files.remove, document.stored_name))
    document.delete()


@transaction.atomic
def create_vector_database(
    *,
    user: User,
    use_case: UseCase,
    dataset: Dataset,
    name: str = "",
    chunking: ChunkingSettings | None = None,
) -> VectorDatabase:
    """A vector database of the dataset's present documents; a job brings them in."""
    require_editor(use_case, user)
    if not Dataset.objects.visible_to(user).filter(pk=dataset.pk).exists():
        raise InvalidInput("There is no such dataset.", field="dataset")
    # Whoever may only look at it must not pass its text on to the members of another use case.
    _require_dataset_editor(dataset, user)
    documents = list(dataset.documents.order_by("created_at", "id"))
    if not documents:
        raise InvalidInput("This dataset is empty: add files to it first.", field="dataset")
    chunking = chunking or ChunkingSettings()
    database = VectorDatabase(
        use_case=use_case,
        dataset=dataset,
        dataset_name=dataset.name,
        name=_name(name, f"Vector Database for {dataset.name}"),
        embedding_model=chunking.embedding_model,
        dimensions=chunking.model.dimensions,
        chunking_method=chunking.chunking_method,
        chunk_size=chunking.chunk_size,
        chunk_overlap_percentage=chunking.chunk_overlap_percentage,
        separators=list(chunking.separators),
        created_by=user,
    )
    database.family_id = database.pk
    database.save()
    Ingestion.objects.bulk_create(
        Ingestion(vector_database=database, document=document, number=number)
        for number, document in enumerate(documents, 1)
    )
    tasks.enqueue_ingestion(database.pk)
    return database


def rename_vector_database(database: VectorDatabase, *, user: User, name: str) -> VectorDatabase:
    require_editor(database.use_case, user)
    database.name = _name(name)
    database.save(update_fields=["name", "updated_at"])
    return database


@transaction.atomic
def delete_vector_database(database: VectorDatabase, *, user: User) -> None:
    """Delete it at once for everybody; a job drops its chunks, and one that fills it stops."""
    require_editor(database.use_case, user)
    database_id = database.pk
    database.delete()
    tasks.enqueue_drop(database_id)
    ingest.announce(database_id)


@transaction.atomic
def cancel_ingestion(database: VectorDatabase, *, user: User) -> None:
    """Stop bringing documents in; those that are done stay. Raises Conflict when none is left."""
    require_editor(database.use_case, user)
    cancelled = VectorDatabase.objects.filter(pk=database.pk, status__in=UNFINISHED).update(
        status=Status.CANCELLED, error_message="Cancelled."
    )
    if not cancelled:
        raise Conflict("This vector database is not being built: there is nothing to cancel.")
    database.ingestions.filter(status__in=UNFINISHED).update(
        status=Status.CANCELLED, finished_at=timezone.now()
    )
    database.refresh_from_db()
    ingest.announce(database.pk)


@transaction.atomic
def retry_ingestion(
    database: VectorDatabase, *, user: User, document: Document | None = None
) -> None:
    """Bring failed and cancelled documents in again, or one of them. Raises Conflict if there is none."""
    require_editor(database.use_case, user)
    again = database.ingestions.filter(status__in=(Status.ERROR, Status.CANCELLED))
    if document is not None:
        again = again.filter(document=document)
    if not again.update(
        status=Status.NEW, error_message="", progress_done=0, progress_total=0, finished_at=None
    ):
        raise Conflict("No document here failed or was cancelled: there is nothing to retry.")
    VectorDatabase.objects.filter(pk=database.pk).exclude(status__in=UNFINISHED).update(
        status=Status.NEW, error_message=""
    )
    tasks.enqueue_ingestion(database.pk)
    database.refresh_from_db()
    ingest.announce(database.pk)


def _require_dataset_editor(dataset: Dataset, user: User) -> None:
    if not Dataset.objects.editable_by(user).filter(pk=dataset.pk).exists():
        raise Forbidden("You may look at this dataset but not change it: ask an owner for a role.")


def _name(name: str, default: str = "") -> str:
    name = " ".join(name.replace("\0", "").split()) or default[:_LONGEST_NAME]
    if not name:
        raise InvalidInput("Give it a name.", field="name")
    if len(name) > _LONGEST_NAME:
        raise InvalidInput(f"Use at most {_LONGEST_NAME} characters.", field="name")
    return name
