"""What was asked in a playground, who asked where, and the export of it to a dataset."""

import csv
import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from blueprints.models import LLM
from config.status import Status
from playground import comparisons, exporting, services
from playground.models import ChatPrompt, TraceExport
from tests.api.conftest import CITATION
from vectordb import services as vectordb
from vectordb.files import stored_path
from vectordb.models import Dataset

NOTHING = "0" * 24


@pytest.fixture
def url(playground):
    return f"genai/playgrounds/{playground.pk}/"


@pytest.fixture
def traces(api, url):
    def listed(**query):
        response = api.get(f"{url}trace/", query)
        assert response.status_code == 200, response.content
        return response.json()["data"]

    return listed


@pytest.fixture
def compared(alice, playground, blueprint):
    """In a named comparison chat and alone."""
    services.update_blueprint(blueprint, user=alice, is_saved=True)
    chat = comparisons.create_comparison_chat(user=alice, playground=playground, name="Oils")
    return [
        comparisons.compare(user=alice, blueprints=[blueprint], text=text, chat=where)
        for text, where in [("In a chat?", chat), ("Alone?", None)]
    ]


def test_a_trace_has_its_fields(answered, traces, alice, chat, blueprint, use_case):
    [trace] = traces()

    assert trace.pop("timestamp").endswith("Z")
    assert trace.pop("resultMetadata")["totalTokenCount"] == 145
    assert trace.pop("llmSettings").keys() >= {"systemPrompt", "temperature"}
    assert trace.pop("vectorDatabaseSettings")["addNeighborChunks"] is False
    assert trace == {
        "user": {"id": alice.pk, "name": alice.display_name},
        "useCaseId": use_case.pk,
        "chatPromptId": answered.pk,
        "comparisonPromptId": None,
        "chatId": chat.pk,
        "chatName": "First",
        "llmBlueprintId": blueprint.pk,
        "llmBlueprintName": "Baseline",
        "llmName": LLM.objects.get(pk="extractive").label,
        "llmVendor": "Groundwork",
        "llmLicense": "MIT",
        "vectorDatabaseId": None,
        "promptType": "CHAT_HISTORY_AWARE",
        "evaluationDatasetConfigurationId": None,
        "text": "Which oil?",
        "executionStatus": "COMPLETED",
        "resultText": "Rapeseed oil. [1]",
        "confidenceScores": None,
        "warning": None,
    }


def test_no_text_of_a_trace_is_blank(api, chat, traces):
    """Clients refuse the whole list else."""
    api.post("genai/chatPrompts/", {"text": "", "chatId": chat.pk})
    ChatPrompt.objects.update(status=Status.COMPLETED, result_text="")
    type(chat).objects.update(name="")

    [trace] = traces()

    assert (trace["text"], trace["resultText"]) == (" ", None)
    assert trace["chatName"] == "Unnamed"


def test_an_llm_that_is_gone_has_no_name(answered, traces):
    ChatPrompt.objects.update(llm_id="gone")

    [trace] = traces()

    assert (trace["llmName"], trace["llmVendor"], trace["llmLicense"]) == (None, None, None)


def test_an_unfinished_or_failed_prompt_is_traced_too(prompt, traces):
    [trace] = traces()
    assert (trace["executionStatus"], trace["resultMetadata"]) == ("NEW", None)

    ChatPrompt.objects.update(status=Status.ERROR, error_message="Busy.", result_text="Rape")

    [trace] = traces()
    assert (trace["executionStatus"], trace["resultText"]) == ("ERROR", None)
    assert trace["resultMetadata"]["errorMessage"] == "Busy."


def test_comparisons_are_traced_with_their_comparison_chat(compared, traces):
    alone, within = traces()

    assert (within["text"], within["comparisonPromptId"]) == ("In a chat?", compared[0].pk)
    assert (within["chatId"], within["chatName"]) == (compared[0].chat_id, "Oils")
    assert (alone["text"], alone["comparisonPromptId"]) == ("Alone?", compared[1].pk)
    assert (alone["chatId"], alone["chatName"]) == (None, None)
    assert within["chatPromptId"] is alone["chatPromptId"] is None


