"""LLMs, playgrounds, blueprints and chats."""

import pytest

from blueprints.models import LLM, LLMEndpoint
from config.status import Status
from playground import services
from playground.models import Chat, ChatPrompt
from tests.api.conftest import problems

LLMS = "genai/llms/"
BLUEPRINTS = "genai/llmBlueprints/"
CHATS = "genai/chats/"
PLAYGROUNDS = "genai/playgrounds/"


def names(response):
    assert response.status_code == 200, response.content
    return [record["name"] for record in response.json()["data"]]


# LLMs.


def test_an_llm_tells_what_can_be_set(api, llm):
    LLM.objects.update(max_completion_length=4096, context_size=8192)

    (shown,) = api.get(LLMS, {"moderationSupportedOnly": "False"}).json()["data"]

    settings = {setting["id"]: setting for setting in shown.pop("settings")}
    assert shown["id"] == "extractive"
    assert shown["contextSize"] == 8192
    texts = ("name", "description", "vendor", "license", "supportedLanguages")
    assert all(shown[text] for text in texts)
    assert list(settings) == ["maxCompletionLength", "temperature", "topP", "systemPrompt"]
    assert settings["maxCompletionLength"]["constraints"]["maxValue"] == 4096
    assert settings["temperature"]["constraints"] == {
        "type": "float",
        "minValue": 0,
        "maxValue": 2,
        "minLength": None,
        "maxLength": None,
        "allowedChoices": None,
    }
    assert settings["systemPrompt"]["format"] == "multiline"
    assert settings["systemPrompt"]["constraints"]["maxLength"] == 500_000


def test_only_usable_llms_are_listed(api, llm):
    endpoint = LLMEndpoint.objects.create(name="Off", base_url="http://x/v1", is_active=False)
    LLM.objects.create(id="off", label="Off", provider="openai", endpoint=endpoint)

    assert [record["id"] for record in api.get(LLMS).json()["data"]] == ["extractive"]


def test_llms_of_a_use_case_are_those_of_one_that_you_see(api, bob_api, llm, use_case):
    assert api.get(LLMS, {"useCaseId": use_case.pk}).json()["totalCount"] == 1
    assert bob_api.get(LLMS, {"useCaseId": use_case.pk}).json()["totalCount"] == 0
    assert api.get(LLMS, {"moderationSupportedOnly": "True"}).json()["totalCount"] == 0


# Playgrounds.


def test_a_playground_has_all_its_fields(api, use_case, alice):
    response = api.post(
        PLAYGROUNDS, {"name": "Lamps", "description": " dim ", "useCaseId": use_case.pk}
    )

    body = response.json()
    assert response.status_code == 201
    assert body["name"] == "Lamps"
    assert body["description"] == " dim "
    assert body["useCaseId"] == use_case.pk
    assert body["playgroundType"] == "rag"
    assert (body["llmBlueprintsCount"], body["savedLLMBlueprintsCount"]) == (0, 0)
    assert body["creationUserId"] == body["lastUpdateUserId"] == alice.pk
    assert body["userName"] == "alice"
    assert body == api.get(f"{PLAYGROUNDS}{body['id']}/").json()


def test_a_playground_counts_its_blueprints(api, playground, alice, blueprint):
    services.copy_blueprint(blueprint, user=alice, playground=playground, name="Copy")
    api.patch(f"{BLUEPRINTS}{blueprint.pk}/", {"isSaved": True})

    body = api.get(f"{PLAYGROUNDS}{playground.pk}/").json()

    assert (body["llmBlueprintsCount"], body["savedLLMBlueprintsCount"]) == (2, 1)


