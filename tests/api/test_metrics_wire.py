"""Metrics and prices on the wire: every word that the GenAI API has, every bound."""

from typing import Any

import pytest
from datarobot.enums import GuardConditionComparator, ModerationGuardAction
from datarobot.models.genai.ootb_metric_configuration import OOTBMetricConfigurationResponse

from blueprints.models import LLM, LLMEndpoint, Provider
from tests.api.conftest import problems

PRICES = "genai/costMetricConfigurations/"
NOTHING = "0" * 24
NAMES = [
    *("latency", "prompt_tokens", "response_tokens", "document_tokens", "all_tokens", "citations"),
    *("rouge_1", "faithfulness", "correctness"),
    *("jailbreak_violation", "toxicity_violation", "pii_violation"),
]
COMPARANDS = {
    "greaterThan": 0.5,
    "lessThan": 3,
    "equals": "yes",
    "notEquals": 2,
    "is": True,
    "isNot": False,
    "matches": ["a.md", "b.md"],
    "doesNotMatch": "a.md",
    "contains": ["a.md"],
    "doesNotContain": "a.md",
}


@pytest.fixture
def judge(db) -> LLM:
    endpoint = LLMEndpoint.objects.create(name="Judges", base_url="http://127.0.0.1:9/v1")
    return LLM.objects.create(
        id="judge", label="Judge", provider=Provider.OPENAI, endpoint=endpoint, model_name="judge"
    )


@pytest.fixture
def url(playground) -> str:
    return f"genai/playgrounds/{playground.pk}/ootbMetricConfigurations/"


@pytest.fixture
def configure(api, url):
    def post(**wanted: Any) -> Any:
        one = {"ootbMetricName": "latency"} | wanted
        return api.post(url, {"ootbMetricConfigurations": [one]})

    return post


def only(response: Any) -> dict[str, Any]:
    assert response.status_code == 201, response.content
    [made] = response.json()["ootbMetricConfigurations"]
    return dict(made)


def guard(*conditions: Any, action: str = "block", message: str = "No.") -> dict[str, Any]:
    return {
        "guardConditions": [{"comparator": how, "comparand": what} for how, what in conditions],
        "intervention": {"action": action, "message": message},
    }


# Out-of-the-box metrics.


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_a_metric_is_taken(configure, judge, name):
    made = only(configure(ootbMetricName=name, llmId=judge.pk))

    assert (made["ootbMetricName"], made["executionStatus"]) == (name, "COMPLETED")


@pytest.mark.parametrize("comparator", [str(one.value) for one in GuardConditionComparator])
def test_every_comparator_is_taken(configure, comparator):
    sent = guard((comparator, COMPARANDS[comparator]))

    made = only(configure(moderationConfiguration=sent))

    assert made["moderationConfiguration"] == sent
    package = OOTBMetricConfigurationResponse.from_server_data(made)
    assert package.moderation_configuration is not None


@pytest.mark.parametrize("action", [str(one.value) for one in ModerationGuardAction])
def test_every_action_is_taken(configure, action):
    sent = guard(("greaterThan", 1), ("lessThan", 0), action=action, message="x" * 10_000)

    assert only(configure(moderationConfiguration=sent))["moderationConfiguration"] == sent


@pytest.mark.parametrize("comparand", ["x" * 1_000, ["x" * 1_000] * 100])
def test_comparands_may_be_long(configure, comparand):
    sent = guard(("matches", comparand))

    assert only(configure(moderationConfiguration=sent))["moderationConfiguration"] == sent


@pytest.mark.parametrize(
    ("comparand", "loc", "kind"),
    [
        ("", [], "string_too_short"),
        (["a", ""], [1], "string_too_short"),
        ("x" * 1_001, [], "string_too_long"),
        (["x"] * 101, [], "too_long"),
        (["x" * 1_001], [0], "string_too_long"),
    ],
)
def test_comparands_that_clients_cannot_read_are_refused(configure, comparand, loc, kind):
    refused = configure(moderationConfiguration=guard(("matches", comparand)))

    at = ["moderationConfiguration", "guardConditions", 0, "comparand", *loc]
    assert problems(refused) == [(["body", "ootbMetricConfigurations", 0, *at], kind)]


@pytest.mark.parametrize(
    ("moderation", "loc", "kind"),
    [
        ({}, ["guardConditions"], "missing"),
        ({"guardConditions": [{}]}, ["guardConditions", 0, "comparator"], "missing"),
        (guard(("greaterThan", 1), message="x" * 10_001), ["intervention", "message"], "string_too_long"),
        (guard(*[("greaterThan", 1)] * 101), ["guardConditions"], "too_long"),
        ("block", [], "model_attributes_type"),
    ],
)  # fmt: skip
def test_moderation_is_checked(configure, moderation, loc, kind):
    found = problems(configure(moderationConfiguration=moderation))

    place = ["body", "ootbMetricConfigurations", 0, "moderationConfiguration", *loc]
    assert (place, kind) in found


