"""What staff can do with embedding models. Callers take it from `services`."""

import re

from django.db import IntegrityError, transaction
from django.db.models import Count
from django.utils import timezone

from accounts.models import User
from config.errors import Conflict, Forbidden, InvalidInput
from config.keys import encrypt_key
from config.servers import checked_key, checked_url
from config.status import UNFINISHED, Status
from config.storable import storable
from vectordb import embedding_models, endpoint_trial, tasks
from vectordb.embedding_entries import (
    LONGEST_NAME,
    MOST_DIMENSIONS,
    EmbeddingEntry,
    EmbeddingKind,
    connection_to,
)
from vectordb.endpoint_embedding import ask
from vectordb.models import VectorDatabase
from vectordb.tokens import count_tokens

_LONGEST_SOURCE = 500
_LONGEST_DESCRIPTION = 200
_LONGEST_PREFIX = 500
_LARGEST_WINDOW = 1_000_000
# No text is longer than this, so longer ones need not be tried.
_LONGEST_TRIED = 8_192
_FEWEST_CONTENT_TOKENS = 64
_LARGEST_BATCH = 2_048
# What a server puts around a text, at most.
_SPECIAL_TOKENS = 4
# What can stand in a list, in a URL and in JSON as it is.
_NAME = re.compile(r"[\w.:/@+-](?:[\w.:/@+ -]*[\w.:/@+-])?", re.ASCII)


def require_staff(user: User) -> None:
    if not user.is_staff:
        raise Forbidden("Only staff can change the list of embedding models: ask one of them.")


def add_local_embedding(
    *,
    user: User,
    source: str,
    name: str = "",
    description: str = "",
    is_multilingual: bool = False,
    query_prefix: str = "",
    document_prefix: str = "",
    max_tokens: int | None = None,
) -> EmbeddingEntry:
    """A sentence-transformers model on the server, by its folder or its name; a job reads it.

    `name` is what it is called from then on; left out, that follows from the source. Prefixes and
    the window are the model's own unless they are given. Raises InvalidInput for what cannot be one;
    whether the model is there the job finds out.
    """
    require_staff(user)
    source = checked_text(source, "source", _LONGEST_SOURCE)
    if not source:
        raise InvalidInput("A name or a folder, please.", field="source")
    entry = EmbeddingEntry(
        name=checked_name(name or _name_of(source)),
        kind=EmbeddingKind.LOCAL,
        source=source,
        max_tokens=checked_window(max_tokens) if max_tokens is not None else 0,
        created_by=user,
    )
    set_details(entry, description, is_multilingual, query_prefix, document_prefix)
    with transaction.atomic():
        stored(entry)
        tasks.enqueue_reading(entry.pk)
    return entry


def add_endpoint_embedding(
    *,
    user: User,
    base_url: str,
    model_name: str,
    max_tokens: int,
    api_key: str = "",
    name: str = "",
    description: str = "",
    is_multilingual: bool = False,
    query_prefix: str = "",
    document_prefix: str = "",
    dimensions: int | None = None,
    batch_size: int = 32,
) -> EmbeddingEntry:
    """A model behind an OpenAI-compatible API. The server is tried out at once: it has to take whole
    batches and texts as long as its window. `dimensions` asks it to shorten its vectors.

    Raises InvalidInput, and EndpointFailed when it does not answer well: then nothing is added.
    """
    require_staff(user)
    url = checked_url(base_url)
    source = checked_text(model_name, "model_name", _LONGEST_SOURCE)
    if not source:
        raise InvalidInput("The server's name of the model, please.", field="model_name")
    entry = EmbeddingEntry(
        name=checked_name(name or source),
        kind=EmbeddingKind.ENDPOINT,
        source=source,
        status=Status.COMPLETED,
        base_url=url,
        encrypted_key=encrypt_key(checked_key(api_key), base_url=url),
        max_tokens=min(checked_window(max_tokens), _LONGEST_TRIED),
        special_tokens=_SPECIAL_TOKENS,
        batch_size=_checked_batch(batch_size),
        asked_dimensions=_checked_dimensions(dimensions),
        created_by=user,
    )
    set_details(entry, description, is_multilingual, query_prefix, document_prefix)
    entry.prefix_tokens = max(map(count_tokens, (entry.query_prefix, entry.document_prefix)))
    content = entry.to_model().content_tokens
    if content < _FEWEST_CONTENT_TOKENS:
        raise InvalidInput("Its prefix leaves no room in this window.", field="max_tokens")
    if EmbeddingEntry.objects.filter(name=entry.name).exists():
        raise name_is_taken()
    entry.probe = endpoint_trial.try_out(connection_to(entry), content)
    entry.dimensions = len(entry.probe)
    return stored(entry)


def update_endpoint_embedding(
    entry: EmbeddingEntry,
    *,
    user: User,
    description: str,
    base_url: str,
    api_key: str | None,
    batch_size: int,
) -> EmbeddingEntry:
    """Change what does not change its vectors; None leaves the key as it is, and "" removes it.

    A new address needs the key again, so that nobody can have a stored key sent to a server of
    theirs; and it has to have the very same model, or what was built with it would find nothing.
    Raises InvalidInput, and EndpointFailed when the new address does not answer well.
    """
    require_staff(user)
    url = checked_url(base_url)
    has_moved = url != entry.base_url
    if has_moved and api_key is None and entry.encrypted_key:
        raise InvalidInput(
            "A new address needs the API key again: enter it, so that the stored one is sent "
            "nowhere else.",
            field="api_key",
        )
    entry.description = checked_text(description, "description", _LONGEST_DESCRIPTION)
    entry.base_url, entry.batch_size = url, _checked_batch(batch_size)
    if api_key is not None:
        entry.encrypted_key = encrypt_key(checked_key(api_key), base_url=url)
    if has_moved:
        vectors = ask(connection_to(entry), [endpoint_trial.PROBE])
        if not endpoint_trial.is_same_model(entry, vectors):
            raise InvalidInput(
                "The server at this address gives other vectors than this model: add it as a new one, "
                "and build with that.",
                field="base_url",
            )
    entry.save(update_fields=["description", "base_url", "batch_size", "encrypted_key"])
    return entry


