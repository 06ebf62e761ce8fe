"""Waiting for work at its status URL."""

import asyncio
import json

import pytest
from django.test import AsyncClient

from config.api import status as status_view
from config.listener import listener
from config.notify import publish
from config.status import Status
from config.threads import in_thread
from playground import services
from playground.models import ChatPrompt
from tests.api.conftest import Api, api_of
from vectordb.models import VectorDatabase

pytestmark = pytest.mark.django_db(transaction=True)

LONG = 3600.0


@pytest.fixture
def patience(monkeypatch):
    """Sets how long a request is held; looking again without being told is as good as off."""

    def set_seconds(seconds):
        monkeypatch.setattr(status_view, "HELD_SECONDS", seconds)
        monkeypatch.setattr(status_view, "_LOOK_AGAIN_SECONDS", LONG)

    return set_seconds


def finish(prompt, status=Status.COMPLETED):
    ChatPrompt.objects.filter(pk=prompt.pk).update(status=status)
    publish(topic=f"chat:{prompt.chat_id}", event="finished", data={"prompt": prompt.pk})


async def held(api: Api, path, meanwhile):
    """The answer of a status URL while `meanwhile()` happens. The listener ends with the loop."""
    client = AsyncClient()
    headers = {"authorization": f"Bearer {api.token}"}
    try:
        async with asyncio.timeout(30):
            request = asyncio.create_task(client.get(f"/api/v2/{path}", headers=headers))
            while not request.done() and not listener()._subscribers:
                await asyncio.sleep(0)
            await in_thread(meanwhile)
            return await request
    finally:
        await listener().stop()


@pytest.mark.parametrize("root", ["status/", "genai/status/"])
def test_a_finished_prompt_is_where_it_leads(api, answered, root):
    response = api.get(f"{root}{answered.pk}/")

    assert response.status_code == 303
    path = f"/api/v2/genai/chatPrompts/{answered.pk}/"
    assert response["Location"] == f"http://testserver{path}"
    assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize("end", [Status.COMPLETED, Status.ERROR, Status.SKIPPED])
def test_it_answers_the_moment_the_prompt_ends(api, prompt, patience, end):
    patience(LONG)

    response = asyncio.run(held(api, f"genai/status/{prompt.pk}/", lambda: finish(prompt, end)))

    assert response.status_code == 303


def test_what_is_not_the_end_does_not_end_it(api, prompt, alice, patience):
    patience(LONG)

    def much_happens():
        topic = f"chat:{prompt.chat_id}"
        for event in ("asked", "retrieved", "delta", "restarted"):
            publish(topic=topic, event=event, data={})
        other = services.ask(user=alice, text="b", chat=prompt.chat)
        finish(other)
        finish(prompt)

    assert asyncio.run(held(api, f"genai/status/{prompt.pk}/", much_happens)).status_code == 303


def test_what_takes_longer_is_answered_with_where_it_stands(api, prompt, patience):
    patience(0.05)
    ChatPrompt.objects.update(status=Status.RUNNING)

    response = asyncio.run(held(api, f"genai/status/{prompt.pk}/", lambda: None))

    body = json.loads(response.content)
    assert response.status_code == 200
    assert body.pop("created").endswith("Z")
    assert body == {
        "statusId": prompt.pk,
        "status": "RUNNING",
        "message": "",
        "code": 0,
        "description": "Chat prompt",
        "statusType": "",
    }


def test_a_new_prompt_is_initialized(api, prompt, patience):
    patience(0.05)

    response = asyncio.run(held(api, f"genai/status/{prompt.pk}/", lambda: None))

    assert json.loads(response.content)["status"] == "INITIALIZED"


def test_a_prompt_deleted_meanwhile_was_aborted(api, prompt, alice, patience):
    patience(LONG)
    path = f"genai/status/{prompt.pk}/"

    response = asyncio.run(held(api, path, lambda: services.delete_prompt(prompt, user=alice)))

    body = json.loads(response.content)
    assert (body["status"], body["code"]) == ("ABORTED", 1)
    assert api.get(path).status_code == 404


def test_an_end_that_was_not_told_is_noticed(api, prompt, monkeypatch):
    monkeypatch.setattr(status_view, "_LOOK_AGAIN_SECONDS", 0.05)

    def end_silently():
        ChatPrompt.objects.update(status=Status.COMPLETED)

    response = asyncio.run(held(api, f"genai/status/{prompt.pk}/", end_silently))

    assert response.status_code == 303


def test_a_built_vector_database_is_where_it_leads(api, database):
    response = api.get(f"genai/status/{database.pk}/")

    assert response.status_code == 303
    assert response["Location"].endswith(f"/api/v2/genai/vectorDatabases/{database.pk}/")


@pytest.mark.parametrize(("end", "word"), [(Status.ERROR, "ERROR"), (Status.CANCELLED, "ABORTED")])
def test_a_failed_vector_database_says_why(api, database, end, word):
    VectorDatabase.objects.update(status=end, error_message="No text in the documents.")

    response = api.get(f"genai/status/{database.pk}/")

    body = response.json()
    assert response.status_code == 200
    assert (body["status"], body["code"]) == (word, 1)
    assert body["message"] == "No text in the documents."


def test_a_vector_database_is_waited_for(api, database, patience):
    patience(LONG)
    VectorDatabase.objects.update(status=Status.RUNNING)

    def end():
        VectorDatabase.objects.update(status=Status.COMPLETED)
        publish(topic=f"vector_database:{database.pk}", event="ingestion", data={})

    assert asyncio.run(held(api, f"genai/status/{database.pk}/", end)).status_code == 303


def test_an_upload_leads_to_its_dataset(api, dataset):
    response = api.get(f"status/{dataset.pk}/")

    assert response.status_code == 303
    assert response["Location"] == f"http://testserver/api/v2/datasets/{dataset.pk}/"


def test_nothing_is_told_about_what_one_may_not_see(api, bob, prompt):
    stranger = api_of(bob)

    assert stranger.get(f"genai/status/{prompt.pk}/").status_code == 404
    assert api.get(f"genai/status/{'0' * 24}/").status_code == 404


def test_whoever_loses_access_while_waiting_is_not_told_the_end(vera, vera_api, prompt, patience):
    patience(LONG)

    def leave_and_finish():
        vera.memberships.all().delete()
        finish(prompt)

    response = asyncio.run(held(vera_api, f"genai/status/{prompt.pk}/", leave_and_finish))

    assert json.loads(response.content)["status"] == "ABORTED"


def test_a_real_answer_arrives_through_its_location(api, chat, run_jobs):
    location = api.post("genai/chatPrompts/", {"text": "Which oil?", "chatId": chat.pk})["Location"]
    run_jobs()

    path = location.removeprefix("http://testserver/api/v2/")
    target = api.get(path)["Location"].removeprefix("http://testserver/api/v2/")
    body = api.get(target).json()
    assert body["executionStatus"] == "COMPLETED"
    assert body["resultText"]
    assert body["resultMetadata"]["latencyMilliseconds"] >= 0
    assert body["resultMetadata"]["finalPrompt"]