def test_playgrounds_are_searched_filtered_and_sorted(api, use_case):
    other = api.post("useCases/", {"name": "Other"}).json()["id"]
    for name, where in [("Brass lamps", use_case.pk), ("Oil", other), ("LAMP oil", use_case.pk)]:
        api.post(PLAYGROUNDS, {"name": name, "description": "", "useCaseId": where})

    assert names(api.get(PLAYGROUNDS)) == ["LAMP oil", "Oil", "Brass lamps"]
    assert names(api.get(PLAYGROUNDS, {"search": "lamp"})) == ["LAMP oil", "Brass lamps"]
    assert names(api.get(PLAYGROUNDS, {"useCaseId": other})) == ["Oil"]
    both = {"useCaseId": [other, use_case.pk], "sort": "name"}
    assert names(api.get(PLAYGROUNDS, both)) == ["Brass lamps", "LAMP oil", "Oil"]
    assert names(api.get(PLAYGROUNDS, {"sort": "-name"})) == ["Oil", "LAMP oil", "Brass lamps"]
    for sort in ("savedLLMBlueprintsCount", "-lastUpdateDate", "creationUserId", "description"):
        assert len(names(api.get(PLAYGROUNDS, {"sort": sort}))) == 3


@pytest.mark.parametrize("sort", ["x", "created_at", "--name", ""])
def test_an_unknown_sort_is_refused(api, llm, sort):
    assert problems(api.get(PLAYGROUNDS, {"sort": sort})) == [(["query", "sort"], "enum")]


def test_a_playground_needs_a_name_and_a_use_case(api, llm):
    assert problems(api.post(PLAYGROUNDS, {"playgroundType": "x"})) == [
        (["body", "name"], "missing"),
        (["body", "playgroundType"], "enum"),
        (["body", "useCaseId"], "missing"),
    ]


def test_copying_insights_is_refused_not_ignored(api, use_case):
    body = {"name": "a", "useCaseId": use_case.pk, "copyInsights": {"sourcePlaygroundId": "a"}}
    assert problems(api.post(PLAYGROUNDS, body)) == [(["body", "copyInsights"], "value_error")]


def test_a_description_can_be_cleared(api, playground):
    path = f"{PLAYGROUNDS}{playground.pk}/"
    api.patch(path, {"description": "dim"})

    assert api.patch(path, {"description": None}).json()["description"] == ""
    assert api.patch(path, {"name": "New"}).json()["name"] == "New"


def test_a_deleted_playground_takes_everything_inside_along(api, playground, prompt, blueprint):
    assert api.delete(f"{PLAYGROUNDS}{playground.pk}/").status_code == 204

    assert api.get(f"genai/chatPrompts/{prompt.pk}/").status_code == 404
    assert api.get(f"{BLUEPRINTS}{blueprint.pk}/").status_code == 404


# Blueprints.


def test_a_blueprint_has_all_its_fields(api, playground, database, llm, alice):
    sent = {
        "playgroundId": playground.pk,
        "name": "Strict",
        "description": "",
        "promptType": "ONE_TIME_PROMPT",
        "llmId": "extractive",
        "llmSettings": {
            "systemPrompt": "Be brief.",
            "temperature": 0.5,
            "topP": None,
            "maxCompletionLength": 100,
        },
        "vectorDatabaseId": database.pk,
        "vectorDatabaseSettings": {
            "maxDocumentsRetrievedPerPrompt": 10,
            "maxTokens": 51_200,
            "addNeighborChunks": True,
            "retriever": "SINGLE_LOOKUP_RETRIEVER",
            "retrievalMode": "similarity",
            "maximalMarginalRelevanceLambda": 0.5,
        },
    }

    response = api.post(BLUEPRINTS, sent)

    body = response.json()
    assert response.status_code == 201
    assert {name: body[name] for name in sent} == sent
    assert (body["isSaved"], body["isStarred"]) == (False, False)
    assert body["llmName"] == llm.label
    assert body["vectorDatabaseName"] == "Vector Database for Handbook"
    assert body["vectorDatabaseStatus"] == "COMPLETED"
    assert body["vectorDatabaseFamilyId"] == database.family_id
    assert body["creationUserName"] == "alice"
    assert body["warning"] is None
    assert body == api.get(f"{BLUEPRINTS}{body['id']}/").json()


