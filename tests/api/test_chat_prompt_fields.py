"""Types and bounds of what is asked, and that all of it is told at once."""

import pytest

from playground.models import ChatPrompt
from tests.api.conftest import problems

URL = "genai/chatPrompts/"
LONGEST = 500_000

# (field, value, type of the error); a dot leads into an object.
REFUSED = [
    ("text", None, "string_type"),
    ("text", 5, "string_type"),
    ("text", ["a"], "string_type"),
    ("text", "a" * (LONGEST + 1), "string_too_long"),
    ("text", "a\x00b", "value_error"),
    ("text", "\ud800", "value_error"),
    ("chatId", 5, "string_type"),
    ("chatId", "\x00", "value_error"),
    ("llmBlueprintId", {}, "string_type"),
    ("llmId", 1, "string_type"),
    ("vectorDatabaseId", True, "string_type"),
    ("llmSettings", [], "model_attributes_type"),
    ("llmSettings", "a", "model_attributes_type"),
    ("llmSettings.systemPrompt", 1, "string_type"),
    ("llmSettings.systemPrompt", "a" * (LONGEST + 1), "string_too_long"),
    ("llmSettings.temperature", "0.5", "float_type"),
    ("llmSettings.temperature", True, "float_type"),
    ("llmSettings.temperature", -0.001, "greater_than_equal"),
    ("llmSettings.temperature", 2.001, "less_than_equal"),
    ("llmSettings.temperature", 10**400, "float_type"),
    ("llmSettings.topP", -0.1, "greater_than_equal"),
    ("llmSettings.topP", 1.1, "less_than_equal"),
    ("llmSettings.maxCompletionLength", 0, "greater_than_equal"),
    ("llmSettings.maxCompletionLength", 2**31, "less_than_equal"),
    ("llmSettings.maxCompletionLength", "5", "int_type"),
    ("llmSettings.maxCompletionLength", False, "int_type"),
    ("llmSettings.maxCompletionLength", 1.5, "int_from_float"),
    ("vectorDatabaseSettings", 5, "model_attributes_type"),
    ("vectorDatabaseSettings.maxDocumentsRetrievedPerPrompt", 0, "greater_than_equal"),
    ("vectorDatabaseSettings.maxDocumentsRetrievedPerPrompt", 11, "less_than_equal"),
    ("vectorDatabaseSettings.maxDocumentsRetrievedPerPrompt", "4", "int_type"),
    ("vectorDatabaseSettings.maxTokens", 0, "greater_than_equal"),
    ("vectorDatabaseSettings.maxTokens", 51_201, "less_than_equal"),
    ("vectorDatabaseSettings.maxTokens", [1], "int_type"),
    ("vectorDatabaseSettings.addNeighborChunks", "true", "bool_type"),
    ("vectorDatabaseSettings.addNeighborChunks", 1, "bool_type"),
    ("vectorDatabaseSettings.addNeighborChunks", None, "bool_type"),
    ("vectorDatabaseSettings.retriever", "single_lookup_retriever", "enum"),
    ("vectorDatabaseSettings.retriever", 1, "enum"),
    ("vectorDatabaseSettings.retrievalMode", "SIMILARITY", "enum"),
    ("vectorDatabaseSettings.maximalMarginalRelevanceLambda", -0.1, "greater_than_equal"),
    ("vectorDatabaseSettings.maximalMarginalRelevanceLambda", 1.1, "less_than_equal"),
    ("metadataFilter", [], "dict_type"),
    ("metadataFilter", "a", "dict_type"),
    ("metadataFilter", {"a": "\x00"}, "value_error"),
    ("metadataFilter", {"a\x00": 1}, "value_error"),
    ("metadataFilter", {"a": ["\ud800"]}, "value_error"),
]
ACCEPTED = [
    ("text", "a" * LONGEST),
    ("text", "🪔" * LONGEST),
    ("llmSettings", {}),
    ("llmSettings.systemPrompt", "a" * LONGEST),
    ("llmSettings.systemPrompt", ""),
    ("llmSettings.temperature", 0),
    ("llmSettings.temperature", 2.0),
    ("llmSettings.topP", 0.0),
    ("llmSettings.topP", 1),
    ("llmSettings.maxCompletionLength", 1),
    ("llmSettings.maxCompletionLength", 4.0),
    ("llmSettings.maxCompletionLength", None),
    ("llmSettings.validationId", 5),  # of another form; not declared, so dropped
    ("vectorDatabaseSettings", {}),
    ("vectorDatabaseSettings.maxDocumentsRetrievedPerPrompt", 1),
    ("vectorDatabaseSettings.maxDocumentsRetrievedPerPrompt", 10),
    ("vectorDatabaseSettings.maxDocumentsRetrievedPerPrompt", None),
    ("vectorDatabaseSettings.maxTokens", 1),
    ("vectorDatabaseSettings.maxTokens", 51_200),
    ("vectorDatabaseSettings.maxTokens", None),
    ("vectorDatabaseSettings.addNeighborChunks", True),
    ("vectorDatabaseSettings.retriever", "CONVERSATIONAL_RETRIEVER"),
    ("vectorDatabaseSettings.retriever", None),
    ("vectorDatabaseSettings.maximalMarginalRelevanceLambda", 0),
    ("vectorDatabaseSettings.maximalMarginalRelevanceLambda", 1),
    ("vectorDatabaseSettings.maximalMarginalRelevanceLambda", None),
    ("metadataFilter", {}),
]


