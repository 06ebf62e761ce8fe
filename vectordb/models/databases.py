from typing import Self

from django.db import models
from django.db.models import Q

from accounts.models import UseCase, User
from config.ids import ID_LENGTH, IdField
from config.status import UNFINISHED, Status
from vectordb.models.datasets import Dataset, Document


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
    # The highest number that a document of it was ever given: chunk ids derive from them, and must
    # not come to mean something else.
    last_number = models.PositiveIntegerField(default=0)
    # Blueprints go over from the parent once this version is complete.
    updates_blueprints = models.BooleanField(default=False)

    status = models.CharField(max_length=20, choices=Status, default=Status.NEW)
    error_message = models.TextField(blank=True)
    chunks_count = models.PositiveIntegerField(default=0)
    size = models.BigIntegerField(default=0)
    # Set once an index stands, with how hard it is searched; null means that the partition is scanned
    # exactly. See `index_kinds`.
    index_kind = models.CharField(max_length=20, blank=True)
    index_width = models.PositiveIntegerField(null=True)
    # How many chunks it had when the width was chosen; 0 where nobody kept that.
    indexed_count = models.PositiveIntegerField(default=0)
    # What share of an exact scan's nearest chunks that index finds, 0 to 1, on a sample.
    index_recall = models.FloatField(null=True)
    # Set once words can be searched for: {"chunks": how many, "sections": how many, "terms": of all
    # of them, "languages": ISO 639-1 codes, the most frequent first, "until": when the last came, or
    # was edited}.
    keyword_facts = models.JSONField(null=True)
    # When the text of a chunk last changed by hand: what looks words up is older than that or not.
    edited_at = models.DateTimeField(null=True)
    # When a chunk was last taken out of the searches, alone or with its document. What looks words up
    # leaves it out by itself.
    chunks_removed_at = models.DateTimeField(null=True)
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

    @property
    def can_be_retried(self) -> bool:
        """Whether something failed that can be done again: a document, or what comes after them."""
        has_failed = bool(self.error_message) and self.status not in UNFINISHED
        return has_failed and self.ingestions.exists()


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
    # Of a document that was replaced: the number under which the chunks of the file before are, until
    # those of the new one are there.
    replaces = models.PositiveIntegerField(null=True)
    status = models.CharField(max_length=20, choices=Status, default=Status.NEW)
    error_message = models.TextField(blank=True)
    # Pages for paged files, bytes read for others: only their ratio is shown.
    progress_done = models.BigIntegerField(default=0)
    progress_total = models.BigIntegerField(default=0)
    # While it is running, those that are embedded; nobody can find them yet.
    chunks_count = models.PositiveIntegerField(default=0)
    # How it was read and cut; see `vectordb.reuse`.
    reading = models.PositiveSmallIntegerField(default=0)
    # Its chunks are no longer what the document says: nobody else takes them over.
    is_edited = models.BooleanField(default=False)
    # How many chunks were ever added to it by hand; their numbers are given once.
    added_count = models.PositiveIntegerField(default=0)
    # Edits of chunks that the text does not have like that any more.
    lost_edits = models.PositiveIntegerField(default=0)
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
