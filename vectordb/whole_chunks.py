"""Vectors of chunks that may be longer than the embedding model's window."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from vectordb.chunking import split_to_limit
from vectordb.embedding_models import get_model
from vectordb.tokens import count_tokens

if TYPE_CHECKING:
    from vectordb.embedding import Embedder, Vectors


def embed_whole(
    embedder: "Embedder",
    texts: Sequence[str],
    model_id: str,
    *,
    check: Callable[[], None] = lambda: None,
) -> "Vectors":
    """As `Embedder.embed`; of a text longer than the window nothing is left out: its vector is the
    mean of those of its parts, of length 1 again."""
    import numpy as np

    limit = get_model(model_id).content_tokens
    parts = [
        list(split_to_limit(text, limit, lambda part: _length(part, model_id))) for text in texts
    ]
    vectors = embedder.embed([part for own in parts for part in own], check=check)
    if len(vectors) == len(texts):
        return vectors
    starts = np.cumsum([0, *(len(own) for own in parts)])
    means = [vectors[start:end].mean(axis=0) for start, end in pairwise(starts)]
    stacked = np.stack(means)
    lengths = np.linalg.norm(stacked, axis=1, keepdims=True)
    whole: Vectors = (stacked / np.maximum(lengths, 1e-12)).astype(np.float32)
    return whole


def _length(text: str, model_id: str) -> int:
    return max(1, count_tokens(text, model_id))
