"""Passages that differ from each other, where the nearest would say the same thing over and over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """How well a chunk fits the question, 0 to 1, and its vector."""

    fit: float
    vector: Sequence[float]


def diversified(candidates: Mapping[int, Candidate], *, trade_off: float, limit: int) -> list[int]:
    """The ids of the `limit` best by maximal marginal relevance, in the order of their choice.

    The best fitting is first. Each next one has the highest trade_off · fit - (1 - trade_off) ·
    cosine similarity to the most similar chosen one: with 1 the fit alone counts, with 0 the
    difference. (Carbonell and Goldstein, The Use of MMR, Diversity-Based Reranking for Reordering
    Documents and Producing Summaries, 1998.)
    """
    import numpy as np

    if not candidates:
        return []
    ids = sorted(candidates, key=lambda chunk_id: (-candidates[chunk_id].fit, chunk_id))
    fits = np.array([candidates[chunk_id].fit for chunk_id in ids])
    vectors = np.array([candidates[chunk_id].vector for chunk_id in ids])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    chosen = [0]
    closest = vectors @ vectors[0]
    while len(chosen) < min(limit, len(ids)):
        worth = trade_off * fits - (1 - trade_off) * closest
        worth[chosen] = -np.inf
        chosen.append(int(worth.argmax()))
        closest = np.maximum(closest, vectors @ vectors[chosen[-1]])
    return [ids[n] for n in chosen]
