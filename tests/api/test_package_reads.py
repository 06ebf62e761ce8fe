"""What is answered of things in odd states, as the package's own converters take it: they refuse a
whole list for one null, or one text without a character, in the wrong place."""

from typing import Any

import pytest
from datarobot.models.genai.chat import Chat
from datarobot.models.genai.comparison_chat import ComparisonChat
from datarobot.models.genai.comparison_prompt import ComparisonPrompt
from datarobot.models.genai.cost_metric_configurations import CostMetricConfiguration
from datarobot.models.genai.evaluation_dataset_configuration import EvaluationDatasetConfiguration
from datarobot.models.genai.evaluation_dataset_metric_aggregation import (
    EvaluationDatasetMetricAggregation,
)
from datarobot.models.genai.llm import LLMDefinition
from datarobot.models.genai.llm_blueprint import LLMBlueprint
from datarobot.models.genai.ootb_metric_configuration import PlaygroundOOTBMetricConfiguration
from datarobot.models.genai.playground import Playground
from datarobot.models.genai.prompt_template import PromptTemplate, PromptTemplateVersion
from datarobot.models.genai.prompt_trace import PromptTrace, TraceMetadata
from datarobot.models.genai.vector_database import VectorDatabase

from accounts.models import User
from blueprints.models import LLM, LLMEndpoint, Provider
from config.status import Status
from evaluation import models as evaluation
from playground import models as playgrounds
from playground import services
from tests.api.conftest import CITATION
from vectordb import models as databases
from vectordb import services as vectordb


@pytest.fixture
def read(api):
    """The things at a path, read by the package."""

    def by(kind: Any, path: str, query: Any = None) -> list[Any]:
        response = api.get(f"genai/{path}", query)
        assert response.status_code == 200, response.content
        body = response.json()
        return [kind.from_server_data(one) for one in body.get("data", [body])]

    return by


@pytest.mark.parametrize(
    "state",
    [
        {"status": Status.NEW},
        {"status": Status.RUNNING},
        {"status": Status.ERROR, "error_message": "No text in the documents."},
        {"status": Status.ERROR},
        {"status": Status.CANCELLED, "error_message": "Cancelled."},
        {"is_custom_chunking": True},
        {"chunking_method": "semantic"},
        {"metadata_columns": ["topic"], "added_datasets": [{"id": "0" * 24, "name": "More"}]},
    ],
)
def test_vector_databases(read, database, state):
    databases.VectorDatabase.objects.update(**state)

    [found] = read(VectorDatabase, "vectorDatabases/")
    [alone] = read(VectorDatabase, f"vectorDatabases/{database.pk}/")

    assert found.id == alone.id == database.pk
    assert found.execution_status in {"NEW", "RUNNING", "COMPLETED", "ERROR"}
    assert (found.size, found.chunks_count, found.playgrounds_count) == (0, 0, 0)


def test_vector_databases_whose_dataset_and_parent_are_gone(
    api, read, alice, use_case, database, dataset
):
    body = {"datasetId": dataset.pk, "useCaseId": use_case.pk}
    api.post("genai/vectorDatabases/", body | {"parentVectorDatabaseId": database.pk})
    api.delete(f"genai/vectorDatabases/{database.pk}/")
    vectordb.delete_dataset(dataset, user=alice)

    [version] = read(VectorDatabase, "vectorDatabases/")

    assert (version.parent_id, version.dataset_id, version.version) == (None, None, 2)
    assert version.dataset_name == "Handbook"


def test_llms_of_which_nothing_is_known(read, llm):
    endpoint = LLMEndpoint.objects.create(name="Lab", base_url="http://127.0.0.1:9/v1")
    LLM.objects.create(id="lab/x", label="X", provider=Provider.OPENAI, endpoint=endpoint)

    assert {one.id for one in read(LLMDefinition, "llms/")} == {"extractive", "lab/x"}