@pytest.mark.parametrize("arguments", ["exact_match", "ignore_arguments"])
def test_both_ways_to_compare_arguments_are_kept(configure, arguments):
    extra = {"toolCallAccuracy": {"argumentComparison": arguments}}

    assert only(configure(extraMetricSettings=extra))["extraMetricSettings"] == extra


@pytest.mark.parametrize("extra", [None, {}, {"toolCallAccuracy": None}])
def test_extra_settings_never_hold_a_null(configure, extra):
    assert only(configure(extraMetricSettings=extra))["extraMetricSettings"] is None


def test_a_custom_name_has_a_bound_and_blank_is_none(configure):
    assert only(configure(customOotbMetricName="x" * 200))["customOotbMetricName"] == "x" * 200
    assert only(configure(customOotbMetricName=""))["customOotbMetricName"] is None


def test_metrics_are_of_a_playground_that_is_there(api, llm):
    path = f"genai/playgrounds/{NOTHING}/ootbMetricConfigurations/"

    assert api.get(path).status_code == 404
    assert api.post(path, {"ootbMetricConfigurations": []}).status_code == 404


# Prices.


@pytest.fixture
def body(use_case, playground, llm) -> dict[str, Any]:
    return {
        "useCaseId": use_case.pk,
        "playgroundId": playground.pk,
        "name": "Ours",
        "costMetricConfigurations": [{"llmId": llm.pk}],
    }


def test_what_prices_are_of_is_needed(api, llm):
    assert problems(api.post(PRICES, {})) == [
        (["body", name], "missing")
        for name in ("costMetricConfigurations", "playgroundId", "useCaseId")
    ]
    assert problems(api.post(PRICES, {"costMetricConfigurations": [{}, "x"]}))[:2] == [
        (["body", "costMetricConfigurations", 0, "llmId"], "missing"),
        (["body", "costMetricConfigurations", 1], "model_attributes_type"),
    ]


@pytest.mark.parametrize("field", ["useCaseId", "playgroundId"])
def test_what_prices_are_of_must_be_there(api, body, field):
    assert api.post(PRICES, body | {field: NOTHING}).status_code == 404
    assert problems(api.post(PRICES, body | {field: 5})) == [(["body", field], "string_type")]


@pytest.mark.parametrize(("name", "shown"), [("x" * 200, "x" * 200), ("", ""), (None, "")])
def test_prices_may_do_without_a_name(api, body, name, shown):
    made = api.post(PRICES, body | {"name": name}).json()

    assert made["name"] == shown
    changed = api.patch(f"{PRICES}{made['costConfigurationId']}/", {"name": name})
    assert changed.json()["name"] == shown


def test_a_name_of_prices_has_a_bound(api, body):
    made = api.post(PRICES, body).json()["costConfigurationId"]

    for refused in (
        api.post(PRICES, body | {"name": "x" * 201}),
        api.patch(f"{PRICES}{made}/", {"name": "x" * 201}),
    ):
        assert problems(refused) == [(["body", "name"], "string_too_long")]


@pytest.mark.parametrize("field", ["inputTokenPrice", "outputTokenPrice"])
@pytest.mark.parametrize("price", [0, 0.000_001, 1_000_000_000])
def test_prices_are_numbers_from_nothing_on(api, body, llm, field, price):
    made = api.post(PRICES, body | {"costMetricConfigurations": [{"llmId": llm.pk, field: price}]})

    assert made.json()["costMetricConfigurations"][0][field] == price


@pytest.mark.parametrize("field", ["referenceInputTokenCount", "referenceOutputTokenCount"])
@pytest.mark.parametrize("count", [0, 1, 1000.0, 2**31 - 1])
def test_references_are_whole_numbers_from_nothing_on(api, body, llm, field, count):
    made = api.post(PRICES, body | {"costMetricConfigurations": [{"llmId": llm.pk, field: count}]})

    assert made.json()["costMetricConfigurations"][0][field] == count


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("inputTokenPrice", 1_000_000_001),
        ("outputTokenPrice", 1_000_000_001),
        ("referenceInputTokenCount", 2**31),
        ("referenceOutputTokenCount", 2**31),
    ],
)
def test_prices_beyond_all_bounds_are_refused(api, body, llm, field, value):
    price = {"llmId": llm.pk, field: value}

    refused = api.post(PRICES, body | {"costMetricConfigurations": [price]})

    place = ["body", "costMetricConfigurations", 0, field]
    assert problems(refused) == [(place, "less_than_equal")]


def test_prices_are_not_listed(api, body):
    api.post(PRICES, body)

    assert api.get(PRICES).status_code == 405
