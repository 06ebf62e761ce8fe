"""Playgrounds and their chats: every field, who changed what, what is needed."""

from typing import Any

import pytest

from accounts.models import Membership, Role, User
from playground import services
from playground.models import Chat, Playground
from tests.api.conftest import Api, api_of, problems

PLAYGROUNDS = "genai/playgrounds/"
CHATS = "genai/chats/"
NOTHING = "0" * 24


@pytest.fixture
def edith(use_case) -> User:
    """An editor of alice's use case."""
    user = User.objects.create_user("edith@example.com", "correct horse battery", name="Edith E.")
    Membership.objects.create(use_case=use_case, user=user, role=Role.EDITOR)
    return user


@pytest.fixture
def ediths_api(edith) -> Api:
    return api_of(edith)


def test_a_playground_has_these_fields_and_no_others(ediths_api, edith, use_case):
    made = ediths_api.post(PLAYGROUNDS, {"name": "Lamps", "useCaseId": use_case.pk}).json()

    assert made["creationDate"].endswith("Z")
    assert made["lastUpdateDate"].endswith("Z")
    del made["creationDate"], made["lastUpdateDate"]
    assert made == {
        "id": Playground.objects.get().pk,
        "name": "Lamps",
        "description": "",
        "useCaseId": use_case.pk,
        "playgroundType": "rag",
        "llmBlueprintsCount": 0,
        "savedLLMBlueprintsCount": 0,
        "creationUserId": edith.pk,
        "userName": "Edith E.",
        "lastUpdateUserId": edith.pk,
    }


def test_a_change_tells_who_made_it_and_when(api, ediths_api, alice, edith, playground):
    path = f"{PLAYGROUNDS}{playground.pk}/"
    before = api.get(path).json()

    after = ediths_api.patch(path, {"description": "Dim"}).json()

    assert (after["lastUpdateUserId"], after["creationUserId"]) == (edith.pk, alice.pk)
    assert after["creationDate"] == before["creationDate"]
    assert after["lastUpdateDate"] > before["lastUpdateDate"]
    assert (after["name"], after["userName"]) == ("Lamps", "alice")


@pytest.mark.parametrize("value", [None, 5, ["a"]])
def test_a_use_case_is_an_id(api, llm, value):
    refused = api.post(PLAYGROUNDS, {"name": "x", "useCaseId": value})

    assert problems(refused) == [(["body", "useCaseId"], "string_type")]


@pytest.mark.parametrize("value", [NOTHING, "", "x"])
def test_a_use_case_must_be_there(api, llm, value):
    assert api.post(PLAYGROUNDS, {"name": "x", "useCaseId": value}).status_code == 404


@pytest.mark.parametrize("word", ["RAG", "", None, 1])
def test_there_are_two_types_of_playgrounds(api, use_case, word):
    refused = api.post(PLAYGROUNDS, {"name": "x", "useCaseId": use_case.pk, "playgroundType": word})

    assert problems(refused) == [(["body", "playgroundType"], "enum")]


def test_a_name_is_not_taken_away(api, playground):
    path = f"{PLAYGROUNDS}{playground.pk}/"

    assert problems(api.patch(path, {"name": None})) == [(["body", "name"], "string_type")]
    assert api.patch(path, {}).json()["name"] == "Lamps"


def test_what_cannot_be_changed_is_ignored(api, playground, use_case):
    path = f"{PLAYGROUNDS}{playground.pk}/"

    changed = api.patch(path, {"useCaseId": NOTHING, "playgroundType": "agentic"}).json()

    assert (changed["useCaseId"], changed["playgroundType"]) == (use_case.pk, "rag")


def test_a_deleted_playground_is_gone(api, playground, chat):
    path = f"{PLAYGROUNDS}{playground.pk}/"

    response = api.delete(path)

    assert (response.status_code, response.content) == (204, b"")
    assert [api.get(path).status_code, api.delete(path).status_code] == [404, 404]
    assert not Chat.objects.exists()


def test_filters_of_playgrounds_combine(api, alice, use_case, playground):
    other = api.post("useCases/", {}).json()["id"]
    api.post(PLAYGROUNDS, {"name": "Lamp oil", "useCaseId": other})

    def found(**query: Any) -> list[str]:
        return [one["name"] for one in api.get(PLAYGROUNDS, query).json()["data"]]

    assert found(search="lamp") == ["Lamp oil", "Lamps"]
    assert found(search="lamp", useCaseId=use_case.pk) == ["Lamps"]
    assert found(search="oil", useCaseId=use_case.pk) == []
    assert found(useCaseId=[other, use_case.pk], sort="-name") == ["Lamps", "Lamp oil"]


# Chats.


@pytest.mark.parametrize("value", [None, 5])
def test_a_blueprint_is_an_id(api, llm, value):
    refused = api.post(CHATS, {"name": "x", "llmBlueprintId": value})

    assert problems(refused) == [(["body", "llmBlueprintId"], "string_type")]


def test_a_chat_may_be_somebody_elses(api, ediths_api, edith, chat, blueprint):
    body = {"llmBlueprintId": blueprint.pk, "name": "Hers"}
    made = ediths_api.post(CHATS, body).json()

    assert made["creationUserId"] == edith.pk
    assert api.get(f"{CHATS}{made['id']}/").json() == made
    assert api.get(CHATS, {"llmBlueprintId": blueprint.pk}).json()["count"] == 2


def test_chats_are_those_of_one_blueprint(api, alice, playground, chat, blueprint):
    other = services.copy_blueprint(blueprint, user=alice, playground=playground, name="Other")
    made = api.post(CHATS, {"llmBlueprintId": other.pk, "name": "Second"}).json()

    def found(**query: Any) -> list[str]:
        return [one["id"] for one in api.get(CHATS, query).json()["data"]]

    assert found() == [made["id"], chat.pk]
    assert found(llmBlueprintId=blueprint.pk) == [chat.pk]
    assert found(llmBlueprintId=other.pk, sort="-name") == [made["id"]]


def test_a_frozen_chat_says_so(api, chat):
    Chat.objects.update(is_frozen=True)

    assert api.get(f"{CHATS}{chat.pk}/").json()["isFrozen"] is True


def test_a_chat_counts_its_prompts(api, alice, chat):
    path = f"{CHATS}{chat.pk}/"
    asked = [services.ask(user=alice, text="a", chat=chat) for _ in range(2)]

    assert api.get(path).json()["promptsCount"] == 2
    services.delete_prompt(asked[0], user=alice)
    assert api.get(path).json()["promptsCount"] == 1
    assert api.get(CHATS).json()["data"][0]["promptsCount"] == 1


@pytest.mark.parametrize(
    ("change", "kind"), [({"name": None}, "string_type"), ({"name": "  "}, "value_error")]
)
def test_a_chat_keeps_its_name(api, chat, change, kind):
    path = f"{CHATS}{chat.pk}/"

    assert problems(api.patch(path, change)) == [(["body", "name"], kind)]
    assert api.patch(path, {}).json()["name"] == "First"


def test_a_deleted_chat_is_gone(api, chat, prompt):
    path = f"{CHATS}{chat.pk}/"

    response = api.delete(path)

    assert (response.status_code, response.content) == (204, b"")
    assert [api.get(path).status_code, api.delete(path).status_code] == [404, 404]
    assert api.get(f"genai/chatPrompts/{prompt.pk}/").status_code == 404
