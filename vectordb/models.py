from typing import Self

from django.db import models
from django.db.models import F, Q

from accounts.models import UseCase, UseCaseQuerySet, User
from config.ids import ID_LENGTH, IdField
from config.status import Status
from vectordb.embedding_entries import EmbeddingEntry
from vectordb.parsing import document_rows

__all__ = [
    "Chunk",
    "ChunkingMethod",
    "Dataset",
    "DatasetLink",
    "Document",
    "EmbeddingEntry",
    "Ingestion",
    "VectorDatabase",
]

# A chunk's id is its document's number in the database times this, plus its position, so that
# neighbours have consecutive ids and documents can be ingested in any order.
CHUNKS_PER_DOCUMENT = 1_000_000


class DatasetQuerySet(models.QuerySet["Dataset"]):
    def visible_to(self, user: User) -> Self:
        return self._own_or_in(UseCase.objects.visible_to(user), user)

    def editable_by(self, user: User) -> Self:
        return self._own_or_in(UseCase.objects.editable_by(user), user)

    def _own_or_in(self, use_cases: UseCaseQuerySet, user: User) -> Self:
        links = DatasetLink.objects.filter(use_case__in=use_cases)
        return self.filter(Q(created_by=user) | Q(pk__in=links.values("dataset")))


class Dataset(models.Model):
    """Documents that were uploaded together. It can stand in several use cases."""

    id = IdField()
    name = models.CharField(max_length=200)
    use_cases = models.ManyToManyField(UseCase, through="DatasetLink", related_name="datasets")
    # Final but while a job fetches it. ERROR: nothing of what was sent could be taken.
    status = models.CharField(max_length=20, choices=Status, default=Status.COMPLETED)
    # What could not be taken and why; some files may have been taken all the same.
    error_message = models.TextField(blank=True)
    # What its owner means it for, in the words of the GenAI API; they change nothing here.
    categories = models.JSONField(default=list, blank=True)
    # No more rows than this were to be taken of the CSV file; null means all.
    sample_rows = models.PositiveIntegerField(null=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = DatasetQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name


class DatasetLink(models.Model):
    id = IdField()
    use_case = models.ForeignKey(UseCase, models.CASCADE, related_name="dataset_links")
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="links")
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["use_case", "dataset"], name="dataset_link_unique")
        ]

    def __str__(self) -> str:
        return f"{self.dataset} in {self.use_case}"


