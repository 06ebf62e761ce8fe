"""What can be done with vector databases. Callers take it from `services`."""

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from accounts.models import UseCase, User
from accounts.services import require_editor
from config.errors import Conflict, InvalidInput
from config.status import UNFINISHED, Status
from vectordb import ingestion_rows, tasks, versions
from vectordb.chunking_settings import ChunkingSettings, settings_of
from vectordb.embedding_entries import require_usable
from vectordb.models import Dataset, Document, Ingestion, VectorDatabase
from vectordb.naming import verbatim_name
from vectordb.parsing.base import Kind, ParseError
from vectordb.parsing.document_rows import (
    MOST_COLUMNS,
    PATH_COLUMN,
    TEXT_COLUMN,
    check_columns,
)
from vectordb.permissions import require_dataset_editor


@transaction.atomic
def create_vector_database(
    *,
    user: User,
    use_case: UseCase,
    dataset: Dataset,
    name: str = "",
    chunking: ChunkingSettings | None = None,
    parent: VectorDatabase | None = None,
    updates_blueprints: bool = False,
) -> VectorDatabase:
    """A vector database of the dataset's present documents; a job brings them in.

    With a `parent` it is the next version of its family: with `chunking`, of this dataset alone;
    without, the dataset is added to what the parent is made of, and cut as that was.
    `updates_blueprints` has the parent's drafts use it once it is complete.
    """
    require_editor(use_case, user)
    if not Dataset.objects.visible_to(user).filter(pk=dataset.pk).exists():
        raise InvalidInput("There is no such dataset.", field="dataset")
    # Whoever may only look at it must not pass its text on to the members of another use case.
    require_dataset_editor(dataset, user)
    documents = _documents(dataset)
    if parent is not None and parent.use_case_id != use_case.pk:
        raise InvalidInput(
            "A version stands in the same use case as its parent.",
            field="parent_vector_database_id",
        )
    database = _new(dataset, chunking or (settings_of(parent) if parent else ChunkingSettings()))
    if parent is not None:
        documents = _become_version(database, parent, dataset, documents, is_added=chunking is None)
    database.updates_blueprints = updates_blueprints and parent is not None
    database.use_case, database.created_by = use_case, user
    database.name = verbatim_name(name, f"Vector Database for {database.dataset_name}")
    _begin(database, documents)
    return database


@transaction.atomic
def rebuild_vector_database(
    parent: VectorDatabase,
    *,
    user: User,
    chunking: ChunkingSettings,
    name: str = "",
    updates_blueprints: bool = False,
) -> VectorDatabase:
    """The next version of a family: all that it is made of, as it is now, cut and embedded anew.

    The parent stays as it is and in use, unless `updates_blueprints` has its drafts use the new
    version once that is complete. Raises Conflict when the dataset it was built from is gone.
    """
    require_editor(parent.use_case, user)
    ids = [parent.dataset_id, *(str(added["id"]) for added in parent.added_datasets)]
    datasets = Dataset.objects.editable_by(user).in_bulk([pk for pk in ids if pk])
    if len(datasets) < len(ids):
        raise Conflict(
            "A dataset that this database was built from was deleted, or is not yours to use: "
            "build a new database instead."
        )
    first, *added = (datasets[str(pk)] for pk in ids)
    database = _new(first, chunking)
    _become_version(database, parent, first, [], is_added=False)
    database.added_datasets = [{"id": one.pk, "name": one.name} for one in added]
    database.updates_blueprints = updates_blueprints
    database.use_case, database.created_by = parent.use_case, user
    database.name = verbatim_name(name, parent.name)
    _begin(database, _documents(first, *added))
    return database


def _begin(database: VectorDatabase, documents: list[Document]) -> None:
    """Store it, and have these documents brought in. Raises InvalidInput for what cannot be."""
    require_usable(database.embedding_model)
    check_and_note_columns(database, documents)
    database.last_number = len(documents)
    database.save()
    _enqueue(database, documents, first=1)


