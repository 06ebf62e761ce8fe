"""How passages are looked up, in the chat's panel and in the form of a blueprint."""

import re

import pytest
from django.urls import reverse

from playground import services
from tests.pages.conftest import HTMX
from vectordb.retrieval_settings import RetrievalSettings


@pytest.fixture
def signed_in(client, alice, world):
    client.force_login(alice)
    return client


def panel(world, **changes):
    unchanged = {"llm_id": "extractive", "prompt_type": "on"}
    return {**unchanged, "vector_database_id": world.database.pk, **changes}


def kept(world):
    world.chat.refresh_from_db()
    return services.effective_settings(world.chat).retrieval_settings


def form_url(world) -> str:
    return reverse("playground:blueprint-edit", args=[world.playground.pk, world.blueprint.pk])


def test_a_threshold_is_chosen_and_kept(signed_in, world):
    url = reverse("playground:chat-settings", args=[world.chat.pk])
    data = panel(world, similarity_threshold="0.35")

    signed_in.post(url, data, headers=HTMX)

    assert kept(world).similarity_threshold == 0.35
    page = signed_in.get(reverse("playground:chat-detail", args=[world.chat.pk])).content.decode()
    assert 'name="similarity_threshold" value="0.35"' in page
    assert 'name="similarity_threshold"' in signed_in.get(form_url(world)).content.decode()


def test_reranking_is_offered_only_where_there_is_a_reranker(signed_in, world, settings):
    chat = reverse("playground:chat-detail", args=[world.chat.pk])
    url = reverse("playground:chat-settings", args=[world.chat.pk])
    for page in (chat, form_url(world)):
        assert 'name="rerank"' not in signed_in.get(page).content.decode()
    signed_in.post(url, panel(world, rerank="on"), headers=HTMX)
    assert not kept(world).rerank

    settings.RERANKER = "a/cross-encoder"
    for page in (chat, form_url(world)):
        assert 'name="rerank"' in signed_in.get(page).content.decode()
    signed_in.post(url, panel(world, rerank="on"), headers=HTMX)
    assert kept(world).rerank

    # Taken away again, it is refused until it is switched off.
    settings.RERANKER = ""
    assert 'name="rerank"' in signed_in.get(chat).content.decode()
    refused = signed_in.post(url, panel(world, rerank="on", temperature="0.3"), headers=HTMX)
    assert refused.status_code == 422
    assert "No reranker is configured" in refused.content.decode()
    signed_in.post(url, panel(world), headers=HTMX)
    assert not kept(world).rerank


@pytest.mark.parametrize(("sent", "is_kept"), [("0.75", 0.75), ("0", 0), ("", 0.5)])
def test_passages_that_differ_can_be_asked_for(signed_in, world, sent, is_kept):
    url = reverse("playground:chat-settings", args=[world.chat.pk])
    mmr = {"retrieval_mode": "maximal_marginal_relevance"}

    state = signed_in.post(
        url, panel(world, maximal_marginal_relevance_lambda=sent, **mmr), headers=HTMX
    ).content.decode()

    settings = kept(world)
    assert settings.retrieval_mode == "maximal_marginal_relevance"
    assert settings.maximal_marginal_relevance_lambda == is_kept
    [changed] = re.findall(r'data-changed="([^"]*)"', state)
    assert ("maximal_marginal_relevance_lambda" in changed.split()) == (is_kept != 0.5)
    assert "retrieval_mode" in changed.split()

    signed_in.post(reverse("playground:chat-settings-save", args=[world.chat.pk]))
    form = signed_in.get(form_url(world)).content.decode()
    assert '<option value="maximal_marginal_relevance" selected>' in form
    [shown] = re.findall(r'name="maximal_marginal_relevance_lambda" value="([\d.]+)"', form)
    assert float(shown) == is_kept


@pytest.mark.parametrize(
    "wrong",
    [{"retrieval_mode": "GUESSING"}, {"maximal_marginal_relevance_lambda": "1.5"}],
)
def test_no_other_choice_of_passages_is_taken(signed_in, world, wrong):
    url = reverse("playground:chat-settings", args=[world.chat.pk])
    assert signed_in.post(url, panel(world, **wrong), headers=HTMX).status_code == 422
    assert kept(world) == RetrievalSettings()


def test_what_is_searched_for_is_chosen_with_its_cost_said(signed_in, world):
    url = reverse("playground:chat-settings", args=[world.chat.pk])
    page = signed_in.get(form_url(world)).content.decode()
    assert "Both ask the LLM once more before each answer: that costs time" in page
    assert '<option value="SINGLE_LOOKUP_RETRIEVER" selected>' in page

    signed_in.post(url, panel(world, retriever="CONVERSATIONAL_RETRIEVER"), headers=HTMX)
    assert kept(world).retriever == "CONVERSATIONAL_RETRIEVER"
    signed_in.post(url, panel(world, temperature="0.5"), headers=HTMX)
    assert kept(world).retriever == "CONVERSATIONAL_RETRIEVER"

    refused = signed_in.post(url, panel(world, retriever="GUESSING"), headers=HTMX)
    assert refused.status_code == 422
    assert kept(world).retriever == "CONVERSATIONAL_RETRIEVER"
