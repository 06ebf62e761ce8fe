"""Comparisons, traces and prompt templates, through the public classes of `datarobot` alone."""

import time
from collections.abc import Callable
from typing import Any

import datarobot as dr
import pytest
from datarobot.models.genai.chat import Chat
from datarobot.models.genai.chat_prompt import ChatPrompt, FeedbackMetadata
from datarobot.models.genai.comparison_chat import ComparisonChat
from datarobot.models.genai.comparison_prompt import ComparisonPrompt, FeedbackResult
from datarobot.models.genai.jobstatus import JobStatus
from datarobot.models.genai.llm_blueprint import LLMBlueprint
from datarobot.models.genai.playground import Playground
from datarobot.models.genai.prompt_template import (
    PromptTemplate,
    PromptTemplateVersion,
    Variable,
)
from datarobot.models.genai.prompt_trace import PromptTrace, TraceMetadata
from datarobot.models.genai.user_limits import UserLimits

from tests.llm_server import LLMServer
from tests.stack import Stack, words
from tests.visitors import Person, Watcher, wait_for

# The package asks for a status every five seconds; a held request must not let it come to that.
SOON_SECONDS = 4.0


@pytest.fixture
def saved(make_blueprint: Callable[..., LLMBlueprint]) -> list[LLMBlueprint]:
    return [make_blueprint(name).update(is_saved=True) for name in ("First", "Second", "Third")]


@pytest.fixture
def comparison_chat(playground: Playground) -> ComparisonChat:
    return ComparisonChat.create(name="Oils", playground=playground)


def test_blueprints_are_compared_judged_and_another_one_is_added(
    saved: list[LLMBlueprint], comparison_chat: ComparisonChat, llm: LLMServer
):
    began = time.monotonic()
    comparison = ComparisonPrompt.create(
        llm_blueprints=saved[:2],
        text="Which oil?",
        comparison_chat=comparison_chat,
        wait_for_completion=True,
    )

    assert time.monotonic() - began < SOON_SECONDS
    assert comparison.comparison_chat_id == comparison_chat.id
    assert [result.llm_blueprint_id for result in comparison.results] == [
        one.id for one in saved[:2]
    ]
    assert {result.execution_status for result in comparison.results} == {"COMPLETED"}
    assert all(result.result_metadata.total_token_count > 0 for result in comparison.results)

    feedback = FeedbackResult(comparison.results[1].id, FeedbackMetadata(feedback="0"))
    judged = comparison.update(feedback_result=feedback)
    marks = [result.result_metadata.feedback_result for result in judged.results]
    assert [len(one.negative_user_ids) for one in marks] == [0, 1]

    began = time.monotonic()
    wider = comparison.update(additional_llm_blueprints=saved[2:], wait_for_completion=True)
    assert time.monotonic() - began < SOON_SECONDS
    assert [result.llm_blueprint_id for result in wider.results] == [one.id for one in saved]
    assert wider.results[2].execution_status == "COMPLETED"

    second = ComparisonPrompt.create(
        llm_blueprints=saved, text="And why?", comparison_chat=comparison_chat.id,
        wait_for_completion=True,
    )  # fmt: skip
    for before, after in zip(wider.results, second.results, strict=True):
        assert after.comparison_prompt_result_ids_included_in_history == [before.id]
        assert after.chat_context_id == before.chat_context_id


def test_comparisons_are_listed_looked_up_and_deleted(
    saved: list[LLMBlueprint], comparison_chat: ComparisonChat, playground: Playground
):
    within = ComparisonPrompt.create(saved[:2], "a", comparison_chat=comparison_chat)
    alone = ComparisonPrompt.create(saved[1:], "b", metadata_filter={"$or": [{"a_b": 1}]})

    assert alone.comparison_chat_id is None
    assert [one.id for one in ComparisonPrompt.list(llm_blueprints=[saved[0]])] == [within.id]
    both = ComparisonPrompt.list(llm_blueprints=saved)
    assert [one.id for one in both] == [within.id, alone.id]
    in_chat = ComparisonPrompt.list(comparison_chat=comparison_chat)
    assert [one.id for one in in_chat] == [within.id]
    assert ComparisonPrompt.get(alone.id).text == "b"
    assert [one.id for one in ComparisonChat.list(playground, sort="-name")] == [comparison_chat.id]
    assert comparison_chat.update(name="Fats").name == "Fats"
    assert ComparisonChat.get(comparison_chat.id).name == "Fats"

    alone.delete()
    comparison_chat.delete()

    assert ComparisonPrompt.list(llm_blueprints=saved) == []
    for gone in (lambda: ComparisonPrompt.get(within.id), lambda: ComparisonPrompt.list()):
        with pytest.raises(dr.errors.ClientError):
            gone()


def test_chats_know_nothing_of_comparisons(saved: list[LLMBlueprint], playground: Playground):
    ComparisonPrompt.create(saved[:1], "a", wait_for_completion=True)

    assert Chat.list(llm_blueprint=saved[0]) == []
    assert ChatPrompt.list(playground=playground) == []


