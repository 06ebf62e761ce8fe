"""What cannot be asked, and that nothing remains of the attempt."""

from typing import Any

import pytest

from blueprints.models import LLM, Blueprint, LLMEndpoint, Provider
from config.status import Status
from playground import services
from playground.models import Chat, ChatPrompt
from tests.api.conftest import problems
from vectordb import services as vectordb
from vectordb.models import VectorDatabase

URL = "genai/chatPrompts/"
BOTH = ["chatId", "llmBlueprintId"]


@pytest.fixture
def other_llm(llm_endpoint: LLMEndpoint) -> LLM:
    return LLM.objects.create(
        id="lab/other", label="Other", provider=Provider.OPENAI, endpoint=llm_endpoint
    )


@pytest.fixture
def whom(chat: Chat, blueprint: Blueprint) -> dict[str, str]:
    return {"chatId": chat.pk, "llmBlueprintId": blueprint.pk}


def refused(api: Any, *loc: str, **body: Any) -> None:
    before = ChatPrompt.objects.count(), Chat.objects.count()
    response = api.post(URL, {"text": "a"} | body)
    assert problems(response) == [(["body", *loc], "value_error")]
    assert (ChatPrompt.objects.count(), Chat.objects.count()) == before


@pytest.mark.parametrize("nobody", [{}, {"chatId": None}, dict.fromkeys(BOTH)])
def test_nobody_is_asked(api, llm, nobody):
    refused(api, **nobody)


@pytest.mark.parametrize("llm_id", ["", "custom-model", "azure-openai-gpt-4-o", "x" * 10_000])
def test_only_llms_of_the_list_answer(api, chat, llm_id):
    refused(api, "llmId", chatId=chat.pk, llmId=llm_id)


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_listed": False}])
def test_an_llm_that_left_the_list_answers_no_more(api, chat, other_llm, change):
    def ids() -> set[str]:
        return {one["id"] for one in api.get("genai/llms/").json()["data"]}

    assert other_llm.pk in ids()
    LLM.objects.filter(pk=other_llm.pk).update(**change)

    assert other_llm.pk not in ids()
    refused(api, "llmId", chatId=chat.pk, llmId=other_llm.pk)


@pytest.mark.parametrize("through", BOTH)
def test_a_deleted_llm_is_missed_where_it_was_chosen(api, whom, other_llm, through):
    api.post(URL, {"text": "a", through: whom[through], "llmId": other_llm.pk})
    other_llm.delete()

    refused(api, "llmId", **{through: whom[through]})
    again = api.post(URL, {"text": "a", through: whom[through], "llmId": "extractive"})
    assert again.status_code == 202


@pytest.mark.parametrize("through", BOTH)
def test_a_deleted_database_is_missed_where_it_was_chosen(
    api, alice, use_case, dataset, database, whom, through
):
    """A chat's own is not replaced by its blueprint's."""
    other = vectordb.create_vector_database(user=alice, use_case=use_case, dataset=dataset)
    VectorDatabase.objects.filter(pk=other.pk).update(status=Status.COMPLETED)
    api.post(URL, {"text": "a", "llmBlueprintId": whom["llmBlueprintId"]})
    chosen = api.post(URL, {"text": "a", through: whom[through], "vectorDatabaseId": other.pk})
    assert chosen.status_code == 202
    assert api.delete(f"genai/vectorDatabases/{other.pk}/").status_code == 204

    refused(api, "vectorDatabaseId", **{through: whom[through]})
    refused(api, "vectorDatabaseId", **{through: whom[through]}, llmSettings={"topP": 1})
    another = {through: whom[through], "vectorDatabaseId": database.pk}
    assert api.post(URL, {"text": "a"} | another).status_code == 202


@pytest.mark.parametrize("through", BOTH)
@pytest.mark.parametrize("status", [Status.NEW, Status.RUNNING, Status.ERROR, Status.CANCELLED])
def test_a_database_that_is_built_anew_is_waited_for(api, whom, database, through, status):
    """It is not the request that names it."""
    api.post(URL, {"text": "a", through: whom[through], "vectorDatabaseId": database.pk})
    VectorDatabase.objects.update(status=status)

    refused(api, "vectorDatabaseId", **{through: whom[through]})


