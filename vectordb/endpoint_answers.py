"""What an embedding server's answers hold."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson

from vectordb import endpoint_failures

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]


def read_vectors(
    content: bytes, name: str, batch: Sequence[str], dimensions: int | None
) -> "Vectors":
    """The vectors for these texts, each row of length 1. Raises EndpointFailed, with the name of the
    model, for anything that is not one good vector for each text."""
    import numpy as np

    try:
        rows = _rows(content)
        places = [row.get("index", place) for place, row in enumerate(rows)]
        given = [row["embedding"] for row in rows]
        is_complete = sorted(places) == list(range(len(batch)))
        with np.errstate(over="ignore"):
            vectors = np.array(given, dtype=np.float32).reshape(len(given), -1)
            lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        what = "something that is not an OpenAI-compatible answer with vectors"
        raise endpoint_failures.not_vectors(name, what) from None
    if not is_complete:
        what = f"{len(rows):,} vectors for {len(batch):,} texts"
        raise endpoint_failures.not_vectors(name, what)
    if dimensions is not None and vectors.shape[1] != dimensions:
        what = f"vectors of {vectors.shape[1]:,} dimensions instead of {dimensions:,}"
        raise endpoint_failures.not_vectors(name, what)
    good = np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0)
    if not good.all():
        bad = [batch[place] for place, is_good in zip(places, good, strict=True) if not is_good]
        raise endpoint_failures.no_numbers(name, bad, len(batch))
    ordered = np.empty_like(vectors)
    ordered[places] = vectors / lengths
    return ordered


def _rows(content: bytes) -> Any:
    try:
        return orjson.loads(content)["data"]
    except orjson.JSONDecodeError:
        # Some write numbers that are none as NaN, which is no JSON but can be told apart.
        return json.loads(content)["data"]