def check_and_note_columns(database: VectorDatabase, documents: list[Document]) -> None:
    """Make the columns of all its documents the database's. Raises InvalidInput for a table that
    cannot become what it seems meant to be."""
    for document in documents:
        _check_columns(document, is_custom=database.is_custom_chunking)
    database.metadata_columns = _metadata_columns(documents)


def _enqueue(database: VectorDatabase, documents: list[Document], *, first: int) -> None:
    Ingestion.objects.bulk_create(
        Ingestion(vector_database=database, document=document, number=number)
        for number, document in enumerate(documents, first)
    )
    tasks.enqueue_ingestion(database.pk)


def new_documents(database: VectorDatabase, *, user: User) -> QuerySet[Document]:
    """Those that came to the database's datasets since it was built, oldest first. Only of datasets
    that are the user's to use: who may only look at one must not pass its text on."""
    ids = [database.dataset_id, *(added["id"] for added in database.added_datasets)]
    known = database.ingestions.values("document")
    own = Dataset.objects.editable_by(user).filter(pk__in=[pk for pk in ids if pk])
    documents = Document.objects.filter(dataset__in=own)
    return documents.exclude(pk__in=known).order_by("created_at", "id")


@transaction.atomic
def bring_in_new_documents(database: VectorDatabase, *, user: User) -> None:
    """Bring `new_documents` into it as it is. It stays in use: they are found as they come.

    Raises Conflict when there is none, and for a database that is not complete.
    """
    require_editor(database.use_case, user)
    database = VectorDatabase.objects.select_for_update().get(pk=database.pk)
    if database.status != Status.COMPLETED:
        raise Conflict("This vector database is not complete: wait until it is built, or retry.")
    documents = list(new_documents(database, user=user))
    if not documents:
        raise Conflict("Nothing came to its dataset since: upload documents there first.")
    there = Document.objects.filter(ingestions__vector_database=database)
    check_and_note_columns(database, [*there.order_by("ingestions__number"), *documents])
    last = database.ingestions.aggregate(last=Max("number"))["last"] or 0
    first = max(last, database.last_number) + 1
    database.last_number = first + len(documents) - 1
    database.save(update_fields=["metadata_columns", "last_number", "updated_at"])
    _enqueue(database, documents, first=first)
    ingestion_rows.announce(database.pk)


def _documents(*datasets: Dataset) -> list[Document]:
    documents = [
        one for dataset in datasets for one in dataset.documents.order_by("created_at", "id")
    ]
    if not documents:
        raise InvalidInput("This dataset is empty: add files to it first.", field="dataset")
    return documents


def _new(dataset: Dataset, chunking: ChunkingSettings) -> VectorDatabase:
    database = VectorDatabase(
        dataset=dataset,
        dataset_name=dataset.name,
        embedding_model=chunking.embedding_model,
        dimensions=chunking.model.dimensions,
        chunking_method=chunking.chunking_method,
        chunk_size=chunking.chunk_size,
        chunk_overlap_percentage=chunking.chunk_overlap_percentage,
        separators=list(chunking.separators),
        is_separator_regex=chunking.is_separator_regex,
        is_custom_chunking=chunking.is_custom_chunking,
    )
    database.family_id = database.pk
    return database


def _become_version(
    database: VectorDatabase,
    parent: VectorDatabase,
    dataset: Dataset,
    documents: list[Document],
    *,
    is_added: bool,
) -> list[Document]:
    """Make it the next of the parent's family; gives back the documents that it is made of."""
    database.parent = parent
    database.family_id = parent.family_id
    database.version = versions.next_version(parent)
    if not is_added:
        return documents
    database.added_datasets = versions.added_to(parent, dataset)
    database.dataset, database.dataset_name = parent.dataset, parent.dataset_name
    earlier = Document.objects.filter(ingestions__vector_database=parent)
    return list(dict.fromkeys([*earlier.order_by("ingestions__number"), *documents]))


