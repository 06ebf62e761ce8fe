"""What a server's embedding model is like, found out by asking it. Light enough for the web process."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.errors import InvalidInput
from vectordb.embedding_entries import MOST_DIMENSIONS, Connection, EmbeddingEntry, connection_to
from vectordb.endpoint_embedding import ask
from vectordb.endpoint_failures import EndpointFailed, TextTooLong
from vectordb.tokens import count_tokens

if TYPE_CHECKING:
    from vectordb.endpoint_embedding import Vectors

PROBE = "The keeper lights the lamps of the lighthouse an hour before dusk."
# Two runs of one model differ by roundings; another model, or another text, by far more.
_SAME_MODEL = 0.99
_SAME_TEXT = 0.9999
_FILLING = "Goods can be returned within thirty days of delivery, and the box may be opened. "
_ENDS = ("Tax on old boats is due in March. ", "A choir of nine sang loudly in the harbour. ")
# How much of a long text its end is: one part of so many.
_END_SHARE = 8


@dataclass(frozen=True, slots=True)
class EmbeddingCheck:
    """What a test of a model found. `message` is a sentence either way."""

    ok: bool
    message: str


def try_out(connection: Connection, content_tokens: int) -> list[float]:
    """The model's vector of the probe. Raises EndpointFailed for a server that does not answer
    well, and InvalidInput for one that refuses whole batches or texts of this length, or cuts them."""
    vectors = ask(connection, [PROBE] * connection.batch_size)
    dimensions = vectors.shape[1]
    wanted = connection.asked_dimensions
    if wanted and dimensions != wanted:
        raise InvalidInput(
            f"The server gives vectors of {dimensions:,} dimensions and cannot shorten them: leave the "
            "field empty.",
            field="dimensions",
        )
    if dimensions > MOST_DIMENSIONS:
        raise InvalidInput(
            f"Its vectors have {dimensions:,} dimensions, and {MOST_DIMENSIONS:,} is the most that "
            "can be searched: ask for fewer, where the model can shorten them.",
            field="dimensions",
        )
    _require_window(connection, content_tokens)
    probe: list[float] = vectors[0].tolist()
    return probe


def _require_window(connection: Connection, content_tokens: int) -> None:
    """Two texts as long as may be sent, which differ at their ends, have vectors of their own."""
    try:
        one, other = ask(connection, [_long_text(content_tokens, end) for end in _ENDS])
    except TextTooLong as error:
        raise InvalidInput(error.message, field="max_tokens") from error
    if float(one @ other) > _SAME_TEXT:
        raise InvalidInput(
            "The server cuts texts of this length without a word: enter the window that the model "
            "really reads there.",
            field="max_tokens",
        )


def _long_text(tokens: int, end: str) -> str:
    last = max(1, tokens // _END_SHARE // count_tokens(end))
    filled = max(0, tokens - last * count_tokens(end)) // count_tokens(_FILLING)
    return (_FILLING * filled + end * last).strip()


def check(entry: EmbeddingEntry) -> EmbeddingCheck:
    """Whether the server still answers, with the same model."""
    try:
        vectors = ask(connection_to(entry), [PROBE])
    except EndpointFailed as error:
        return EmbeddingCheck(ok=False, message=error.message)
    if not is_same_model(entry, vectors):
        return EmbeddingCheck(
            ok=False,
            message="The server answers, but with other vectors than when this model was added: "
            "databases that were built with it find nothing any more. Put the model back, or add the "
            "new one by another name and build them again.",
        )
    return EmbeddingCheck(
        ok=True, message=f"The server answers with vectors of {entry.dimensions:,} dimensions."
    )


def is_same_model(entry: EmbeddingEntry, vectors: "Vectors") -> bool:
    """Whether this is the vector of the probe that the model gave when it was added."""
    import numpy as np

    known = np.array(entry.probe or [], dtype=np.float32)
    return known.shape == vectors[0].shape and float(known @ vectors[0]) > _SAME_MODEL
