"""Evaluation datasets, evaluations, and the figures that they end with."""

import asyncio
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.services import create_use_case
from blueprints.settings import AnswerSettings, SettingsChanges
from config.api import status as status_view
from config.status import Status
from evaluation import run_steps, runs
from evaluation.datasets import Columns, create_configuration
from evaluation.models import EvaluationDatasetConfiguration, MetricAggregation
from playground import services as playgrounds
from playground.models import Chat, ChatPrompt
from tests.api.conftest import problems
from tests.api.test_status import held
from vectordb import services as vectordb

DATASETS = "genai/evaluationDatasetConfigurations/"
FIGURES = "genai/evaluationDatasetMetricAggregations/"
CSV = "question,answer,tools,goals\nWhich oil?,Rapeseed.,[],light\nWho pays?,The county.,[],\n"
NOWHERE = "0" * 24

committed = pytest.mark.django_db(transaction=True)


@pytest.fixture
def make_dataset(alice, use_case):
    def make(text=CSV, name="Questions"):
        dataset = vectordb.create_dataset(user=alice, name=name, use_case=use_case)
        file = SimpleUploadedFile("questions.csv", text.encode())
        [added] = vectordb.add_files(dataset, user=alice, files=[file])
        assert added.document, added.error
        return dataset

    return make


@pytest.fixture
def questions(make_dataset):
    return make_dataset()


@pytest.fixture
def configure(alice, playground, questions):
    def make(name="Oil", playground=playground, dataset=questions, **columns):
        return create_configuration(
            user=alice,
            playground=playground,
            dataset=dataset,
            name=name,
            columns=Columns("question", **columns),
        )

    return make


@pytest.fixture
def configuration(configure):
    return configure(response_column_name="answer")


@pytest.fixture
def body(use_case, playground, questions):
    """What makes a configuration."""
    return {
        "name": "Oil",
        "useCaseId": use_case.pk,
        "playgroundId": playground.pk,
        "datasetId": questions.pk,
        "promptColumnName": "question",
    }


def test_a_configuration_is_shown_with_all_its_fields(api, alice, body, questions):
    more = {
        "responseColumnName": "answer",
        "toolCallsColumnName": "tools",
        "agentGoalsColumnName": "goals",
        "isSyntheticDataset": False,
        "somethingNew": 1,
    }

    response = api.post(DATASETS, body | more)

    assert response.status_code == 201, response.content
    shown = response.json()
    assert api.get(f"{DATASETS}{shown['id']}/").json() == shown
    assert shown.pop("creationDate").endswith("Z")
    del body["datasetId"]
    del more["isSyntheticDataset"], more["somethingNew"]
    assert shown == {
        **body,
        **more,
        "id": EvaluationDatasetConfiguration.objects.get().pk,
        "datasetId": questions.pk,
        "datasetName": "Questions",
        "size": len(CSV),
        "rowsCount": 2,
        "correctnessEnabled": True,
        "userName": "alice",
        "creationUserId": alice.pk,
        "tenantId": "000000000000000000000001",
        "executionStatus": "COMPLETED",
        "errorMessage": None,
    }


def test_a_dataset_needs_no_right_answers(api, body):
    shown = api.post(DATASETS, body | {"name": "", "responseColumnName": None}).json()

    assert shown["name"] == ""
    assert shown["responseColumnName"] is None
    assert shown["correctnessEnabled"] is False


def test_everything_missing_is_said_at_once(api):
    assert problems(api.post(DATASETS, {})) == [
        (["body", name], "missing")
        for name in ("datasetId", "name", "playgroundId", "promptColumnName", "useCaseId")
    ]


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("name", "x" * 201, "string_too_long"),
        ("name", None, "string_type"),
        ("name", 1, "string_type"),
        ("useCaseId", 1, "string_type"),
        ("playgroundId", None, "string_type"),
        ("datasetId", [], "string_type"),
        ("promptColumnName", "", "string_too_short"),
        ("promptColumnName", "x" * 501, "string_too_long"),
        ("promptColumnName", "wrong", "value_error"),
        ("responseColumnName", "x" * 501, "string_too_long"),
        ("responseColumnName", "wrong", "value_error"),
        ("toolCallsColumnName", "wrong", "value_error"),
        ("agentGoalsColumnName", "wrong", "value_error"),
        ("isSyntheticDataset", "no", "bool_type"),
    ],
)
def test_it_refuses(api, body, field, value, kind):
    response = api.post(DATASETS, body | {field: value})

    assert problems(response) == [(["body", field], kind)]
    assert not EvaluationDatasetConfiguration.objects.exists()


