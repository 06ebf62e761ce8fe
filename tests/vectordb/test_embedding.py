"""Vectors of the embedder against those of the model as sentence-transformers runs it."""

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from vectordb.embedding import get_embedder
from vectordb.embedding_models import MINILM, get_model
from vectordb.local_embedding import BATCH

TEXT = "The lamps of the northern lights burn rapeseed oil and are lit an hour before dusk."
WORDS = TEXT.split()


@pytest.fixture(scope="module")
def model() -> SentenceTransformer:
    return SentenceTransformer(str(get_model(MINILM).path), device="cpu", local_files_only=True)


@pytest.mark.parametrize(
    "lengths",
    [[1], [12], [200], [400], [3, 90], list(range(1, BATCH + 1)), [250] * BATCH, [0, 5]],
    ids=str,
)
def test_vectors_are_those_of_the_model_whatever_the_lengths(model, lengths):
    texts = [" ".join((WORDS * 30)[start : start + n]) for start, n in enumerate(lengths)]

    ours = get_embedder(MINILM).embed(texts)

    theirs = model.encode(texts, normalize_embeddings=True)
    # The embedder may compute in bfloat16, which has three digits.
    assert (ours * theirs).sum(axis=1) == pytest.approx(1, abs=0.002)


def test_the_same_text_has_one_vector_alone_and_among_longer_ones():
    embedder = get_embedder(MINILM)

    alone = embedder.embed([TEXT])[0]
    among = embedder.embed([" ".join(WORDS * 9), TEXT, "Short."])[1]

    assert alone @ among == pytest.approx(1, abs=0.002)
    assert np.linalg.norm(alone) == pytest.approx(1, abs=1e-3)
