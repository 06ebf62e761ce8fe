"""Blueprints: what each field may be, what copies take over, what saving locks."""

from typing import Any

import pytest

from accounts.models import Membership, Role, User
from blueprints.models import LLM, Provider
from config.status import Status
from playground.models import Chat
from tests.api.conftest import api_of, problems
from vectordb import services as vectordb
from vectordb.models import VectorDatabase

BLUEPRINTS = "genai/llmBlueprints/"
NOTHING = "0" * 24
SETTINGS = ("llmId", "llmSettings", "vectorDatabaseId", "vectorDatabaseSettings", "promptType")


@pytest.fixture
def others(llm_endpoint, alice, use_case, dataset) -> dict[str, Any]:
    """A value for each of the settings that no blueprint here begins with."""
    LLM.objects.create(
        id="lab/other", label="Other", provider=Provider.OPENAI, endpoint=llm_endpoint
    )
    database = vectordb.create_vector_database(user=alice, use_case=use_case, dataset=dataset)
    VectorDatabase.objects.filter(pk=database.pk).update(status=Status.COMPLETED)
    return {
        "llmId": "lab/other",
        "llmSettings": {
            "systemPrompt": "Be brief.",
            "temperature": 0.5,
            "topP": 0.25,
            "maxCompletionLength": 7,
        },
        "vectorDatabaseId": database.pk,
        "vectorDatabaseSettings": {
            "maxDocumentsRetrievedPerPrompt": 3,
            "maxTokens": 333,
            "addNeighborChunks": True,
            "retriever": "CONVERSATIONAL_RETRIEVER",
            "retrievalMode": "maximal_marginal_relevance",
            "maximalMarginalRelevanceLambda": 0.75,
        },
        "promptType": "ONE_TIME_PROMPT",
    }


@pytest.fixture
def path(blueprint) -> str:
    return f"{BLUEPRINTS}{blueprint.pk}/"


def settings_of(response: Any) -> dict[str, Any]:
    assert response.status_code in {200, 201}, response.content
    return {name: response.json()[name] for name in SETTINGS}


def test_a_blueprint_has_these_fields_and_no_others(api, path, playground, blueprint, alice, llm):
    shown = api.get(path).json()

    assert shown.pop("creationDate").endswith("Z")
    assert shown.pop("lastUpdateDate").endswith("Z")
    assert shown.pop("llmSettings").keys() == {
        "systemPrompt",
        "temperature",
        "topP",
        "maxCompletionLength",
    }
    assert shown.pop("vectorDatabaseSettings")["retriever"] == "SINGLE_LOOKUP_RETRIEVER"
    assert shown == {
        "id": blueprint.pk,
        "playgroundId": playground.pk,
        "name": "Baseline",
        "description": "",
        "isSaved": False,
        "isStarred": False,
        "promptType": "CHAT_HISTORY_AWARE",
        "llmId": "extractive",
        "llmName": llm.label,
        "vectorDatabaseId": None,
        "vectorDatabaseName": None,
        "vectorDatabaseStatus": None,
        "vectorDatabaseErrorMessage": None,
        "vectorDatabaseErrorResolution": None,
        "vectorDatabaseFamilyId": None,
        "customModelLLMValidationStatus": None,
        "customModelLLMErrorMessage": None,
        "customModelLLMErrorResolution": None,
        "warning": None,
        "creationUserId": alice.pk,
        "creationUserName": "alice",
        "lastUpdateUserId": alice.pk,
    }


def test_a_new_blueprint_is_a_draft_that_knows_history(api, playground, llm):
    made = api.post(BLUEPRINTS, {"playgroundId": playground.pk, "name": "New"}).json()

    assert (made["isSaved"], made["isStarred"]) == (False, False)
    assert (made["promptType"], made["description"]) == ("CHAT_HISTORY_AWARE", "")