def test_names_and_columns_may_be_as_long_as_this(api, body, make_dataset):
    column = "x" * 500
    long = {"name": "x" * 200, "promptColumnName": column}
    dataset = make_dataset(f"{column},a\nWhy?,b\n")

    response = api.post(DATASETS, body | long | {"datasetId": dataset.pk})

    assert response.status_code == 201, response.content
    assert response.json()["promptColumnName"] == column


@pytest.mark.parametrize("field", ["useCaseId", "playgroundId", "datasetId"])
def test_what_it_is_made_of_must_be_there(api, body, field):
    assert api.post(DATASETS, body | {field: NOWHERE}).status_code == 404


def test_the_playground_must_be_in_the_use_case(api, alice, body):
    other = create_use_case(user=alice, name="Other")

    response = api.post(DATASETS, body | {"useCaseId": other.pk})

    assert problems(response) == [(["body", "playgroundId"], "value_error")]


def test_a_dataset_without_a_csv_file_is_refused(api, body, dataset):
    response = api.post(DATASETS, body | {"datasetId": dataset.pk})

    assert problems(response) == [(["body", "datasetId"], "value_error")]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {}),
        ({"name": "Other"}, {"name": "Other"}),
        ({"promptColumnName": "answer"}, {"promptColumnName": "answer"}),
        ({"responseColumnName": "goals"}, {"responseColumnName": "goals"}),
        (
            {"responseColumnName": None},
            {"responseColumnName": None, "correctnessEnabled": False},
        ),
        ({"toolCallsColumnName": "tools"}, {"toolCallsColumnName": "tools"}),
        ({"agentGoalsColumnName": "goals"}, {"agentGoalsColumnName": "goals"}),
    ],
)
def test_what_is_sent_is_changed(api, configuration, change, expected):
    path = f"{DATASETS}{configuration.pk}/"
    before = api.get(path).json()

    response = api.patch(path, change)

    assert response.status_code == 200, response.content
    assert response.json() == before | expected


def test_another_dataset_is_read(api, configuration, make_dataset):
    other = make_dataset("question,answer\nWhy?,x\n", name="Other")

    shown = api.patch(f"{DATASETS}{configuration.pk}/", {"datasetId": other.pk}).json()

    assert (shown["datasetId"], shown["datasetName"]) == (other.pk, "Other")
    assert (shown["rowsCount"], shown["size"]) == (1, 23)


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("name", None, "string_type"),
        ("name", "x" * 201, "string_too_long"),
        ("datasetId", None, "string_type"),
        ("promptColumnName", None, "string_type"),
        ("promptColumnName", "", "string_too_short"),
        ("promptColumnName", "wrong", "value_error"),
        ("responseColumnName", "wrong", "value_error"),
    ],
)
def test_a_change_is_checked_too(api, configuration, field, value, kind):
    path = f"{DATASETS}{configuration.pk}/"
    before = api.get(path).json()

    assert problems(api.patch(path, {field: value})) == [(["body", field], kind)]
    assert api.get(path).json() == before


def test_a_deleted_configuration_is_gone(api, configuration):
    path = f"{DATASETS}{configuration.pk}/"

    response = api.delete(path)

    assert (response.status_code, response.content) == (204, b"")
    assert [api.get(path).status_code, api.delete(path).status_code] == [404, 404]