def test_everything_wrong_with_a_blueprint_is_told_at_once(api, llm):
    response = api.post(
        BLUEPRINTS,
        {"name": "", "promptType": "x", "vectorDatabaseSettings": {"maxTokens": 51_201}},
    )

    assert problems(response) == [
        (["body", "name"], "string_too_short"),
        (["body", "playgroundId"], "missing"),
        (["body", "promptType"], "enum"),
        (["body", "vectorDatabaseSettings", "maxTokens"], "less_than_equal"),
    ]


def test_a_copy_has_the_same_settings_and_is_a_draft(api, blueprint):
    changes = {"llmSettings": {"topP": 0.5}, "promptType": "ONE_TIME_PROMPT", "isSaved": True}
    api.patch(f"{BLUEPRINTS}{blueprint.pk}/", changes)

    response = api.post(
        f"{BLUEPRINTS}fromLLMBlueprint/", {"llmBlueprintId": blueprint.pk, "name": "Copy"}
    )

    body = response.json()
    assert response.status_code == 201
    assert (body["name"], body["isSaved"], body["promptType"]) == ("Copy", False, "ONE_TIME_PROMPT")
    assert body["llmSettings"]["topP"] == 0.5


def test_a_blueprint_from_a_prompt_has_the_prompts_settings(api, chat):
    asked = api.post(
        "genai/chatPrompts/",
        {"text": "a", "chatId": chat.pk, "llmSettings": {"systemPrompt": "Own."}},
    ).json()

    response = api.post(
        f"{BLUEPRINTS}fromChatPrompt/", {"chatPromptId": asked["id"], "name": "From prompt"}
    )

    body = response.json()
    assert response.status_code == 201
    assert body["llmSettings"]["systemPrompt"] == "Own."
    assert not body["isSaved"]


def test_blueprints_are_filtered(api, alice, playground, blueprint, database):
    copy = services.copy_blueprint(blueprint, user=alice, playground=playground, name="Copy")
    path = f"{BLUEPRINTS}{copy.pk}/"
    changes = {"vectorDatabaseId": database.pk, "isStarred": True, "isSaved": True}
    assert api.patch(path, changes).status_code == 200

    for query in (
        {"isSaved": "True"},
        {"isStarred": "true"},
        {"isSaved": "1", "isStarred": "1"},
        {"vectorDatabaseIds": database.pk},
        {"vectorDatabases": [database.pk, "x"]},
        {"playgroundId": playground.pk, "isSaved": "TRUE"},
        {"llmIds": ["x", "extractive"], "isStarred": "True"},
    ):
        assert names(api.get(BLUEPRINTS, query)) == ["Copy"], query
    assert names(api.get(BLUEPRINTS, {"isSaved": "False"})) == ["Baseline"]
    assert names(api.get(BLUEPRINTS, {"sort": "vectorDatabaseId"})) == ["Copy", "Baseline"]
    for query in ({"llmIds": "x"}, {"playgroundId": "x"}, {"isSaved": "0", "isStarred": "1"}):
        assert names(api.get(BLUEPRINTS, query)) == [], query
    assert problems(api.get(BLUEPRINTS, {"isSaved": "yes"})) == [
        (["query", "isSaved"], "bool_parsing")
    ]


def test_explicit_null_clears_and_absence_keeps(api, blueprint, database):
    path = f"{BLUEPRINTS}{blueprint.pk}/"
    api.patch(path, {"vectorDatabaseId": database.pk, "vectorDatabaseSettings": {"maxTokens": 9}})

    kept = api.patch(path, {"description": "New"}).json()
    cleared = api.patch(path, {"vectorDatabaseId": None}).json()

    assert kept["vectorDatabaseId"] == database.pk
    assert (cleared["vectorDatabaseId"], cleared["vectorDatabaseStatus"]) == (None, None)
    assert cleared["vectorDatabaseSettings"]["maxTokens"] == 9


