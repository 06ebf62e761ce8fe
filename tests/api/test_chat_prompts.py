"""Asking, reading, judging and deleting, as the GenAI API has it."""

import re

import pytest

from blueprints.llm_settings import LLMSettings
from blueprints.settings import SettingsChanges
from config.status import Status
from playground import services
from playground.models import Chat, ChatPrompt
from tests.api.conftest import problems
from vectordb.retrieval_settings import RetrievalSettings

URL = "genai/chatPrompts/"


def test_it_is_accepted_with_all_keys_and_a_place_to_wait_at(api, chat, blueprint, alice):
    response = api.post(URL, {"text": "  Which oil?\n", "chatId": chat.pk})

    prompt = ChatPrompt.objects.get()
    assert response.status_code == 202
    assert response["Location"] == f"http://testserver/api/v2/genai/status/{prompt.pk}/"
    body = response.json()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", body.pop("creationDate"))
    assert body == {
        "id": prompt.pk,
        "text": "  Which oil?\n",
        "chatId": chat.pk,
        "chatContextId": prompt.context_id,
        "chatPromptIdsIncludedInHistory": [],
        "llmBlueprintId": blueprint.pk,
        "llmId": "extractive",
        "llmSettings": {
            "systemPrompt": None,
            "temperature": None,
            "topP": None,
            "maxCompletionLength": None,
        },
        "vectorDatabaseId": None,
        "vectorDatabaseSettings": {
            "maxDocumentsRetrievedPerPrompt": None,
            "maxTokens": None,
            "addNeighborChunks": False,
            "retriever": "SINGLE_LOOKUP_RETRIEVER",
            "retrievalMode": "similarity",
            "maximalMarginalRelevanceLambda": 0.5,
        },
        "metadataFilter": None,
        "citations": [],
        "confidenceScores": None,
        "creationUserId": alice.pk,
        "userName": "alice",
        "executionStatus": "NEW",
        "resultMetadata": None,
        "resultText": None,
    }


def test_an_answer_has_its_result_citations_and_figures(api, answered):
    body = api.get(f"{URL}{answered.pk}/").json()

    assert body["executionStatus"] == "COMPLETED"
    assert body["resultText"] == "Rapeseed oil. [1]"
    assert body["citations"] == [
        {
            "text": "The lamp burns rapeseed oil.",
            "source": "north.md",
            "chunkId": 1_000_017,
            "page": None,
            "startIndex": 4210,
            "similarityScore": 0.83,
            "metadata": {"File Name": "north.md", "snake_case": 1},
        }
    ]
    assert body["resultMetadata"] == {
        "latencyMilliseconds": 812,
        "inputTokenCount": 140,
        "outputTokenCount": 5,
        "totalTokenCount": 145,
        "estimatedDocsTokenCount": 96,
        "feedbackResult": {"positiveUserIds": [], "negativeUserIds": []},
        "metrics": [],
        "finalPrompt": [{"role": "user", "content": "Which oil?"}],
        "errorMessage": None,
        "cost": 0.00012,
        "blockedResultText": None,
        "providerLLMGuards": None,
    }


def test_a_failed_answer_has_its_message_and_no_text(api, answered):
    ChatPrompt.objects.filter(pk=answered.pk).update(
        status=Status.ERROR, error_message="The LLM is busy: try again.", final_prompt=[]
    )

    body = api.get(f"{URL}{answered.pk}/").json()

    assert body["executionStatus"] == "ERROR"
    assert body["resultText"] is None
    assert body["resultMetadata"]["errorMessage"] == "The LLM is busy: try again."
    assert body["resultMetadata"]["finalPrompt"] is None
    counts = {name: n for name, n in body["resultMetadata"].items() if isinstance(n, int)}
    assert counts == dict.fromkeys(
        [
            "latencyMilliseconds",
            "inputTokenCount",
            "outputTokenCount",
            "totalTokenCount",
            "estimatedDocsTokenCount",
        ],
        0,
    )