def test_without_its_file_it_says_so(api, alice, configuration, questions):
    dataset_id = questions.pk
    vectordb.delete_dataset(questions, user=alice)

    shown = api.get(f"{DATASETS}{configuration.pk}/").json()

    assert (shown["executionStatus"], shown["datasetId"]) == ("ERROR", dataset_id)
    assert "was deleted" in shown["errorMessage"]
    response = api.patch(f"{DATASETS}{configuration.pk}/", {"promptColumnName": "answer"})
    assert response.status_code == 409


def named(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [row["name"] for row in response.json()["data"]]


def test_lists_are_filtered(api, alice, use_case, playground, configure, make_dataset):
    elsewhere = playgrounds.create_playground(user=alice, use_case=use_case, name="Elsewhere")
    broken = make_dataset()
    first = configure("Oil", response_column_name="answer")
    configure("Lamps")
    configure("Broken oil", dataset=broken)
    configure("Elsewhere", playground=elsewhere)
    vectordb.delete_dataset(broken, user=alice)

    for query, expected in (
        ({}, ["Elsewhere", "Broken oil", "Lamps", "Oil"]),
        ({"useCaseId": use_case.pk}, ["Elsewhere", "Broken oil", "Lamps", "Oil"]),
        ({"useCaseId": NOWHERE}, []),
        ({"playgroundId": playground.pk}, ["Broken oil", "Lamps", "Oil"]),
        ({"evaluationDatasetConfigurationId": first.pk}, ["Oil"]),
        ({"search": "OIL"}, ["Broken oil", "Oil"]),
        ({"search": "oil", "correctnessOnly": "True"}, ["Oil"]),
        ({"correctnessOnly": "False"}, ["Elsewhere", "Broken oil", "Lamps", "Oil"]),
        ({"completedOnly": "true"}, ["Elsewhere", "Lamps", "Oil"]),
        ({"sort": "name"}, ["Broken oil", "Elsewhere", "Lamps", "Oil"]),
        ({"sort": "-name", "limit": 2}, ["Oil", "Lamps"]),
        ({"sort": "creationDate", "offset": 1, "limit": 1}, ["Lamps"]),
    ):
        assert named(api.get(DATASETS, query)) == expected, query


@pytest.mark.parametrize(
    "field",
    [
        "creationUserId",
        "creationDate",
        "datasetId",
        "datasetName",
        "promptColumnName",
        "responseColumnName",
        "rowsCount",
        "size",
    ],
)
def test_lists_can_be_sorted_by_every_field(api, configure, field):
    configure("a")
    configure("b", response_column_name="answer")

    up, down = (named(api.get(DATASETS, {"sort": f"{sign}{field}"})) for sign in ("", "-"))

    assert up == list(reversed(down))


@pytest.mark.parametrize(
    ("path", "query", "loc"),
    [
        (DATASETS, {"sort": "wit"}, "sort"),
        (DATASETS, {"correctnessOnly": "maybe"}, "correctnessOnly"),
        (DATASETS, {"limit": 0}, "limit"),
        (FIGURES, {"sort": "wit"}, "sort"),
        (FIGURES, {"aggregationTypes": "median"}, "aggregationTypes"),
        (FIGURES, {"nonErroredOnly": "maybe"}, "nonErroredOnly"),
        (FIGURES, {"offset": -1}, "offset"),
    ],
)
def test_queries_are_checked(api, path, query, loc):
    [(where, _)] = problems(api.get(path, query))

    assert where[:2] == ["query", loc]


def test_pages_keep_their_filters(api, configure):
    configure("Oil 1")
    configure("Oil 2")

    answer = api.get(DATASETS, {"search": "oil", "limit": 1}).json()

    assert (answer["count"], answer["totalCount"], answer["previous"]) == (1, 2, None)
    assert "search=oil" in answer["next"]
    assert answer["next"].startswith("http://testserver/api/v2/genai/")


def test_lists_take_as_many_queries_however_long(api, configure, django_assert_num_queries):
    configure()
    api.get(DATASETS)  # the first use of a token is noted
    with CaptureQueriesContext(connection) as once:
        assert len(named(api.get(DATASETS))) == 1
    configure("b")
    configure("c")

    with django_assert_num_queries(len(once)):
        assert len(named(api.get(DATASETS))) == 3


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_a_stranger_finds_no_configuration(bob_api, configuration, method):
    sent = {"name": "Mine"} if method == "patch" else None

    response = bob_api.request(method, f"{DATASETS}{configuration.pk}/", sent)

    assert response.status_code == 404
    assert named(bob_api.get(DATASETS)) == []


def test_a_viewer_looks_at_configurations(vera_api, configuration, body):
    path = f"{DATASETS}{configuration.pk}/"

    assert vera_api.get(path).status_code == 200
    assert named(vera_api.get(DATASETS)) == ["Oil"]
    assert vera_api.post(DATASETS, body).status_code == 403
    assert vera_api.patch(path, {"name": "Mine"}).status_code == 403
    assert vera_api.delete(path).status_code == 403


@pytest.fixture
def evaluation(configuration, blueprint):
    """What begins one."""
    return {
        "chatName": "Nightly",
        "llmBlueprintIds": [blueprint.pk],
        "evaluationDatasetConfigurationId": configuration.pk,
        "insightsConfiguration": [{"insightName": "latency", "ootbMetricName": "latency"}],
    }


@pytest.fixture
def run(alice, configuration, blueprint):
    return begin(alice, configuration, blueprint)


def begin(user, configuration, *blueprints, name="Nightly", metrics=("latency", "citations")):
    return runs.start_run(
        user=user,
        configuration=configuration,
        blueprints=blueprints,
        chat_name=name,
        insights=[{"insight_name": metric} for metric in metrics],
    )


def finish(run):
    """As if all questions had been answered."""
    while run_steps.advance(run.pk):
        ChatPrompt.objects.update(status=Status.COMPLETED, latency_ms=500, citations=[])


@pytest.fixture
def finished(run):
    finish(run)
    run.refresh_from_db()
    return run


@committed
def test_an_evaluation_is_a_job_that_ends_completed(api, alice, evaluation, run_jobs, blueprint):
    response = api.post(FIGURES, evaluation)
    job = response.json()["jobId"]
    run_jobs()

    assert response.status_code == 202
    assert response.json() == {"jobId": job}
    assert response["Location"] == f"http://testserver/api/v2/genai/status/{job}/"
    for root in ("status/", "genai/status/"):
        status = api.get(f"{root}{job}/")
        assert status.status_code == 200
        told = status.json()
        assert told.pop("created").endswith("Z")
        assert told == {
            "statusId": job,
            "status": "COMPLETED",
            "message": "",
            "code": 0,
            "description": "Evaluation",
            "statusType": "",
        }
    [chat] = api.get("genai/chats/", {"llmBlueprintId": blueprint.pk}).json()["data"]
    assert (chat["name"], chat["isFrozen"], chat["promptsCount"]) == ("Nightly", True, 2)
    prompts = api.get("genai/chatPrompts/", {"chatId": chat["id"]}).json()["data"]
    assert {prompt["text"] for prompt in prompts} == {"Which oil?", "Who pays?"}
    assert {prompt["executionStatus"] for prompt in prompts} == {"COMPLETED"}
    [figure] = api.get(FIGURES).json()["data"]
    assert (figure["metricName"], figure["chatId"]) == ("latency", chat["id"])
    assert figure["aggregationValue"] > 0


def test_a_figure_is_shown_with_all_its_fields(
    api, alice, blueprint, configuration, finished, questions
):
    shown = api.get(FIGURES, {"metricNames": "latency"}).json()["data"]

    assert shown == [
        {
            "llmBlueprintId": blueprint.pk,
            "evaluationDatasetConfigurationId": configuration.pk,
            "ootbDatasetName": None,
            "metricName": "latency",
            "datasetId": questions.pk,
            "datasetName": "Questions",
            "chatId": Chat.objects.get().pk,
            "chatName": "Nightly",
            "aggregationValue": 0.5,
            "aggregationType": "average",
            "creationDate": finished.created_at.isoformat().replace("+00:00", "Z"),
            "creationUserId": alice.pk,
            "tenantId": "000000000000000000000001",
            "customModelGuardId": None,
        }
    ]


@committed
def test_its_status_tells_how_far_it_is(api, run, monkeypatch):
    monkeypatch.setattr(status_view, "HELD_SECONDS", 0.05)

    def status():
        response = asyncio.run(held(api, f"genai/status/{run.pk}/", lambda: None))
        told = json.loads(response.content)
        return told["status"], told["message"], told["code"]

    assert status() == ("INITIALIZED", "0 of 2 questions answered.", 0)
    run_steps.advance(run.pk)
    ChatPrompt.objects.filter(text="Which oil?").update(status=Status.COMPLETED)
    assert status() == ("RUNNING", "1 of 2 questions answered.", 0)


@committed
def test_its_status_answers_the_moment_it_ends(api, run, monkeypatch):
    monkeypatch.setattr(status_view, "HELD_SECONDS", 3600)
    monkeypatch.setattr(status_view, "_LOOK_AGAIN_SECONDS", 3600)

    response = asyncio.run(held(api, f"genai/status/{run.pk}/", lambda: finish(run)))

    assert json.loads(response.content)["status"] == "COMPLETED"


@committed
def test_a_run_that_broke_says_so(api, run):
    run_steps.fail(run.pk, "It broke.")

    told = api.get(f"genai/status/{run.pk}/").json()

    assert (told["status"], told["message"], told["code"]) == ("ERROR", "It broke.", 1)


@committed
def test_a_cancelled_run_was_aborted(api, alice, run):
    runs.cancel_run(run, user=alice)

    told = api.get(f"genai/status/{run.pk}/").json()

    assert (told["status"], told["message"], told["code"]) == ("ABORTED", "Cancelled.", 1)


@committed
def test_a_stranger_finds_no_job(bob_api, run):
    assert bob_api.get(f"genai/status/{run.pk}/").status_code == 404


def test_what_is_missing_of_an_evaluation_is_said_at_once(api):
    assert problems(api.post(FIGURES, {"insightsConfiguration": [{}]})) == [
        (["body", "chatName"], "missing"),
        (["body", "evaluationDatasetConfigurationId"], "missing"),
        (["body", "insightsConfiguration", 0, "insightName"], "missing"),
        (["body", "llmBlueprintIds"], "missing"),
    ]


@pytest.mark.parametrize(
    ("field", "value", "loc", "kind"),
    [
        ("chatName", "x" * 201, [], "string_too_long"),
        ("chatName", None, [], "string_type"),
        ("llmBlueprintIds", [], [], "value_error"),
        ("llmBlueprintIds", "x", [], "list_type"),
        ("llmBlueprintIds", [1], [0], "string_type"),
        ("insightsConfiguration", [{"insightName": ""}], [0, "insightName"], "string_too_short"),
        ("insightsConfiguration", [{"insightName": "wit"}], [], "value_error"),
        (
            "insightsConfiguration",
            [{"insightName": "x" * 201}],
            [0, "insightName"],
            "string_too_long",
        ),
        (
            "insightsConfiguration",
            [{"insightName": "latency", "aggregationTypes": ["average", "median"]}],
            [0, "aggregationTypes", 1],
            "enum",
        ),
        (
            "insightsConfiguration",
            [{"insightName": "latency", "aggregationTypes": ["ngramImportance"]}],
            [],
            "value_error",
        ),
    ],
)
def test_it_refuses_an_evaluation(api, evaluation, field, value, loc, kind):
    response = api.post(FIGURES, evaluation | {field: value})

    assert problems(response) == [(["body", field, *loc], kind)]
    assert not Chat.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [("llmBlueprintIds", [NOWHERE]), ("evaluationDatasetConfigurationId", NOWHERE)],
)
def test_what_is_evaluated_must_be_there(api, evaluation, field, value):
    assert api.post(FIGURES, evaluation | {field: value}).status_code == 404


