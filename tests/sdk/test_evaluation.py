"""From a CSV file of questions to figures, through the public classes of `datarobot` alone."""

import time
from collections.abc import Callable
from typing import Any

import datarobot as dr
import pytest
from datarobot.models.genai.chat import Chat
from datarobot.models.genai.chat_prompt import ChatPrompt
from datarobot.models.genai.evaluation_dataset_configuration import EvaluationDatasetConfiguration
from datarobot.models.genai.evaluation_dataset_metric_aggregation import (
    EvaluationDatasetMetricAggregation,
)
from datarobot.models.genai.insights_configuration import InsightsConfiguration
from datarobot.models.genai.jobstatus import JobStatus
from datarobot.models.genai.llm_blueprint import LLMBlueprint
from datarobot.models.genai.metric_insights import MetricInsights
from datarobot.models.genai.ootb_metric_configuration import (
    OOTBMetricConfigurationRequest,
    PlaygroundOOTBMetricConfiguration,
)
from datarobot.models.genai.playground import Playground

from tests.llm_server import Behaviour, LLMServer, failing
from tests.visitors import PATIENCE_SECONDS

QUESTIONS = "question,answer\nWhich oil?,Rapeseed.\nWho pays?,The county.\nSince when?,1850.\n"
# The package takes the word for a member of its enum; `is_terminal_state` is never true.
ENDED = {"COMPLETED", "ERROR", "ABORTED"}
Upload = Callable[..., dr.Dataset]


@pytest.fixture
def configuration(
    use_case: dr.UseCase, playground: Playground, upload: Upload
) -> EvaluationDatasetConfiguration:
    return EvaluationDatasetConfiguration.create(
        name="Oil",
        use_case_id=use_case.id,
        dataset_id=upload("questions.csv", QUESTIONS).id,
        prompt_column_name="question",
        response_column_name="answer",
        playground_id=playground.id,
    )


