"""A model on this server, read by a worker when staff add it."""

import logging

from config.errors import AppError, InvalidInput
from config.status import UNFINISHED, Status
from vectordb.embedding_entries import MOST_DIMENSIONS, EmbeddingEntry
from vectordb.local_embedding import Facts, read_facts
from vectordb.model_folder import ModelFolder, find_folder
from vectordb.tokens import count_in

logger = logging.getLogger(__name__)

# Nothing longer is ever sent, whatever a model says that it reads.
_LONGEST_WINDOW = 8_192
_FEWEST_CONTENT_TOKENS = 64
_FOUND = (
    "folder", "tokenizer", "fingerprint", "dimensions", "max_tokens", "special_tokens",
    "prefix_tokens", "query_prefix", "document_prefix",
)  # fmt: skip
_BROKEN = "Something went wrong on our side while reading this model. Try it again."


def read(entry_id: str) -> None:
    """Find out all that there is to know of the model, or why it cannot be used: either way it is
    written to its row. May be run again at any time until then."""
    entries = EmbeddingEntry.objects.present().filter(pk=entry_id, status__in=UNFINISHED)
    if not entries.update(status=Status.RUNNING):
        return
    entry = entries.get()
    try:
        _read(entry)
    except AppError as error:
        fail(entry_id, error.message)
    except MemoryError:
        fail(entry_id, "This model needs more memory than there is.")
    else:
        found = {field: getattr(entry, field) for field in _FOUND}
        EmbeddingEntry.objects.filter(pk=entry_id, status=Status.RUNNING).update(
            **found, status=Status.COMPLETED, error_message=""
        )


def fail(entry_id: str, message: str = _BROKEN) -> None:
    EmbeddingEntry.objects.filter(pk=entry_id, status__in=UNFINISHED).update(
        status=Status.ERROR, error_message=message
    )


def _read(entry: EmbeddingEntry) -> None:
    folder = ModelFolder(find_folder(entry.source))
    fingerprint = folder.fingerprint()
    facts = _facts(folder)
    entry.folder, entry.tokenizer = str(folder.path), str(folder.tokenizer)
    entry.fingerprint = fingerprint
    entry.dimensions = facts.dimensions
    entry.special_tokens = facts.special_tokens
    entry.query_prefix = entry.query_prefix or facts.query_prefix
    entry.document_prefix = entry.document_prefix or facts.document_prefix
    prefixes = (entry.query_prefix, entry.document_prefix)
    # One more, should a prefix and the text behind it be told apart differently than each alone.
    entry.prefix_tokens = max(
        count_in(prefix, entry.tokenizer) + bool(prefix) for prefix in prefixes
    )
    entry.max_tokens = _window(entry.max_tokens, facts)
    if entry.to_model().content_tokens < _FEWEST_CONTENT_TOKENS:
        raise InvalidInput(f"This model reads {entry.max_tokens} tokens at once, which is too few.")
    if entry.dimensions > MOST_DIMENSIONS:
        raise InvalidInput(
            f"The vectors of this model have {entry.dimensions:,} dimensions, and "
            f"{MOST_DIMENSIONS:,} is the most that can be searched."
        )


def _facts(folder: ModelFolder) -> Facts:
    try:
        return read_facts(folder)
    except (MemoryError, AppError):
        raise
    except Exception as error:
        logger.exception("Loading %s failed", folder.path)
        if "trust_remote_code" in str(error):
            raise InvalidInput(
                "This model needs code of its own, which is never run here: choose another one."
            ) from error
        told = " ".join(str(error).split())[:300]
        raise InvalidInput(f"sentence-transformers cannot load this model: {told}") from error


def _window(wanted: int, facts: Facts) -> int:
    """In tokens. What the model says holds, unless staff want less."""
    window = min(facts.window or _LONGEST_WINDOW, _LONGEST_WINDOW)
    return min(wanted, window) if wanted else window
