"""What may be written into use cases, playgrounds, blueprints and chats: at, below and above."""

from typing import Any

import pytest

from blueprints.models import LLM, Provider
from tests.api.conftest import problems

NAME, DESCRIPTION = 200, 10_000


def prompt_settings() -> list[Any]:
    """(field of llmSettings or vectorDatabaseSettings, lowest, highest, step)"""
    return [
        ("llmSettings", "temperature", 0, 2, 0.001),
        ("llmSettings", "topP", 0, 1, 0.001),
        ("llmSettings", "maxCompletionLength", 1, None, 1),
        ("vectorDatabaseSettings", "maxDocumentsRetrievedPerPrompt", 1, 10, 1),
        ("vectorDatabaseSettings", "maxTokens", 1, 51_200, 1),
        ("vectorDatabaseSettings", "maximalMarginalRelevanceLambda", 0, 1, 0.001),
    ]


@pytest.fixture
def targets(api, use_case, playground, blueprint, chat, prompt) -> dict[str, Any]:
    """Each way of writing: the method and path, and what it needs besides."""
    of_playground = {"playgroundId": playground.pk, "name": "x"}
    return {
        "post useCases/": {},
        f"patch useCases/{use_case.pk}/": {},
        "post genai/playgrounds/": {"useCaseId": use_case.pk, "name": "x"},
        f"patch genai/playgrounds/{playground.pk}/": {},
        "post genai/llmBlueprints/": of_playground,
        "post genai/llmBlueprints/fromLLMBlueprint/": {"llmBlueprintId": blueprint.pk, "name": "x"},
        "post genai/llmBlueprints/fromChatPrompt/": {"chatPromptId": prompt.pk, "name": "x"},
        f"patch genai/llmBlueprints/{blueprint.pk}/": {},
        "post genai/chats/": {"llmBlueprintId": blueprint.pk, "name": "x"},
        f"patch genai/chats/{chat.pk}/": {},
    }


def send(api, target: str, needed: dict[str, Any], **body: Any) -> Any:
    method, path = target.split(" ")
    return api.request(method, path, needed | body)


def kinds(response: Any, path: str) -> Any:
    """Of the errors; the platform's have none."""
    if "genai" in path:
        return problems(response)
    assert response.status_code == 422
    return list(response.json()["errors"])


@pytest.mark.parametrize("length", [1, NAME])
def test_names_are_kept_verbatim_up_to_their_bound(api, targets, length):
    for target, needed in targets.items():
        name = " ÄŸ"[:length].ljust(length, "x") if length > 1 else "ß"
        response = send(api, target, needed, name=name)
        assert response.status_code in {200, 201}, (target, response.content)
        assert response.json()["name"] == name, target


@pytest.mark.parametrize(
    ("name", "kind"), [("x" * (NAME + 1), "string_too_long"), (5, "string_type"), ("\x00", "value_error")]
)  # fmt: skip
def test_other_names_are_refused(api, targets, name, kind):
    for target, needed in targets.items():
        found = kinds(send(api, target, needed, name=name), target)
        assert found in ([(["body", "name"], kind)], ["name"]), target


def test_blank_names_are_refused_where_clients_cannot_read_them(api, targets, use_case):
    """The package takes blank names of playgrounds, but not of use cases."""
    assert kinds(api.patch(f"useCases/{use_case.pk}/", {"name": ""}), "useCases/") == ["name"]
    assert api.post("useCases/", {"name": ""}).json()["name"].startswith("Untitled Use Case")
    for target, needed in targets.items():
        response = send(api, target, needed, name="")
        if "genai/playgrounds/" in target:
            assert response.json()["name"] == "", target
        elif target == "post genai/chats/":
            assert response.json()["name"] == "New chat"
        elif "genai" in target:
            assert problems(response) == [(["body", "name"], "string_too_short")], target


def test_descriptions_have_a_bound_and_may_be_empty(api, targets):
    for target, needed in targets.items():
        if "chats" in target:
            continue
        most = send(api, target, needed, description="y" * DESCRIPTION)
        assert len(most.json()["description"]) == DESCRIPTION, target
        assert send(api, target, needed, description=" y\n").json()["description"] == " y\n", target
        for nothing in ("", None):
            empty = send(api, target, needed, description=nothing)
            assert empty.status_code in {200, 201}, (target, empty.content)
        found = kinds(send(api, target, needed, description="y" * (DESCRIPTION + 1)), target)
        assert found in ([(["body", "description"], "string_too_long")], ["description"]), target


@pytest.mark.parametrize(("group", "field", "low", "high", "step"), prompt_settings())
def test_settings_of_blueprints_have_bounds(
    api, playground, blueprint, group, field, low, high, step
):
    body = {"playgroundId": playground.pk, "name": "x"}
    path = f"genai/llmBlueprints/{blueprint.pk}/"
    at = (group, field)
    for value in filter(lambda one: one is not None, (low, high)):
        made = api.post("genai/llmBlueprints/", body | {group: {field: value}})
        assert made.json()[group][field] == value
        assert api.patch(path, {group: {field: value}}).json()[group][field] == value
    for value, kind in (
        (low - step, "greater_than_equal"),
        (high and high + step, "less_than_equal"),
    ):
        if value is None:
            continue
        for refused in (
            api.post("genai/llmBlueprints/", body | {group: {field: value}}),
            api.patch(path, {group: {field: value}}),
        ):
            assert problems(refused) == [(["body", *at], kind)]


@pytest.mark.parametrize("field", ["isSaved", "isStarred"])
@pytest.mark.parametrize("value", ["true", 1, None])
def test_what_is_true_or_false_is_nothing_else(api, blueprint, field, value):
    response = api.patch(f"genai/llmBlueprints/{blueprint.pk}/", {field: value})

    assert problems(response) == [(["body", field], "bool_type")]


@pytest.mark.parametrize("value", ["chat_history_aware", "", None, 1])
def test_prompt_types_are_words_of_the_contract(api, playground, blueprint, value):
    body = {"playgroundId": playground.pk, "name": "x", "promptType": value}

    assert problems(api.post("genai/llmBlueprints/", body)) == [(["body", "promptType"], "enum")]
    patched = api.patch(f"genai/llmBlueprints/{blueprint.pk}/", {"promptType": value})
    assert problems(patched) == [(["body", "promptType"], "enum")]


@pytest.mark.parametrize("word", ["rag", "agentic"])
def test_a_playground_has_one_of_two_types(api, use_case, word):
    body = {"useCaseId": use_case.pk, "name": "x", "playgroundType": word}

    assert api.post("genai/playgrounds/", body).json()["playgroundType"] == word


def test_use_cases_are_ordered_as_the_package_asks(api, use_case):
    for name in ("Alpha", "Omega"):
        api.post("useCases/", {"name": name})

    def names(order: str) -> list[str]:
        found = api.get("useCases/", {"orderBy": order}).json()["data"]
        return [one["name"] for one in found]

    assert names("name") == ["Alpha", "Omega", "Support"]
    assert names("-created_at") == ["Omega", "Alpha", "Support"]
    assert names("datasetsCount") == names("datasets_count") == names("id")


def test_llms_that_can_judge_are_told_apart(api, llm, llm_endpoint):
    LLM.objects.create(id="lab/judge", label="J", provider=Provider.OPENAI, endpoint=llm_endpoint)

    found = api.get("genai/llms/", {"moderationSupportedOnly": "True"}).json()["data"]
    assert [one["id"] for one in found] == ["lab/judge"]
    assert api.get("genai/llms/", {"moderationSupportedOnly": "False"}).json()["count"] == 2
