"""An answer's settings used again, and what is told of answers that rest on something else by now."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from blueprints.llm_settings import LLMSettings
from blueprints.locks import set_lock
from blueprints.settings import SettingsChanges
from config.status import Status
from playground import services
from playground.models import Chat, ChatPrompt
from tests.pages.conftest import HTMX
from vectordb import services as vectordb
from vectordb.models import VectorDatabase
from vectordb.retrieval_settings import RetrievalSettings


@pytest.fixture
def signed_in(client, alice, world):
    client.force_login(alice)
    return client


def use(client, prompt: ChatPrompt, **more):
    url = reverse("playground:prompt-use-settings", args=[prompt.pk])
    return client.post(url, **more)


def fragment(client, prompt: ChatPrompt) -> str:
    return str(client.get(f"/prompts/{prompt.pk}/", headers=HTMX).content.decode())


def change(world, user, **changes) -> None:
    services.update_blueprint(world.blueprint, user=user, changes=SettingsChanges(**changes))


def test_an_answers_settings_come_into_the_panel_and_what_changed_is_told(signed_in, alice, world):
    change(
        world,
        alice,
        llm_settings=LLMSettings(temperature=0.7),
        retrieval_settings=RetrievalSettings(max_documents_retrieved_per_prompt=3),
    )

    response = use(signed_in, world.prompt)

    where = f"/chats/{world.chat.pk}/?shown={world.prompt.pk}"
    assert response.headers["Location"] == f"{where}#prompt-{world.prompt.pk}"
    page = signed_in.get(f"/chats/{world.chat.pk}/").content.decode()
    assert "Temperature: 0.7 → default" in page
    assert "Chunks per prompt: 3 →" in page
    chat = Chat.objects.get(pk=world.chat.pk)
    settings = services.effective_settings(chat)
    assert settings.llm_settings.temperature is None
    assert 'data-changed="' in page
    assert "temperature" in page.split('data-changed="')[1].split('"')[0]
    world.blueprint.refresh_from_db()
    assert world.blueprint.current.llm_parameters.temperature == 0.7


def test_what_the_blueprint_has_too_is_not_pinned_to_the_chat(signed_in, alice, world):
    change(world, alice, llm_settings=LLMSettings(temperature=0.7))

    use(signed_in, world.prompt)

    chat = Chat.objects.get(pk=world.chat.pk)
    assert chat.llm_settings is not None
    assert not any([chat.llm_id, chat.vector_database_id, chat.retrieval_settings])


def test_settings_that_hold_already_are_said_to(signed_in, world):
    use(signed_in, world.prompt)

    page = signed_in.get(f"/chats/{world.chat.pk}/").content.decode()
    assert "has this answer&#x27;s settings already" in page
    assert Chat.objects.get(pk=world.chat.pk).llm_settings is None


def test_another_system_prompt_is_told_without_its_text(signed_in, alice, world):
    change(world, alice, llm_settings=LLMSettings(system_prompt="Answer in rhymes."))

    use(signed_in, world.prompt)

    page = signed_in.get(f"/chats/{world.chat.pk}/").content.decode()
    assert "System prompt: another → the answer&#x27;s" in page


def test_what_only_the_blueprint_can_have_stays_and_is_told(signed_in, alice, world):
    change(world, alice, prompt_type="ONE_TIME_PROMPT")

    use(signed_in, world.prompt)

    assert "stays as it is" in signed_in.get(f"/chats/{world.chat.pk}/").content.decode()
    world.blueprint.refresh_from_db()
    assert world.blueprint.current.prompt_type == "ONE_TIME_PROMPT"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"llm_id": "gone"}, "The LLM does not exist"),
        ({"vector_database_id": None}, "without a vector database"),
        ({"vector_database_id": "0" * 24}, "database does not exist"),
    ],
)
def test_settings_that_cannot_work_any_more_change_nothing(signed_in, world, fields, reason):
    ChatPrompt.objects.filter(pk=world.prompt.pk).update(**fields)

    response = use(signed_in, world.prompt, headers=HTMX)

    assert response.status_code == 422
    assert reason in response.content.decode()
    assert Chat.objects.get(pk=world.chat.pk).llm_id is None


def test_a_locked_blueprint_takes_no_settings(signed_in, alice, world):
    set_lock(world.blueprint, user=alice, is_locked=True)

    response = use(signed_in, world.prompt)

    assert response.status_code == 422
    assert "locked this blueprint" in response.content.decode()


def test_a_saved_blueprint_takes_no_settings(signed_in, alice, world):
    services.update_blueprint(world.blueprint, user=alice, is_saved=True)

    response = use(signed_in, world.prompt)

    assert response.status_code == 422
    assert "its settings are fixed" in response.content.decode()


def test_others_may_not_use_settings(client, vera, bob, world):
    assert use(client, world.prompt).status_code == 302
    client.force_login(vera)
    assert use(client, world.prompt).status_code == 403
    client.force_login(bob)
    assert use(client, world.prompt).status_code == 404
    url = reverse("playground:prompt-use-settings", args=[world.prompt.pk])
    assert client.get(url).status_code == 405


def test_an_answer_as_of_now_has_no_badge(signed_in, world):
    VectorDatabase.objects.update(edited_at=timezone.now() - timedelta(days=1))

    assert 'class="moved"' not in fragment(signed_in, world.prompt)


def test_an_answer_says_that_the_settings_changed_since(signed_in, alice, world):
    change(world, alice, llm_settings=LLMSettings(temperature=0.7))
    assert "settings changed since" in fragment(signed_in, world.prompt)

    use(signed_in, world.prompt)
    assert "settings changed since" not in fragment(signed_in, world.prompt)


def test_an_answer_says_that_its_documents_changed_since(signed_in, world):
    VectorDatabase.objects.update(edited_at=timezone.now())
    assert "documents changed since" in fragment(signed_in, world.prompt)

    VectorDatabase.objects.update(edited_at=None)
    world.database.ingestions.update(finished_at=timezone.now())
    assert "documents changed since" in fragment(signed_in, world.prompt)


def test_an_answer_says_that_a_document_was_deleted_since_from_a_database_that_stays(
    signed_in, alice, world
):
    before = timezone.now() - timedelta(days=1)
    world.database.ingestions.update(status=Status.COMPLETED, finished_at=before)
    assert 'class="moved"' not in fragment(signed_in, world.prompt)

    vectordb.delete_document(world.document, user=alice)

    assert "documents changed since" in fragment(signed_in, world.prompt)
    ChatPrompt.objects.filter(pk=world.prompt.pk).update(created_at=timezone.now())
    assert 'class="moved"' not in fragment(signed_in, world.prompt)


def test_a_document_that_was_never_found_is_missed_by_no_answer(signed_in, alice, world):
    world.database.ingestions.update(status=Status.ERROR)

    vectordb.delete_document(world.document, user=alice)

    assert 'class="moved"' not in fragment(signed_in, world.prompt)


def test_an_answer_says_that_its_documents_were_deleted_since(signed_in, world):
    ChatPrompt.objects.filter(pk=world.prompt.pk).update(vector_database_id="0" * 24)

    assert "documents deleted since" in fragment(signed_in, world.prompt)


def test_the_badges_take_as_many_queries_for_one_answer_as_for_many(signed_in, alice, world):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            signed_in.get(f"/chats/{world.chat.pk}/")
        return len(captured)

    signed_in.get(f"/chats/{world.chat.pk}/")
    one = queries()
    for _ in range(3):
        services.ask(user=alice, chat=Chat.objects.get(pk=world.chat.pk), text="Once more?")
    ChatPrompt.objects.update(status="COMPLETED", finished_at=timezone.now())

    assert queries() == one