def test_a_blueprint_named_twice_is_asked_once(api, evaluation, blueprint):
    twice = {"llmBlueprintIds": [blueprint.pk, blueprint.pk]}

    assert api.post(FIGURES, evaluation | twice).status_code == 202
    assert Chat.objects.count() == 1


def test_nulls_and_what_clients_add_do_not_matter(api, evaluation):
    insight = {
        "insightName": "latency",
        "insightType": "Operational metric",
        "ootbMetricId": None,
        "aggregationTypes": None,
        "guardConditions": None,
        "stage": None,
        "deploymentId": None,
    }

    response = api.post(FIGURES, evaluation | {"insightsConfiguration": [insight]})

    assert response.status_code == 202, response.content


def test_a_dataset_that_is_gone_is_a_conflict(api, alice, evaluation, questions):
    vectordb.delete_dataset(questions, user=alice)

    assert api.post(FIGURES, evaluation).status_code == 409


@pytest.fixture
def two_runs(alice, playground, llm, configure, blueprint):
    """Two datasets, two blueprints; the second one's metric has no value."""
    other = playgrounds.create_blueprint(
        user=alice, playground=playground, name="Other", settings=AnswerSettings(llm_id=llm.pk)
    )
    first = begin(alice, configure("Oil"), blueprint, name="First")
    second = begin(alice, configure("More"), blueprint, other, name="Second", metrics=("rouge_1",))
    for run in (first, second):
        finish(run)
    return {"first": first, "second": second, "baseline": blueprint, "other": other}