def test_an_unfinished_answer_shows_nothing_yet(api, answered):
    ChatPrompt.objects.filter(pk=answered.pk).update(status=Status.RUNNING)

    body = api.get(f"{URL}{answered.pk}/").json()

    assert (body["executionStatus"], body["resultText"]) == ("RUNNING", None)
    assert (body["citations"], body["resultMetadata"]) == ([], None)


def test_the_text_may_be_empty(api, chat):
    assert api.post(URL, {"text": "", "chatId": chat.pk}).status_code == 202


def test_text_is_kept_verbatim(api, chat):
    text = "\t „Ünïcödé“ 🪔 \\n "
    assert api.post(URL, {"text": text, "chatId": chat.pk}).json()["text"] == text


def test_unknown_fields_are_ignored(api, chat):
    body = {"text": "a", "chatId": chat.pk, "colour": "\x00", "retriever": 5}
    assert api.post(URL, body).status_code == 202


# Which chat, which settings.


def test_a_blueprint_alone_asks_its_oldest_chat(api, alice, blueprint, playground, chat):
    services.create_chat(user=alice, playground=playground, blueprint=blueprint, name="Newer")

    body = api.post(URL, {"text": "a", "llmBlueprintId": blueprint.pk}).json()

    assert body["chatId"] == chat.pk


def test_a_blueprint_without_a_chat_gets_one(api, blueprint):
    body = api.post(URL, {"text": "a", "llmBlueprintId": blueprint.pk}).json()

    assert body["chatId"] == Chat.objects.get().pk


SETTINGS = {
    "llmId": "extractive",
    "llmSettings": {
        "systemPrompt": " Be brief. ",
        "temperature": 0,
        "topP": 1,
        "maxCompletionLength": 512,
    },
    "vectorDatabaseSettings": {
        "maxDocumentsRetrievedPerPrompt": 7,
        "maxTokens": 2000,
        "addNeighborChunks": True,
        "retriever": "MULTI_STEP_RETRIEVER",
        "retrievalMode": "maximal_marginal_relevance",
        "maximalMarginalRelevanceLambda": 0.25,
    },
}


def test_settings_are_used_and_echoed(api, chat, database):
    sent = SETTINGS | {"vectorDatabaseId": database.pk}

    body = api.post(URL, {"text": "a", "chatId": chat.pk, **sent}).json()

    assert {name: body[name] for name in sent} == sent


def test_settings_with_a_chat_become_the_chats_own(api, chat, blueprint):
    api.post(URL, {"text": "a", "chatId": chat.pk, **SETTINGS})

    again = api.post(URL, {"text": "b", "chatId": chat.pk}).json()
    blueprint_now = api.get(f"genai/llmBlueprints/{blueprint.pk}/").json()
    assert again["llmSettings"] == SETTINGS["llmSettings"]
    assert again["vectorDatabaseSettings"] == SETTINGS["vectorDatabaseSettings"]
    assert blueprint_now["llmSettings"]["systemPrompt"] is None


def test_settings_with_a_blueprint_become_the_blueprints(api, chat, blueprint):
    api.post(URL, {"text": "a", "llmBlueprintId": blueprint.pk, **SETTINGS})

    assert (
        api.get(f"genai/llmBlueprints/{blueprint.pk}/").json()["llmSettings"]
        == SETTINGS["llmSettings"]
    )
    assert api.post(URL, {"text": "b", "chatId": chat.pk}).json()["llmSettings"]["topP"] == 1


def test_a_settings_object_replaces_the_old_one(api, chat):
    api.post(URL, {"text": "a", "chatId": chat.pk, **SETTINGS})

    body = api.post(URL, {"text": "b", "chatId": chat.pk, "llmSettings": {"topP": 0.5}}).json()

    assert body["llmSettings"]["topP"] == 0.5
    assert body["llmSettings"]["systemPrompt"] is None
    assert body["vectorDatabaseSettings"] == SETTINGS["vectorDatabaseSettings"]


