"""Evaluations and comparisons: bounds and refusals that the tests of how they work leave out."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from evaluation.models import EvaluationRun
from playground import services
from playground.models import Chat, ChatPrompt
from tests.api.conftest import problems
from vectordb import services as vectordb

DATASETS = "genai/evaluationDatasetConfigurations/"
FIGURES = "genai/evaluationDatasetMetricAggregations/"
COMPARISONS = "genai/comparisonPrompts/"
NOTHING = "0" * 24
LONG = "x" * 500
OPTIONAL_COLUMNS = ["responseColumnName", "toolCallsColumnName", "agentGoalsColumnName"]


@pytest.fixture
def body(alice, use_case, playground) -> dict[str, Any]:
    """What makes an evaluation dataset."""
    questions = vectordb.create_dataset(user=alice, name="Questions", use_case=use_case)
    text = f"question,answer,{LONG}\nWhich oil?,Rapeseed.,x\n"
    file = SimpleUploadedFile("questions.csv", text.encode())
    vectordb.add_files(questions, user=alice, files=[file])
    return {
        "name": "Oil",
        "useCaseId": use_case.pk,
        "playgroundId": playground.pk,
        "datasetId": questions.pk,
        "promptColumnName": "question",
    }


@pytest.fixture
def configuration(api, body) -> str:
    return str(api.post(DATASETS, body).json()["id"])


@pytest.fixture
def evaluation(configuration, blueprint) -> dict[str, Any]:
    return {
        "chatName": "Nightly",
        "llmBlueprintIds": [blueprint.pk],
        "evaluationDatasetConfigurationId": configuration,
        "insightsConfiguration": [{"insightName": "latency"}],
    }


# Evaluation datasets.


@pytest.mark.parametrize("field", OPTIONAL_COLUMNS)
def test_a_column_that_need_not_be_has_a_bound_and_may_be_blank(api, body, field):
    assert api.post(DATASETS, body | {field: LONG}).json()[field] == LONG
    for nothing in ("", None):
        assert api.post(DATASETS, body | {field: nothing}).json()[field] is None
    for value, kind in ((LONG + "x", "string_too_long"), (5, "string_type")):
        assert problems(api.post(DATASETS, body | {field: value})) == [(["body", field], kind)]


@pytest.mark.parametrize("field", OPTIONAL_COLUMNS)
def test_a_column_is_cleared_by_null_and_kept_by_silence(api, body, field):
    made = api.post(DATASETS, body | {field: "answer"}).json()["id"]
    path = f"{DATASETS}{made}/"

    assert api.patch(path, {"name": "New"}).json()[field] == "answer"
    for value, kind in ((LONG + "x", "string_too_long"), ("wrong", "value_error")):
        assert problems(api.patch(path, {field: value})) == [(["body", field], kind)]
    assert api.patch(path, {field: LONG}).json()[field] == LONG
    assert api.patch(path, {field: None}).json()[field] is None


def test_the_column_of_questions_has_a_bound(api, configuration):
    path = f"{DATASETS}{configuration}/"

    assert api.patch(path, {"promptColumnName": LONG}).json()["promptColumnName"] == LONG
    refused = api.patch(path, {"promptColumnName": LONG + "x"})
    assert problems(refused) == [(["body", "promptColumnName"], "string_too_long")]


def test_another_dataset_must_be_there(api, configuration):
    path = f"{DATASETS}{configuration}/"

    assert api.patch(path, {"datasetId": NOTHING}).status_code == 404
    assert problems(api.patch(path, {"datasetId": 5})) == [(["body", "datasetId"], "string_type")]


@pytest.mark.parametrize("word", [True, False])
def test_made_up_questions_are_questions_too(api, body, word):
    assert api.post(DATASETS, body | {"isSyntheticDataset": word}).status_code == 201


def test_filters_of_evaluation_datasets_combine(api, body, configuration, use_case):
    def found(**query: Any) -> list[str]:
        return [one["id"] for one in api.get(DATASETS, query).json()["data"]]

    mine = {"useCaseId": use_case.pk, "playgroundId": body["playgroundId"]}
    assert found(**mine, evaluationDatasetConfigurationId=configuration) == [configuration]
    assert found(**mine, search="lamp") == []
    assert found(**mine, correctnessOnly="True") == []
    assert found(playgroundId=body["playgroundId"], useCaseId=NOTHING) == []
    for name in ("playgroundId", "evaluationDatasetConfigurationId"):
        assert found(**{name: NOTHING}) == []


# Evaluations.


@pytest.mark.parametrize("name", ["", "x" * 200, " Ä \n"])
def test_the_chats_of_an_evaluation_are_called_as_told(api, evaluation, name):
    assert api.post(FIGURES, evaluation | {"chatName": name}).status_code == 202

    assert Chat.objects.get().name == name


@pytest.mark.parametrize(
    ("field", "value", "loc", "kind"),
    [
        ("llmBlueprintIds", None, [], "list_type"),
        ("evaluationDatasetConfigurationId", None, [], "string_type"),
        ("evaluationDatasetConfigurationId", 5, [], "string_type"),
        ("insightsConfiguration", "x", [], "list_type"),
        ("insightsConfiguration", ["x"], [0], "model_attributes_type"),
        ("insightsConfiguration", [{"insightName": 5}], [0, "insightName"], "string_type"),
        (
            "insightsConfiguration",
            [{"insightName": "latency", "ootbMetricId": 5}],
            [0, "ootbMetricId"],
            "string_type",
        ),
        (
            "insightsConfiguration",
            [{"insightName": "latency", "aggregationTypes": "average"}],
            [0, "aggregationTypes"],
            "list_type",
        ),
    ],
)
def test_types_of_an_evaluation_are_checked(api, evaluation, field, value, loc, kind):
    refused = problems(api.post(FIGURES, evaluation | {field: value}))

    assert [(at, found) for at, found in refused if at[:2] == ["body", field]] == [
        (["body", field, *loc], kind)
    ]
    assert not EvaluationRun.objects.exists()


@pytest.mark.parametrize(
    "how", ["average", "percentYes", "classPercentCoverage", "guardConditionPercentYes"]
)
def test_figures_are_made_in_each_of_these_ways(api, evaluation, how):
    insights = [{"insightName": "latency", "aggregationTypes": [how]}]

    response = api.post(FIGURES, evaluation | {"insightsConfiguration": insights})

    assert response.status_code == 202, response.content


def test_nothing_may_be_measured_at_all(api, evaluation):
    assert api.post(FIGURES, evaluation | {"insightsConfiguration": []}).status_code == 202


def test_so_much_may_be_measured_at_once(api, evaluation):
    latency = {"insightName": "latency"}

    most = api.post(FIGURES, evaluation | {"insightsConfiguration": [latency] * 300})
    assert most.status_code == 202, most.content
    more = api.post(FIGURES, evaluation | {"insightsConfiguration": [latency] * 301})
    assert problems(more) == [(["body", "insightsConfiguration"], "too_long")]


def test_a_blueprint_of_another_playground_is_refused(api, alice, use_case, evaluation, blueprint):
    room = services.create_playground(user=alice, use_case=use_case, name="Elsewhere")
    other = services.copy_blueprint(blueprint, user=alice, playground=room, name="Other")

    refused = api.post(FIGURES, evaluation | {"llmBlueprintIds": [other.pk]})

    assert problems(refused) == [(["body", "llmBlueprintIds"], "value_error")]
    assert not Chat.objects.exists()


def test_figures_of_nothing_are_deleted_in_vain(api, evaluation):
    for name in ("llmBlueprintIds", "chatIds"):
        response = api.request("delete", FIGURES, query_params={name: NOTHING})
        assert (response.status_code, response.content) == (204, b"")


# Comparisons.


@pytest.fixture
def compared(api, blueprint) -> str:
    api.patch(f"genai/llmBlueprints/{blueprint.pk}/", {"isSaved": True})
    body = {"llmBlueprintIds": [blueprint.pk], "text": "Which oil?"}
    return str(api.post(COMPARISONS, body).json()["id"])


def test_a_viewer_adds_no_blueprint_to_a_comparison(api, vera_api, blueprint, compared):
    copied = {"llmBlueprintId": blueprint.pk, "name": "Copy"}
    copy = api.post("genai/llmBlueprints/fromLLMBlueprint/", copied).json()["id"]
    api.patch(f"genai/llmBlueprints/{copy}/", {"isSaved": True})

    refused = vera_api.patch(f"{COMPARISONS}{compared}/", {"additionalLLMBlueprintIds": [copy]})

    assert refused.status_code == 403
    assert ChatPrompt.objects.count() == 1


def test_what_was_asked_is_not_asked_otherwise_later(api, compared):
    changed = api.patch(f"{COMPARISONS}{compared}/", {"text": "Other?", "metadataFilter": {"a": 1}})

    assert (changed.json()["text"], changed.json()["metadataFilter"]) == ("Which oil?", None)


@pytest.mark.parametrize("change", [{"name": None}, {"name": 5}])
def test_a_comparison_chat_keeps_its_name(api, playground, change):
    made = api.post(
        "genai/comparisonChats/", {"playgroundId": playground.pk, "name": "Oils"}
    ).json()
    path = f"genai/comparisonChats/{made['id']}/"

    assert problems(api.patch(path, change)) == [(["body", "name"], "string_type")]
    assert api.get(path).json() == made
    assert api.patch(path, {"name": ""}).json()["name"] == ""
    assert api.delete(path).content == b""


def test_prices_are_not_taken_away_by_null(api, use_case, playground, llm):
    body = {"useCaseId": use_case.pk, "playgroundId": playground.pk}
    prices = {"costMetricConfigurations": [{"llmId": llm.pk}]}
    made = api.post("genai/costMetricConfigurations/", body | prices).json()
    path = f"genai/costMetricConfigurations/{made['costConfigurationId']}/"

    place = ["body", "costMetricConfigurations"]
    wrong: list[Any] = [None, {}]
    for nothing in wrong:
        refused = api.patch(path, {"costMetricConfigurations": nothing})
        assert [at for at, _ in problems(refused)] == [place]
    assert api.patch(path, {"costMetricConfigurations": []}).json() == made | {
        "costMetricConfigurations": []
    }
