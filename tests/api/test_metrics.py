"""Metrics, prices and insights of a playground."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import services as accounts
from blueprints.models import LLM, LLMEndpoint, Provider
from evaluation import configuring, datasets
from evaluation.configuring import MetricWish
from evaluation.datasets import Columns
from evaluation.models import CostConfiguration, MetricConfiguration, MetricName
from playground import services
from tests.api.conftest import problems
from vectordb import services as vectordb

MODERATION = {
    "guardConditions": [{"comparator": "greaterThan", "comparand": 5}],
    "intervention": {"action": "block", "message": "Too slow."},
}
PRICE = {
    "llmId": "extractive",
    "currencyCode": "EUR",
    "inputTokenPrice": 0.5,
    "referenceInputTokenCount": 10,
    "outputTokenPrice": 2.0,
    "referenceOutputTokenCount": 100,
    "customModelLLMValidationId": None,
}
PRICES = "genai/costMetricConfigurations/"


@pytest.fixture
def judge(db) -> LLM:
    endpoint = LLMEndpoint.objects.create(name="Judges", base_url="http://127.0.0.1:9/v1")
    return LLM.objects.create(
        id="judge", label="Judge", provider=Provider.OPENAI, endpoint=endpoint, model_name="judge"
    )


@pytest.fixture
def metrics_url(playground) -> str:
    return f"genai/playgrounds/{playground.pk}/ootbMetricConfigurations/"


@pytest.fixture
def insights_url(playground) -> str:
    return f"genai/playgrounds/{playground.pk}/supportedInsights/"


@pytest.fixture
def metric(alice, playground) -> MetricConfiguration:
    wish = MetricWish(MetricName.LATENCY)
    return configuring.configure_metrics(user=alice, playground=playground, wishes=[wish])[0]


@pytest.fixture
def costs(alice, playground, llm) -> CostConfiguration:
    price = {
        "llm_id": llm.pk,
        "custom_model_llm_validation_id": None,
        "currency_code": "EUR",
        "input_token_price": 0.5,
        "reference_input_token_count": 10,
        "output_token_price": 2.0,
        "reference_output_token_count": 100,
    }
    return configuring.create_costs(user=alice, playground=playground, name="Ours", prices=[price])


@pytest.fixture
def post(api, metrics_url):
    """Configures metrics given as wire objects, or by name alone."""

    def configure(*given):
        wanted = [{"ootbMetricName": one} if isinstance(one, str) else one for one in given]
        return api.post(metrics_url, {"ootbMetricConfigurations": wanted})

    return configure


def configured(response) -> list[dict[str, Any]]:
    assert response.status_code in {200, 201}, response.content
    return list(response.json()["ootbMetricConfigurations"])


# Out-of-the-box metrics.


def test_a_metric_is_shown_with_all_its_keys(api, post, metrics_url):
    response = post("latency")

    assert response.status_code == 201
    [made] = configured(response)
    assert made == {
        "ootbMetricConfigurationId": MetricConfiguration.objects.get().pk,
        "ootbMetricName": "latency",
        "customOotbMetricName": None,
        "llmId": None,
        "customModelLLMValidationId": None,
        "moderationConfiguration": None,
        "extraMetricSettings": None,
        "executionStatus": "COMPLETED",
        "errorMessage": None,
        "errorResolution": None,
    }
    assert configured(api.get(metrics_url)) == [made]
    path = f"genai/ootbMetricConfigurations/{made['ootbMetricConfigurationId']}/"
    assert api.get(path).json() == made


def test_all_that_is_sent_comes_back(post, judge):
    sent = {
        "ootbMetricName": "faithfulness",
        "customOotbMetricName": "Grounded?",
        "llmId": judge.pk,
        "moderationConfiguration": MODERATION,
        "extraMetricSettings": {"toolCallAccuracy": {"argumentComparison": "exact_match"}},
    }

    [made] = configured(post(sent))

    assert {key: made[key] for key in sent} == sent
    assert made["executionStatus"] == "COMPLETED"


@pytest.mark.parametrize("name", MetricName.values)
def test_every_metric_can_be_configured(post, name):
    assert [one["ootbMetricName"] for one in configured(post(name))] == [name]


@pytest.mark.parametrize(
    "name", ["faithfulness", "correctness", "jailbreak_violation", "toxicity_violation"]
)
def test_opinions_need_a_judge_and_say_so(post, judge, name):
    [without] = configured(post(name))
    assert without["executionStatus"] == "ERROR"
    assert "none is named" in without["errorMessage"]
    assert without["errorResolution"] == [
        "Configure the metric again with the llmId of an LLM that is to judge."
    ]

    [having] = configured(post({"ootbMetricName": name, "llmId": judge.pk}))
    assert (having["executionStatus"], having["errorResolution"]) == ("COMPLETED", None)


def test_a_judge_that_was_switched_off_is_missed(api, post, metrics_url, judge):
    post({"ootbMetricName": "faithfulness", "llmId": judge.pk})
    LLM.objects.filter(pk=judge.pk).update(is_active=False)

    [shown] = configured(api.get(metrics_url))

    assert (shown["llmId"], shown["executionStatus"]) == (judge.pk, "ERROR")
    assert "switched off" in shown["errorMessage"]


def test_configuring_again_changes_what_is_there(api, post, metrics_url):
    [first] = configured(post("latency"))
    [second] = configured(
        post({"ootbMetricName": "latency", "moderationConfiguration": MODERATION})
    )
    [other] = configured(post({"ootbMetricName": "latency", "customOotbMetricName": "Speed"}))

    assert second["ootbMetricConfigurationId"] == first["ootbMetricConfigurationId"]
    assert second["moderationConfiguration"] == MODERATION
    assert configured(api.get(metrics_url)) == [second, other]


def test_extra_settings_without_content_are_null(post):
    [made] = configured(post({"ootbMetricName": "latency", "extraMetricSettings": {}}))
    assert made["extraMetricSettings"] is None


@pytest.mark.parametrize("comparand", [0.5, "yes", True, ["a", "b"]])
def test_comparands_of_every_type_are_taken(post, comparand):
    comparator = {float: "lessThan", str: "equals", bool: "is", list: "contains"}[type(comparand)]
    condition = {"comparator": comparator, "comparand": comparand}
    guard = {**MODERATION, "guardConditions": [condition]}

    [made] = configured(post({"ootbMetricName": "latency", "moderationConfiguration": guard}))

    assert made["moderationConfiguration"] == guard


def guarded(comparator="greaterThan", comparand=5, **intervention):
    return {
        "ootbMetricName": "latency",
        "moderationConfiguration": {
            "guardConditions": [{"comparator": comparator, "comparand": comparand}],
            "intervention": {"action": "block", "message": "No."} | intervention,
        },
    }


_CONDITION = ["moderationConfiguration", "guardConditions", 0]


@pytest.mark.parametrize(
    ("sent", "loc", "type_"),
    [
        ({}, ["ootbMetricName"], "missing"),
        ({"ootbMetricName": "speed"}, ["ootbMetricName"], "enum"),
        ({"ootbMetricName": 5}, ["ootbMetricName"], "enum"),
        (
            {"ootbMetricName": "latency", "customOotbMetricName": "x" * 201},
            ["customOotbMetricName"],
            "string_too_long",
        ),
        ({"ootbMetricName": "faithfulness", "llmId": "gone"}, ["llmId"], "value_error"),
        ({"ootbMetricName": "faithfulness", "llmId": "extractive"}, ["llmId"], "value_error"),
        (guarded(comparator="near"), [*_CONDITION, "comparator"], "enum"),
        (guarded(comparand=None), [*_CONDITION, "comparand"], "model_attributes_type"),
        (guarded(comparand={}), [*_CONDITION, "comparand"], "string_type"),
        (guarded(comparand=[1]), [*_CONDITION, "comparand", 0], "string_type"),
        (guarded(comparand="5"), [*_CONDITION, "comparand"], "value_error"),
        (guarded(comparand=True), [*_CONDITION, "comparand"], "value_error"),
        (guarded("is", 1), [*_CONDITION, "comparand"], "value_error"),
        (guarded("equals", ["a"]), [*_CONDITION, "comparand"], "value_error"),
        (guarded("contains", 5), [*_CONDITION, "comparand"], "value_error"),
        (
            guarded(action="shout"),
            ["moderationConfiguration", "intervention", "action"],
            "enum",
        ),
        (
            guarded(message=""),
            ["moderationConfiguration", "intervention", "message"],
            "string_too_short",
        ),
        (
            {"ootbMetricName": "latency", "moderationConfiguration": {"guardConditions": []}},
            ["moderationConfiguration", "guardConditions"],
            "too_short",
        ),
        (
            {
                "ootbMetricName": "latency",
                "extraMetricSettings": {"toolCallAccuracy": {"argumentComparison": "loose"}},
            },
            ["extraMetricSettings", "toolCallAccuracy", "argumentComparison"],
            "enum",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(post, llm, sent, loc, type_):
    response = post("all_tokens", sent)

    assert (["body", "ootbMetricConfigurations", 1, *loc], type_) in problems(response)
    assert not MetricConfiguration.objects.exists()


def test_the_same_metric_twice_is_refused(post):
    response = post("latency", "latency")

    place = ["body", "ootbMetricConfigurations", 1, "customOotbMetricName"]
    assert problems(response) == [(place, "value_error")]


def test_a_playground_has_so_many_metrics_and_prices(api, post, use_case, playground):
    full = [{"ootbMetricName": "latency", "customOotbMetricName": str(n)} for n in range(50)]
    assert len(configured(post(*full))) == 50
    assert len(configured(post(*full))) == 50
    assert problems(post("latency")) == [(["body", "ootbMetricConfigurations"], "value_error")]
    assert MetricConfiguration.objects.count() == 50

    body = {
        "useCaseId": use_case.pk,
        "playgroundId": playground.pk,
        "name": "Ours",
        "costMetricConfigurations": [],
    }
    assert {api.post(PRICES, body).status_code for _ in range(50)} == {201}
    refused = api.post(PRICES, body)
    assert problems(refused) == [(["body", "costMetricConfigurations"], "value_error")]


@pytest.mark.parametrize("body", [{}, {"ootbMetricConfigurations": "x"}, []])
def test_a_list_is_expected(api, metrics_url, body):
    problems(api.post(metrics_url, body))


def test_a_deleted_metric_is_gone(api, metric):
    path = f"genai/ootbMetricConfigurations/{metric.pk}/"

    assert api.delete(path).status_code == 204
    assert api.delete(path).status_code == 404


def test_the_list_takes_the_same_number_of_queries_however_long(
    api, post, metrics_url, judge, django_assert_num_queries
):
    post({"ootbMetricName": "faithfulness", "llmId": judge.pk})
    with CaptureQueriesContext(connection) as one:
        api.get(metrics_url)
    count = len(one)
    post(*(name for name in MetricName.values if name != "faithfulness"))
    with django_assert_num_queries(count):
        assert len(configured(api.get(metrics_url))) == len(MetricName.values)


# Prices.


def test_prices_are_made_read_changed_and_forgotten(api, use_case, playground, llm):
    body = {"useCaseId": use_case.pk, "playgroundId": playground.pk, "name": "Ours"}

    made = api.post(PRICES, body | {"costMetricConfigurations": [PRICE]})

    assert made.status_code == 201
    shown = made.json()
    path = f"{PRICES}{shown.pop('costConfigurationId')}/"
    assert shown == body | {"costMetricConfigurations": [PRICE]}
    changed = api.patch(path, {"costMetricConfigurations": [PRICE | {"inputTokenPrice": 1}]})
    assert changed.json()["costMetricConfigurations"][0]["inputTokenPrice"] == 1.0
    assert changed.json()["name"] == "Ours"
    assert api.patch(path, {"name": "Theirs"}).json()["name"] == "Theirs"
    assert api.patch(path, {"name": None}).json()["name"] == ""
    assert api.get(path).json()["costMetricConfigurations"][0]["inputTokenPrice"] == 1.0
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404


def test_a_price_has_defaults(api, use_case, playground, llm):
    body = {"useCaseId": use_case.pk, "playgroundId": playground.pk, "name": "Ours"}

    made = api.post(PRICES, body | {"costMetricConfigurations": [{"llmId": llm.pk}]})

    assert made.json()["costMetricConfigurations"] == [
        {
            "llmId": llm.pk,
            "currencyCode": "USD",
            "inputTokenPrice": 0.01,
            "outputTokenPrice": 0.01,
            "referenceInputTokenCount": 1000,
            "referenceOutputTokenCount": 1000,
            "customModelLLMValidationId": None,
        }
    ]


@pytest.mark.parametrize("spelling", ["customModelLlmValidationId", "customModelLLMValidationId"])
def test_both_spellings_of_the_validation_are_taken(api, costs, post, spelling):
    price = {key: value for key, value in PRICE.items() if key != "customModelLLMValidationId"}

    changed = api.patch(
        f"{PRICES}{costs.pk}/", {"costMetricConfigurations": [price | {spelling: "6" * 24}]}
    )
    [metric] = configured(post({"ootbMetricName": "latency", spelling: "6" * 24}))

    [shown] = changed.json()["costMetricConfigurations"]
    assert shown["customModelLLMValidationId"] == "6" * 24
    assert metric["customModelLLMValidationId"] == "6" * 24


@pytest.mark.parametrize(
    ("changes", "name", "type_"),
    [
        ({"llmId": None}, "llmId", "string_type"),
        ({"llmId": "gone"}, "llmId", "value_error"),
        ({"inputTokenPrice": -0.01}, "inputTokenPrice", "greater_than_equal"),
        ({"outputTokenPrice": -1}, "outputTokenPrice", "greater_than_equal"),
        ({"outputTokenPrice": "1"}, "outputTokenPrice", "float_type"),
        ({"referenceInputTokenCount": -1}, "referenceInputTokenCount", "greater_than_equal"),
        ({"referenceOutputTokenCount": -1}, "referenceOutputTokenCount", "greater_than_equal"),
        ({"referenceOutputTokenCount": 1.5}, "referenceOutputTokenCount", "int_from_float"),
        ({"currencyCode": "EURO-EUR"}, "currencyCode", "string_too_long"),
        ({"currencyCode": ""}, "currencyCode", "string_too_short"),
    ],
)
def test_bounds_of_prices(api, costs, changes, name, type_):
    response = api.patch(f"{PRICES}{costs.pk}/", {"costMetricConfigurations": [PRICE | changes]})

    place = ["body", "costMetricConfigurations", 0, name]
    assert problems(response) == [(place, type_)]


@pytest.mark.parametrize(
    "changes",
    [
        {"inputTokenPrice": 0, "outputTokenPrice": 0},
        {"referenceInputTokenCount": 0, "referenceOutputTokenCount": 0},
        {"currencyCode": "x" * 7},
    ],
)
def test_the_bounds_themselves_are_allowed(api, costs, changes):
    body = {"costMetricConfigurations": [PRICE | changes]}
    assert api.patch(f"{PRICES}{costs.pk}/", body).status_code == 200


def test_two_prices_for_one_llm_are_refused(api, costs):
    response = api.patch(f"{PRICES}{costs.pk}/", {"costMetricConfigurations": [PRICE, PRICE]})

    place = ["body", "costMetricConfigurations", 1, "llmId"]
    assert problems(response) == [(place, "value_error")]


def test_prices_for_a_playground_of_another_use_case_are_refused(api, alice, playground, llm):
    other = accounts.create_use_case(user=alice, name="Other")

    response = api.post(
        PRICES,
        {
            "useCaseId": other.pk,
            "playgroundId": playground.pk,
            "name": "x",
            "costMetricConfigurations": [],
        },
    )

    assert problems(response) == [(["body", "playgroundId"], "value_error")]


# Insights.


def insights(response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.content
    return list(response.json()["insightsConfiguration"])


def test_insights_are_the_metrics_and_prices(api, post, insights_url, costs):
    guard = {"ootbMetricName": "latency", "moderationConfiguration": MODERATION}
    [metric] = configured(post(guard))

    latency, cost = insights(api.get(insights_url))

    assert latency["insightName"] == latency["ootbMetricName"] == "latency"
    assert latency["ootbMetricId"] == metric["ootbMetricConfigurationId"]
    assert (latency["insightType"], latency["resultUnit"]) == ("Operational metric", "seconds")
    assert (latency["stage"], latency["executionStatus"]) == ("response_pipeline", "COMPLETED")
    assert latency["aggregationTypes"] == ["average", "guardConditionPercentYes"]
    assert latency["moderationConfiguration"] == MODERATION
    assert latency["guardConditions"] == MODERATION["guardConditions"]
    assert (cost["insightName"], cost["resultUnit"]) == ("Ours", "EUR")
    assert (cost["costConfigurationId"], cost["ootbMetricId"]) == (costs.pk, None)


def names(response) -> list[str]:
    return [one["insightName"] for one in insights(response)]


def test_insights_can_be_narrowed(api, post, insights_url, judge, blueprint):
    post(
        "latency", "citations", "faithfulness", {"ootbMetricName": "correctness", "llmId": "judge"}
    )

    assert names(api.get(insights_url)) == ["latency", "citations", "faithfulness", "correctness"]
    [broken] = [one for one in insights(api.get(insights_url)) if one["executionStatus"] == "ERROR"]
    assert broken["insightName"] == "faithfulness"
    assert broken["errorResolution"].startswith("Configure the metric again")
    narrowed = {
        "completedOnly": ["latency", "citations", "correctness"],
        "productionOnly": ["latency", "citations", "faithfulness"],
        "withAggregationTypesOnly": ["latency", "citations", "faithfulness", "correctness"],
    }
    for name, left in narrowed.items():
        assert names(api.get(insights_url, {name: "True"})) == left
    assert names(api.get(insights_url, {"llmBlueprintIds": [blueprint.pk]})) == [
        "latency",
        "correctness",
    ]


@pytest.mark.parametrize("name", ["completedOnly", "productionOnly", "withAggregationTypesOnly"])
def test_filters_of_insights_are_words_for_true_or_false(api, insights_url, name):
    response = api.get(insights_url, {name: "maybe"})
    assert problems(response) == [(["query", name], "bool_parsing")]


@pytest.fixture
def source(alice, use_case, playground, costs, post):
    """A playground with a metric, prices and an evaluation dataset, and another one's path."""
    post({"ootbMetricName": "latency", "moderationConfiguration": MODERATION})
    dataset = vectordb.create_dataset(user=alice, name="Questions", use_case=use_case)
    file = SimpleUploadedFile("q.csv", b"question,answer\nWhich oil?,Rapeseed.\n")
    vectordb.add_files(dataset, user=alice, files=[file])
    datasets.create_configuration(
        user=alice,
        playground=playground,
        dataset=dataset,
        name="Questions",
        columns=Columns("question", "answer"),
    )
    return playground