def shown(response) -> list[str]:
    assert response.status_code == 200, response.content
    data = response.json()["data"]
    return [f"{one['chatName']} {one['metricName']}" for one in data]


def test_figures_are_filtered(api, two_runs):
    [first_chat] = two_runs["first"].chats.all()
    first = ["First latency", "First citations"]
    second = ["Second rouge_1", "Second rouge_1"]

    for query, expected in (
        ({}, second + first),
        ({"llmBlueprintIds": two_runs["other"].pk}, second[:1]),
        (
            {"llmBlueprintIds": [two_runs["other"].pk, two_runs["baseline"].pk]},
            second + first,
        ),
        ({"chatIds": first_chat.chat_id}, first),
        ({"chatIds": [first_chat.chat_id, NOWHERE]}, first),
        (
            {"evaluationDatasetConfigurationIds": two_runs["second"].configuration_id},
            second,
        ),
        ({"metricNames": "citations"}, first[1:]),
        ({"metricNames": ["citations", "latency"]}, first),
        ({"aggregationTypes": "average"}, second + first),
        ({"aggregationTypes": ["percentYes"]}, []),
        ({"nonErroredOnly": "True"}, first),
        ({"nonErroredOnly": "False"}, second + first),
        ({"chatIds": first_chat.chat_id, "metricNames": "rouge_1"}, []),
        ({"sort": "metricName"}, [first[1], first[0], *second]),
        ({"sort": "-metricName", "limit": 1}, second[:1]),
        ({"sort": "aggregationValue", "nonErroredOnly": "true"}, [first[1], first[0]]),
        ({"offset": 1, "limit": 2}, [second[1], first[0]]),
    ):
        assert shown(api.get(FIGURES, query)) == expected, query


