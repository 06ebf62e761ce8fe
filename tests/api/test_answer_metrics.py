"""What answers show of their metrics, and metrics that were measured elsewhere."""

from typing import Any

import pytest

from playground.models import ChatPrompt
from tests.api.conftest import problems


def test_an_answer_shows_its_scores_and_metrics(api, answered):
    ChatPrompt.objects.filter(pk=answered.pk).update(
        confidence_scores={"rouge": 0.31, "meteor": 0.22, "bleu": 0.05},
        metrics=[
            {
                "name": "cost",
                "value": 0.25,
                "formatted_value": "0.250000 EUR",
                "cost_configuration_id": "6" * 24,
            },
            {"name": "latency", "value": 0.8, "ootb_metric_id": "7" * 24, "error_message": ""},
        ],
    )

    body = api.get(f"genai/chatPrompts/{answered.pk}/").json()

    assert body["confidenceScores"] == {"rouge": 0.31, "meteor": 0.22, "bleu": 0.05}
    assert body["resultMetadata"]["cost"] == 0.25
    cost, latency = body["resultMetadata"]["metrics"]
    assert cost == {
        "name": "cost",
        "value": 0.25,
        "formattedName": None,
        "formattedValue": "0.250000 EUR",
        "executionStatus": "COMPLETED",
        "errorMessage": None,
        "stage": None,
        "ootbMetricId": None,
        "costConfigurationId": "6" * 24,
        "evaluationDatasetConfigurationId": None,
        "customModelId": None,
        "customModelGuardId": None,
        "nemoMetricId": None,
        "sidecarModelMetricValidationId": None,
        "llmIsDeprecated": None,
        "reason": None,
        "intervention": None,
    }
    assert (latency["ootbMetricId"], latency["errorMessage"]) == ("7" * 24, None)


def test_a_price_for_nothing_leaves_the_cost_open(api, answered):
    ChatPrompt.objects.filter(pk=answered.pk).update(
        metrics=[{"name": "cost", "value": None, "cost_configuration_id": "6" * 24}]
    )
    body = api.get(f"genai/chatPrompts/{answered.pk}/").json()
    assert body["resultMetadata"]["cost"] is None


def test_a_blocked_answer_says_so(api, answered):
    ChatPrompt.objects.filter(pk=answered.pk).update(result_text="No.", blocked_text="No.")

    body = api.get(f"genai/chatPrompts/{answered.pk}/").json()

    assert body["resultMetadata"]["blockedResultText"] == body["resultText"] == "No."


def test_the_guards_of_the_provider_are_shown(api, answered):
    ChatPrompt.objects.filter(pk=answered.pk).update(
        provider_guards=[
            {"name": "hate", "stage": "response", "filtered": False, "severity": "safe"},
            {"name": "violence", "stage": "prompt", "filtered": True, "severity": "high"},
            {"name": "jailbreak", "stage": "prompt", "filtered": False, "detected": False},
            {"name": "refusal", "stage": "response", "filtered": False},
        ]
    )

    body = api.get(f"genai/chatPrompts/{answered.pk}/").json()

    assert body["resultMetadata"]["providerLLMGuards"] == [
        {"name": "hate", "satisfyCriteria": True, "stage": "response", "value": "safe"},
        {"name": "violence", "satisfyCriteria": False, "stage": "prompt", "value": "high"},
        {"name": "jailbreak", "satisfyCriteria": True, "stage": "prompt", "value": "not detected"},
        {"name": "refusal", "satisfyCriteria": True, "stage": "response", "value": "detected"},
    ]


# Metrics that were measured elsewhere.


def patched(api, prompt, *metrics):
    return api.patch(f"genai/chatPrompts/{prompt.pk}/", {"customMetrics": list(metrics)})


def shown(response) -> dict[str, Any]:
    assert response.status_code == 200, response.content
    return {one["name"]: one["value"] for one in response.json()["resultMetadata"]["metrics"]}


def test_custom_metrics_are_added_and_replaced_by_name(api, answered):
    patched(api, answered, {"name": "tone", "value": "warm", "formattedName": "Tone"})
    response = patched(
        api, answered, {"name": "fit", "value": {"a": [1, None]}}, {"name": "tone", "value": None}
    )

    assert shown(response) == {"fit": {"a": [1, None]}, "tone": None}
    again = api.patch(
        f"genai/chatPrompts/{answered.pk}/",
        {"customMetrics": None, "feedbackMetadata": {"feedback": "1"}},
    )
    assert shown(again) == {"fit": {"a": [1, None]}, "tone": None}


def test_a_custom_cost_is_a_number_or_none(api, answered):
    response = patched(
        api, answered, {"name": "cost", "value": "much", "costConfigurationId": "6" * 24}
    )
    assert response.json()["resultMetadata"]["cost"] is None


@pytest.mark.parametrize(
    ("metric", "loc", "type_"),
    [
        (None, [], "model_attributes_type"),
        ({"value": 1}, ["name"], "missing"),
        ({"name": "", "value": 1}, ["name"], "string_too_short"),
        ({"name": "x" * 201, "value": 1}, ["name"], "string_too_long"),
        ({"name": "a", "value": "\x00"}, ["value"], "value_error"),
        ({"name": "a", "value": 1, "stage": "later"}, ["stage"], "enum"),
        ({"name": "a", "value": 1, "executionStatus": "FINE"}, ["executionStatus"], "enum"),
    ],
)
def test_custom_metrics_that_are_wrong_are_refused(api, answered, metric, loc, type_):
    response = patched(api, answered, {"name": "fine", "value": 1}, metric)

    assert problems(response) == [(["body", "customMetrics", 1, *loc], type_)]
    answered.refresh_from_db()
    assert answered.metrics == []


def test_nothing_is_kept_of_a_patch_that_is_refused(api, prompt):
    response = api.patch(
        f"genai/chatPrompts/{prompt.pk}/",
        {"customMetrics": [{"name": "a", "value": 1}], "feedbackMetadata": {"feedback": "1"}},
    )
    assert problems(response) == [(["body", "customMetrics"], "value_error")]


def test_an_answer_keeps_so_many_metrics(api, answered):
    for batch in range(3):
        names = [{"name": f"{batch}-{number}", "value": 1} for number in range(100)]
        assert patched(api, answered, *names).status_code == 200

    refused = patched(api, answered, {"name": "one more", "value": 1})

    assert problems(refused) == [(["body", "customMetrics"], "value_error")]
    assert patched(api, answered, {"name": "0-1", "value": 2}).status_code == 200


def test_only_editors_add_metrics(vera_api, bob_api, answered):
    metric = {"name": "a", "value": 1}
    assert patched(vera_api, answered, metric).status_code == 403
    assert patched(bob_api, answered, metric).status_code == 404
