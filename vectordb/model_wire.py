"""What web processes and workers say to each other about vectors and scores: HTTP, with JSON one
way, and a float32 array or JSON the other."""

import hashlib
import hmac
from typing import TYPE_CHECKING, Any

from django.conf import settings

from config.errors import AppError, Conflict, InvalidInput
from vectordb.embedding_models import EmbeddingFailed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

EMBED = "/embed"
RERANK = "/rerank"
# What a caller may act on keeps its type on the way.
_ERRORS: dict[str, type[AppError]] = {
    kind.__name__: kind for kind in (InvalidInput, EmbeddingFailed, Conflict, AppError)
}


def credentials() -> str:
    """The header by which processes of one installation know each other."""
    digest = hmac.new(settings.SECRET_KEY.encode(), b"groundwork models", hashlib.sha256)
    return f"Bearer {digest.hexdigest()}"


def pack(vectors: "Vectors") -> bytes:
    return vectors.astype("<f4").tobytes()


def unpack(body: bytes, count: int) -> "Vectors":
    """A float32 array of shape (count, dimensions)."""
    import numpy as np

    return np.frombuffer(body, dtype="<f4").reshape(count, -1)


def error_to_json(error: AppError) -> dict[str, Any]:
    kinds = (kind.__name__ for kind in type(error).__mro__ if kind.__name__ in _ERRORS)
    return {"error": next(kinds), "message": error.message, "field": error.field}


def error_from_json(told: dict[str, Any]) -> AppError:
    return _ERRORS[told["error"]](told["message"], field=told["field"])