def test_null_settings_are_as_if_absent(api, chat):
    api.post(URL, {"text": "a", "chatId": chat.pk, **SETTINGS})
    nulls = dict.fromkeys([*SETTINGS, "vectorDatabaseId", "metadataFilter", "llmBlueprintId"])

    body = api.post(URL, {"text": "b", "chatId": chat.pk, **nulls}).json()

    assert body["llmSettings"] == SETTINGS["llmSettings"]


def test_a_change_of_the_blueprint_holds_in_its_chats_at_once(api, chat, blueprint):
    api.post(URL, {"text": "a", "chatId": chat.pk, **SETTINGS})
    api.patch(f"genai/llmBlueprints/{blueprint.pk}/", {"llmSettings": {"temperature": 1}})

    body = api.post(URL, {"text": "b", "chatId": chat.pk}).json()

    assert body["llmSettings"]["temperature"] == 1
    assert body["vectorDatabaseSettings"]["maxTokens"] == 2000


def test_a_prompt_keeps_the_settings_it_was_asked_with(api, chat, alice):
    first = api.post(URL, {"text": "a", "chatId": chat.pk, **SETTINGS}).json()
    services.change_chat_settings(
        chat,
        user=alice,
        changes=SettingsChanges(llm_settings=LLMSettings(), retrieval_settings=RetrievalSettings()),
    )

    assert api.get(f"{URL}{first['id']}/").json()["llmSettings"] == SETTINGS["llmSettings"]


def test_metadata_filters_keep_their_keys_and_are_not_written_back(api, chat, database):
    wanted = {"$or": [{"page_number": {"$gte": 2}}, {"File Name": "north.md"}]}
    api.post(
        URL,
        {
            "text": "a",
            "chatId": chat.pk,
            "vectorDatabaseId": database.pk,
            "metadataFilter": wanted,
        },
    )

    first = api.get(URL).json()["data"][0]
    assert first["metadataFilter"] == wanted
    assert api.post(URL, {"text": "b", "chatId": chat.pk}).json()["metadataFilter"] is None


# Refusals that are about more than one field.


def test_a_chat_or_a_blueprint_is_needed(api, llm):
    assert problems(api.post(URL, {"text": "a"})) == [(["body"], "value_error")]


def test_the_chat_must_be_of_the_blueprint(api, alice, playground, chat, blueprint):
    other = services.copy_blueprint(blueprint, user=alice, playground=playground, name="Other")

    response = api.post(URL, {"text": "a", "chatId": chat.pk, "llmBlueprintId": other.pk})

    assert problems(response) == [(["body", "chatId"], "value_error")]


def test_a_frozen_chat_takes_no_prompts(api, chat):
    Chat.objects.update(is_frozen=True)

    response = api.post(URL, {"text": "a", "chatId": chat.pk})

    assert problems(response) == [(["body", "chatId"], "value_error")]


@pytest.mark.parametrize("status", [Status.NEW, Status.RUNNING, Status.ERROR, Status.CANCELLED])
def test_an_unready_vector_database_is_refused(api, chat, database, status):
    database.status = status
    database.save()

    response = api.post(URL, {"text": "a", "chatId": chat.pk, "vectorDatabaseId": database.pk})

    assert problems(response) == [(["body", "vectorDatabaseId"], "value_error")]
    assert not ChatPrompt.objects.exists()


def test_an_unknown_llm_is_refused(api, chat):
    response = api.post(URL, {"text": "a", "chatId": chat.pk, "llmId": "custom-model"})

    assert problems(response) == [(["body", "llmId"], "value_error")]


def test_an_answer_longer_than_the_llm_can_is_refused(api, chat, llm):
    llm.max_completion_length = 4096
    llm.save()
    body = {"text": "a", "chatId": chat.pk}

    fine = api.post(URL, {**body, "llmSettings": {"maxCompletionLength": 4096}})
    refused = api.post(URL, {**body, "llmSettings": {"maxCompletionLength": 4097}})

    assert fine.status_code == 202
    assert problems(refused) == [(["body", "llmSettings", "maxCompletionLength"], "value_error")]


