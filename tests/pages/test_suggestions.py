"""Follow-up questions on the page, and the setting that asks for them."""

import pytest
from django.urls import reverse

from blueprints.models import LLM
from playground import services
from playground.models import ChatPrompt, Playground
from tests.pages.conftest import HTMX


@pytest.fixture
def signed_in(client, alice, world):
    client.force_login(alice)
    return client


@pytest.fixture
def wanted(alice, world):
    services.update_playground(world.playground, user=alice, suggests_questions=True)


def fragment(client, prompt: ChatPrompt, **fields) -> str:
    ChatPrompt.objects.filter(pk=prompt.pk).update(**fields)
    return str(client.get(f"/prompts/{prompt.pk}/", headers=HTMX).content.decode())


def test_the_playgrounds_settings_ask_for_suggestions(signed_in, world):
    url = reverse("playground:playground-rename", args=[world.playground.pk])
    page = signed_in.get(url).content.decode()
    assert "Suggest follow-up questions" in page
    assert "The built-in LLM suggests none" in page

    signed_in.post(url, {"name": "Refund bot", "suggests_questions": "on"})
    assert Playground.objects.get().suggests_questions

    signed_in.post(url, {"name": "Refund bot"})
    assert not Playground.objects.get().suggests_questions


def test_suggested_questions_are_buttons(signed_in, world, wanted):
    page = fragment(signed_in, world.prompt, suggested_questions=["Who <pays>?", "When?"])

    assert "data-suggest data-needs-js>Who &lt;pays&gt;?</button>" in page
    assert page.count("data-suggest ") == 2


def test_a_new_answer_says_that_they_are_awaited(signed_in, world, wanted, endpoint_llm):
    page = fragment(signed_in, world.prompt, llm_id=endpoint_llm.pk)
    assert "looking for questions that may follow" in page

    page = fragment(signed_in, world.prompt, suggested_questions=[])
    assert "looking for questions" not in page


def test_the_built_in_llm_is_said_to_suggest_none(signed_in, world, wanted):
    assert LLM.objects.filter(pk="extractive").exists()

    assert "The built-in LLM suggests no questions" in fragment(
        signed_in, world.prompt, llm_id="extractive"
    )


def test_without_the_setting_nothing_is_said(signed_in, world):
    page = fragment(signed_in, world.prompt)

    assert "suggests no questions" not in page
    assert "data-suggest " not in page


def test_a_viewer_who_cannot_ask_is_offered_none(signed_in, client, vera, world, wanted):
    client.force_login(vera)

    assert "data-suggest " not in fragment(client, world.prompt, suggested_questions=["Who pays?"])