@pytest.mark.parametrize(
    "field",
    [
        "metricName",
        "aggregationType",
        "aggregationValue",
        "llmBlueprintId",
        "chatId",
        "chatName",
        "datasetName",
        "evaluationDatasetConfigurationId",
        "creationDate",
        "creationUserId",
    ],
)
def test_figures_can_be_sorted_by_every_field(api, two_runs, field):
    up, down = (shown(api.get(FIGURES, {"sort": f"{sign}{field}"})) for sign in ("", "-"))

    assert up == list(reversed(down))


def test_figures_of_blueprints_that_changed_can_be_left_out(api, alice, two_runs):
    playgrounds.update_blueprint(
        two_runs["baseline"], user=alice, changes=SettingsChanges(prompt_type="ONE_TIME_PROMPT")
    )

    current = api.get(FIGURES, {"currentConfigurationOnly": "True"}).json()["data"]

    assert [figure["llmBlueprintId"] for figure in current] == [two_runs["other"].pk]
    assert len(shown(api.get(FIGURES, {"currentConfigurationOnly": "False"}))) == 4


def test_a_figure_without_a_value_is_null(api, two_runs):
    figures = api.get(FIGURES, {"metricNames": "rouge_1"}).json()["data"]

    assert [figure["aggregationValue"] for figure in figures] == [None, None]