@pytest.mark.parametrize(
    ("route", "needed"),
    [
        ("", "playgroundId"),
        ("fromLLMBlueprint/", "llmBlueprintId"),
        ("fromChatPrompt/", "chatPromptId"),
    ],
)
def test_what_it_is_made_from_and_a_name_are_needed(api, llm, route, needed):
    assert problems(api.post(f"{BLUEPRINTS}{route}", {})) == [
        (["body", name], "missing") for name in sorted(("name", needed))
    ]
    for wrong in (None, 5):
        refused = api.post(f"{BLUEPRINTS}{route}", {"name": "x", needed: wrong})
        assert problems(refused) == [(["body", needed], "string_type")]
    for unknown in (NOTHING, "x", ""):
        assert api.post(f"{BLUEPRINTS}{route}", {"name": "x", needed: unknown}).status_code == 404


@pytest.mark.parametrize(
    ("field", "value", "loc", "kind"),
    [
        ("llmId", 5, [], "string_type"),
        ("llmId", "gone", [], "value_error"),
        ("llmSettings", "x", [], "model_attributes_type"),
        ("llmSettings", {"temperature": "1"}, ["temperature"], "float_type"),
        ("llmSettings", {"topP": True}, ["topP"], "float_type"),
        ("llmSettings", {"systemPrompt": 5}, ["systemPrompt"], "string_type"),
        ("llmSettings", {"systemPrompt": "x" * 500_001}, ["systemPrompt"], "string_too_long"),
        ("llmSettings", {"maxCompletionLength": 1.5}, ["maxCompletionLength"], "int_from_float"),
        ("vectorDatabaseId", 5, [], "string_type"),
        ("vectorDatabaseSettings", [], [], "model_attributes_type"),
        ("vectorDatabaseSettings", {"maxTokens": "1"}, ["maxTokens"], "int_type"),
        ("vectorDatabaseSettings", {"addNeighborChunks": 1}, ["addNeighborChunks"], "bool_type"),
        ("vectorDatabaseSettings", {"retriever": "single_lookup"}, ["retriever"], "enum"),
        ("vectorDatabaseSettings", {"retrievalMode": "mmr"}, ["retrievalMode"], "enum"),
    ],
)
def test_settings_are_checked(api, playground, path, field, value, loc, kind):
    before = settings_of(api.get(path))

    for refused in (
        api.post(BLUEPRINTS, {"playgroundId": playground.pk, "name": "x", field: value}),
        api.patch(path, {field: value}),
    ):
        assert problems(refused) == [(["body", field, *loc], kind)]
    assert settings_of(api.get(path)) == before


def test_a_vector_database_must_be_there(api, playground, path):
    body = {"playgroundId": playground.pk, "name": "x", "vectorDatabaseId": NOTHING}

    assert api.post(BLUEPRINTS, body).status_code == 404
    assert api.patch(path, {"vectorDatabaseId": NOTHING}).status_code == 404


def test_a_system_prompt_may_be_very_long(api, path):
    text = "x" * 500_000

    changed = api.patch(path, {"llmSettings": {"systemPrompt": text}})

    assert changed.json()["llmSettings"]["systemPrompt"] == text


@pytest.mark.parametrize("field", SETTINGS)
def test_each_setting_changes_alone(api, path, others, field):
    before = settings_of(api.get(path))

    assert settings_of(api.patch(path, {field: others[field]})) == before | {field: others[field]}


def test_another_vector_database_keeps_the_settings(api, path, others, database):
    api.patch(path, others)

    changed = settings_of(api.patch(path, {"vectorDatabaseId": database.pk}))

    assert changed == others | {"vectorDatabaseId": database.pk}


def test_a_change_tells_who_made_it_and_when(api, use_case, path, blueprint, alice):
    editor = User.objects.create_user("edith@example.com", "correct horse battery")
    Membership.objects.create(use_case=use_case, user=editor, role=Role.EDITOR)
    before = api.get(path).json()

    after = api_of(editor).patch(path, {"description": "Why"}).json()

    assert (after["creationUserId"], after["lastUpdateUserId"]) == (alice.pk, editor.pk)
    assert after["creationDate"] == before["creationDate"]
    assert after["lastUpdateDate"] > before["lastUpdateDate"]


# Copies.