def describe_embedding(entry: EmbeddingEntry, *, user: User, description: str) -> None:
    require_staff(user)
    entry.description = checked_text(description, "description", _LONGEST_DESCRIPTION)
    entry.save(update_fields=["description"])


def embedding_usage() -> dict[str, int]:
    """How many vector databases use each model, by its name."""
    counted = VectorDatabase.objects.order_by().values_list("embedding_model")
    return dict(counted.annotate(Count("pk")))


def read_again(entry: EmbeddingEntry, *, user: User) -> None:
    """Try a model that could not be read once more. Raises Conflict for any other."""
    require_staff(user)
    with transaction.atomic():
        failed = EmbeddingEntry.objects.present().filter(pk=entry.pk, status=Status.ERROR)
        if not failed.update(status=Status.NEW, error_message=""):
            raise Conflict("This model did not fail: there is nothing to try again.")
        tasks.enqueue_reading(entry.pk)


def switch_embedding(entry: EmbeddingEntry, *, user: User, is_active: bool) -> None:
    """Whether new vector databases may choose it. Those that have it go on."""
    require_staff(user)
    EmbeddingEntry.objects.filter(pk=entry.pk).update(is_active=is_active)
    entry.is_active = is_active


@transaction.atomic
def delete_embedding(entry: EmbeddingEntry, *, user: User) -> None:
    """Take it out of every list, with its key. Raises Conflict while a vector database uses it."""
    require_staff(user)
    locked = EmbeddingEntry.objects.present().select_for_update().filter(pk=entry.pk).first()
    if locked is None:
        return
    used = VectorDatabase.objects.filter(embedding_model=locked.name).count()
    if used:
        plural = "" if used == 1 else "s"
        raise Conflict(
            f"{used} vector database{plural} need{'s' if used == 1 else ''} this model to be searched: "
            "switch it off instead, so that no new one chooses it."
        )
    if locked.status in UNFINISHED or locked.status == Status.ERROR:
        # No process can have learned of it: its name is free again.
        locked.delete()
        return
    locked.deleted_at, locked.encrypted_key = timezone.now(), ""
    locked.save(update_fields=["deleted_at", "encrypted_key"])


def set_details(
    entry: EmbeddingEntry,
    description: str,
    is_multilingual: bool,
    query_prefix: str,
    document_prefix: str,
) -> None:
    """What both kinds of models have. Raises InvalidInput."""
    entry.description = checked_text(description, "description", _LONGEST_DESCRIPTION)
    entry.is_multilingual = is_multilingual
    # Blanks at their end are part of them.
    entry.query_prefix = checked_text(query_prefix, "query_prefix", _LONGEST_PREFIX, strip=False)
    entry.document_prefix = checked_text(
        document_prefix, "document_prefix", _LONGEST_PREFIX, strip=False
    )


def stored(entry: EmbeddingEntry) -> EmbeddingEntry:
    """Save a new one. Raises InvalidInput when its name is taken."""
    try:
        with transaction.atomic():
            entry.save(force_insert=True)
    except IntegrityError:
        raise name_is_taken() from None
    return entry


def name_is_taken() -> InvalidInput:
    return InvalidInput(
        "Another embedding model has this name, or had it: choose another.", field="name"
    )


def _checked_batch(batch_size: int) -> int:
    if not 1 <= batch_size <= _LARGEST_BATCH:
        raise InvalidInput(f"1 to {_LARGEST_BATCH:,} texts, please.", field="batch_size")
    return batch_size


def _checked_dimensions(dimensions: int | None) -> int | None:
    if dimensions is not None and not 1 <= dimensions <= MOST_DIMENSIONS:
        raise InvalidInput(f"1 to {MOST_DIMENSIONS:,} dimensions, please.", field="dimensions")
    return dimensions


def checked_window(max_tokens: int) -> int:
    if not 128 <= max_tokens <= _LARGEST_WINDOW:
        raise InvalidInput(
            f"A window of 128 to {_LARGEST_WINDOW:,} tokens, please.", field="max_tokens"
        )
    return max_tokens


def _name_of(source: str) -> str:
    """A name of the hub is kept; of a folder, its last part."""
    path = source.rstrip("/")
    return path.rpartition("/")[2] if source.startswith((".", "/")) else path


def checked_name(name: str) -> str:
    name = name.strip()
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        raise InvalidInput(
            f"A name of 1 to {LONGEST_NAME} letters of the English alphabet, digits and . _ - : / @ +, "
            "please.",
            field="name",
        )
    if any(model.id == name for model in embedding_models.PACKAGED):
        raise InvalidInput("The built-in model has this name: choose another.", field="name")
    return name


def checked_text(text: str, field: str, longest: int, *, strip: bool = True) -> str:
    text = text.strip() if strip else text
    if len(text) > longest or storable(text) != text:
        raise InvalidInput(f"At most {longest} characters, please.", field=field)
    return text
