"""What is larger than anything that makes sense is refused, and leaves everything as it was."""

import json

import pytest
from django.test import Client

from playground.models import ChatPrompt
from tests.api.conftest import Api
from tests.api.world import World, standing

pytestmark = pytest.mark.django_db

# Beyond what PostgreSQL takes with a query.
TOO_MANY = [f"{number:024x}" for number in range(70_000)]


@pytest.fixture(scope="module")
def stand(django_db_setup, django_db_blocker, tmp_path_factory):
    with standing(django_db_blocker, tmp_path_factory.mktemp("media"), "Sizes") as (api, [world]):
        yield api, world


def patch_raw(api: Api, path: str, body: str):
    """As text: a number that is infinite in Python can be written in no other way."""
    return Client(raise_request_exception=False).patch(
        f"/api/v2/{path}",
        data=body,
        content_type="application/json",
        headers={"authorization": f"Bearer {api.token}"},
    )


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" + 400 * "0", "[1e400]", '{"a": 1e400}'])
def test_a_number_beyond_all_others_is_no_metric(stand, number):
    api, world = stand
    path = f"genai/chatPrompts/{world['prompt']}/"
    metric = f'{{"name": "size", "costConfigurationId": "x", "value": {number}}}'

    response = patch_raw(api, path, f'{{"customMetrics": [{metric}]}}')

    assert response.status_code == 422
    [problem] = response.json()["detail"]
    assert problem["loc"] == ["body", "customMetrics", 0, "value"]
    assert api.get("genai/chatPrompts/", {"chatId": world["chat"]}).status_code == 200
    assert ChatPrompt.objects.get(pk=world["prompt"]).metrics == []


def bodies_of_many(world: World):
    run = {
        "chatName": "Large",
        "llmBlueprintIds": [world["blueprint"]],
        "evaluationDatasetConfigurationId": world["evaluation_dataset"],
        "insightsConfiguration": [{"insightName": "latency"}],
    }
    runs = "genai/evaluationDatasetMetricAggregations/"
    compared = f"genai/comparisonPrompts/{world['comparison_prompt']}/"
    return {
        "runs": ("post", runs, run | {"llmBlueprintIds": TOO_MANY}),
        "insights": ("post", runs, run | {"insightsConfiguration": 301 * [{"insightName": "x"}]}),
        "compare": (
            "post",
            "genai/comparisonPrompts/",
            {"text": "Which?", "llmBlueprintIds": TOO_MANY},
        ),
        "compare more": ("patch", compared, {"additionalLLMBlueprintIds": TOO_MANY}),
    }


@pytest.mark.parametrize(
    "what",
    bodies_of_many(dict.fromkeys(("blueprint", "evaluation_dataset", "comparison_prompt"), "")),
)
def test_a_list_that_nobody_needs_is_refused(stand, what):
    api, world = stand
    method, path, body = bodies_of_many(world)[what]

    response = api.request(method, path, body)

    assert response.status_code == 422
    assert [problem["type"] for problem in response.json()["detail"]] == ["too_long"]


def test_a_filter_lists_so_many_values_at_most(stand):
    api, world = stand
    values = list(range(1_001))
    body = {"text": "Which?", "chatId": world["chat"]}

    response = api.post("genai/chatPrompts/", body | {"metadataFilter": {"year": {"$in": values}}})

    assert response.status_code == 422
    assert "1,000 values" in json.dumps(response.json())
