"""From nothing to judged answers, through the public classes of `datarobot` alone."""

import time
from collections.abc import Callable
from typing import Any

import datarobot as dr
import pytest
from datarobot.enums import PromptType
from datarobot.models.genai.chat import Chat
from datarobot.models.genai.chat_prompt import ChatPrompt, FeedbackMetadata
from datarobot.models.genai.comparison_chat import ComparisonChat
from datarobot.models.genai.comparison_prompt import ComparisonPrompt
from datarobot.models.genai.evaluation_dataset_configuration import EvaluationDatasetConfiguration
from datarobot.models.genai.evaluation_dataset_metric_aggregation import (
    EvaluationDatasetMetricAggregation,
)
from datarobot.models.genai.jobstatus import JobStatus
from datarobot.models.genai.llm import LLMDefinition
from datarobot.models.genai.llm_blueprint import LLMBlueprint, VectorDatabaseSettings
from datarobot.models.genai.metric_insights import MetricInsights
from datarobot.models.genai.ootb_metric_configuration import (
    OOTBMetricConfigurationRequest,
    PlaygroundOOTBMetricConfiguration,
)
from datarobot.models.genai.playground import Playground
from datarobot.models.genai.vector_database import ChunkingParameters, VectorDatabase

from tests.llm_server import Behaviour, LLMServer, failing
from tests.sdk.conftest import LIBRARY, Library, built

# The package asks for a status every five seconds; a held request must not let it come to that.
SOON_SECONDS = 4.0


def test_a_use_case_becomes_answers_that_are_judged_compared_and_evaluated(
    use_case: dr.UseCase, upload: Callable[..., dr.Dataset], llm: LLMServer, llm_id: str
):
    dataset = upload("library.csv", LIBRARY)
    database = built(
        VectorDatabase.create(
            dataset.id,
            chunking_parameters=ChunkingParameters(
                embedding_model=VectorDatabase.get_supported_embeddings().default_embedding_model,
                chunking_method="recursive",
                chunk_size=128,
                chunk_overlap_percentage=10,
                separators=["\n", " "],
            ),
            use_case=use_case,
            name="Lamps",
        )
    )
    playground = Playground.create(name="Lamps", use_case=use_case, description="")
    blueprint = LLMBlueprint.create(
        playground=playground,
        name="Careful",
        llm=llm_id,
        llm_settings={"system_prompt": "Be brief.", "temperature": 0.0},
        vector_database=database,
        vector_database_settings=VectorDatabaseSettings(
            max_documents_retrieved_per_prompt=2, max_tokens=100
        ),
    )
    chat = Chat.create(name="First", llm_blueprint=blueprint)
    llm.script(Behaviour(text="Rapeseed oil [1]."))

    began = time.monotonic()
    prompt = ChatPrompt.create(
        text="Which oil burns in the north?", chat=chat, wait_for_completion=True
    )

    assert time.monotonic() - began < SOON_SECONDS
    assert prompt.execution_status == "COMPLETED"
    assert prompt.result_text == "Rapeseed oil [1]."
    assert [citation.source for citation in prompt.citations] == ["north.txt", "south.txt"]
    assert prompt.citations[0].metadata["topic"] == "lamps"
    assert prompt.result_metadata.total_token_count > 0
    assert 0 < prompt.result_metadata.estimated_docs_token_count <= 100
    assert prompt.vector_database_settings.max_documents_retrieved_per_prompt == 2
    assert llm.prompts[-1]["messages"][0] == {"role": "system", "content": "Be brief."}

    judged = prompt.update(feedback_metadata=FeedbackMetadata(feedback="1"))

    assert len(judged.result_metadata.feedback_result.positive_user_ids) == 1
    baseline = LLMBlueprint.create(playground=playground, name="From memory", llm=llm_id)
    PlaygroundOOTBMetricConfiguration.create(
        playground.id, [OOTBMetricConfigurationRequest(ootb_metric_name="response_tokens")]
    )
    compared = ComparisonPrompt.create(
        [blueprint.update(is_saved=True), baseline.update(is_saved=True)],
        "Which oil burns in the south?",
        comparison_chat=ComparisonChat.create(name="Both", playground=playground),
        wait_for_completion=True,
    )

    assert [len(result.citations) for result in compared.results] == [2, 0]
    for result in compared.results:
        assert result.execution_status == "COMPLETED"
        assert [one.name for one in result.result_metadata.metrics] == ["response_tokens"]

    configuration = EvaluationDatasetConfiguration.create(
        name="Oil",
        use_case_id=use_case.id,
        dataset_id=upload("questions.csv", "question\nWhich oil?\nSince when?\n").id,
        prompt_column_name="question",
        playground_id=playground.id,
    )
    job = EvaluationDatasetMetricAggregation.create(
        chat_name="Nightly",
        llm_blueprint_ids=[blueprint.id, baseline.id],
        evaluation_dataset_configuration_id=configuration.id,
        insights_configuration=MetricInsights.list(playground, with_aggregation_types_only=True),
    )
    while JobStatus.get(job).status not in {"COMPLETED", "ERROR", "ABORTED"}:
        pass
    figures = EvaluationDatasetMetricAggregation.list(llm_blueprint_ids=[blueprint.id, baseline.id])

    assert {one.llm_blueprint_id for one in figures} == {blueprint.id, baseline.id}
    assert all(one.aggregation_value > 0 for one in figures)
    assert [one.id for one in ChatPrompt.list(chat=chat)] == [prompt.id]
    assert [one.id for one in VectorDatabase.list(use_case=use_case)] == [database.id]
    assert Chat.get(chat.id).prompts_count == 1
    dr.UseCase.delete(use_case.id)
    with pytest.raises(dr.errors.ClientError, match="404"):
        ChatPrompt.get(prompt.id)


