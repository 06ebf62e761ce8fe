"""The support of an answer's sentences on the pages that show the answer."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from playground import services
from playground.models import ChatPrompt
from playground.support.scores import Support
from tests.pages.compared import compared_by
from tests.pages.conftest import HTMX

SUPPORTED, WEAK, NONE = (Support(score, 1, is_cited=True) for score in (0.9, 0.5, 0.1))


@pytest.fixture
def signed_in(client, alice, world):
    client.force_login(alice)
    return client


def keep(prompt: ChatPrompt, text: str, *support: Support, **fields) -> None:
    kept = [one.to_json() for one in support] or None
    ChatPrompt.objects.filter(pk=prompt.pk).update(
        result_text=text, sentence_support=kept, **fields
    )


def fragment(client, prompt: ChatPrompt) -> str:
    return str(client.get(f"/prompts/{prompt.pk}/", headers=HTMX).content.decode())


def test_sentences_are_marked_and_counted(signed_in, world):
    keep(world.prompt, "Thirty days [1]. Or so it is. Bring an umbrella.", SUPPORTED, WEAK, NONE)

    page = signed_in.get(reverse("playground:chat-detail", args=[world.chat.pk])).content.decode()

    assert re.findall(r'class="said" data-support="(\w+)" data-by="1"', page) == [
        *("supported", "weak", "none"),
    ]
    summary = re.sub(r"<[^>]+>", "", page.split("<summary>1 of", 1)[1].split("</summary>")[0])
    assert summary == " 3 sentences supported · 1 weakly · 1 not"
    assert f'href="/prompts/{world.prompt.pk}/sources/1/" data-found="1"' in page


def test_an_answer_that_is_supported_as_a_whole_says_so(signed_in, world):
    keep(world.prompt, "Thirty days [1].", SUPPORTED)
    assert "The sentence is supported" in fragment(signed_in, world.prompt)

    keep(world.prompt, "Thirty days [1]. Not a day more.", SUPPORTED, SUPPORTED)
    assert "All 2 sentences are supported" in fragment(signed_in, world.prompt)


def test_a_new_answer_says_that_it_is_being_checked_until_it_is(signed_in, world):
    keep(world.prompt, "Thirty days [1].")
    assert "data-awaited>checking the sentences" in fragment(signed_in, world.prompt)

    before = timezone.now() - timedelta(minutes=10)
    ChatPrompt.objects.update(finished_at=before)
    assert "checking the sentences" not in fragment(signed_in, world.prompt)


@pytest.mark.parametrize(
    "fields", [{"citations": []}, {"status": "ERROR"}, {"blocked_text": "Withheld."}]
)
def test_what_cannot_be_checked_is_not_said_to_be(signed_in, world, fields):
    keep(world.prompt, "Thirty days.", **fields)

    assert "data-awaited" not in fragment(signed_in, world.prompt)


def test_marks_of_an_answer_that_was_cut_otherwise_are_left_out(signed_in, world):
    keep(world.prompt, "Thirty days [1].", SUPPORTED, NONE)

    assert 'class="said" data-support="none" data-by' not in fragment(signed_in, world.prompt)


def test_an_exported_chat_has_the_answer_without_marks(signed_in, world):
    keep(world.prompt, "Thirty days [1]. Bring an umbrella.", SUPPORTED, NONE)

    text = signed_in.get(reverse("playground:chat-export", args=[world.chat.pk])).content.decode()

    assert "Thirty days [1]. Bring an umbrella." in text


def test_compared_answers_show_how_many_sentences_are_supported(client, alice, use_case):
    playground = services.create_playground(user=alice, use_case=use_case, name="Refund bot")
    compared = compared_by(alice, playground)
    terse, chatty = compared.results
    keep(terse, "Thirty days [1]. Bring an umbrella.", SUPPORTED, NONE)
    keep(chatty, "Thirty days it is [1]. Not a day more.", SUPPORTED, SUPPORTED)
    client.force_login(alice)

    url = reverse("playground:comparison-detail", args=[compared.comparison.pk])
    page = client.get(url).content.decode()

    figures = re.findall(r"<dt>supported</dt><dd( class=\"is-best\")?>(\d/\d)", page)
    assert figures == [("", "1/2"), (' class="is-best"', "2/2")]
    assert f'href="/results/{terse.pk}/sources/1/" data-found="1"' in page
