"""The call that asks what to search for, under the eyes of metrics and guards."""

import json

import pytest

from blueprints.settings import SettingsChanges
from config.status import Status
from playground import services
from tests.llm_server import Behaviour
from tracing.models import LogKind
from vectordb.retrieval_settings import RetrievalSettings, Retriever

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def searching_chat(alice, reading_chat):
    settings = RetrievalSettings(retriever=Retriever.MULTI_STEP)
    changes = SettingsChanges(retrieval_settings=settings)
    return services.change_chat_settings(reading_chat, user=alice, changes=changes)


def test_its_tokens_are_measured_and_it_sees_only_what_guards_let_pass(
    answered, searching_chat, measure, llm_server
):
    measure("prompt_tokens")
    measure("pii_violation", action="replace")
    llm_server.script(Behaviour(text="Which oil is burnt?"), Behaviour())

    prompt = answered(searching_chat, "Does ada@example.com burn oil?")

    assert prompt.status == Status.COMPLETED
    [measured] = [one["value"] for one in prompt.metrics if one["name"] == "prompt_tokens"]
    rewrite, retrieve, generate = prompt.log.children.order_by("started_at", "id")
    assert rewrite.kind == LogKind.REWRITE
    assert measured == prompt.input_tokens == rewrite.input_tokens + generate.input_tokens
    assert len(llm_server.prompts) == 2
    told = [llm_server.prompts, retrieve.payload.inputs, rewrite.payload.text]
    assert "ada@example.com" not in json.dumps(told)


def test_a_blocked_question_is_not_rewritten(answered, searching_chat, measure, llm_server):
    measure("pii_violation", action="block")

    prompt = answered(searching_chat, "Does ada@example.com burn oil?")

    assert prompt.finish_reason == "blocked"
    assert llm_server.prompts == []


def test_each_question_is_searched_for_anew_when_another_is_asked_instead(
    answered, searching_chat, measure, llm_server
):
    measure("prompt_tokens", action="replace")
    prompt = answered(searching_chat, "Which oil?")

    kinds = [log.kind for log in prompt.log.children.order_by("started_at", "id")]
    assert kinds == ["rewrite", "rewrite", "retrieve", "generate"]
    assert prompt.input_tokens == sum(
        log.input_tokens or 0 for log in prompt.log.children.exclude(kind="retrieve")
    )
