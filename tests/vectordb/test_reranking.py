"""Candidates in the order of a cross encoder, through the one function that all faces call."""

import asyncio

import numpy as np
import pytest
import torch
from sentence_transformers import CrossEncoder

from config.errors import Conflict
from tests.cross_encoders import WINDOW, make_cross_encoder
from tests.vectordb.conftest import add, build
from vectordb import ranking
from vectordb.models import VectorDatabase
from vectordb.passages import Retrieval
from vectordb.reranking import Reranker
from vectordb.retrieval import retrieve
from vectordb.retrieval_settings import RetrievalSettings

in_database = pytest.mark.django_db(transaction=True)

QUESTION = "When is the shop closed?"
TEXTS = [
    f"{subject} {verb} on {day}."
    for subject in ("The shop", "A dog", "The boat")
    for verb in ("is closed", "barks", "opens late")
    for day in ("Mondays", "Sundays", "days of rain")
]
# What bfloat16 makes of scores that spread over some units.
ROUNDING = 0.1


@pytest.fixture
def shop(dataset) -> VectorDatabase:
    lines = ["document,document_file_path", *(f'"{text}",{n}' for n, text in enumerate(TEXTS))]
    add(dataset, "shop.csv", "\n".join(lines).encode())
    return build(dataset)


@pytest.fixture
def configured(settings, cross_encoder):
    settings.RERANKER = str(cross_encoder)


def ask(database: VectorDatabase, **settings: object) -> Retrieval:
    usual = {"rerank": True} | settings
    return asyncio.run(retrieve(database, QUESTION, RetrievalSettings(**usual)))  # type: ignore[arg-type]


def directly(cross_encoder, texts: list[str]) -> np.ndarray:
    model = CrossEncoder(str(cross_encoder), device="cpu")
    pairs = [(QUESTION, text) for text in texts]
    return np.asarray(model.predict(pairs, activation_fn=torch.nn.Identity()))


@in_database
def test_the_order_is_that_of_the_cross_encoder(shop, configured, cross_encoder):
    for mode in ("hybrid", "vector", "keyword"):
        ten = {"search_mode": mode, "max_documents_retrieved_per_prompt": 10}
        before = ask(shop, rerank=False, **ten)
        found = ask(shop, **ten)

        texts = [passage.text for passage in found.passages]
        scores = directly(cross_encoder, texts)
        assert np.all(np.diff(scores) <= ROUNDING)
        assert np.ptp(scores) > 5 * ROUNDING
        assert texts != [passage.text for passage in before.passages]
        left_out = [text for text in TEXTS if text not in texts]
        if mode != "keyword":  # else some were no candidates
            assert directly(cross_encoder, left_out).max() <= scores.min() + ROUNDING


@in_database
def test_the_record_tells_of_it(shop, configured, cross_encoder, monkeypatch):
    found = ask(shop)

    after = ["rerank", "neighbours", "de-duplication", "token cap"]
    assert [stage.name for stage in found.stages][-4:] == after
    [stage] = [stage for stage in found.stages if stage.name == "rerank"]
    assert (stage.entered, stage.left) == (len(TEXTS), len(TEXTS))
    assert (stage.note, stage.milliseconds > 0) == (cross_encoder.name, True)
    assert [passage.ranks["rerank"] for passage in found.passages] == [1, 2, 3, 4]

    monkeypatch.setattr(ranking, "RERANK_DEPTH", 6)
    found = ask(shop)

    assert {passage.ranks["fusion"] for passage in found.passages} <= set(range(1, 7))
    [stage] = [stage for stage in found.stages if stage.name == "rerank"]
    assert stage.entered == 6


@in_database
def test_it_works_together_with_the_other_settings(shop, configured):
    varied = ask(shop, retrieval_mode="maximal_marginal_relevance")
    assert varied.passages[0].ranks["rerank"] == 1
    assert [passage.ranks["diversity"] for passage in varied.passages] == [1, 2, 3, 4]
    assert [passage.ranks["rerank"] for passage in varied.passages] != [1, 2, 3, 4]

    near = ask(shop, similarity_threshold=0.5)
    by_name = {stage.name: stage for stage in near.stages}
    assert by_name["rerank"].entered == by_name["threshold"].left < len(TEXTS)
    assert all(passage.similarity >= 0.5 for passage in near.passages)

    assert ask(shop, similarity_threshold=1).passages == ()


@in_database
def test_without_the_model_nothing_is_answered(shop, settings):
    settings.RERANKER = ""
    with pytest.raises(Conflict, match="no reranker: set GROUNDWORK_RERANKER"):
        ask(shop)
    for name in ("nobody/nothing", "/nowhere/at/all"):
        settings.RERANKER = name
        with pytest.raises(Conflict, match=f"“{name.split('/')[-1]}” cannot be loaded"):
            ask(shop)


def test_long_texts_are_cut_at_the_window(cross_encoder):
    reranker = Reranker(str(cross_encoder))
    assert reranker.window == WINDOW

    [within, beyond] = reranker.scores(
        QUESTION, ["dog " * WINDOW, "dog " * WINDOW + "kittens " * 500]
    )

    assert within == beyond


def test_scores_do_not_depend_on_the_company(cross_encoder):
    reranker = Reranker(str(cross_encoder))
    together = reranker.scores(QUESTION, [*TEXTS, "dog " * 40])
    alone = [reranker.scores(QUESTION, [text])[0] for text in TEXTS]

    assert together[: len(TEXTS)] == pytest.approx(alone, abs=ROUNDING)
    assert reranker.scores(QUESTION, []) == []


def test_a_model_with_several_outputs_is_no_reranker(tmp_path):
    with pytest.raises(ValueError, match="3 outputs"):
        Reranker(str(make_cross_encoder(tmp_path, outputs=3)))
