from django.db import models
from django.db.models import F

from accounts.models import User
from config.ids import ID_LENGTH, IdField
from config.status import Status
from vectordb.models.databases import VectorDatabase
from vectordb.models.datasets import Document

# A chunk's id is its document's number in the database times this, plus its position, so that
# neighbours have consecutive ids and documents can be ingested in any order.
CHUNKS_PER_DOCUMENT = 1_000_000
# Positions from here on are of chunks that were added by hand. In the text they stand far behind its
# end, each by itself: what follows each is free for so many characters.
FIRST_ADDED = 900_000
ADDED_START = 1 << 40
ADDED_ROOM = 1 << 20


class ChunkColumns(models.Model):
    """A passage of a document. `embedding` (halfvec, of the database's dimensions) is not mapped:
    only SQL touches it."""

    pk = models.CompositePrimaryKey("vector_database_id", "id")
    vector_database_id = models.CharField(max_length=ID_LENGTH)
    id = models.BigIntegerField()
    document_id = models.CharField(max_length=ID_LENGTH)
    position = models.IntegerField()
    page = models.IntegerField(null=True)
    # Offsets in the document's extracted text, in characters: text[start:end] is the chunk, unless
    # it was edited. What was added by hand stands behind all text, see ADDED_START.
    start = models.BigIntegerField(db_column="start_offset")
    end = models.BigIntegerField(db_column="end_offset")
    token_count = models.IntegerField()
    # ISO 639-1, or "" where there was too little to tell by.
    language = models.CharField(max_length=8, default="")
    text = models.TextField()
    metadata = models.JSONField(default=dict)
    is_edited = models.BooleanField(default=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"chunk {self.id} of {self.vector_database_id}"


class Chunk(ChunkColumns):
    """One that searches find. LIST-partitioned by vector database; see migration 0002."""

    class Meta:
        managed = False
        db_table = "vectordb_chunk"
        ordering = [F("id").asc()]


class DisabledChunk(ChunkColumns):
    """One that an editor took out of the searches, in one table for all vector databases."""

    class Meta:
        managed = False
        db_table = "vectordb_disabled_chunk"
        ordering = [F("id").asc()]


class ChunkEdit(models.Model):
    """What an editor made of a chunk. It is in the chunk itself once `status` is COMPLETED."""

    id = IdField()
    vector_database = models.ForeignKey(VectorDatabase, models.CASCADE, related_name="chunk_edits")
    chunk_id = models.BigIntegerField()
    # As the document has it; "" where the chunk was added by hand.
    original = models.TextField(blank=True)
    text = models.TextField()
    page = models.IntegerField(null=True)
    is_enabled = models.BooleanField(default=True)
    status = models.CharField(max_length=20, choices=Status, default=Status.NEW)
    error_message = models.TextField(blank=True)
    edited_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["chunk_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["vector_database", "chunk_id"], name="chunk_edit_chunk_unique"
            )
        ]

    def __str__(self) -> str:
        return f"edit of chunk {self.chunk_id} of {self.vector_database_id}"

    @property
    def is_added(self) -> bool:
        return not self.original

    @property
    def changes_text(self) -> bool:
        return self.text != self.original


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