def ended(job: str) -> JobStatus:
    """Waited for as users do; the server holds each question until it ends, for some seconds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (status := JobStatus.get(job)).status not in ENDED:
        assert time.monotonic() < deadline, status.message
    return status


def latency() -> InsightsConfiguration:
    return InsightsConfiguration(
        insight_name="latency", ootb_metric_name="latency", aggregation_types=["average"]
    )


def test_an_evaluation_ends_in_figures_for_every_blueprint(
    playground: Playground,
    make_blueprint: Callable[..., LLMBlueprint],
    configuration: EvaluationDatasetConfiguration,
    llm: LLMServer,
):
    baseline, other = make_blueprint("Baseline"), make_blueprint("Other")
    llm.always = Behaviour(text="Rapeseed oil.")

    job = EvaluationDatasetMetricAggregation.create(
        chat_name="Nightly",
        llm_blueprint_ids=[baseline.id, other.id],
        evaluation_dataset_configuration_id=configuration.id,
        insights_configuration=[latency(), InsightsConfiguration(insight_name="response_tokens")],
    )

    assert ended(job).message == ""
    figures = EvaluationDatasetMetricAggregation.list(llm_blueprint_ids=[baseline.id, other.id])
    assert {(one.llm_blueprint_id, one.metric_name) for one in figures} == {
        (blueprint.id, name)
        for blueprint in (baseline, other)
        for name in ("latency", "response_tokens")
    }
    assert all(one.aggregation_value > 0 for one in figures)
    assert {one.evaluation_dataset_configuration_id for one in figures} == {configuration.id}
    [chat] = Chat.list(llm_blueprint=baseline)
    assert (chat.name, chat.is_frozen, chat.prompts_count) == ("Nightly", True, 3)
    assert {one.text for one in ChatPrompt.list(chat=chat)} == {
        "Which oil?",
        "Who pays?",
        "Since when?",
    }
    with pytest.raises(dr.errors.ClientError) as refusal:
        ChatPrompt.create(text="And now?", chat=chat)
    assert refusal.value.status_code == 422

    EvaluationDatasetMetricAggregation.delete(chat_ids=[chat.id])
    left = EvaluationDatasetMetricAggregation.list(llm_blueprint_ids=[baseline.id, other.id])
    assert {one.llm_blueprint_id for one in left} == {other.id}


def test_the_playgrounds_insights_can_be_evaluated_as_they_are(
    playground: Playground,
    make_blueprint: Callable[..., LLMBlueprint],
    configuration: EvaluationDatasetConfiguration,
    llm: LLMServer,
    llm_id: str,
):
    PlaygroundOOTBMetricConfiguration.create(
        playground.id,
        [
            OOTBMetricConfigurationRequest(ootb_metric_name="response_tokens"),
            OOTBMetricConfigurationRequest(ootb_metric_name="correctness", llm_id=llm_id),
        ],
    )
    insights = MetricInsights.list(playground, with_aggregation_types_only=True)
    # Not the judge's own LLM: an answer that is a verdict already would be taken for its words.
    blueprint = make_blueprint(llm="extractive")
    llm.always = Behaviour(text='{"score": 5, "reason": "The same."}')

    job = EvaluationDatasetMetricAggregation.create(
        "Nightly", [blueprint.id], configuration.id, insights
    )

    assert ended(job).status == "COMPLETED"
    figures = EvaluationDatasetMetricAggregation.list(
        chat_ids=[Chat.list(llm_blueprint=blueprint)[0].id], sort="metricName"
    )
    found = {(one.metric_name, one.aggregation_type): one.aggregation_value for one in figures}
    assert found["correctness", "average"] == 1
    assert found["correctness", "percentYes"] == 100
    assert found["response_tokens", "average"] > 0


def test_questions_that_fail_do_not_fail_the_job(
    blueprint: LLMBlueprint, configuration: EvaluationDatasetConfiguration, llm: LLMServer
):
    llm.always = failing(400, "No.")

    job = EvaluationDatasetMetricAggregation.create(
        "Nightly", [blueprint.id], configuration.id, [latency()]
    )

    status = ended(job)
    assert status.status == "COMPLETED"
    assert status.message.startswith("3 of 3 questions could not be answered")
    of_it: dict[str, Any] = {"llm_blueprint_ids": [blueprint.id]}
    assert EvaluationDatasetMetricAggregation.list(**of_it) == []
    [figure] = EvaluationDatasetMetricAggregation.list(**of_it, non_errored_only=False)
    assert figure.aggregation_value is None


def test_configurations_are_listed_changed_and_deleted(
    use_case: dr.UseCase,
    playground: Playground,
    configuration: EvaluationDatasetConfiguration,
    upload: Upload,
):
    assert (configuration.rows_count, configuration.correctness_enabled) == (3, True)
    assert EvaluationDatasetConfiguration.get(configuration.id).size == len(QUESTIONS)

    other = upload("other.csv", "question,answer\nWhy?,Because.\n")
    changed = configuration.update(name="Other", dataset_id=other.id)
    listed = EvaluationDatasetConfiguration.list(
        use_case.id, playground.id, search="oth", correctness_only=True, completed_only=True
    )

    assert (changed.name, changed.rows_count) == ("Other", 1)
    assert [one.id for one in listed] == [configuration.id]
    with pytest.raises(dr.errors.ClientError) as refusal:
        configuration.update(prompt_column_name="wrong")
    assert refusal.value.status_code == 422
    configuration.delete()
    assert EvaluationDatasetConfiguration.list(use_case.id, playground.id) == []


def test_no_job_of_others_is_told(
    blueprint: LLMBlueprint, configuration: EvaluationDatasetConfiguration, llm: LLMServer
):
    job = EvaluationDatasetMetricAggregation.create("Nightly", [blueprint.id], configuration.id, [])

    assert ended(job).status == "COMPLETED"
    with pytest.raises(dr.errors.ClientError, match="404"):
        JobStatus.get("0" * 24)
