"""Each field of the settings of a prompt: as it is used, told, kept by the chat or the blueprint,
and what it is when it is not sent."""

from typing import Any

import pytest

from tests.api.conftest import problems

URL = "genai/chatPrompts/"
LLM, DATABASE = "llmSettings", "vectorDatabaseSettings"
LONGEST = 500_000

# (object, field, values that are taken, what holds when it is absent)
FIELDS: list[Any] = [
    (LLM, "maxCompletionLength", [1, 2, 2**31 - 1], None),
    (LLM, "systemPrompt", ["", " a\n", "a" * LONGEST], None),
    (LLM, "temperature", [0, 0.0, 0.001, 1, 2], None),
    (LLM, "topP", [0, 0.5, 1, 1.0], None),
    (DATABASE, "maxDocumentsRetrievedPerPrompt", [1, 2, 9, 10], None),
    (DATABASE, "maxTokens", [1, 2, 51_199, 51_200], None),
    (DATABASE, "addNeighborChunks", [True, False], False),
    (
        DATABASE,
        "retriever",
        ["SINGLE_LOOKUP_RETRIEVER", "CONVERSATIONAL_RETRIEVER", "MULTI_STEP_RETRIEVER"],
        "SINGLE_LOOKUP_RETRIEVER",
    ),
    (DATABASE, "retrievalMode", ["similarity", "maximal_marginal_relevance"], "similarity"),
    (DATABASE, "maximalMarginalRelevanceLambda", [0, 0.001, 0.999, 1], 0.5),
]
NULLABLE = [one for one in FIELDS if one[1] not in {"addNeighborChunks", "retrievalMode"}]
BOTH = pytest.mark.parametrize("through", ["chatId", "llmBlueprintId"])


def label(value: Any) -> str | None:
    return value if isinstance(value, str) else ""


@pytest.fixture
def ask(api, chat, blueprint):
    """The answer to a prompt that is put through the chat or the blueprint."""
    whom = {"chatId": chat.pk, "llmBlueprintId": blueprint.pk}

    def send(through: str, **body: Any) -> Any:
        return api.post(URL, {"text": "a", through: whom[through]} | body)

    return send


@BOTH
@pytest.mark.parametrize(("group", "field", "values", "absent"), FIELDS, ids=label)
def test_a_value_is_used_told_and_kept(ask, through, group, field, values, absent):
    for value in values:
        told = ask(through, **{group: {field: value}}).json()[group][field]
        kept = ask(through).json()[group][field]
        assert told == kept == value, value

    assert ask(through, **{group: {}}).json()[group][field] == absent
    assert ask(through).json()[group][field] == absent


@BOTH
@pytest.mark.parametrize(("group", "field", "values", "absent"), NULLABLE, ids=label)
def test_null_is_the_default(ask, through, group, field, values, absent):
    ask(through, **{group: {field: values[-1]}})

    assert ask(through, **{group: {field: None}}).json()[group][field] == absent


@BOTH
@pytest.mark.parametrize(("group", "field", "values", "absent"), FIELDS, ids=label)
def test_a_refused_value_leaves_the_last_one(ask, through, group, field, values, absent):
    ask(through, **{group: {field: values[0]}})

    refused = ask(through, **{group: {field: {}}})

    assert [loc for loc, _ in problems(refused)] == [["body", group, field]]
    assert ask(through).json()[group][field] == values[0]


@BOTH
def test_what_an_llm_does_not_declare_is_dropped(ask, through):
    """Among it the settings of custom models, whatever they are."""
    custom = {
        "externalLlmContextSize": 1,
        "validationId": "x",
        "customModelId": 5,
        "customModelVersionId": None,
        "topK": "\x00",
    }

    body = ask(through, llmSettings={"topP": 1} | custom).json()

    declared = ["systemPrompt", "temperature", "topP", "maxCompletionLength"]
    assert body["llmSettings"] == dict.fromkeys(declared) | {"topP": 1}
    settings = ask(through, vectorDatabaseSettings={"maxTokens": 1} | custom).json()
    assert not set(custom) & set(settings["vectorDatabaseSettings"])


@pytest.mark.parametrize("size", [127, 128, 128_000, 128_001])
def test_custom_models_are_none_of_the_llms(ask, size):
    settings = {"externalLlmContextSize": size, "validationId": "0" * 24}

    refused = ask("chatId", llmId="custom-model", llmSettings=settings)

    assert problems(refused) == [(["body", "llmId"], "value_error")]


def test_what_a_chat_has_of_its_own_ends_with_a_prompt_to_the_blueprint(ask):
    """The last writer wins, in the fields that it wrote."""
    ask("chatId", llmSettings={"topP": 0.1}, vectorDatabaseSettings={"maxTokens": 10})

    ask("llmBlueprintId", llmSettings={"topP": 0.9})

    now = ask("chatId").json()
    assert now["llmSettings"]["topP"] == 0.9
    assert now["vectorDatabaseSettings"]["maxTokens"] == 10
