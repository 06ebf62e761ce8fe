"""The history of a blueprint beside a chat: what each version changed, and going back to one."""

import pytest
from django.urls import reverse

from blueprints.llm_settings import LLMSettings
from blueprints.models import BlueprintVersion
from blueprints.settings import SettingsChanges
from playground import services
from playground.models import Chat
from tests.pages.conftest import HTMX


@pytest.fixture
def signed_in(client, alice, world):
    client.force_login(alice)
    return client


@pytest.fixture
def warmer(world, alice) -> BlueprintVersion:
    """The second version, which is in force."""
    temperature(world, alice, 0.9)
    return BlueprintVersion.objects.get(blueprint=world.blueprint, number=2)


def temperature(world, alice, value: float) -> None:
    changes = SettingsChanges(llm_settings=LLMSettings(temperature=value))
    services.update_blueprint(world.blueprint, user=alice, changes=changes)


def history_url(world) -> str:
    return reverse("playground:blueprint-history", args=[world.playground.pk, world.blueprint.pk])


def shown(client, world, query: str = "", **headers) -> str:
    response = client.get(f"{history_url(world)}{query}", **headers)
    assert response.status_code == 200
    return str(response.content.decode())


def restore(client, world, number: int, **data):
    version = world.blueprint.versions.get(number=number)
    arguments = [world.playground.pk, world.blueprint.pk, version.pk]
    return client.post(reverse("playground:blueprint-restore", args=arguments), data)


def here(world):
    return services.effective_settings(Chat.objects.get(pk=world.chat.pk))


def test_each_version_says_what_it_changed(signed_in, world, warmer):
    page = shown(signed_in, world, f"?chat={world.chat.pk}")

    assert page.index("<b>v2</b>") < page.index("<b>v1</b>")
    assert "Changed Temperature." in page
    assert "The first version." in page
    assert page.count("Try in this chat") == 1
    assert f'href="/chats/{world.chat.pk}/"' in page
    assert "<html" not in shown(signed_in, world, headers=HTMX)


def test_a_long_history_goes_on(signed_in, world, alice):
    for number in range(1, 25):
        temperature(world, alice, number / 20)

    page = shown(signed_in, world)

    assert page.count("<li>") == 20
    assert "?before=6" in page
    older = shown(signed_in, world, "?before=6")
    assert older.count("<li>") == 5
    assert "Older versions" not in older


def test_a_history_takes_a_fixed_number_of_queries(
    signed_in, world, alice, warmer, django_assert_max_num_queries
):
    for number in range(1, 10):
        temperature(world, alice, number / 20)

    with django_assert_max_num_queries(14):
        shown(signed_in, world)


def test_the_difference_is_to_what_holds_in_the_chat(signed_in, world, alice, warmer):
    changes = SettingsChanges(llm_settings=LLMSettings(temperature=0.1))
    services.change_chat_settings(world.chat, user=alice, changes=changes)

    page = shown(signed_in, world, f"?chat={world.chat.pk}&version=2")

    assert "<del>0.1</del>" in page
    assert "<ins>0.9</ins>" in page
    assert "<th>now</th><th>v2</th>" in page
    assert "Restore" not in page
    assert "says what holds here now" in shown(signed_in, world, "?version=2")


def test_a_version_is_tried_in_the_chat_alone(signed_in, world, warmer):
    response = restore(signed_in, world, 1, chat=world.chat.pk)

    assert response.headers["Location"] == f"/chats/{world.chat.pk}/"
    assert here(world).llm_settings.temperature is None
    world.blueprint.refresh_from_db()
    assert world.blueprint.current == warmer


def test_what_was_changed_in_the_chat_before_is_kept_as_a_version(signed_in, world, alice, warmer):
    changes = SettingsChanges(llm_settings=LLMSettings(temperature=0.1))
    services.change_chat_settings(world.chat, user=alice, changes=changes)

    restore(signed_in, world, 1, chat=world.chat.pk)
    restore(signed_in, world, 1, chat=world.chat.pk)

    kept = world.blueprint.versions.get(number=3)
    assert kept.llm_parameters.temperature == 0.1
    assert world.blueprint.versions.count() == 3
    page = signed_in.get(f"/chats/{world.chat.pk}/").content.decode()
    assert "What was changed here before is kept as v3." in page
    world.blueprint.refresh_from_db()
    assert world.blueprint.current == warmer
    restore(signed_in, world, 3, chat=world.chat.pk)
    assert here(world).llm_settings.temperature == 0.1


def test_without_a_chat_trying_begins_one(signed_in, world, warmer):
    restore(signed_in, world, 1)

    chat = Chat.objects.exclude(pk=world.chat.pk).get()
    assert services.effective_settings(chat).llm_settings.temperature is None


def test_a_version_is_restored_for_all_chats_and_the_draft_is_kept(signed_in, world, alice, warmer):
    changes = SettingsChanges(llm_settings=LLMSettings(temperature=0.1))
    services.change_chat_settings(world.chat, user=alice, changes=changes)

    response = restore(signed_in, world, 1, **{"for": "all", "chat": world.chat.pk})

    assert response.headers["Location"] == f"/chats/{world.chat.pk}/"
    world.blueprint.refresh_from_db()
    assert world.blueprint.current.number == 1
    assert here(world).llm_settings.temperature is None
    assert world.blueprint.versions.get(number=3).llm_parameters.temperature == 0.1


def test_restoring_without_a_chat_leads_to_the_playground(signed_in, world, warmer):
    response = restore(signed_in, world, 1, **{"for": "all"})

    assert response.headers["Location"].endswith(f"?blueprint={world.blueprint.pk}")


def test_what_a_chat_cannot_take_is_told(signed_in, world, alice):
    changes = SettingsChanges(prompt_type="ONE_TIME_PROMPT")
    services.update_blueprint(world.blueprint, user=alice, changes=changes)

    restore(signed_in, world, 1, chat=world.chat.pk)

    page = signed_in.get(f"/chats/{world.chat.pk}/").content.decode()
    assert "A chat cannot take by itself: the use of earlier turns." in page


def test_a_draft_whose_llm_was_deleted_is_kept_all_the_same(signed_in, world, warmer, endpoint_llm):
    Chat.objects.filter(pk=world.chat.pk).update(llm_id=endpoint_llm.pk)
    endpoint_llm.delete()

    restore(signed_in, world, 1, chat=world.chat.pk)

    assert world.blueprint.versions.get(number=3).saved_llm_id == "lab/one"


@pytest.mark.parametrize("query", ["?version=x", "?version=99", "?before=x", "?chat=" + "0" * 24])
def test_what_is_not_there_is_not_found(signed_in, world, query):
    assert signed_in.get(f"{history_url(world)}{query}").status_code == 404


def test_a_chat_of_another_blueprint_is_not_found(signed_in, world, alice):
    other = services.copy_blueprint(
        world.blueprint, user=alice, playground=world.playground, name="Other"
    )
    chat = services.create_chat(user=alice, playground=world.playground, blueprint=other)

    assert signed_in.get(f"{history_url(world)}?chat={chat.pk}").status_code == 404


def test_a_viewer_reads_the_history_and_restores_nothing(client, signed_in, vera, world, warmer):
    client.force_login(vera)

    assert "Restore" not in shown(client, world)
    assert restore(client, world, 1).status_code == 403
    assert Chat.objects.count() == 1
