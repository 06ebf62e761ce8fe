"""The table of embedding models that staff added, and what others learn of its rows."""

from dataclasses import dataclass
from typing import Self

from django.db import models
from django.db.models import Q

from accounts.models import User
from config.errors import Conflict, InvalidInput
from config.ids import IdField
from config.keys import UnreadableKey, decrypt_key
from config.status import Status
from config.storable import storable
from vectordb import embedding_models
from vectordb.embedding_models import EmbeddingModel

# What an index on half-precision vectors takes.
MOST_DIMENSIONS = 4_000
LONGEST_NAME = 150


class EmbeddingKind(models.TextChoices):
    LOCAL = "local", "on this server"
    ENDPOINT = "endpoint", "OpenAI-compatible"


class EmbeddingEntryQuerySet(models.QuerySet["EmbeddingEntry"]):
    def present(self) -> Self:
        return self.filter(deleted_at=None)

    def usable(self) -> Self:
        """Those that new vector databases may choose."""
        return self.present().filter(is_active=True, status=Status.COMPLETED)


class EmbeddingEntry(models.Model):
    """A model that staff added. What decides about vectors never changes once it is COMPLETED, for
    processes remember it by its name; hence a deleted one keeps its row, and with it its name."""

    id = IdField()
    name = models.CharField(max_length=LONGEST_NAME, unique=True)
    description = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=20, choices=EmbeddingKind)
    # A folder or a name, as it was entered; for an endpoint the server's name of the model.
    source = models.CharField(max_length=500)
    # NEW until a worker has read it. ERROR: it could not.
    status = models.CharField(max_length=20, choices=Status, default=Status.NEW)
    error_message = models.TextField(blank=True)

    max_tokens = models.PositiveIntegerField(default=0)
    dimensions = models.PositiveIntegerField(default=0)
    special_tokens = models.PositiveIntegerField(default=0)
    prefix_tokens = models.PositiveIntegerField(default=0)
    query_prefix = models.CharField(max_length=500, blank=True)
    document_prefix = models.CharField(max_length=500, blank=True)
    is_multilingual = models.BooleanField(default=False)

    # Of a local one: where it was found, and the hash of its files.
    folder = models.CharField(max_length=1_000, blank=True)
    tokenizer = models.CharField(max_length=1_100, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)

    # Of an endpoint. The key is encrypted, and bound to the URL.
    base_url = models.URLField(max_length=500, blank=True)
    encrypted_key = models.TextField(blank=True)
    batch_size = models.PositiveIntegerField(default=32)
    # Sent as `dimensions`, where the server is to shorten its vectors.
    asked_dimensions = models.PositiveIntegerField(null=True)
    # Its vector of a fixed text, by which another model behind the same name is known.
    probe = models.JSONField(null=True)

    is_active = models.BooleanField(default=True)
    deleted_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = EmbeddingEntryQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind=EmbeddingKind.LOCAL, base_url="")
                | (Q(kind=EmbeddingKind.ENDPOINT) & ~Q(base_url="")),
                name="embedding_entry_kind_has_its_place",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.COMPLETED)
                | Q(dimensions__range=(1, MOST_DIMENSIONS), max_tokens__gte=1),
                name="embedding_entry_is_read_when_completed",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_usable(self) -> bool:
        return self.is_active and self.status == Status.COMPLETED

    def to_model(self) -> EmbeddingModel:
        return EmbeddingModel(
            id=self.name,
            description=self.description or f"{self.get_kind_display().capitalize()}.",
            max_tokens=self.max_tokens,
            dimensions=self.dimensions,
            languages=("Many languages",) if self.is_multilingual else ("English",),
            language_codes=() if self.is_multilingual else ("en",),
            special_tokens=self.special_tokens,
            path=self.folder,
            tokenizer=self.tokenizer,
            fingerprint=self.fingerprint,
            query_prefix=self.query_prefix,
            document_prefix=self.document_prefix,
            prefix_tokens=self.prefix_tokens,
        )


@dataclass(frozen=True, slots=True)
class Connection:
    """How a model elsewhere is asked. The key is never shown, also not in a traceback."""

    name: str
    base_url: str
    key: str
    model_name: str
    batch_size: int
    asked_dimensions: int | None = None

    def __repr__(self) -> str:
        return f"Connection({self.name!r})"


def connection_of(name: str) -> Connection:
    """Raises Conflict when the key cannot be read, or the model is gone."""
    entry = EmbeddingEntry.objects.present().filter(name=name).first()
    if entry is None:
        raise Conflict(f"The embedding model {name} was deleted.")
    return connection_to(entry)


def connection_to(entry: EmbeddingEntry) -> Connection:
    """Raises Conflict when the key cannot be read."""
    try:
        key = decrypt_key(entry.encrypted_key, base_url=entry.base_url)
    except UnreadableKey:
        raise Conflict(
            f"The stored API key of the embedding model {entry.name} cannot be read, since "
            "GROUNDWORK_SECRET_KEY or the address changed. Ask staff to enter the key again."
        ) from None
    return Connection(
        name=entry.name,
        base_url=entry.base_url,
        key=key,
        model_name=entry.source,
        batch_size=entry.batch_size,
        asked_dimensions=entry.asked_dimensions,
    )


def usable_models() -> list[EmbeddingModel]:
    """Those that a new vector database may choose, the packaged ones first."""
    added = [entry.to_model() for entry in EmbeddingEntry.objects.usable()]
    return [*embedding_models.PACKAGED, *added]


def require_usable(name: str) -> None:
    """Raise InvalidInput for a model that was switched off or deleted. Call it in a transaction: till
    its end nobody deletes the model."""
    if any(model.id == name for model in embedding_models.PACKAGED):
        return
    entries = EmbeddingEntry.objects.usable().select_for_update()
    if not entries.filter(name=name).exists():
        raise InvalidInput(
            f"The embedding model {name} cannot be chosen any more: it was switched off or deleted.",
            field="embedding_model",
        )


@embedding_models.register
def find_entry(name: str) -> EmbeddingModel | None:
    """An added model that can embed, also when it is switched off."""
    if len(name) > LONGEST_NAME or storable(name) != name:
        return None
    entry = EmbeddingEntry.objects.present().filter(name=name, status=Status.COMPLETED).first()
    return entry.to_model() if entry else None
