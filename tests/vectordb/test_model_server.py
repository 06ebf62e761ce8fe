"""Web processes load no models: they ask a worker over HTTP."""

import asyncio
from datetime import timedelta

import httpx2
import numpy as np
import pytest
from django.utils import timezone

from config.errors import AppError, Conflict, InvalidInput
from config.threads import in_thread
from tests.cross_encoders import make_cross_encoder
from vectordb import embedding, model_client, model_server, reranking
from vectordb.embedding_models import MINILM
from vectordb.model_wire import credentials
from vectordb.models import ModelServer

pytestmark = pytest.mark.django_db(transaction=True)

TEXTS = ["The fox jumps.", "Returns are possible within thirty days.", ""]


@pytest.fixture
def elsewhere(settings):
    """This process is a web process, as far as it asks; as far as it serves, a worker."""
    settings.LOADS_MODELS = False


async def test_vectors_are_those_of_the_worker(elsewhere):
    async with model_server.serving():
        asked = await embedding.embed_texts(MINILM, TEXTS)
        question = await embedding.embed_query(MINILM, "Who jumps?")

    here = await embedding.embed_here(MINILM, TEXTS, is_query=False)
    assert np.array_equal(asked, here)
    assert asked.shape == (3, 384)
    there = (await embedding.embed_here(MINILM, ["Who jumps?"], is_query=True))[0]
    assert np.allclose(question, there, atol=1e-3)


async def test_many_questions_at_once_each_get_their_own(elsewhere):
    questions = [f"What is number {number}?" for number in range(40)]
    async with model_server.serving():
        vectors = await asyncio.gather(*(embedding.embed_query(MINILM, one) for one in questions))

    nearest = (np.array(vectors) @ np.array(vectors).T).argmax(axis=1)
    assert nearest.tolist() == list(range(40))


async def test_what_the_worker_refuses_is_refused_in_its_words(elsewhere):
    async with model_server.serving():
        with pytest.raises(InvalidInput, match="embedding model") as told:
            await embedding.embed_query("no/such-model", "What?")
        with pytest.raises(Conflict, match="has no reranker"):
            await reranking.scores("What?", TEXTS)

    with pytest.raises(InvalidInput) as here:
        await in_thread(embedding.get_embedder, "no/such-model")
    assert (told.value.message, told.value.field) == (here.value.message, here.value.field)


async def test_texts_are_reranked_by_the_worker(elsewhere, settings, tmp_path):
    settings.RERANKER = str(make_cross_encoder(tmp_path))
    async with model_server.serving():
        asked = await reranking.scores("Who jumps?", TEXTS)

    assert asked == await reranking.scores_here("Who jumps?", TEXTS)


async def test_nobody_else_is_answered(elsewhere):
    async with model_server.serving(), httpx2.AsyncClient() as stranger:
        row = await listed()
        body = {"model": MINILM, "texts": ["x"], "is_query": False}
        refused = await stranger.post(f"{row.url}/embed", json=body)
        wrong = await stranger.post(f"{row.url}/embed", json=body, headers={"Authorization": "x"})
        known = {"Authorization": credentials()}
        lost = await stranger.post(f"{row.url}/elsewhere", json=body, headers=known)
        read = await stranger.get(f"{row.url}/embed", headers=known)

    assert [one.status_code for one in (refused, wrong, lost, read)] == [401, 401, 404, 404]


async def test_a_worker_is_listed_for_as_long_as_it_serves():
    async with model_server.serving():
        assert (await listed()).seen_at > timezone.now() - timedelta(seconds=30)

    assert not await in_thread(ModelServer.objects.exists)


async def test_a_worker_that_is_gone_is_passed_over(elsewhere):
    gone = ModelServer(url="http://127.0.0.1:9", seen_at=timezone.now())
    await in_thread(gone.save)
    async with model_server.serving():
        for number in range(4):
            assert len(await embedding.embed_query(MINILM, f"Question {number}")) == 384


async def test_without_any_worker_it_is_said_what_to_do(elsewhere, monkeypatch):
    monkeypatch.setattr(model_client, "_PATIENCE_SECONDS", 0.2)
    old = timezone.now() - timedelta(minutes=5)
    await in_thread(ModelServer.objects.create, url="http://127.0.0.1:9", seen_at=old)

    with pytest.raises(model_client.NoWorker, match=r"manage\.py worker") as refused:
        await embedding.embed_query(MINILM, "Who answers?")

    assert isinstance(refused.value, AppError)


async def test_a_worker_that_comes_soon_is_waited_for(elsewhere):
    asking = asyncio.create_task(embedding.embed_query(MINILM, "Is anybody there?"))
    async with model_server.serving():
        assert len(await asking) == 384


async def listed() -> ModelServer:
    while (row := await in_thread(ModelServer.objects.first)) is None:
        await asyncio.sleep(0.01)
    return row