def test_a_database_of_another_use_case_is_refused(api, alice, chat, dataset):
    elsewhere = api.post("useCases/", {}).json()["id"]
    api.post(f"useCases/{elsewhere}/datasets/{dataset.pk}/")
    body = {"datasetId": dataset.pk, "useCaseId": elsewhere}
    database = api.post("genai/vectorDatabases/", body).json()["id"]
    VectorDatabase.objects.update(status=Status.COMPLETED)

    refused(api, "vectorDatabaseId", chatId=chat.pk, vectorDatabaseId=database)


def test_what_is_refused_makes_no_chat(api, blueprint):
    refused(api, "llmId", llmBlueprintId=blueprint.pk, llmId="x")
    refused(api, "metadataFilter", llmBlueprintId=blueprint.pk, metadataFilter={"a": {"$x": 1}})
    assert not Chat.objects.exists()


@pytest.mark.parametrize("through", BOTH)
@pytest.mark.parametrize(
    ("loc", "wrong"),
    [
        (["metadataFilter"], {"metadataFilter": {"a": {"$x": 1}}}),
        (["llmId"], {"llmId": "x"}),
        (["text"], {"text": "a\x00"}),
        (["llmSettings", "maxCompletionLength"], {"llmSettings": {"maxCompletionLength": 101}}),
    ],
    ids=["filter", "LLM", "text", "length"],
)
def test_what_is_refused_writes_no_settings_back(api, whom, llm, through, loc, wrong):
    LLM.objects.update(max_completion_length=100)
    fine = {"llmSettings": {"topP": 0.25}, "vectorDatabaseSettings": {"maxTokens": 7}}

    refused(api, *loc, **({through: whom[through]} | fine | wrong))

    after = api.post(URL, {"text": "a", through: whom[through]}).json()
    assert after["llmSettings"]["topP"] is after["vectorDatabaseSettings"]["maxTokens"] is None


def test_frozen_chats_are_passed_over(api, alice, playground, blueprint, chat):
    """The oldest that takes questions is asked; the list shows the same one."""
    open_chat = services.create_chat(user=alice, playground=playground, blueprint=blueprint)
    Chat.objects.filter(pk=chat.pk).update(is_frozen=True)
    refused(api, "chatId", chatId=chat.pk)
    refused(api, "chatId", chatId=chat.pk, llmBlueprintId=blueprint.pk)

    asked = api.post(URL, {"text": "a", "llmBlueprintId": blueprint.pk}).json()

    assert asked["chatId"] == open_chat.pk
    listed = api.get(URL, {"llmBlueprintId": blueprint.pk}).json()["data"]
    assert [one["id"] for one in listed] == [asked["id"]]
    Chat.objects.update(is_frozen=True)
    another = api.post(URL, {"text": "b", "llmBlueprintId": blueprint.pk}).json()
    assert another["chatId"] not in {chat.pk, open_chat.pk}


@pytest.mark.parametrize(("longest", "size"), [(100, None), (100, 50), (None, 100)])
def test_an_answer_is_as_long_as_the_llm_says(api, chat, llm, longest, size):
    """As long as its context where nothing else is known; what counts is the LLM in force."""
    LLM.objects.update(max_completion_length=longest, context_size=size)
    loc = ["llmSettings", "maxCompletionLength"]

    def settings(length: int) -> Any:
        return {"chatId": chat.pk, "llmSettings": {"maxCompletionLength": length}}

    assert api.post(URL, {"text": "a"} | settings(100)).status_code == 202
    refused(api, *loc, **settings(101))
    definitions = api.get("genai/llms/").json()["data"][0]["settings"]
    assert definitions[0]["constraints"]["maxValue"] == 100
    LLM.objects.update(max_completion_length=99)
    refused(api, *loc, chatId=chat.pk)


def test_without_a_known_bound_any_length_is_taken(api, chat, llm):
    LLM.objects.update(max_completion_length=None, context_size=None)
    body = {"text": "a", "chatId": chat.pk, "llmSettings": {"maxCompletionLength": 2**31 - 1}}

    assert api.post(URL, body).status_code == 202


def test_the_longest_texts_are_taken_together(api, chat):
    text = "🪔" * 500_000  # 12 bytes each, as JSON writes them
    body = {"text": text, "chatId": chat.pk, "llmSettings": {"systemPrompt": text}}

    response = api.post(URL, body)

    assert response.status_code == 202
    assert response.json()["llmSettings"]["systemPrompt"] == text


@pytest.mark.parametrize("given", [None, {}])
def test_a_filter_of_nothing_is_kept_as_it_was_sent(api, chat, given):
    body = {"text": "a", "chatId": chat.pk, "metadataFilter": given}

    assert api.post(URL, body).json()["metadataFilter"] == given
