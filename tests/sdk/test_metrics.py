"""Metrics, guards and prices, through the package's own classes."""

from collections.abc import Callable
from typing import Any

import datarobot as dr
import pytest
from datarobot.models.genai.chat_prompt import ChatPrompt
from datarobot.models.genai.cost_metric_configurations import (
    CostMetricConfiguration,
    LLMCostConfiguration,
)
from datarobot.models.genai.llm_blueprint import LLMBlueprint
from datarobot.models.genai.metric_insights import MetricInsights
from datarobot.models.genai.ootb_metric_configuration import (
    ExtraMetricSettings,
    OOTBMetricConfigurationRequest,
    OOTBMetricConfigurationResponse,
    PlaygroundOOTBMetricConfiguration,
    ToolCallAccuracySettings,
)
from datarobot.models.genai.playground import Playground

from tests.llm_server import DEFAULT_TEXT, Behaviour, LLMServer
from tests.sdk.conftest import Library

GUARD = {
    "guard_conditions": [{"comparator": "greaterThan", "comparand": 0.5}],
    "intervention": {"action": "block", "message": "Not with personal data."},
}


def measure(playground: Playground, *names: str, **more: Any) -> PlaygroundOOTBMetricConfiguration:
    wanted = [OOTBMetricConfigurationRequest(ootb_metric_name=name, **more) for name in names]
    return PlaygroundOOTBMetricConfiguration.create(playground.id, wanted)


def ask(blueprint: LLMBlueprint, text: str = "Which oil?") -> ChatPrompt:
    return ChatPrompt.create(text=text, llm_blueprint=blueprint, wait_for_completion=True)


def values(prompt: ChatPrompt) -> dict[str, Any]:
    assert prompt.result_metadata is not None
    return {one.name: one.value for one in prompt.result_metadata.metrics}


def test_an_answer_from_documents_is_scored_and_measured(
    groundwork: Any,
    library: Library,
    client: Any,
    llm: LLMServer,
    llm_id: str,
):
    playground = Playground.create(name="Scored", use_case=library.use_case)
    blueprint = LLMBlueprint.create(
        playground=playground, name="Reader", llm=llm_id, vector_database=library.vector_database
    )
    measure(playground, "latency", "citations", "rouge_1", "all_tokens")
    measure(playground, "faithfulness", llm_id=llm_id)
    llm.script(Behaviour(), Behaviour(text='{"reason": "All of it.", "score": 5}'))

    prompt = ask(blueprint)

    assert prompt.execution_status == "COMPLETED"
    assert prompt.confidence_scores is not None
    assert prompt.result_metadata is not None
    found = values(prompt)
    assert found["rouge_1"] == prompt.confidence_scores.rouge > 0
    assert 0 <= prompt.confidence_scores.bleu <= 1
    assert 0 < prompt.confidence_scores.meteor <= 1
    assert found["citations"] == len(prompt.citations) > 0
    assert found["all_tokens"] == prompt.result_metadata.total_token_count
    assert found["faithfulness"] == 1.0
    assert 0 < found["latency"] < 60
    playground.delete()


def test_a_guard_blocks_question_and_answer(
    playground: Playground, blueprint: LLMBlueprint, llm: LLMServer
):
    made = measure(playground, "pii_violation", moderation_configuration=GUARD)
    llm.always = Behaviour(text="Write to keeper@example.com.")

    assert ask(blueprint, "I am ada@example.com").result_text == "Not with personal data."
    assert ask(blueprint, "Who keeps it?").result_text == "Not with personal data."

    [configured] = made.ootb_metric_configurations
    assert configured.moderation_configuration.to_dict() == GUARD
    configured.delete()
    assert ask(blueprint, "And now?").result_text == "Write to keeper@example.com."


def test_metrics_are_configured_read_and_deleted(playground: Playground, llm_id: str):
    extra = ExtraMetricSettings(ToolCallAccuracySettings("exact_match"))
    made = measure(playground, "correctness", llm_id=llm_id, extra_metric_settings=extra)
    measure(playground, "toxicity_violation", custom_ootb_metric_name="Rude?")

    listed = PlaygroundOOTBMetricConfiguration.get(playground.id).ootb_metric_configurations
    assert [one.ootb_metric_name for one in listed] == ["correctness", "toxicity_violation"]
    assert [one.execution_status for one in listed] == ["COMPLETED", "ERROR"]
    assert listed[1].custom_ootb_metric_name == "Rude?"
    assert listed[1].error_resolution
    one_id = made.ootb_metric_configurations[0].ootb_metric_configuration_id
    one = OOTBMetricConfigurationResponse.get(one_id)
    assert (one.ootb_metric_name, one.llm_id) == ("correctness", llm_id)
    one.delete()
    with pytest.raises(dr.errors.ClientError) as gone:
        OOTBMetricConfigurationResponse.get(one_id)
    assert gone.value.status_code == 404


def test_answers_cost_what_the_team_says(
    use_case: dr.UseCase, playground: Playground, blueprint: LLMBlueprint, llm_id: str
):
    price = LLMCostConfiguration(
        input_token_price=2.0,
        reference_input_token_count=10,
        output_token_price=1.0,
        reference_output_token_count=1,
        currency_code="EUR",
        llm_id=llm_id,
    )
    made = CostMetricConfiguration.create(use_case.id, playground.id, "Ours", [price])

    metadata = ask(blueprint).result_metadata

    assert metadata is not None
    expected = metadata.input_token_count * 0.2 + metadata.output_token_count
    assert metadata.cost == pytest.approx(expected)
    [metric] = metadata.metrics
    assert metric.cost_configuration_id == made.cost_configuration_id
    price.input_token_price = 3.0
    made.update([price], name="Theirs")
    read = CostMetricConfiguration.get(made.cost_configuration_id)
    assert read.name == "Theirs"
    assert read.cost_metric_configurations[0].to_dict() == price.to_dict()
    read.delete()
    with pytest.raises(dr.errors.ClientError):
        CostMetricConfiguration.get(made.cost_configuration_id)


def test_insights_are_listed_and_copied(
    use_case: dr.UseCase,
    playground: Playground,
    make_blueprint: Callable[..., LLMBlueprint],
):
    measure(playground, "latency", moderation_configuration=GUARD)
    measure(playground, "rouge_1", "faithfulness")
    target = Playground.create(name="Target", use_case=use_case)
    blueprint = make_blueprint("Without documents")

    MetricInsights.copy_to_playground(playground, target)

    names = [one.insight_name for one in MetricInsights.list(target)]
    assert names == ["latency", "rouge_1", "faithfulness"]
    [latency] = MetricInsights.list(playground, llm_blueprint_ids=[blueprint.id])
    assert latency.ootb_metric_name == "latency"
    assert latency.aggregation_types == ["average", "guardConditionPercentYes"]
    completed = MetricInsights.list(playground, completed_only=True)
    assert [one.insight_name for one in completed] == ["latency", "rouge_1"]


def test_without_a_guard_nothing_changes(blueprint: LLMBlueprint):
    prompt = ask(blueprint)
    assert (prompt.result_text, values(prompt)) == (DEFAULT_TEXT, {})