def test_a_copy_takes_over_all_settings(api, path, blueprint, playground, others):
    api.patch(path, others | {"isSaved": True, "isStarred": True})

    made = api.post(
        f"{BLUEPRINTS}fromLLMBlueprint/", {"llmBlueprintId": blueprint.pk, "name": "Copy"}
    )

    assert settings_of(made) == others
    shown = made.json()
    assert shown["id"] != blueprint.pk
    assert (shown["playgroundId"], shown["name"]) == (playground.pk, "Copy")
    assert (shown["isSaved"], shown["isStarred"]) == (False, False)


@pytest.mark.parametrize("description", ["", " Of it.\n"])
def test_a_copy_is_described_as_it_is_told(api, path, blueprint, description):
    api.patch(path, {"description": "Original"})
    body = {"llmBlueprintId": blueprint.pk, "name": "Copy", "description": description}

    assert api.post(f"{BLUEPRINTS}fromLLMBlueprint/", body).json()["description"] == description


def test_a_blueprint_from_a_prompt_takes_over_all_of_its_settings(
    api, path, blueprint, playground, others
):
    asked = {name: others[name] for name in SETTINGS if name != "promptType"}
    chat = api.post("genai/chats/", {"llmBlueprintId": blueprint.pk}).json()["id"]
    prompt = api.post("genai/chatPrompts/", {"text": "a", "chatId": chat, **asked}).json()["id"]
    api.patch(path, {"llmSettings": {"topP": 1}, "promptType": "ONE_TIME_PROMPT"})

    made = api.post(
        f"{BLUEPRINTS}fromChatPrompt/",
        {"chatPromptId": prompt, "name": "Found", "description": "By chance"},
    )

    assert settings_of(made) == asked | {"promptType": "CHAT_HISTORY_AWARE"}
    shown = made.json()
    assert (shown["playgroundId"], shown["description"]) == (playground.pk, "By chance")
    assert (shown["isSaved"], shown["isStarred"]) == (False, False)


# Saving.


@pytest.mark.parametrize("field", SETTINGS)
def test_saving_locks_each_setting(api, path, others, field):
    api.patch(path, {"isSaved": True})
    before = api.get(path).json()

    refused = api.patch(path, {field: others[field]})

    assert problems(refused) == [(["body"], "value_error")]
    assert api.get(path).json() == before


@pytest.mark.parametrize("field", ["llmId", "vectorDatabaseId", "llmSettings"])
def test_saving_locks_against_clearing_too(api, path, others, field):
    api.patch(path, others | {"isSaved": True})

    assert problems(api.patch(path, {field: None})) == [(["body"], "value_error")]
    assert settings_of(api.get(path)) == others


def test_what_is_locked_may_be_sent_as_it_is(api, path, others):
    api.patch(path, others | {"isSaved": True})

    assert settings_of(api.patch(path, others | {"name": "New"})) == others


def test_saved_stays_saved(api, path):
    api.patch(path, {"isSaved": True})

    assert problems(api.patch(path, {"isSaved": False})) == [(["body", "isSaved"], "value_error")]
    assert api.patch(path, {"isSaved": True}).status_code == 200


@pytest.mark.parametrize(
    "change", [{"name": "New"}, {"description": "New"}, {"isStarred": True}, {"isStarred": False}]
)
def test_what_is_saved_can_still_be_named_and_starred(api, path, change):
    api.patch(path, {"isSaved": True})
    before = api.get(path).json()
    changed = api.patch(path, change).json()

    assert changed == before | change | {"lastUpdateDate": changed["lastUpdateDate"]}


def test_a_refused_change_changes_nothing_of_it(api, path):
    api.patch(path, {"isSaved": True})

    assert api.patch(path, {"name": "New", "llmSettings": {"topP": 0.5}}).status_code == 422
    assert api.get(path).json()["name"] == "Baseline"


def test_a_deleted_blueprint_takes_its_chats_along(api, path, blueprint, chat, prompt):
    response = api.delete(path)

    assert (response.status_code, response.content) == (204, b"")
    assert [api.get(path).status_code, api.delete(path).status_code] == [404, 404]
    assert not Chat.objects.exists()