@pytest.fixture
def target(alice, use_case):
    return services.create_playground(user=alice, use_case=use_case, name="Target")


def copy(api, source, target, **body):
    path = f"genai/playgrounds/{target.pk}/supportedInsights/{source.pk}/"
    return api.request("put", path, body)


def test_insights_are_copied_once(api, source, target):
    for _ in range(2):
        copied = copy(api, source, target, addToExisting=True, withEvaluationDatasets=True)

    assert names(copied) == ["latency", "Ours"]
    assert insights(copied)[0]["moderationConfiguration"] == MODERATION
    assert MetricConfiguration.objects.count() == CostConfiguration.objects.count() == 2
    [dataset] = target.evaluation_datasets.all()
    assert (dataset.name, dataset.rows_count) == ("Questions", 1)


def test_copied_insights_come_on_top_or_instead(api, alice, source, target):
    wish = MetricWish(MetricName.CITATIONS)
    configuring.configure_metrics(user=alice, playground=target, wishes=[wish])

    assert names(copy(api, source, target, addToExisting=True)) == ["citations", "latency", "Ours"]
    assert names(copy(api, source, target, addToExisting=False)) == ["latency", "Ours"]
    assert not target.evaluation_datasets.exists()


def test_a_playground_is_not_copied_to_itself(api, source):
    assert problems(copy(api, source, source)) == [(["body"], "value_error")]


