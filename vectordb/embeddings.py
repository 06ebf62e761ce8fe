"""What staff can do with embedding models. Callers take it from `services`."""

import re

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from config.errors import Conflict, Forbidden, InvalidInput
from config.status import UNFINISHED, Status
from config.storable import storable
from vectordb import embedding_models, tasks
from vectordb.embedding_entries import LONGEST_NAME, EmbeddingEntry, EmbeddingKind
from vectordb.models import VectorDatabase

_LONGEST_SOURCE = 500
_LONGEST_DESCRIPTION = 200
_LONGEST_PREFIX = 500
_LARGEST_WINDOW = 1_000_000
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
        raise InvalidInput(
            "Another embedding model has this name, or had it: choose another.", field="name"
        ) from None
    return entry


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
