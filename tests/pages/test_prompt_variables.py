"""Beneath a system prompt: its variables, which chats do not fill."""

import re
from dataclasses import replace

import pytest
from django.urls import reverse

from blueprints import services as blueprint_services
from blueprints.llm_settings import LLMSettings
from blueprints.settings import AnswerSettings, SettingsChanges
from playground import services
from playground.prompting import build_messages


@pytest.fixture
def signed_in(client, alice, world):
    client.force_login(alice)
    return client


@pytest.fixture
def say(world, alice):
    """Makes a version with this system prompt and further messages, and puts it in force."""

    def change(system: str, template=None, language: str = "default") -> None:
        settings = AnswerSettings.of_version(world.blueprint.current)
        prompt = replace(settings.prompt, template=template, template_language=language)
        llm_settings = LLMSettings(system_prompt=system)
        settings = replace(settings, prompt=prompt, llm_settings=llm_settings)
        blueprint_services.save_version(world.blueprint, user=alice, settings=settings)

    return change


def box(page: str) -> tuple[bool, list[str]]:
    """Whether it is shown, and the variables in it."""
    [found] = re.findall(r'<div class="callout warn variables".*?</div>', page, re.DOTALL)
    return " hidden" not in found.split(">")[0], re.findall(r'"variable">(.*?)</code>', found)


@pytest.mark.parametrize("page", ["chat", "form"])
def test_variables_are_listed_once_each_in_the_order_of_their_use(signed_in, world, say, page):
    say(
        "Speak {{ tone }} of {{product.name}}, in this {{tone}}.",
        [{"role": "user", "content": "Know {{product.name}} and {{customer}}."}],
    )
    form = reverse("playground:blueprint-edit", args=[world.playground.pk, world.blueprint.pk])

    shown = signed_in.get(form if page == "form" else f"/chats/{world.chat.pk}/").content.decode()

    names = ["{{tone}}", "{{product.name}}", "{{customer}}"]
    assert box(shown) == (True, names)
    assert 'data-further="product.name customer"' in shown


def test_without_variables_nothing_is_said(signed_in, world, say):
    say("Speak { plainly } of {{ }} things.")

    page = signed_in.get(f"/chats/{world.chat.pk}/").content.decode()

    assert box(page) == (False, [])


def test_what_the_chat_has_of_its_own_counts(signed_in, world, alice):
    changes = SettingsChanges(llm_settings=LLMSettings(system_prompt="Of {{own}}."))
    services.change_chat_settings(world.chat, user=alice, changes=changes)

    page = signed_in.get(f"/chats/{world.chat.pk}/").content.decode()

    assert box(page) == (True, ["{{own}}"])


def test_templates_of_jinja_are_read_as_such(signed_in, world, say):
    say("{% for one in items %}{{ one }}{% endfor %}", language="jinja")

    page = signed_in.get(f"/chats/{world.chat.pk}/").content.decode()

    assert box(page) == (True, ["{{items}}"])
    assert 'data-language="jinja"' in page


def test_names_are_shown_as_text(signed_in, world, say):
    say("Of {{<b>bold</b>}} and {{ok}}.")

    page = signed_in.get(f"/chats/{world.chat.pk}/").content.decode()

    assert box(page) == (True, ["{{ok}}"])


def test_the_llm_reads_them_as_they_stand(say, world, alice):
    say("Speak {{tone}}.")
    settings = AnswerSettings.of_version(world.blueprint.current)

    messages = build_messages(
        settings=settings.llm_settings, question="Why?", passages=[], history=[]
    )

    assert messages[0]["content"] == "Speak {{tone}}."