class DocumentQuerySet(models.QuerySet["Document"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(dataset__in=Dataset.objects.visible_to(user))

    def editable_by(self, user: User) -> Self:
        return self.filter(dataset__in=Dataset.objects.editable_by(user))


class Document(models.Model):
    """One uploaded file. `name` is what its owner called it: a label, never a path."""

    id = IdField()
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="documents")
    name = models.CharField(max_length=500)
    stored_name = models.CharField(max_length=100, unique=True)
    content_type = models.CharField(max_length=100)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    metadata = models.JSONField(default=dict, blank=True)
    # Of a CSV file: the names in its first line, where that holds names, and how many rows follow.
    columns = models.JSONField(null=True)
    rows_count = models.PositiveIntegerField(null=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        indexes = [models.Index(fields=["sha256"], name="document_sha256")]

    def __str__(self) -> str:
        return self.name

    @property
    def holds_documents(self) -> bool:
        """Whether each of its rows is a document of its own."""
        return document_rows.is_header(self.columns or [])

    @property
    def metadata_columns(self) -> list[str]:
        own = (document_rows.TEXT_COLUMN, document_rows.PATH_COLUMN, "")
        names = self.columns or [] if self.holds_documents else []
        return [name for name in names if name not in own]


class ChunkingMethod(models.TextChoices):
    RECURSIVE = "recursive", "Recursive by tokens"
    SEMANTIC = "semantic", "Where the meaning changes"
    STRUCTURE = "structure", "By headings, code by language"


class VectorDatabaseQuerySet(models.QuerySet["VectorDatabase"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(use_case__in=UseCase.objects.visible_to(user))

    def editable_by(self, user: User) -> Self:
        return self.filter(use_case__in=UseCase.objects.editable_by(user))


class VectorDatabase(models.Model):
    """A dataset, chunked and embedded. Its chunks live in a partition of their own."""

    id = IdField()
    use_case = models.ForeignKey(UseCase, models.CASCADE, related_name="vector_databases")
    dataset = models.ForeignKey(
        Dataset, models.SET_NULL, null=True, related_name="vector_databases"
    )
    dataset_name = models.CharField(max_length=200)
    name = models.CharField(max_length=200)
    # Versions of one database share the family id, which is the id of the first.
    family_id = models.CharField(max_length=ID_LENGTH)
    parent = models.ForeignKey("self", models.SET_NULL, null=True, related_name="children")
    version = models.PositiveIntegerField(default=1)

    embedding_model = models.CharField(max_length=200)
    dimensions = models.PositiveIntegerField()
    chunking_method = models.CharField(max_length=20, choices=ChunkingMethod)
    chunk_size = models.PositiveIntegerField()
    chunk_overlap_percentage = models.PositiveIntegerField()
    separators = models.JSONField()
    is_separator_regex = models.BooleanField(default=False)
    # Each row is a finished chunk: how to cut, above, is not used.
    is_custom_chunking = models.BooleanField(default=False)
    # Names of the columns that came with the documents, for filters.
    metadata_columns = models.JSONField(default=list, blank=True)
    # Datasets that this version or one before it added to the first: {"id": …, "name": …}.
    added_datasets = models.JSONField(default=list, blank=True)
    # Blueprints go over from the parent once this version is complete.
    updates_blueprints = models.BooleanField(default=False)

    status = models.CharField(max_length=20, choices=Status, default=Status.NEW)
    error_message = models.TextField(blank=True)
    chunks_count = models.PositiveIntegerField(default=0)
    size = models.BigIntegerField(default=0)
    # Set once an HNSW index stands; null means that the partition is scanned exactly.
    ef_search = models.PositiveIntegerField(null=True)
    # What share of an exact scan's nearest chunks that index finds, 0 to 1, on a sample.
    index_recall = models.FloatField(null=True)
    # Set once words can be searched for: {"chunks": how many, "sections": how many, "terms": of all
    # of them, "languages": ISO 639-1 codes, the most frequent first, "until": when the last came}.
    keyword_facts = models.JSONField(null=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = VectorDatabaseQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(chunk_overlap_percentage__lte=50), name="vector_database_overlap_range"
            ),
            models.CheckConstraint(
                condition=Q(chunk_size__gte=1), name="vector_database_chunk_size_positive"
            ),
            models.UniqueConstraint(
                fields=["family_id", "version"], name="vector_database_version_unique"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class IngestionQuerySet(models.QuerySet["Ingestion"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(vector_database__in=VectorDatabase.objects.visible_to(user))


class Ingestion(models.Model):
    """How far one document has come on its way into one vector database."""

    id = IdField()
    vector_database = models.ForeignKey(VectorDatabase, models.CASCADE, related_name="ingestions")
    document = models.ForeignKey(Document, models.CASCADE, related_name="ingestions")
    # Numbers the documents of one database from 1; chunk ids derive from it.
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=20, choices=Status, default=Status.NEW)
    error_message = models.TextField(blank=True)
    # Pages for paged files, bytes read for others: only their ratio is shown.
    progress_done = models.BigIntegerField(default=0)
    progress_total = models.BigIntegerField(default=0)
    # While it is running, those that are embedded; nobody can find them yet.
    chunks_count = models.PositiveIntegerField(default=0)
    # How it was read and cut; see `vectordb.reuse`.
    reading = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = IngestionQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(
                fields=["vector_database", "document"], name="ingestion_document_unique"
            ),
            models.UniqueConstraint(
                fields=["vector_database", "number"], name="ingestion_number_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document} into {self.vector_database}"


class TrialCut(models.Model):
    """A document cut into chunks only to look at them, in the chunking lab. Deleted within the hour."""

    id = IdField()
    document = models.ForeignKey(Document, models.CASCADE, related_name="+")
    asked_by = models.ForeignKey(User, models.CASCADE, related_name="+")
    # The fields of ChunkingSettings.
    chunking = models.JSONField()
    status = models.CharField(max_length=20, choices=Status, default=Status.NEW)
    error_message = models.TextField(blank=True)
    # As of an Ingestion: only their ratio is shown.
    progress_done = models.BigIntegerField(default=0)
    progress_total = models.BigIntegerField(default=0)
    # What `trial_cuts.Outcome` says; null until it is there.
    outcome = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.document} on trial"


class Chunk(models.Model):
    """A passage of a document. LIST-partitioned by vector database; see migration 0002.

    `embedding` (halfvec, of the database's dimensions) is not mapped: only SQL touches it.
    """

    pk = models.CompositePrimaryKey("vector_database_id", "id")
    vector_database_id = models.CharField(max_length=ID_LENGTH)
    id = models.BigIntegerField()
    document_id = models.CharField(max_length=ID_LENGTH)
    position = models.IntegerField()
    page = models.IntegerField(null=True)
    # Offsets in the document's extracted text, in characters: text[start:end] is the chunk.
    start = models.BigIntegerField(db_column="start_offset")
    end = models.BigIntegerField(db_column="end_offset")
    token_count = models.IntegerField()
    # ISO 639-1, or "" where there was too little to tell by.
    language = models.CharField(max_length=8, default="")
    text = models.TextField()
    metadata = models.JSONField(default=dict)

    class Meta:
        managed = False
        db_table = "vectordb_chunk"
        ordering = [F("id").asc()]

    def __str__(self) -> str:
        return f"chunk {self.id} of {self.vector_database_id}"