@pytest.mark.django_db(transaction=True)
def test_the_questions_of_an_evaluation_are_traced_with_their_dataset(
    api, alice, use_case, playground, blueprint, traces, run_jobs
):
    questions = vectordb.create_dataset(user=alice, name="Questions", use_case=use_case)
    sheet = SimpleUploadedFile("questions.csv", b"question\nWhich oil?\nWho pays?\n")
    vectordb.add_files(questions, user=alice, files=[sheet])
    body = {"name": "Oil", "useCaseId": use_case.pk, "playgroundId": playground.pk}
    columns = {"datasetId": questions.pk, "promptColumnName": "question"}
    asked = api.post("genai/evaluationDatasetConfigurations/", body | columns).json()["id"]
    api.post(
        "genai/evaluationDatasetMetricAggregations/",
        {
            "chatName": "",
            "llmBlueprintIds": [blueprint.pk],
            "evaluationDatasetConfigurationId": asked,
            "insightsConfiguration": [{"insightName": "latency", "ootbMetricName": "latency"}],
        },
    )
    run_jobs()

    found = traces()

    assert {trace["text"] for trace in found} == {"Which oil?", "Who pays?"}
    assert {trace["evaluationDatasetConfigurationId"] for trace in found} == {asked}
    assert all(trace["chatName"] for trace in found)


def test_traces_come_newest_first_in_pages(api, alice, chat, url, traces):
    for text in "abc":
        services.ask(user=alice, text=text, chat=chat)

    assert [trace["text"] for trace in traces()] == ["c", "b", "a"]
    page = api.get(f"{url}trace/", {"limit": 2}).json()
    assert page["totalCount"] == 3
    assert page["next"] == f"http://testserver/api/v2/{url}trace/?limit=2&offset=2"


def test_traces_are_of_one_playground(alice, use_case, blueprint, prompt, api):
    other = services.create_playground(user=alice, use_case=use_case, name="Other")

    assert api.get(f"genai/playgrounds/{other.pk}/trace/").json()["data"] == []
    assert api.get(f"genai/playgrounds/{other.pk}/trace/metadata/").json() == {
        "users": [],
        "chats": [],
    }


def test_a_list_takes_as_many_queries_for_many_as_for_few(
    api, alice, chat, url, prompt, django_assert_num_queries
):
    for text in "abcd":
        services.ask(user=alice, text=text, chat=chat).feedback.create(user=alice, is_positive=True)
    ChatPrompt.objects.update(status=Status.COMPLETED)
    api.get(f"{url}trace/")

    # token, playground, count, page, feedback, LLMs
    with django_assert_num_queries(6):
        api.get(f"{url}trace/", {"limit": 1})
    with django_assert_num_queries(6):
        api.get(f"{url}trace/")


def test_the_metadata_names_who_asked_and_where(
    api, alice, vera, chat, prompt, compared, playground, blueprint, url
):
    services.create_chat(user=alice, playground=playground, blueprint=blueprint, name="Silent")

    body = api.get(f"{url}trace/metadata/").json()

    assert body == {
        "users": [{"id": alice.pk, "name": alice.display_name}],
        "chats": [
            {"id": chat.pk, "name": "First"},
            {"id": compared[0].chat_id, "name": "Oils"},
        ],
    }


@pytest.mark.parametrize(
    ("method", "path", "viewer"),
    [("get", "trace/", 200), ("get", "trace/metadata/", 200), ("post", "traceDatasets/", 403)],
)
def test_members_look_and_strangers_find_nothing(
    api, vera_api, bob_api, url, answered, method, path, viewer
):
    assert vera_api.request(method, url + path).status_code == viewer
    assert bob_api.request(method, url + path).status_code == 404
    assert api.request(method, f"genai/playgrounds/{NOTHING}/{path}").status_code == 404
    assert not TraceExport.objects.exists()


