"""A locked blueprint keeps its settings, whoever would change them by whatever way, until it is unlocked."""

import pytest
from django.urls import reverse

from blueprints import services as blueprint_services
from blueprints.llm_settings import LLMSettings
from blueprints.settings import SettingsChanges
from config.errors import Conflict, InvalidInput
from playground import services
from playground.models import Chat
from playground.prompt_pages import saving
from tests.api.conftest import api_of
from tests.pages.conftest import HTMX

WARM = SettingsChanges(llm_settings=LLMSettings(temperature=0.9))
PANEL = {"llm_id": "extractive", "prompt_type": "on", "temperature": "0.9"}


@pytest.fixture
def signed_in(client, alice, world):
    client.force_login(alice)
    return client


@pytest.fixture
def locked(world, alice):
    blueprint_services.set_lock(world.blueprint, user=alice, is_locked=True)
    return world.blueprint


def lock_url(world) -> str:
    return reverse("playground:blueprint-lock", args=[world.playground.pk, world.blueprint.pk])


def test_locking_closes_the_panel_and_says_who_did_it(signed_in, world):
    signed_in.post(lock_url(world), {"is_locked": "1"})

    page = signed_in.get(f"/chats/{world.chat.pk}/").content.decode()
    assert "alice locked this blueprint" in page
    assert '<fieldset class="plain" disabled>' in page
    assert "Save as defaults" not in page
    assert "Save as new blueprint" in page
    assert "<b>locked</b>" in page
    signed_in.post(lock_url(world), {"is_locked": "0"})
    page = signed_in.get(f"/chats/{world.chat.pk}/").content.decode()
    assert '<fieldset class="plain">' in page


def test_whoever_locks_stays_where_they_are(signed_in, world):
    here = f"http://testserver/chats/{world.chat.pk}/"

    response = signed_in.post(
        lock_url(world), {"is_locked": "1"}, headers=HTMX | {"hx-current-url": here}
    )

    assert response.headers["HX-Redirect"] == f"/chats/{world.chat.pk}/"


def test_the_panel_refuses_what_it_is_sent_all_the_same(signed_in, world, locked):
    url = reverse("playground:chat-settings", args=[world.chat.pk])

    response = signed_in.post(url, PANEL | {"vector_database_id": world.database.pk}, headers=HTMX)

    assert response.status_code == 422
    assert "alice locked this blueprint" in response.content.decode()
    assert Chat.objects.get(pk=world.chat.pk).llm_settings is None


def test_the_form_of_the_blueprint_changes_its_name_alone(signed_in, world, locked):
    url = reverse("playground:blueprint-edit", args=[world.playground.pk, locked.pk])
    data = PANEL | {"name": "Base", "vector_database_id": world.database.pk}

    refused = signed_in.post(url, data)
    taken = signed_in.post(url, data | {"temperature": ""})

    assert (refused.status_code, taken.status_code) == (422, 302)
    assert "unlock it to change its settings" in refused.content.decode()
    locked.refresh_from_db()
    assert (locked.name, locked.current.number) == ("Base", 1)


WAYS = {
    "blueprint": lambda world, user: services.update_blueprint(
        world.blueprint, user=user, changes=WARM
    ),
    "chat": lambda world, user: services.change_chat_settings(world.chat, user=user, changes=WARM),
    "question in a chat": lambda world, user: services.ask(
        user=user, chat=world.chat, text="Why?", changes=WARM
    ),
    "question": lambda world, user: services.ask(
        user=user, blueprint=world.blueprint, text="Why?", changes=WARM
    ),
    "defaults": lambda world, user: services.save_as_defaults(world.chat, user=user),
    "version": lambda world, user: saving.use_version(world.blueprint.current, user=user),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_service_changes_its_settings(world, alice, locked, way):
    with pytest.raises((InvalidInput, Conflict), match="lock"):
        WAYS[way](world, alice)

    locked.refresh_from_db()
    assert locked.current.number == 1
    assert locked.versions.count() == 1


def test_the_api_says_so(world, alice, locked):
    api = api_of(alice)
    warm = {"llmSettings": {"temperature": 0.9}}

    changed = api.patch(f"genai/llmBlueprints/{locked.pk}/", warm)
    asked = api.post("genai/chatPrompts/", {"chatId": world.chat.pk, "text": "Why?"} | warm)
    named = api.patch(f"genai/llmBlueprints/{locked.pk}/", {"name": "Base", "isStarred": True})

    for refused in (changed, asked):
        assert refused.status_code == 422
        assert "locked this blueprint" in refused.content.decode()
    assert named.status_code == 200


def test_a_lock_that_came_meanwhile_holds(world, alice):
    read_before = type(world.blueprint).objects.get(pk=world.blueprint.pk)
    blueprint_services.set_lock(world.blueprint, user=alice, is_locked=True)

    with pytest.raises(InvalidInput, match="locked"):
        services.update_blueprint(read_before, user=alice, changes=WARM)


def test_a_copy_of_it_is_free(world, alice, locked):
    copy = services.copy_blueprint(locked, user=alice, playground=world.playground, name="Copy")

    services.update_blueprint(copy, user=alice, changes=WARM)

    assert not copy.is_locked
    assert copy.current.number == 2


def test_a_chat_goes_back_to_a_blueprint_that_was_locked_meanwhile(signed_in, world, alice):
    services.change_chat_settings(world.chat, user=alice, changes=WARM)
    signed_in.post(lock_url(world), {"is_locked": "1"})

    signed_in.post(reverse("playground:chat-settings-reset", args=[world.chat.pk]))

    assert Chat.objects.get(pk=world.chat.pk).llm_settings is None


def test_questions_are_answered_as_before(world, alice, locked):
    assert services.ask(user=alice, chat=world.chat, text="Still?").status == "NEW"