@pytest.mark.parametrize(
    "change",
    [
        {"llmSettings": {"topP": 0.1}},
        {"vectorDatabaseSettings": {"maxTokens": 5}},
        {"promptType": "ONE_TIME_PROMPT"},
        {"isSaved": False},
    ],
)
def test_a_saved_blueprint_is_locked(api, blueprint, change):
    path = f"{BLUEPRINTS}{blueprint.pk}/"
    api.patch(path, {"isSaved": True})

    assert api.patch(path, change).status_code == 422
    assert api.patch(path, {"name": "New", "isStarred": True}).json()["name"] == "New"


def test_a_blueprint_says_that_its_vector_database_is_gone(api, blueprint, database):
    path = f"{BLUEPRINTS}{blueprint.pk}/"
    api.patch(path, {"vectorDatabaseId": database.pk})
    api.delete(f"genai/vectorDatabases/{database.pk}/")

    body = api.get(path).json()

    assert body["vectorDatabaseId"] is None
    assert "deleted" in body["warning"]
    response = api.post("genai/chatPrompts/", {"text": "a", "llmBlueprintId": blueprint.pk})
    assert problems(response) == [(["body", "vectorDatabaseId"], "value_error")]


def test_blueprint_lists_take_a_constant_number_of_queries(
    api, alice, playground, blueprint, database, django_assert_max_num_queries
):
    for number in range(5):
        copy = services.copy_blueprint(
            blueprint, user=alice, playground=playground, name=str(number)
        )
        api.patch(f"{BLUEPRINTS}{copy.pk}/", {"vectorDatabaseId": database.pk})

    with django_assert_max_num_queries(3):
        assert api.get(BLUEPRINTS).json()["count"] == 6


# Chats.


def test_a_chat_has_all_its_fields(api, blueprint, alice):
    response = api.post(CHATS, {"llmBlueprintId": blueprint.pk, "name": "Second"})

    body = response.json()
    assert response.status_code == 201
    assert body.pop("creationDate").endswith("Z")
    assert body == {
        "id": Chat.objects.get().pk,
        "name": "Second",
        "llmBlueprintId": blueprint.pk,
        "isFrozen": False,
        "promptsCount": 0,
        "warning": None,
        "creationUserId": alice.pk,
    }


def test_chats_are_listed_newest_first_and_counted(api, blueprint, prompt):
    api.post(CHATS, {"llmBlueprintId": blueprint.pk, "name": "Alpha"})

    chats = api.get(CHATS, {"llmBlueprintId": blueprint.pk}).json()["data"]

    assert [(chat["name"], chat["promptsCount"]) for chat in chats] == [("Alpha", 0), ("First", 1)]
    assert names(api.get(CHATS, {"sort": "creationDate"})) == ["First", "Alpha"]
    assert names(api.get(CHATS, {"sort": "name"})) == ["Alpha", "First"]
    assert names(api.get(CHATS, {"llmBlueprintId": "x"})) == []


def test_a_chat_is_renamed_and_deleted_with_its_prompts(api, chat, prompt):
    path = f"{CHATS}{chat.pk}/"

    assert api.patch(path, {"name": "New"}).json()["name"] == "New"
    assert problems(api.patch(path, {"name": ""})) == [(["body", "name"], "string_too_short")]
    assert api.delete(path).status_code == 204
    assert not ChatPrompt.objects.exists()


def test_a_chat_needs_an_existing_blueprint(api, llm):
    assert problems(api.post(CHATS, {"name": "a"})) == [(["body", "llmBlueprintId"], "missing")]
    assert api.post(CHATS, {"llmBlueprintId": "x", "name": "a"}).status_code == 404


def test_a_failed_vector_database_shows_in_the_blueprint(api, blueprint, database):
    path = f"{BLUEPRINTS}{blueprint.pk}/"
    api.patch(path, {"vectorDatabaseId": database.pk})
    database.status, database.error_message = Status.ERROR, "No text in the documents."
    database.save()

    body = api.get(path).json()

    assert body["vectorDatabaseStatus"] == "ERROR"
    assert body["vectorDatabaseErrorMessage"] == "No text in the documents."
