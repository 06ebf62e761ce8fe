"""The LLMs that can be chosen, and what each says of its settings."""

from typing import Any

import pytest

from blueprints.models import LLM, LLMEndpoint, Provider
from tests.api.conftest import problems

LLMS = "genai/llms/"


@pytest.fixture
def other(llm) -> LLM:
    """Of whose size, vendor and purpose nothing is known."""
    endpoint = LLMEndpoint.objects.create(name="Lab", base_url="http://127.0.0.1:9/v1")
    return LLM.objects.create(
        id="lab/other", label="Other", provider=Provider.OPENAI, endpoint=endpoint
    )


@pytest.fixture
def shown(api):
    def by_id(**query: Any) -> dict[str, dict[str, Any]]:
        response = api.get(LLMS, query)
        assert response.status_code == 200, response.content
        return {one["id"]: one for one in response.json()["data"]}

    return by_id


def test_an_llm_has_all_its_fields_however_little_is_known(shown, other):
    found = shown()[other.pk]

    del found["settings"]
    for text in ("description", "vendor", "license", "supportedLanguages"):
        value = found.pop(text)
        assert isinstance(value, str), text
        assert value.strip(), text
    assert found == {
        "id": "lab/other",
        "name": "Other",
        "contextSize": None,
        "isDeprecated": False,
        "isActive": True,
        "retirementDate": None,
        "provider": "openai",
        "isMetered": True,
        "supportedCustomModelLLMValidations": [],
    }


def test_each_setting_has_all_its_fields_and_its_bounds(shown, other):
    LLM.objects.update(context_size=8192)

    for found in shown().values():
        settings = {one.pop("id"): one for one in found["settings"]}
        bounds = {name: one.pop("constraints") for name, one in settings.items()}
        kinds = {name: (one["type"], one["format"]) for name, one in settings.items()}
        assert kinds == {
            "maxCompletionLength": ("integer", None),
            "temperature": ("float", None),
            "topP": ("float", None),
            "systemPrompt": ("string", "multiline"),
        }
        for name, one in settings.items():
            assert one.keys() == {
                *("name", "description", "type", "format", "isNullable", "defaultValue"),
            }
            assert one["name"], name
            assert one["description"], name
            assert one["isNullable"] is True
            assert bounds[name].keys() == {
                *("type", "minValue", "maxValue", "minLength", "maxLength", "allowedChoices"),
            }
            assert bounds[name]["type"] == one["type"]
        ranges = {name: (one["minValue"], one["maxValue"]) for name, one in bounds.items()}
        assert ranges == {
            "maxCompletionLength": (1, 8192),
            "temperature": (0, 2),
            "topP": (0, 1),
            "systemPrompt": (None, None),
        }
        assert bounds["systemPrompt"]["maxLength"] == 500_000


def test_without_a_known_size_an_answer_has_no_longest_length(shown, other):
    longest = shown()[other.pk]["settings"][0]

    assert longest["constraints"]["minValue"] == 1
    assert longest["constraints"]["maxValue"] is None


@pytest.mark.parametrize(("length", "status"), [(8191, 201), (8192, 201), (8193, 422)])
def test_what_is_told_is_what_holds(api, playground, other, length, status):
    LLM.objects.update(context_size=8192)
    settings = {"maxCompletionLength": length}

    response = api.post(
        "genai/llmBlueprints/",
        {"playgroundId": playground.pk, "name": "x", "llmId": other.pk, "llmSettings": settings},
    )

    assert response.status_code == status, response.content
    if status == 422:
        place = ["body", "llmSettings", "maxCompletionLength"]
        assert problems(response) == [(place, "value_error")]


def test_llms_are_filtered_together(shown, other, use_case):
    both = {"extractive", other.pk}

    assert shown().keys() == both
    assert shown(moderationSupportedOnly="False", useCaseId=use_case.pk).keys() == both
    assert shown(moderationSupportedOnly="TRUE", useCaseId=use_case.pk).keys() == {other.pk}
    assert shown(moderationSupportedOnly="1", useCaseId="x").keys() == set()
    assert len(shown(limit=1)) == len(shown(limit=1, offset=1)) == 1


def test_a_flag_is_a_word(api, llm):
    refused = api.get(LLMS, {"moderationSupportedOnly": "maybe"})

    assert problems(refused) == [(["query", "moderationSupportedOnly"], "bool_parsing")]


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_listed": False}])
def test_what_cannot_answer_now_is_not_listed(shown, other, change):
    LLM.objects.filter(pk=other.pk).update(**change)

    assert shown().keys() == {"extractive"}