def test_a_saved_blueprint_refuses_settings_but_not_questions(api, chat, blueprint):
    api.patch(f"genai/llmBlueprints/{blueprint.pk}/", {"isSaved": True})

    assert api.post(URL, {"text": "a", "chatId": chat.pk}).status_code == 202
    refused = api.post(URL, {"text": "a", "chatId": chat.pk, "llmSettings": {"topP": 0.1}})
    assert problems(refused) == [(["body"], "value_error")]


def test_an_unknown_filter_operator_is_refused(api, chat):
    response = api.post(
        URL, {"text": "a", "chatId": chat.pk, "metadataFilter": {"page": {"$like": 1}}}
    )

    assert problems(response) == [(["body", "metadataFilter"], "value_error")]


@pytest.mark.parametrize("field", ["chatId", "llmBlueprintId", "vectorDatabaseId"])
@pytest.mark.parametrize("value", ["0" * 24, "", "chat", "x" * 10_000])
def test_ids_of_nothing_are_not_found(api, chat, field, value):
    response = api.post(URL, {"text": "a", "chatId": chat.pk, field: value})

    assert response.status_code == 404
    assert response.json()["detail"].endswith("not found.")
    assert not ChatPrompt.objects.exists()


@pytest.mark.parametrize("field", ["chatId", "llmBlueprintId", "vectorDatabaseId"])
def test_other_peoples_ids_are_not_found(bob_api, chat, blueprint, database, field):
    ids = {"chatId": chat.pk, "llmBlueprintId": blueprint.pk, "vectorDatabaseId": database.pk}
    own = bob_api.post("useCases/", {}).json()
    room = bob_api.post("genai/playgrounds/", {"name": "a", "useCaseId": own["id"]}).json()
    mine = bob_api.post("genai/llmBlueprints/", {"name": "a", "playgroundId": room["id"]}).json()

    response = bob_api.post(URL, {"text": "a", "llmBlueprintId": mine["id"], field: ids[field]})

    assert response.status_code == 404


# Feedback.


def test_feedback_moves_between_the_lists_and_can_be_withdrawn(
    api, vera_api, answered, alice, vera
):
    def judge(caller, feedback):
        response = caller.patch(f"{URL}{answered.pk}/", {"feedbackMetadata": feedback})
        assert response.status_code == 200
        result = response.json()["resultMetadata"]["feedbackResult"]
        return result["positiveUserIds"], result["negativeUserIds"]

    assert judge(api, {"feedback": "1"}) == ([alice.pk], [])
    assert judge(vera_api, {"feedback": "0"}) == ([alice.pk], [vera.pk])
    assert sorted(judge(api, {"feedback": "0"})[1]) == sorted([alice.pk, vera.pk])
    assert judge(api, {}) == ([], [vera.pk])
    assert judge(vera_api, {"feedback": None}) == ([], [])


@pytest.mark.parametrize("value", ["2", 1, True, "", "up"])
def test_other_feedback_is_refused(api, answered, value):
    response = api.patch(f"{URL}{answered.pk}/", {"feedbackMetadata": {"feedback": value}})

    assert problems(response) == [(["body", "feedbackMetadata", "feedback"], "enum")]


def test_an_unfinished_answer_cannot_be_judged(api, prompt):
    response = api.patch(f"{URL}{prompt.pk}/", {"feedbackMetadata": {"feedback": "1"}})

    assert problems(response) == [(["body", "feedbackMetadata", "feedback"], "value_error")]


def test_an_empty_patch_changes_nothing(api, answered):
    assert api.patch(f"{URL}{answered.pk}/", {}).status_code == 200


# Deleting.


def test_a_deleted_prompt_is_gone(api, prompt, chat):
    assert api.delete(f"{URL}{prompt.pk}/").status_code == 204

    assert api.get(f"{URL}{prompt.pk}/").status_code == 404
    assert api.delete(f"{URL}{prompt.pk}/").status_code == 404
    assert api.get(f"genai/chats/{chat.pk}/").json()["promptsCount"] == 0
