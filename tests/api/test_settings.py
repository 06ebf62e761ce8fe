"""The four settings of a prompt, each on its own: used, and written back where they belong."""

from typing import Any

import pytest

from blueprints.models import LLM, Provider
from config.status import Status
from tests.api.conftest import problems
from vectordb import services as vectordb
from vectordb.models import VectorDatabase

URL = "genai/chatPrompts/"
FIELDS = ["llmId", "llmSettings", "vectorDatabaseId", "vectorDatabaseSettings"]


@pytest.fixture
def sent(llm_endpoint, alice, use_case, dataset) -> dict[str, Any]:
    """Another value for each of them than any blueprint here begins with."""
    other = LLM.objects.create(
        id="lab/other", label="Other", provider=Provider.OPENAI, endpoint=llm_endpoint
    )
    database = vectordb.create_vector_database(user=alice, use_case=use_case, dataset=dataset)
    VectorDatabase.objects.filter(pk=database.pk).update(status=Status.COMPLETED)
    return {
        "llmId": other.pk,
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
    }


def settings_of(body: dict[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in FIELDS}


def blueprint_settings(api, blueprint) -> dict[str, Any]:
    return settings_of(api.get(f"genai/llmBlueprints/{blueprint.pk}/").json())


def ask(api, **body: Any) -> dict[str, Any]:
    response = api.post(URL, {"text": "Which oil?"} | body)
    assert response.status_code == 202, response.content
    return settings_of(response.json())


@pytest.mark.parametrize("field", FIELDS)
def test_with_a_chat_it_is_used_and_kept_by_the_chat_alone(api, blueprint, chat, sent, field):
    before = blueprint_settings(api, blueprint)
    changed = before | {field: sent[field]}

    assert ask(api, chatId=chat.pk, **{field: sent[field]}) == changed
    assert ask(api, chatId=chat.pk) == changed
    assert blueprint_settings(api, blueprint) == before
    other = api.post("genai/chats/", {"llmBlueprintId": blueprint.pk, "name": "Other"}).json()
    assert ask(api, chatId=other["id"]) == before


@pytest.mark.parametrize("field", FIELDS)
def test_with_a_blueprint_it_is_used_and_kept_by_the_blueprint(api, blueprint, chat, sent, field):
    changed = blueprint_settings(api, blueprint) | {field: sent[field]}

    assert ask(api, llmBlueprintId=blueprint.pk, **{field: sent[field]}) == changed
    assert blueprint_settings(api, blueprint) == changed
    assert ask(api, llmBlueprintId=blueprint.pk) == changed
    assert ask(api, chatId=chat.pk) == changed


@pytest.mark.parametrize("field", FIELDS)
def test_with_both_it_is_the_chat_that_counts(api, blueprint, chat, sent, field):
    before = blueprint_settings(api, blueprint)

    both = ask(api, chatId=chat.pk, llmBlueprintId=blueprint.pk, **{field: sent[field]})

    assert both == before | {field: sent[field]}
    assert blueprint_settings(api, blueprint) == before


@pytest.mark.parametrize("field", FIELDS)
def test_a_change_of_the_blueprint_takes_back_only_what_it_changes(
    api, blueprint, chat, sent, field
):
    before = blueprint_settings(api, blueprint)
    ask(api, chatId=chat.pk, **sent)

    value = {"llmSettings": {"topP": 1}, "vectorDatabaseSettings": {"maxTokens": 1}}.get(field)
    patched = api.patch(
        f"genai/llmBlueprints/{blueprint.pk}/", {field: value if value else before[field]}
    )

    assert patched.status_code == 200
    assert ask(api, chatId=chat.pk) == sent | {field: patched.json()[field]}


@pytest.mark.parametrize("field", FIELDS)
def test_a_blueprint_asked_by_name_does_not_see_what_its_chat_has(
    api, blueprint, chat, sent, field
):
    before = blueprint_settings(api, blueprint)
    ask(api, chatId=chat.pk, **{field: sent[field]})

    assert ask(api, llmBlueprintId=blueprint.pk) == before


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("through", ["chatId", "llmBlueprintId"])
def test_a_saved_blueprint_refuses_it(api, blueprint, chat, sent, field, through):
    api.patch(f"genai/llmBlueprints/{blueprint.pk}/", {"isSaved": True})
    before = blueprint_settings(api, blueprint)
    whom = {"chatId": chat.pk, "llmBlueprintId": blueprint.pk}[through]

    refused = api.post(URL, {"text": "a", through: whom, field: sent[field]})

    assert problems(refused) == [(["body"], "value_error")]
    assert blueprint_settings(api, blueprint) == before
    assert ask(api, **{through: whom}) == before
    patched = api.patch(f"genai/llmBlueprints/{blueprint.pk}/", {field: sent[field]})
    assert patched.status_code == 422


@pytest.mark.parametrize("field", FIELDS)
def test_null_is_as_if_it_had_not_been_sent(api, chat, sent, field):
    ask(api, chatId=chat.pk, **sent)

    assert ask(api, chatId=chat.pk, **{field: None}) == sent


def test_a_refused_prompt_keeps_nothing(api, blueprint, chat, sent):
    before = blueprint_settings(api, blueprint)
    VectorDatabase.objects.filter(pk=sent["vectorDatabaseId"]).update(status=Status.RUNNING)

    for whom in ({"chatId": chat.pk}, {"llmBlueprintId": blueprint.pk}):
        assert api.post(URL, {"text": "a", **whom, **sent}).status_code == 422

    assert blueprint_settings(api, blueprint) == before
    assert ask(api, chatId=chat.pk) == before


@pytest.mark.parametrize("field", FIELDS)
def test_a_prompt_keeps_what_it_was_asked_with(api, blueprint, sent, field):
    asked = api.post(URL, {"text": "a", "llmBlueprintId": blueprint.pk, **sent}).json()

    api.patch(
        f"genai/llmBlueprints/{blueprint.pk}/",
        {"llmId": "extractive", "llmSettings": {}, "vectorDatabaseSettings": {}},
    )
    api.patch(f"genai/llmBlueprints/{blueprint.pk}/", {"vectorDatabaseId": None})

    assert settings_of(api.get(f"{URL}{asked['id']}/").json()) == sent


@pytest.mark.parametrize("field", ["llmSettings", "vectorDatabaseSettings"])
def test_an_object_replaces_as_a_whole(api, blueprint, chat, sent, field):
    first = blueprint_settings(api, blueprint)
    ask(api, chatId=chat.pk, **sent)

    assert ask(api, chatId=chat.pk, **{field: {}})[field] == first[field]


NOTHING = {
    "llmId": "extractive",  # a blueprint always has one
    "llmSettings": dict.fromkeys(["systemPrompt", "temperature", "topP", "maxCompletionLength"]),
    "vectorDatabaseId": None,
    "vectorDatabaseSettings": {
        "maxDocumentsRetrievedPerPrompt": None,
        "maxTokens": None,
        "addNeighborChunks": False,
        "retriever": "SINGLE_LOOKUP_RETRIEVER",
        "retrievalMode": "similarity",
        "maximalMarginalRelevanceLambda": 0.5,
    },
}


@pytest.mark.parametrize("field", FIELDS)
def test_null_in_a_patch_clears(api, blueprint, sent, field):
    path = f"genai/llmBlueprints/{blueprint.pk}/"
    assert api.patch(path, sent).status_code == 200

    patched = api.patch(path, {field: None})

    assert settings_of(patched.json()) == sent | {field: NOTHING[field]}