def test_datasets_stay_in_their_use_case(api, alice, source):
    other = accounts.create_use_case(user=alice, name="Other")
    target = services.create_playground(user=alice, use_case=other, name="Target")

    refused = copy(api, source, target, withEvaluationDatasets=True)

    assert problems(refused) == [(["body", "withEvaluationDatasets"], "value_error")]
    assert names(copy(api, source, target)) == ["latency", "Ours"]


def test_what_is_copied_must_be_visible_and_where_to_editable(
    api, bob, bob_api, vera_api, source, target
):
    assert copy(vera_api, source, target).status_code == 403
    own = accounts.create_use_case(user=bob, name="Bob's")
    bobs = services.create_playground(user=bob, use_case=own, name="Bob's")
    assert copy(bob_api, source, bobs).status_code == 404
    assert copy(bob_api, bobs, target).status_code == 404


# Who may do what.


@pytest.mark.parametrize(
    ("method", "path", "body", "viewer"),
    [
        ("get", "genai/playgrounds/{playground}/ootbMetricConfigurations/", None, 200),
        (
            "post",
            "genai/playgrounds/{playground}/ootbMetricConfigurations/",
            {"ootbMetricConfigurations": []},
            403,
        ),
        ("get", "genai/ootbMetricConfigurations/{metric}/", None, 200),
        ("delete", "genai/ootbMetricConfigurations/{metric}/", None, 403),
        (
            "post",
            PRICES,
            {
                "useCaseId": "{use_case}",
                "playgroundId": "{playground}",
                "costMetricConfigurations": [],
            },
            403,
        ),
        ("get", PRICES + "{costs}/", None, 200),
        ("patch", PRICES + "{costs}/", {"name": "x"}, 403),
        ("delete", PRICES + "{costs}/", None, 403),
        ("get", "genai/playgrounds/{playground}/supportedInsights/", None, 200),
    ],
)
def test_viewers_look_and_strangers_see_nothing(
    request, vera_api, bob_api, method, path, body, viewer
):
    ids = {
        name: request.getfixturevalue(name).pk
        for name in ("playground", "metric", "costs", "use_case")
    }
    path = path.format(**ids)
    filled = body and {
        key: value.format(**ids) if isinstance(value, str) else value for key, value in body.items()
    }

    assert vera_api.request(method, path, filled).status_code == viewer
    assert bob_api.request(method, path, filled).status_code == 404