def test_a_comparison_is_streamed_and_deleted_in_mid_answer(
    groundwork: Stack, saved: list[LLMBlueprint], llm: LLMServer
):
    groundwork.answers_with(words(400), interval_ms=50)
    asked_before = len(llm.prompts)
    comparison = ComparisonPrompt.create(saved[:2], "a")
    first, second = (result.id for result in comparison.results)
    for prompt in (first, second):
        groundwork.in_mid_answer(prompt)
    columns = groundwork.sql(
        "SELECT chat_id FROM playground_chatprompt WHERE id = ANY(%s)", [first, second]
    )
    query = "&".join(f"chat={chat}" for (chat,) in columns)

    with Watcher(groundwork.alice, query) as watcher:
        wait_for(lambda: all(watcher.texts.get(one) for one in (first, second)), "both texts")
        comparison.delete()
        wait_for(
            lambda: all("deleted" in watcher.names(one) for one in (first, second)),
            "the page to be told",
        )

    for request in llm.requests[-(len(llm.prompts) - asked_before) :]:
        wait_for(request.hung_up.is_set, "the LLM server to be hung up on")
    groundwork.nothing_is_left()


def test_strangers_neither_find_nor_make_comparisons(groundwork: Stack, saved: list[LLMBlueprint]):
    comparison = ComparisonPrompt.create(saved[:1], "a", wait_for_completion=True)

    def status(person: Person, method: str, path: str, body: Any = None) -> int:
        return person.send(method, f"/api/v2/genai/{path}", body).status

    path = f"comparisonPrompts/{comparison.id}/"
    assert status(groundwork.bob, "GET", path) == 404
    assert status(groundwork.bob, "DELETE", path) == 404
    body = {"llmBlueprintIds": [saved[0].id], "text": "a"}
    assert status(groundwork.bob, "POST", "comparisonPrompts/", body) == 404
    [(column,)] = groundwork.sql(
        "SELECT chat_id FROM playground_chatprompt WHERE id = %s", comparison.results[0].id
    )
    assert groundwork.bob.send("GET", f"/events/?chat={column}").status == 404


def test_drafts_are_refused(blueprint: LLMBlueprint):
    with pytest.raises(dr.errors.ClientError) as refusal:
        ComparisonPrompt.create([blueprint], "a")

    assert refusal.value.status_code == 422


def test_what_was_asked_is_traced_and_exported(
    saved: list[LLMBlueprint],
    playground: Playground,
    comparison_chat: ComparisonChat,
    llm: LLMServer,
):
    chat = Chat.create(name="First", llm_blueprint=saved[0])
    ChatPrompt.create(text="Which oil?", chat=chat, wait_for_completion=True)
    compared = ComparisonPrompt.create(
        saved[:1], "", comparison_chat=comparison_chat, wait_for_completion=True
    )

    newest, oldest = PromptTrace.list(playground)

    assert (oldest.text, oldest.chat_name, oldest.llm_blueprint_name) == (
        "Which oil?",
        "First",
        "First",
    )
    assert oldest.use_case_id == playground.use_case_id
    assert newest.comparison_prompt_id == compared.id
    assert newest.llm_name
    metadata = TraceMetadata.get(playground.id)
    assert [one["name"] for one in metadata.chats] == ["First", "Oils"]
    assert len(metadata.users) == 1

    job = PromptTrace.export_to_ai_catalog(playground).rstrip("/").rpartition("/")[2]

    assert JobStatus.get(job).status == "COMPLETED"
    names = [one.name for one in dr.Dataset.list(use_cases=[playground.use_case_id])]
    assert [name for name in names if name.startswith("Traces of Lamps")]


def test_templates_are_kept_in_versions_and_rendered(client: Any):
    template = PromptTemplate.create(name="Support", description="For answers")
    template.create_version("Hello {{ name }}", [Variable("name")], "First")
    latest = template.create_version(
        "Hello {{ name }}, on {{day}}", [Variable("name"), Variable("day")]
    )

    assert latest.version == 2
    assert latest.render(name="Ada", day="Monday") == "Hello Ada, on Monday"
    assert template.get_latest_version().id == latest.id
    assert [one.version for one in template.list_versions()] == [2, 1]
    assert PromptTemplateVersion.get(template.id, latest.id).variables[1].name == "day"
    listed = PromptTemplateVersion.list_all(prompt_template_ids=[template.id])
    assert {one.version for one in listed} == {1, 2}
    assert PromptTemplate.get(template.id).version_count == 2
    assert template.id in {
        one.id for one in PromptTemplate.list(sort="-creationDate", search="supp")
    }


def test_what_was_used_is_counted(chat: Chat, llm: LLMServer):
    before = UserLimits.get_llm_requests_count().counter

    ChatPrompt.create(text="Why?", chat=chat, wait_for_completion=True)

    assert UserLimits.get_llm_requests_count().counter == before + 1
    assert UserLimits.get_vector_database_count().counter >= 0