def test_shares_of_classes_are_lists(api, finished):
    MetricAggregation.objects.update(
        aggregation_type="classPercentCoverage", value=[{"item": "yes", "value": 50.0}]
    )

    [figure, _] = api.get(FIGURES).json()["data"]

    assert figure["aggregationValue"] == [{"item": "yes", "value": 50.0}]


def test_figures_take_as_many_queries_however_many(
    api, alice, run, configuration, blueprint, django_assert_num_queries
):
    finish(run)
    api.get(FIGURES)  # the first use of a token is noted
    with CaptureQueriesContext(connection) as once:
        assert len(shown(api.get(FIGURES))) == 2
    finish(begin(alice, configuration, blueprint))

    with django_assert_num_queries(len(once)):
        assert len(shown(api.get(FIGURES))) == 4


def delete(api, **query):
    return api.request("delete", FIGURES, query_params=query)


def test_figures_are_deleted_by_blueprint_or_chat(api, two_runs):
    [chat] = two_runs["first"].chats.all()

    both = delete(api, chatIds=chat.chat_id, llmBlueprintIds=two_runs["other"].pk)
    assert (both.status_code, both.content, len(shown(api.get(FIGURES)))) == (204, b"", 4)

    assert delete(api, llmBlueprintIds=two_runs["other"].pk).status_code == 204
    assert shown(api.get(FIGURES)) == ["Second rouge_1", "First latency", "First citations"]

    assert delete(api, chatIds=[chat.chat_id, NOWHERE]).status_code == 204
    assert shown(api.get(FIGURES)) == ["Second rouge_1"]
    assert Chat.objects.count() == 3


def test_all_figures_at_once_are_not_deleted(api, finished):
    assert problems(delete(api)) == [(["query"], "value_error")]
    assert len(shown(api.get(FIGURES))) == 2


def test_deleting_the_figures_of_a_running_evaluation_cancels_it(api, run):
    run_steps.advance(run.pk)

    assert delete(api, chatIds=Chat.objects.get().pk).status_code == 204

    run.refresh_from_db()
    assert run.status == Status.CANCELLED
    assert set(ChatPrompt.objects.values_list("stop_requested", flat=True)) == {True}


def test_a_viewer_looks_at_figures(vera_api, finished, evaluation):
    assert len(shown(vera_api.get(FIGURES))) == 2
    assert vera_api.post(FIGURES, evaluation).status_code == 403
    assert delete(vera_api, chatIds=Chat.objects.get().pk).status_code == 403
    assert MetricAggregation.objects.count() == 2


def test_a_stranger_finds_no_figures(bob_api, finished, evaluation):
    assert shown(bob_api.get(FIGURES)) == []
    assert bob_api.post(FIGURES, evaluation).status_code == 404
    assert delete(bob_api, chatIds=Chat.objects.get().pk).status_code == 204
    assert MetricAggregation.objects.count() == 2


@pytest.mark.parametrize("path", [DATASETS, FIGURES, f"{DATASETS}{NOWHERE}/"])
def test_it_asks_for_a_token(client, path):
    assert client.get(f"/api/v2/{path}").status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("put", DATASETS),
        ("delete", DATASETS),
        ("post", f"{DATASETS}{NOWHERE}/"),
        ("put", FIGURES),
        ("patch", FIGURES),
        ("get", f"{FIGURES}{NOWHERE}/"),
    ],
)
def test_other_methods_are_refused(api, method, path):
    assert api.request(method, path).status_code in {404, 405}
