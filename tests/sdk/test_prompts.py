"""Prompts through the package: what it sends, what it drops, and what it makes of the answers."""

from typing import Any

import datarobot as dr
import pytest
from datarobot.models.genai.chat import Chat
from datarobot.models.genai.chat_prompt import ChatPrompt, FeedbackMetadata, MetricMetadata
from datarobot.models.genai.llm_blueprint import LLMBlueprint, VectorDatabaseSettings
from datarobot.models.genai.playground import Playground

from tests.llm_server import LLMServer
from tests.sdk.conftest import Library


@pytest.fixture
def prompt(chat: Chat, llm: LLMServer) -> ChatPrompt:
    return ChatPrompt.create(text="Why?", chat=chat, wait_for_completion=True)


def test_an_answer_is_judged_and_measured(prompt: ChatPrompt):
    """The package leaves out what is None, and sends {} where feedback is withdrawn."""
    everything = MetricMetadata("tone", "warm", "Warm!", *["0" * 24] * 4, True, "1" * 24)

    measured = prompt.update(custom_metrics=[everything, MetricMetadata("fit", {"a_b": [1]})])
    liked = prompt.update(feedback_metadata=FeedbackMetadata(feedback="1"))
    both = prompt.update(
        custom_metrics=[MetricMetadata("tone", None)],
        feedback_metadata=FeedbackMetadata(feedback="0"),
    )
    withdrawn = prompt.update(feedback_metadata=FeedbackMetadata(feedback=None))

    tone, fit = measured.result_metadata.metrics
    assert tone.to_dict() == everything.to_dict()
    assert (fit.value, fit.custom_model_id) == ({"a_b": [1]}, None)
    assert len(liked.result_metadata.feedback_result.positive_user_ids) == 1
    assert {one.name: one.value for one in both.result_metadata.metrics} == {
        "fit": {"a_b": [1]},
        "tone": None,
    }
    assert both.result_metadata.feedback_result.positive_user_ids == []
    assert len(both.result_metadata.feedback_result.negative_user_ids) == 1
    assert withdrawn.result_metadata.feedback_result.negative_user_ids == []


def test_documents_are_narrowed_by_their_metadata(chat: Chat, library: Library, use_case: Any):
    other = Playground.create(name="Library", use_case=library.use_case)
    blueprint = LLMBlueprint.create(
        playground=other, name="Reader", llm="extractive", vector_database=library.vector_database
    )

    prompt = ChatPrompt.create(
        text="What do lamps burn?",
        llm_blueprint=blueprint,
        vector_database_settings=VectorDatabaseSettings(
            max_documents_retrieved_per_prompt=3, max_tokens=51_200, add_neighbor_chunks=True
        ),
        metadata_filter={"$and": [{"topic": "lamps"}, {"year": {"$lt": 1830}}]},
        wait_for_completion=True,
    )

    assert [citation.source for citation in prompt.citations] == ["south.txt"]
    assert prompt.metadata_filter == {"$and": [{"topic": "lamps"}, {"year": {"$lt": 1830}}]}
    assert 0 <= prompt.confidence_scores.bleu <= prompt.confidence_scores.rouge <= 1
    settings = LLMBlueprint.get(blueprint.id).vector_database_settings
    assert (settings.max_documents_retrieved_per_prompt, settings.max_tokens) == (3, 51_200)
    assert ChatPrompt.get(prompt.id).vector_database_settings.add_neighbor_chunks is True
    other.delete()


def test_prompts_are_listed_copied_from_and_deleted(
    prompt: ChatPrompt, chat: Chat, blueprint: LLMBlueprint, playground: Playground
):
    second = ChatPrompt.create(text="How?", chat=chat, wait_for_completion=True)
    newer = Chat.create(name="Second", llm_blueprint=blueprint)
    third = ChatPrompt.create(text="When?", chat=newer, wait_for_completion=True)

    def ids(**query: Any) -> list[str]:
        return [one.id for one in ChatPrompt.list(**query)]

    assert second.chat_prompt_ids_included_in_history == [prompt.id]
    assert second.chat_context_id == prompt.chat_context_id != third.chat_context_id
    assert ids(playground=playground) == [prompt.id, second.id, third.id]
    assert ids(llm_blueprint=blueprint) == ids(chat=chat) == [prompt.id, second.id]
    assert ids(chat=newer, llm_blueprint=blueprint) == []
    copy = third.create_llm_blueprint(name="Copy")
    assert (copy.llm_id, copy.is_saved) == (third.llm_id, False)
    prompt.delete()
    assert ids(chat=chat) == [second.id]
    with pytest.raises(dr.errors.ClientError) as gone:
        prompt.delete()
    assert gone.value.status_code == 404


def test_what_is_refused_is_told(chat: Chat):
    def refusal(**body: Any) -> Any:
        with pytest.raises(dr.errors.ClientError) as refused:
            ChatPrompt.create(text="Why?", **body)
        assert refused.value.status_code == 422
        return [(one["loc"], one["type"]) for one in refused.value.json["detail"]]

    assert refusal() == [(["body"], "value_error")]
    found = refusal(chat=chat, llm_settings={"temperature": 3, "top_p": "x"})
    assert found == [
        (["body", "llmSettings", "temperature"], "less_than_equal"),
        (["body", "llmSettings", "topP"], "float_type"),
    ]