# The export.


@pytest.fixture
def export(api, url):
    """Asks for it; gives the path of its status."""

    def ask():
        response = api.post(f"{url}traceDatasets/")
        assert response.status_code == 202, response.content
        job = response.json()["jobId"]
        path = f"genai/status/{job}/"
        assert response["Location"] == f"http://testserver/api/v2/{path}"
        return path

    return ask


def read(dataset):
    document = dataset.documents.get()
    text = stored_path(document.stored_name).read_text()
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.django_db(transaction=True)
def test_an_export_is_a_dataset_of_all_traces(
    api, alice, export, answered, compared, playground, use_case, vera, run_jobs
):
    text = 'One, "two"\nthree; =4'
    ChatPrompt.objects.filter(pk=answered.pk).update(text=text, citations=[CITATION])
    answered.feedback.create(user=vera, is_positive=False)
    path = export()
    run_jobs()

    status = api.get(path)

    # Whoever polls a job by its id follows no redirect.
    assert (status.status_code, status.json()["status"]) == (200, "COMPLETED")
    dataset = Dataset.objects.get(links__use_case=use_case)
    assert dataset.pk in status.json()["message"]
    assert dataset.name.startswith("Traces of Lamps 20")
    assert api.get(f"datasets/{dataset.pk}/").status_code == 200
    assert dataset.created_by == alice
    rows = read(dataset)
    assert [row["text"] for row in rows] == ["Alone?", "In a chat?", text]
    row = rows[2]
    assert (row["chatPromptId"], row["comparisonPromptId"]) == (answered.pk, "")
    assert (row["resultText"], row["inputTokenCount"]) == (
        "Rapeseed oil. [1]",
        "140",
    )
    assert (row["positiveFeedback"], row["negativeFeedback"]) == ("0", "1")
    assert json.loads(row["citations"]) == [CITATION]
    assert (rows[1]["chatName"], rows[1]["comparisonPromptId"]) == ("Oils", compared[0].pk)
    assert rows[0]["chatId"] == ""


@pytest.mark.django_db(transaction=True)
def test_an_empty_playground_is_not_exported(api, export, run_jobs):
    path = export()
    run_jobs()

    status = api.get(path).json()

    assert (status["status"], status["code"]) == ("ERROR", 1)
    assert status["message"].startswith("Nothing was asked in this playground")
    assert not Dataset.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_is_too_much_for_a_file_is_said(api, export, answered, run_jobs, settings):
    settings.MAX_FILE_BYTES = 100
    path = export()
    run_jobs()

    assert "could not be stored" in api.get(path).json()["message"]
    assert not Dataset.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_whoever_lost_the_right_to_edit_exports_nothing(
    api, alice, vera, export, answered, run_jobs, use_case
):
    path = export()
    alice.memberships.update(role="viewer")
    run_jobs()

    assert api.get(path).json()["status"] == "ERROR"
    assert not Dataset.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_export_that_broke_down_says_so(api, export, answered):
    path = export()

    exporting.fail(TraceExport.objects.get().pk, "Export once more.")

    status = api.get(path).json()
    assert (status["status"], status["message"]) == ("ERROR", "Export once more.")


@pytest.mark.django_db(transaction=True)
def test_a_job_that_runs_twice_makes_one_dataset(export, answered, run_jobs):
    export()
    job = TraceExport.objects.get()
    exporting.export(job.pk)
    run_jobs()
    exporting.export(job.pk)

    assert Dataset.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_strangers_are_told_nothing_of_an_export(bob_api, vera_api, export, answered, run_jobs):
    path = export()
    run_jobs()

    assert bob_api.get(path).status_code == 404
    assert vera_api.get(path).json()["status"] == "COMPLETED"