def test_playgrounds_chats_and_comparison_chats_without_words(api, read, use_case, chat):
    made = api.post("genai/playgrounds/", {"name": "", "useCaseId": use_case.pk}).json()["id"]
    api.post("genai/comparisonChats/", {"name": "", "playgroundId": made})
    playgrounds.Chat.objects.update(name="", is_frozen=True)

    [found] = read(Playground, f"playgrounds/{made}/")
    assert (found.name, found.description) == ("", "")
    [frozen] = read(Chat, "chats/")
    assert (frozen.name, frozen.is_frozen) == ("", True)
    assert [one.name for one in read(ComparisonChat, "comparisonChats/")] == [""]


def test_blueprints_with_a_broken_vector_database(api, read, blueprint, database):
    path = f"llmBlueprints/{blueprint.pk}/"
    api.patch(f"genai/{path}", {"vectorDatabaseId": database.pk})
    for message in ("No text in the documents.", ""):
        databases.VectorDatabase.objects.update(status=Status.ERROR, error_message=message)
        [broken] = read(LLMBlueprint, path)
        assert broken.vector_database_status == "ERROR"
        assert broken.vector_database_error_message == (message or None)


def test_blueprints_whose_vector_database_or_llm_is_gone(api, read, blueprint, database):
    path = f"llmBlueprints/{blueprint.pk}/"
    api.patch(f"genai/{path}", {"vectorDatabaseId": database.pk})
    api.delete(f"genai/vectorDatabases/{database.pk}/")
    LLM.objects.all().delete()

    [found] = read(LLMBlueprint, path)

    assert (found.llm_id, found.llm_name) == (None, None)
    assert (found.vector_database_id, found.vector_database_status) == (None, None)
    assert api.get(f"genai/{path}").json()["warning"]


@pytest.fixture
def compared(api, blueprint) -> str:
    api.patch(f"genai/llmBlueprints/{blueprint.pk}/", {"isSaved": True})
    body = {"llmBlueprintIds": [blueprint.pk], "text": ""}
    return str(api.post("genai/comparisonPrompts/", body).json()["id"])


ENDS: list[dict[str, Any]] = [
    {"status": Status.NEW},
    {"status": Status.RUNNING},
    {"status": Status.COMPLETED, "result_text": ""},
    {"status": Status.COMPLETED, "result_text": "Oil.", "citations": [CITATION | {"source": ""}]},
    {"status": Status.COMPLETED, "result_text": "No.", "blocked_text": "No."},
    {"status": Status.ERROR, "error_message": ""},
    {"status": Status.ERROR, "error_message": "Busy."},
    {"status": Status.SKIPPED},
    {
        "status": Status.COMPLETED,
        "metrics": [{"name": "cost", "value": None, "formatted_value": "", "error_message": ""}],
        "provider_guards": [{"name": "hate", "stage": "prompt", "filtered": False}],
    },
]


@pytest.mark.parametrize("end", ENDS)
def test_comparisons_and_traces_of_every_end(read, compared, playground, end):
    playgrounds.ChatPrompt.objects.update(**end)

    [found] = read(ComparisonPrompt, f"comparisonPrompts/{compared}/")
    [trace] = read(PromptTrace, f"playgrounds/{playground.pk}/trace/")

    assert found.results[0].execution_status == trace.execution_status == str(end["status"])
    assert found.comparison_chat_id is None
    assert (trace.comparison_prompt_id, trace.chat_id) == (compared, None)


def test_traces_of_those_without_a_name(read, chat, prompt, playground):
    playgrounds.Chat.objects.update(name="")
    User.objects.update(name="")
    LLM.objects.all().delete()

    [trace] = read(PromptTrace, f"playgrounds/{playground.pk}/trace/")
    [metadata] = read(TraceMetadata, f"playgrounds/{playground.pk}/trace/metadata/")

    assert trace.user["name"] == metadata.users[0]["name"] == "alice"
    assert trace.chat_name == metadata.chats[0]["name"] != ""
    assert (trace.llm_name, trace.llm_vendor, trace.llm_license) == (None, None, None)