def test_a_prompt_that_is_not_waited_for_is_looked_up_later(chat: Chat, llm: LLMServer):
    prompt = ChatPrompt.create(text="Why?", chat=chat)

    assert prompt.execution_status in {"NEW", "RUNNING", "COMPLETED"}
    ChatPrompt.create(text="And then?", chat=chat, wait_for_completion=True)
    assert ChatPrompt.get(prompt.id).execution_status == "COMPLETED"


def test_a_failed_answer_is_a_finished_prompt(chat: Chat, llm: LLMServer):
    llm.script(failing(400, "No."))

    prompt = ChatPrompt.create(text="Why?", chat=chat, wait_for_completion=True)

    assert prompt.execution_status == "ERROR"
    assert prompt.result_metadata.error_message
    assert prompt.result_text is None
    assert [one.id for one in ChatPrompt.list(chat=chat)] == [prompt.id]


def test_settings_sent_with_a_prompt_are_written_back(
    blueprint: LLMBlueprint, chat: Chat, library: Library, llm: LLMServer
):
    through_chat = ChatPrompt.create(
        text="Why?", chat=chat, llm_settings={"temperature": 0.5}, wait_for_completion=True
    )
    after_chat = LLMBlueprint.get(blueprint.id)
    ChatPrompt.create(
        text="Why?",
        llm_blueprint=blueprint,
        llm_settings={"temperature": 0.25},
        wait_for_completion=True,
    )

    assert through_chat.llm_settings["temperature"] == 0.5
    assert after_chat.llm_settings.get("temperature") is None
    assert LLMBlueprint.get(blueprint.id).llm_settings["temperature"] == 0.25


def test_blueprints_are_copied_saved_starred_and_listed(
    playground: Playground, blueprint: LLMBlueprint, llm_id: str
):
    LLMBlueprint.create_from_llm_blueprint(blueprint, name="Copy", description="Of it")
    saved = blueprint.update(is_saved=True, is_starred=True, prompt_type=PromptType.ONE_TIME_PROMPT)

    assert (saved.is_saved, saved.prompt_type) == (True, "ONE_TIME_PROMPT")
    listed = LLMBlueprint.list(playground=playground, sort="name")
    assert [one.name for one in listed] == ["Baseline", "Copy"]
    starred = LLMBlueprint.list(playground=playground, is_starred=True, llms=[llm_id])
    assert [one.id for one in starred] == [blueprint.id]
    with pytest.raises(dr.errors.ClientError) as refusal:
        saved.update(llm_settings={"temperature": 1.0})
    assert refusal.value.status_code == 422


def test_everything_is_renamed_and_deleted(
    use_case: dr.UseCase, playground: Playground, blueprint: LLMBlueprint, chat: Chat
):
    assert playground.update(name="New", description="Old").name == "New"
    assert blueprint.update(name="Better").name == "Better"
    assert chat.update(name="Second").name == "Second"
    use_case.update(name="Towers")
    assert dr.UseCase.get(use_case.id).name == "Towers"
    assert [one.id for one in Playground.list(use_case=use_case)] == [playground.id]
    assert [one.id for one in Chat.list(llm_blueprint=blueprint, sort="-name")] == [chat.id]

    chat.delete()
    blueprint.delete()
    playground.delete()

    assert Playground.list(use_case=use_case) == []


def test_llms_are_told_with_their_settings(client: Any, use_case: dr.UseCase, llm_id: str):
    found = {one.id: one for one in LLMDefinition.list(use_case=use_case, as_dict=False)}

    settings = {setting.id: setting for setting in found[llm_id].settings}
    assert list(settings) == ["max_completion_length", "temperature", "top_p", "system_prompt"]
    assert settings["max_completion_length"].constraints.max_value == 8192
    assert found[llm_id].context_size == 8192
    assert found.keys() == {one["id"] for one in LLMDefinition.list()}


def test_lists_longer_than_a_page_are_read_to_their_end(chat: Chat, groundwork: Any):
    groundwork.change(
        "INSERT INTO playground_chatprompt SELECT (p).* FROM ("
        " SELECT jsonb_populate_record(c, jsonb_build_object("
        "  'id', lpad(to_hex(n), 8, 'e') || right(c.id, 16), 'log_id', null, 'status', 'COMPLETED'))"
        " AS p FROM playground_chatprompt c, generate_series(1, 205) n WHERE c.id = %s) rows",
        ChatPrompt.create(text="Why?", chat=chat, wait_for_completion=True).id,
    )

    assert len({one.id for one in ChatPrompt.list(chat=chat)}) == 206
