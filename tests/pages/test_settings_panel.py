"""The panel beside a chat: what was changed against the saved version, and putting it back."""

import re

import pytest
from django.urls import reverse

from blueprints.llm_settings import LLMSettings
from blueprints.settings import AnswerSettings, SettingsChanges
from playground import services
from playground.models import Chat
from tests.pages.conftest import HTMX
from vectordb import services as vectordb
from vectordb.chunking_settings import ChunkingSettings
from vectordb.retrieval_settings import RetrievalSettings


@pytest.fixture
def signed_in(client, alice, world):
    client.force_login(alice)
    return client


@pytest.fixture
def change(signed_in, world):
    """Changes settings of the chat as the panel does; its answer as text."""

    def send(**changes) -> str:
        url = reverse("playground:chat-settings", args=[world.chat.pk])
        unchanged = {"llm_id": "extractive", "prompt_type": "on"}
        unchanged |= {"vector_database_id": world.database.pk}
        response = signed_in.post(url, unchanged | changes, headers=HTMX)
        assert response.status_code == 200
        return str(response.content.decode())

    return send


def page_of(client, chat) -> str:
    return str(client.get(reverse("playground:chat-detail", args=[chat.pk])).content.decode())


def was(page: str, name: str) -> str:
    """What the page says the field was before, without markup."""
    [line] = re.findall(rf'<p class="was help" id="was-{name}".*?</p>', page)
    return re.sub(r"<[^>]+>", "", line)


def reset(client, chat, name: str, **headers):
    url = reverse("playground:chat-settings-reset", args=[chat.pk])
    return client.post(url, {"field": name}, **headers)


def test_each_changed_field_says_what_it_was_and_they_are_counted(signed_in, world, change):
    answer = change(
        temperature="0.2",
        search_mode="keyword",
        add_neighbor_chunks="on",
        system_prompt="Be brief.",
    )

    page = page_of(signed_in, world.chat)
    for shown in (answer, page):
        assert "<b>4 settings changed</b> against v1" in shown
        assert was(shown, "temperature").startswith("was default")
        assert was(shown, "search_mode").startswith("was By meaning and by words")
        assert was(shown, "add_neighbor_chunks").startswith("was off")
        assert was(shown, "system_prompt").startswith("was default")
        assert was(shown, "top_p") == ""


def test_what_was_said_before_is_shown_shortened(signed_in, world, alice, change):
    settings = LLMSettings(system_prompt="Say " + "ho" * 200, temperature=0.25)
    services.update_blueprint(
        world.blueprint, user=alice, changes=SettingsChanges(llm_settings=settings)
    )

    answer = change(system_prompt="Be brief.", temperature="1")

    assert was(answer, "temperature").startswith("was 0.25")
    assert was(answer, "system_prompt").startswith("was Say hoho")
    assert "…" in was(answer, "system_prompt")
    assert len(was(answer, "system_prompt")) < 200


def test_one_setting_is_put_back_and_the_others_stay(signed_in, world, change):
    change(temperature="0.2", top_p="0.5", max_tokens="900")

    response = reset(signed_in, world.chat, "temperature", headers=HTMX)

    page = response.content.decode()
    assert page.startswith('<div id="settings">')
    assert "<b>2 settings changed</b>" in page
    settings = services.effective_settings(Chat.objects.get(pk=world.chat.pk))
    assert settings.llm_settings == LLMSettings(top_p=0.5)
    assert settings.retrieval_settings.max_tokens == 900


@pytest.mark.parametrize("name", ["top_p", "max_tokens"])
def test_with_its_last_own_value_a_chat_follows_its_blueprint_again(signed_in, world, change, name):
    change(**{name: "1"})

    response = reset(signed_in, world.chat, name)

    assert response.headers["Location"] == f"/chats/{world.chat.pk}/"
    chat = Chat.objects.get(pk=world.chat.pk)
    assert (chat.llm_settings, chat.retrieval_settings) == (None, None)


def test_the_database_is_put_back(signed_in, world, alice, change):
    other = vectordb.create_vector_database(
        user=alice,
        use_case=world.use_case,
        dataset=world.dataset,
        name="Other",
        chunking=ChunkingSettings(),
    )
    assert was(change(vector_database_id=other.pk), "vector_database_id").startswith("was Book")

    reset(signed_in, world.chat, "vector_database_id")

    assert Chat.objects.get(pk=world.chat.pk).vector_database_id is None


@pytest.mark.parametrize("name", ["prompt_type", "name", "llm_settings", "x" * 300])
def test_what_is_no_setting_of_a_chat_cannot_be_put_back(signed_in, world, change, name):
    change(temperature="0.2")

    assert reset(signed_in, world.chat, name).status_code == 422

    assert Chat.objects.get(pk=world.chat.pk).llm_settings is not None


def test_a_viewer_sees_what_was_changed_and_changes_nothing(client, signed_in, vera, world, change):
    change(temperature="0.2")
    client.force_login(vera)

    page = page_of(client, world.chat)

    assert was(page, "temperature") == "was default"
    assert 'id="put-back' not in page
    assert reset(client, world.chat, "temperature").status_code == 403


def test_where_the_blueprint_is_made_nothing_is_told_of_changes(signed_in, world):
    url = reverse("playground:blueprint-edit", args=[world.playground.pk, world.blueprint.pk])

    assert 'class="was' not in signed_in.get(url).content.decode()


def test_whole_settings_of_a_version_can_be_taken_and_are_told_where_they_cannot(alice, world):
    version = world.blueprint.current
    settings = AnswerSettings.of_version(version)
    wanted = AnswerSettings(
        llm_id=settings.llm_id,
        llm_settings=LLMSettings(temperature=0.3),
        retrieval_settings=RetrievalSettings(max_tokens=77),
        prompt_type="ONE_TIME_PROMPT",
    )

    left = services.take_settings(world.chat, user=alice, settings=wanted)

    assert left == ["to go without a vector database", "the use of earlier turns"]
    chat = Chat.objects.get(pk=world.chat.pk)
    assert services.effective_settings(chat).llm_settings.temperature == 0.3
    assert services.effective_settings(chat).retrieval_settings.max_tokens == 77
    assert chat.llm_id is None
    assert services.take_settings(chat, user=alice, settings=settings) == []
    chat.refresh_from_db()
    assert (chat.llm_settings, chat.retrieval_settings) == (None, None)