def _check_columns(document: Document, *, is_custom: bool) -> None:
    """Raise InvalidInput for a CSV file that cannot become what it seems meant to be."""
    names = document.columns or []
    try:
        if document.holds_documents:
            check_columns(names)
        elif TEXT_COLUMN in names or PATH_COLUMN in names:
            raise ParseError(f"It needs both columns, {TEXT_COLUMN} and {PATH_COLUMN}.")
        elif is_custom and document.content_type == Kind.CSV:
            raise ParseError(
                f"Finished chunks come in CSV files with the columns {TEXT_COLUMN} and "
                f"{PATH_COLUMN}; this one does not have them."
            )
    except ParseError as error:
        raise InvalidInput(f"{document.name}: {error.message}", field="dataset") from error


def _metadata_columns(documents: list[Document]) -> list[str]:
    """The columns of all CSV files of documents, in the order in which they come up."""
    columns = list(dict.fromkeys(name for one in documents for name in one.metadata_columns))
    if len(columns) > MOST_COLUMNS:
        raise InvalidInput(
            f"The files have {len(columns)} columns of metadata between them; {MOST_COLUMNS} is "
            "the most. Leave some out.",
            field="dataset",
        )
    return columns


def lock_databases_of(document: Document) -> list[VectorDatabase]:
    """Those that the document is in, and the document itself, until the transaction ends. Whoever
    changes what is in databases locks them first, in this order."""
    list(Document.objects.select_for_update().filter(pk=document.pk))
    ids = list(document.ingestions.values_list("vector_database", flat=True))
    locked = VectorDatabase.objects.select_for_update(no_key=True).filter(pk__in=ids)
    return list(locked.order_by("pk"))


def rename_vector_database(database: VectorDatabase, *, user: User, name: str) -> VectorDatabase:
    require_editor(database.use_case, user)
    database.name = verbatim_name(name)
    database.save(update_fields=["name", "updated_at"])
    return database


@transaction.atomic
def delete_vector_database(database: VectorDatabase, *, user: User) -> None:
    """Delete it at once for everybody; a job drops its chunks, and one that fills it stops."""
    require_editor(database.use_case, user)
    database_id = database.pk
    list(VectorDatabase.objects.select_for_update().filter(pk=database_id))
    database.delete()
    versions.tell_deleted(database)
    tasks.enqueue_drop(database_id)
    ingestion_rows.announce(database_id)


@transaction.atomic
def cancel_ingestion(database: VectorDatabase, *, user: User) -> None:
    """Stop bringing documents in; those that are done stay. Raises Conflict when none is left."""
    require_editor(database.use_case, user)
    cancelled = VectorDatabase.objects.filter(pk=database.pk, status__in=UNFINISHED).update(
        status=Status.CANCELLED, error_message="Cancelled."
    )
    stopped = database.ingestions.filter(status__in=UNFINISHED).update(
        status=Status.CANCELLED, chunks_count=0, finished_at=timezone.now()
    )
    if not cancelled and not stopped:
        raise Conflict("This vector database is not being built: there is nothing to cancel.")
    database.refresh_from_db()
    ingestion_rows.announce(database.pk)


@transaction.atomic
def retry_ingestion(
    database: VectorDatabase, *, user: User, document: Document | None = None
) -> None:
    """Bring failed and cancelled documents in again, or one of them; without any, do again what came
    after them and failed. A database that is complete stays in use meanwhile. Raises Conflict if
    nothing failed."""
    require_editor(database.use_case, user)
    again = database.ingestions.filter(status__in=(Status.ERROR, Status.CANCELLED))
    if document is not None:
        again = again.filter(document=document)
    has_failed = again.update(
        status=Status.NEW,
        error_message="",
        progress_done=0,
        progress_total=0,
        started_at=None,
        finished_at=None,
    )
    if not has_failed and (document is not None or not database.can_be_retried):
        raise Conflict("No document here failed or was cancelled: there is nothing to retry.")
    VectorDatabase.objects.filter(pk=database.pk).exclude(
        status__in=(*UNFINISHED, Status.COMPLETED)
    ).update(status=Status.NEW, error_message="")
    tasks.enqueue_ingestion(database.pk)
    database.refresh_from_db()
    ingestion_rows.announce(database.pk)
