"""What can be done with datasets, documents and vector databases."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any
from urllib.parse import unquote

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from accounts.models import UseCase, User
from accounts.services import require_editor
from config.status import Status
from vectordb import chunk_store, files, partitions, tasks
from vectordb.chunk_edits import (
    add_chunk,
    chunk_text,
    delete_chunk,
    edit_chunk,
    restore_chunk,
    revision_of,
    switch_chunk,
)
from vectordb.databases import (
    bring_in_new_documents,
    cancel_ingestion,
    create_vector_database,
    delete_vector_database,
    lock_databases_of,
    new_documents,
    rebuild_vector_database,
    rename_vector_database,
    retry_ingestion,
)
from vectordb.embedding_entries import usable_models as supported_embeddings
from vectordb.embeddings import (
    add_endpoint_embedding,
    add_local_embedding,
    delete_embedding,
    describe_embedding,
    embedding_usage,
    read_again,
    switch_embedding,
    update_endpoint_embedding,
)
from vectordb.endpoint_trial import check as check_embedding
from vectordb.fetch_job import settle
from vectordb.fetching import check_url
from vectordb.lab import trial_of, try_chunkings
from vectordb.models import Dataset, DatasetLink, Document, VectorDatabase
from vectordb.naming import LONGEST_NAME, checked_name
from vectordb.permissions import require_dataset_editor
from vectordb.replacing import replace_document
from vectordb.uploads import AddedFile, add_file

__all__ = [
    "AddedFile",
    "add_chunk",
    "add_endpoint_embedding",
    "add_files",
    "add_local_embedding",
    "bring_in_new_documents",
    "cancel_ingestion",
    "check_embedding",
    "chunk_text",
    "create_dataset",
    "create_dataset_from_files",
    "create_dataset_from_url",
    "create_vector_database",
    "delete_chunk",
    "delete_dataset",
    "delete_document",
    "delete_embedding",
    "delete_vector_database",
    "describe_embedding",
    "edit_chunk",
    "embedding_usage",
    "link_dataset",
    "new_documents",
    "read_again",
    "rebuild_vector_database",
    "rename_dataset",
    "rename_vector_database",
    "replace_document",
    "restore_chunk",
    "retry_ingestion",
    "revision_of",
    "set_categories",
    "supported_embeddings",
    "switch_chunk",
    "switch_embedding",
    "trial_of",
    "try_chunkings",
    "unlink_dataset",
    "update_endpoint_embedding",
]


@transaction.atomic
def create_dataset(*, user: User, name: str = "", use_case: UseCase | None = None) -> Dataset:
    """An empty dataset of this user, in a use case when one is given."""
    dataset = Dataset.objects.create(
        name=checked_name(name, f"Dataset {timezone.now():%Y-%m-%d %H:%M:%S}"), created_by=user
    )
    if use_case is not None:
        link_dataset(dataset, use_case=use_case, user=user)
    return dataset


def create_dataset_from_files(*, user: User, files: Sequence["UploadedFile[Any]"]) -> Dataset:
    """A dataset named like the first file, with all of them or with what stands in a ZIP.

    When nothing can be taken its status is ERROR; what was left out, its error message tells.
    """
    first = (files[0].name or "").replace("\\", "/").rpartition("/")[2]
    dataset = create_dataset(user=user, name=first[:LONGEST_NAME])
    # Should this process end before it is done, nobody waits for it for ever.
    dataset.status, dataset.error_message = Status.ERROR, "The upload broke off: try again."
    dataset.save(update_fields=["status", "error_message"])
    settle(dataset, add_files(dataset, user=user, files=files))
    return dataset


@transaction.atomic
def create_dataset_from_url(
    *, user: User, url: str, categories: Sequence[str] = (), sample_rows: int | None = None
) -> Dataset:
    """A dataset of the file at an address; a job fetches it. Of a CSV file, with `sample_rows`, only
    so many rows.

    Raises InvalidInput for what is no address. What else is wrong with it the job finds out: then
    the status is ERROR.
    """
    parts = check_url(url)
    name = unquote(parts.path).rpartition("/")[2] or parts.hostname or ""
    dataset = create_dataset(user=user, name=name[:LONGEST_NAME])
    dataset.status, dataset.categories = Status.NEW, list(categories)
    dataset.sample_rows = sample_rows
    dataset.save(update_fields=["status", "categories", "sample_rows"])
    tasks.enqueue_fetch(dataset.pk, url, user_id=user.pk)
    return dataset


def set_categories(dataset: Dataset, *, user: User, categories: Sequence[str]) -> Dataset:
    """Keep what the owner means it for."""
    require_dataset_editor(dataset, user)
    dataset.categories = list(dict.fromkeys(categories))
    dataset.save(update_fields=["categories", "updated_at"])
    return dataset


def rename_dataset(dataset: Dataset, *, user: User, name: str) -> Dataset:
    require_dataset_editor(dataset, user)
    dataset.name = checked_name(name)
    dataset.save(update_fields=["name", "updated_at"])
    return dataset


def link_dataset(dataset: Dataset, *, use_case: UseCase, user: User) -> DatasetLink:
    """Show the dataset in a use case; its members then see the documents."""
    require_editor(use_case, user)
    require_dataset_editor(dataset, user)
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
    require_dataset_editor(dataset, user)
    for stored_name in dataset.documents.values_list("stored_name", flat=True):
        transaction.on_commit(partial(files.remove, stored_name))
    dataset.delete()


def add_files(
    dataset: Dataset, *, user: User, files: Iterable["UploadedFile[Any]"]
) -> list[AddedFile]:
    """Add each file, or each member of a ZIP; what cannot be taken says why and stops no other."""
    require_dataset_editor(dataset, user)
    added = [one for upload in files for one in add_file(dataset, user=user, upload=upload)]
    if dataset.status == Status.ERROR and any(one.document for one in added):
        dataset.status, dataset.error_message = Status.COMPLETED, ""
        dataset.save(update_fields=["status", "error_message", "updated_at"])
    return added


@transaction.atomic
def delete_document(document: Document, *, user: User) -> None:
    """Delete the document, its file, and its chunks in every vector database."""
    require_dataset_editor(document.dataset, user)
    lock_databases_of(document)
    searched = []
    # Locked in the order in which a worker does it: the row first, then its chunks.
    for ingestion in document.ingestions.select_for_update():
        if ingestion.status == Status.COMPLETED or ingestion.replaces is not None:
            searched.append(ingestion.vector_database_id)
        if partitions.exists(ingestion.vector_database_id):
            chunk_store.delete(ingestion.vector_database_id, ingestion.number)
            if ingestion.replaces is not None:
                chunk_store.delete(ingestion.vector_database_id, ingestion.replaces)
            # The job counts again and renews the index, where there is one.
            tasks.enqueue_ingestion(ingestion.vector_database_id)
    VectorDatabase.objects.filter(pk__in=searched).update(chunks_removed_at=timezone.now())
    transaction.on_commit(partial(files.remove, document.stored_name))
    document.delete()
