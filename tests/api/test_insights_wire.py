"""Insights on the wire: what of a playground can be evaluated, and how that is narrowed and copied."""

from typing import Any

import pytest
from datarobot.enums import InsightTypes
from datarobot.models.genai.insights_configuration import InsightsConfiguration

from blueprints.models import LLM, LLMEndpoint, Provider
from playground import services
from playground.models import Playground
from tests.api.conftest import problems
from tests.api.test_metrics_wire import NAMES, NOTHING, PRICES, guard

NULL_HERE = """deploymentId modelId sidecarModelMetricValidationId customMetricId nemoMetricId
 guardTemplateId guardConfigurationId modelPackageRegisteredModelId customModelGuard
 sidecarModelMetricMetadata evaluationDatasetConfigurationId"""


@pytest.fixture
def judge(db) -> LLM:
    endpoint = LLMEndpoint.objects.create(name="Judges", base_url="http://127.0.0.1:9/v1")
    return LLM.objects.create(
        id="judge", label="Judge", provider=Provider.OPENAI, endpoint=endpoint, model_name="judge"
    )


@pytest.fixture
def configure(api, playground):
    def post(**wanted: Any) -> None:
        one = {"ootbMetricName": "latency"} | wanted
        path = f"genai/playgrounds/{playground.pk}/ootbMetricConfigurations/"
        assert api.post(path, {"ootbMetricConfigurations": [one]}).status_code == 201

    return post


@pytest.fixture
def insights(api, playground):
    def listed(**query: Any) -> list[dict[str, Any]]:
        response = api.get(f"genai/playgrounds/{playground.pk}/supportedInsights/", query)
        assert response.status_code == 200, response.content
        return list(response.json()["insightsConfiguration"])

    return listed


def test_an_insight_has_these_fields_and_no_others(
    configure, insights, api, use_case, playground, llm, judge
):
    extra = {"toolCallAccuracy": {"argumentComparison": "exact_match"}}
    for name in NAMES:
        configure(ootbMetricName=name, llmId=judge.pk if name == "correctness" else None)
    configure(moderationConfiguration=guard(("is", True)), extraMetricSettings=extra)
    of_it = {"useCaseId": use_case.pk, "playgroundId": playground.pk, "name": "Ours"}
    api.post(PRICES, of_it | {"costMetricConfigurations": [{"llmId": llm.pk}]})

    found = {one["insightName"]: one for one in insights()}

    assert list(found) == [*NAMES, "Ours"]
    for one in found.values():
        assert {name: one.pop(name) for name in NULL_HERE.split()} == dict.fromkeys(
            NULL_HERE.split()
        )
        assert one.keys() == {
            *("insightName", "insightType", "ootbMetricId", "ootbMetricName", "resultUnit"),
            *("costConfigurationId", "llmId", "stage", "executionStatus", "errorMessage"),
            *("errorResolution", "moderationConfiguration", "guardConditions", "aggregationTypes"),
            *("customModelLLMValidationId", "extraMetricSettings"),
        }
        assert one["insightType"] in {kind.value for kind in InsightTypes}
        assert "" not in one.values()
        assert InsightsConfiguration.from_server_data(one).insight_name
    assert found["latency"]["extraMetricSettings"] == extra
    assert (found["correctness"]["llmId"], found["faithfulness"]["llmId"]) == (judge.pk, None)
    assert isinstance(found["faithfulness"]["errorResolution"], str)
    assert found["faithfulness"]["executionStatus"] == "ERROR"


@pytest.mark.parametrize("name", ["withAggregationTypesOnly", "productionOnly", "completedOnly"])
def test_a_filter_that_is_off_leaves_all(configure, insights, name):
    for metric in ("correctness", "faithfulness"):
        configure(ootbMetricName=metric)

    assert insights() == insights(**{name: "False"})
    assert len(insights(**{name: "0"})) == 2


def test_filters_of_insights_combine(configure, insights, blueprint, judge):
    for metric in ("latency", "correctness", "faithfulness", "citations"):
        configure(ootbMetricName=metric, llmId=judge.pk if metric == "correctness" else None)

    both = insights(productionOnly="True", completedOnly="True")
    assert [one["insightName"] for one in both] == ["latency", "citations"]
    of_it = insights(productionOnly="1", llmBlueprintIds=[blueprint.pk, NOTHING])
    assert [one["insightName"] for one in of_it] == ["latency"]


def test_blueprints_that_are_not_there_have_no_insights(
    configure, insights, alice, use_case, blueprint
):
    configure()
    room = services.create_playground(user=alice, use_case=use_case, name="Elsewhere")
    elsewhere = services.copy_blueprint(blueprint, user=alice, playground=room, name="Other")

    for ids in ([NOTHING], ["x"], [""], [elsewhere.pk]):
        assert insights(llmBlueprintIds=ids) == []
    assert len(insights(llmBlueprintIds=[blueprint.pk])) == 1


@pytest.fixture
def target(alice, use_case) -> Playground:
    return services.create_playground(user=alice, use_case=use_case, name="Target")


@pytest.mark.parametrize("field", ["addToExisting", "withEvaluationDatasets"])
@pytest.mark.parametrize("value", ["True", 1, None])
def test_what_is_copied_is_said_by_true_and_false(api, playground, target, field, value):
    path = f"genai/playgrounds/{target.pk}/supportedInsights/{playground.pk}/"

    assert problems(api.request("put", path, {field: value})) == [(["body", field], "bool_type")]


def test_copies_are_from_and_to_playgrounds_that_are_there(api, playground):
    for ids in ((NOTHING, playground.pk), (playground.pk, NOTHING)):
        path = "genai/playgrounds/{}/supportedInsights/{}/".format(*ids)
        assert api.request("put", path, {}).status_code == 404