def with_field(field, value):
    name, _, inner = field.partition(".")
    return {name: {inner: value} if inner else value}


def label(case):
    field, value, *_ = case
    return f"{field}={str(value)[:20]!a}"


@pytest.mark.parametrize("case", REFUSED, ids=label)
def test_it_refuses(case, api, chat):
    field, value, kind = case

    response = api.post(URL, {"text": "a", "chatId": chat.pk, **with_field(field, value)})

    assert problems(response) == [(["body", *field.split(".")], kind)]
    assert not ChatPrompt.objects.exists()


@pytest.mark.parametrize("case", ACCEPTED, ids=label)
def test_it_accepts(case, api, chat):
    field, value = case

    response = api.post(URL, {"text": "a", "chatId": chat.pk, **with_field(field, value)})

    assert response.status_code == 202, response.content


def test_text_is_required(api, chat):
    response = api.post(URL, {"chatId": chat.pk})

    assert response.json() == {
        "detail": [{"loc": ["body", "text"], "msg": "Field required", "type": "missing"}]
    }


def test_messages_are_those_of_the_reference(api, chat):
    settings = {"maxTokens": 51_201}
    response = api.post(URL, {"text": "", "chatId": chat.pk, "vectorDatabaseSettings": settings})

    assert response.json() == {
        "detail": [
            {
                "loc": ["body", "vectorDatabaseSettings", "maxTokens"],
                "msg": "Input should be less than or equal to 51200",
                "type": "less_than_equal",
            }
        ]
    }


def test_everything_wrong_is_told_at_once(api, chat):
    response = api.post(
        URL,
        {
            "chatId": 1,
            "llmSettings": {"temperature": 3, "topP": "x", "systemPrompt": None},
            "vectorDatabaseSettings": {"maxTokens": 0, "retriever": "x"},
            "metadataFilter": 5,
        },
    )

    assert problems(response) == [
        (["body", "chatId"], "string_type"),
        (["body", "llmSettings", "temperature"], "less_than_equal"),
        (["body", "llmSettings", "topP"], "float_type"),
        (["body", "metadataFilter"], "dict_type"),
        (["body", "text"], "missing"),
        (["body", "vectorDatabaseSettings", "maxTokens"], "greater_than_equal"),
        (["body", "vectorDatabaseSettings", "retriever"], "enum"),
    ]


def nested(depth):
    value: dict[str, object] = {}
    for _ in range(depth):
        value = {"$and": [value]}
    return value


def test_a_filter_nested_too_deeply_is_refused(api, chat):
    response = api.post(URL, {"text": "a", "chatId": chat.pk, "metadataFilter": nested(50)})

    assert problems(response) == [(["body", "metadataFilter"], "value_error")]


@pytest.mark.parametrize(
    ("body", "loc", "kind"),
    [
        ('{"text": ', ["body", 9], "json_invalid"),
        ("{'text': 1}", ["body", 1], "json_invalid"),
        (b'{"text": "\xff"}', ["body", 10], "json_invalid"),
        ('{"text": NaN}', ["body", 0], "json_invalid"),
        ('{"text": ' + "9" * 5000 + "}", ["body", 0], "json_invalid"),
        ("[" * 100_000, ["body", 0], "json_invalid"),
        ("[]", ["body"], "model_attributes_type"),
        ("null", ["body"], "model_attributes_type"),
        ('"text"', ["body"], "model_attributes_type"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(api, llm, body, loc, kind):
    response = api.request("post", URL, data=body, content_type="application/json")

    assert problems(response) == [(loc, kind)]


def test_a_body_of_another_type_is_refused(api, llm):
    response = api.request("post", URL, data="text=a", content_type="text/plain")

    assert problems(response) == [(["body"], "value_error")]


def test_a_body_that_is_too_large_is_refused(api, llm, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    assert problems(api.post(URL, {"text": "a" * 100})) == [(["body"], "value_error")]