def test_metrics_that_cannot_be_measured_and_prices_without_a_name(
    api, read, use_case, playground, llm
):
    path = f"playgrounds/{playground.pk}/ootbMetricConfigurations/"
    wanted = [{"ootbMetricName": name} for name in ("faithfulness", "latency")]
    api.post(f"genai/{path}", {"ootbMetricConfigurations": wanted})
    body = {"useCaseId": use_case.pk, "playgroundId": playground.pk, "name": ""}
    prices = [{"llmId": llm.pk, "referenceInputTokenCount": 0, "inputTokenPrice": 0}]
    made = api.post(
        "genai/costMetricConfigurations/", body | {"costMetricConfigurations": prices}
    ).json()

    [found] = read(PlaygroundOOTBMetricConfiguration, path)
    assert [one.execution_status for one in found.ootb_metric_configurations] == [
        "ERROR",
        "COMPLETED",
    ]
    path = f"costMetricConfigurations/{made['costConfigurationId']}/"
    [costs] = read(CostMetricConfiguration, path)
    assert costs.name == ""
    assert costs.cost_metric_configurations[0].input_token_price == 0


@pytest.fixture
def configuration(alice, playground) -> evaluation.EvaluationDatasetConfiguration:
    """Without a name, right answers, or its file."""
    return evaluation.EvaluationDatasetConfiguration.objects.create(
        playground=playground,
        name="",
        dataset_id="0" * 24,
        dataset_name="",
        size=0,
        rows_count=0,
        prompt_column_name="question",
        created_by=alice,
    )


def test_evaluation_datasets_whose_file_is_gone(read, configuration):
    [found] = read(EvaluationDatasetConfiguration, "evaluationDatasetConfigurations/")

    assert (found.execution_status, found.correctness_enabled) == ("ERROR", False)
    assert found.error_message


@pytest.mark.parametrize(
    "figure",
    [
        {"value": None, "error_message": "No answer has a value of this metric."},
        {"value": 0},
        {"value": 12.5, "aggregation_type": "guardConditionPercentYes"},
        {"value": [], "aggregation_type": "classPercentCoverage"},
        {"value": [{"item": "a", "value": 1}], "aggregation_type": "classPercentCoverage"},
    ],
)
def test_figures_whose_dataset_is_gone(read, alice, playground, blueprint, figure):
    run = evaluation.EvaluationRun.objects.create(
        playground=playground, dataset_id="0" * 24, dataset_name="", created_by=alice
    )
    chat = services.create_chat(user=alice, playground=playground, blueprint=blueprint)
    playgrounds.Chat.objects.update(name="")
    evaluated = evaluation.EvaluationChat.objects.create(
        run=run, chat=chat, blueprint_version=blueprint.current
    )
    evaluation.MetricAggregation.objects.create(
        evaluation_chat=evaluated, metric_name="x", **{"aggregation_type": "average"} | figure
    )

    [found] = read(EvaluationDatasetMetricAggregation, "evaluationDatasetMetricAggregations/")

    assert found.aggregation_value == figure["value"]
    assert (found.chat_name, found.dataset_name) == ("", "")
    assert found.evaluation_dataset_configuration_id is None


def test_templates_with_little_in_them(api, read):
    made = api.post("genai/promptTemplates/", {"name": "x"}).json()["id"]
    api.post(f"genai/promptTemplates/{made}/versions/", {"promptText": "{{ a }}"})
    named = {"promptText": "{{ a }}", "variables": [{"name": "a"}]}
    api.post(f"genai/promptTemplates/{made}/versions/", named)

    [template] = read(PromptTemplate, "promptTemplates/")
    versions = read(PromptTemplateVersion, f"promptTemplates/{made}/versions/")

    assert (template.description, template.version_count) == ("", 2)
    assert [(one.version, one.commit_comment) for one in versions] == [(2, ""), (1, "")]
    assert [one.type for one in versions[0].variables] == ["str"]
