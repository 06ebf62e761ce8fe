"""Questions that the blueprint's LLM puts anew before the search, from end to end."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from accounts import services as accounts
from config.status import Status
from playground import services
from playground.models import ChatPrompt
from tests import llm_server as servers
from tests.llm_server import Behaviour
from tracing.models import LogKind
from vectordb.retrieval_settings import RetrievalSettings, Retriever

pytestmark = pytest.mark.django_db(transaction=True)

FOLLOW_UP = "And until when?"
REWRITTEN = "Until when can opened items be returned for store credit?"


@pytest.fixture
def ask(alice, run_jobs):
    def put(chat, text) -> ChatPrompt:
        prompt = services.ask(user=alice, chat=chat, text=text)
        run_jobs()
        prompt.refresh_from_db()
        return prompt

    return put


@pytest.fixture
def chat_that(chat_with, llm, handbook):
    """Makes a chat that reads the handbook with this retriever."""

    def make(retriever, llm_id=llm.pk):
        settings = RetrievalSettings(max_documents_retrieved_per_prompt=1, retriever=retriever)
        return chat_with(llm_id=llm_id, vector_database_id=handbook.pk, retrieval_settings=settings)

    return make


def steps(prompt: ChatPrompt):
    assert prompt.log is not None
    return list(prompt.log.children.order_by("started_at", "id"))


def kinds(prompt: ChatPrompt) -> list[str]:
    return [str(step.kind) for step in steps(prompt)]


def test_a_follow_up_is_searched_for_as_rewritten_and_answered_as_put(ask, chat_that, llm_server):
    chat = chat_that(Retriever.CONVERSATIONAL)
    first = ask(chat, "May I return an opened item?")
    assert kinds(first) == ["retrieve", "generate"]
    assert len(llm_server.prompts) == 1
    llm_server.script(Behaviour(text=REWRITTEN), Behaviour())

    prompt = ask(chat, FOLLOW_UP)

    assert prompt.status == Status.COMPLETED
    assert prompt.result_text == servers.DEFAULT_TEXT
    rewrite, retrieve, generate = steps(prompt)
    assert [rewrite.kind, retrieve.kind, generate.kind] == [
        LogKind.REWRITE,
        LogKind.RETRIEVE,
        LogKind.GENERATE,
    ]
    asked, answered = llm_server.prompts[1:]
    assert rewrite.payload.inputs["messages"] == asked["messages"]
    assert "May I return an opened item?" in asked["messages"][1]["content"]
    assert rewrite.payload.text == REWRITTEN
    assert retrieve.payload.inputs["query"] == REWRITTEN
    assert retrieve.payload.output["explain"]["query"] == REWRITTEN
    assert answered["messages"][-1]["content"].endswith(f"Question: {FOLLOW_UP}")
    assert [message["role"] for message in answered["messages"]] == [
        "system",
        "user",
        "assistant",
        "user",
    ]
    assert "store credit until day 60" in prompt.citations[0]["text"]


def test_the_call_before_the_search_counts(ask, chat_that, llm_server):
    llm_server.script(Behaviour(text="Where is it?\nWhen is it?"), Behaviour())

    prompt = ask(chat_that(Retriever.MULTI_STEP), "What about parcels and returns?")

    rewrite, _, generate = steps(prompt)
    assert rewrite.output_tokens == 5
    assert rewrite.latency_ms > 0
    assert not rewrite.payload.output["tokens_estimated"]
    assert prompt.input_tokens == rewrite.input_tokens + generate.input_tokens
    assert prompt.output_tokens == rewrite.output_tokens + generate.output_tokens
    assert prompt.cost == rewrite.cost + generate.cost > generate.cost > 0
    assert (prompt.log.input_tokens, prompt.log.cost) == (prompt.input_tokens, prompt.cost)
    assert not prompt.tokens_estimated


def test_several_questions_are_searched_for(ask, chat_that, llm_server):
    llm_server.script(
        Behaviour(text="1. When are parcels sent?\n2. Until when are returns possible?"),
        Behaviour(),
    )
    question = "What about parcels and returns?"

    prompt = ask(chat_that(Retriever.MULTI_STEP), question)

    assert prompt.status == Status.COMPLETED
    _, retrieve, _ = steps(prompt)
    assert retrieve.payload.inputs["query"] == question
    explain = retrieve.payload.output["explain"]
    assert explain["searches"] == [
        question,
        "When are parcels sent?",
        "Until when are returns possible?",
    ]
    assert [one["name"] for one in explain["stages"]].count("search") == 3


def test_what_says_nothing_leaves_the_question_alone(ask, chat_that, llm_server):
    llm_server.script(Behaviour(text="?\n---"), Behaviour())

    prompt = ask(chat_that(Retriever.MULTI_STEP), "What about parcels?")

    assert prompt.status == Status.COMPLETED
    assert kinds(prompt) == ["rewrite", "retrieve", "generate"]
    assert steps(prompt)[1].payload.output["explain"]["searches"] == []


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        (servers.UNAUTHORIZED, "key"),
        (servers.failing(404, "No such model", "model_not_found"), "model"),
        (Behaviour(text="<think>So"), "answered with nothing"),
    ],
    ids=["401", "404", "nothing"],
)
def test_a_rewrite_that_fails_is_an_answer_that_fails(ask, chat_that, llm_server, behaviour, says):
    chat = chat_that(Retriever.CONVERSATIONAL)
    ask(chat, "May I return an opened item?")
    llm_server.script(behaviour)

    prompt = ask(chat, FOLLOW_UP)

    assert prompt.status == Status.ERROR
    assert says in prompt.error_message
    assert prompt.citations == []
    [rewrite] = steps(prompt)
    assert (rewrite.kind, rewrite.status) == (LogKind.REWRITE, Status.ERROR)
    assert rewrite.error_message == prompt.error_message
    assert rewrite.payload.inputs["messages"]
    assert prompt.input_tokens == rewrite.input_tokens > 0
    assert prompt.tokens_estimated == (behaviour.status != 200)
    assert len(llm_server.prompts) == 2
    # The next one works.
    llm_server.script(Behaviour(text=REWRITTEN), Behaviour())
    assert ask(chat, FOLLOW_UP).status == Status.COMPLETED


def test_what_came_back_without_a_question_is_counted_and_shown(
    client, alice, ask, chat_that, llm_server
):
    chat = chat_that(Retriever.CONVERSATIONAL)
    ask(chat, "May I return an opened item?")
    thoughts = Behaviour(text="<think>What could they mean? " * 20)
    llm_server.script(thoughts)

    prompt = ask(chat, FOLLOW_UP)

    assert prompt.status == Status.ERROR
    [rewrite] = steps(prompt)
    assert rewrite.payload.text == thoughts.text
    assert not rewrite.payload.output["tokens_estimated"]
    assert not prompt.tokens_estimated
    assert prompt.output_tokens == rewrite.output_tokens > 20
    assert prompt.cost == rewrite.cost > 0
    assert (rewrite.latency_ms > 0, rewrite.model_name) == (True, "test-model")
    client.force_login(alice)
    page = client.get(f"/traces/{prompt.log_id}/").content.decode()
    assert "What could they mean?" in page
    assert "answered with nothing" in page


def test_stop_ends_the_rewriting_too(alice, chat_that, llm_server, run_jobs):
    llm_server.always = Behaviour(is_silent=True)
    prompt = services.ask(user=alice, chat=chat_that(Retriever.MULTI_STEP), text="What about it?")
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(run_jobs)
        assert llm_server.arrived.acquire(timeout=20)
        services.stop(prompt, user=alice)
        work.result(20)
    prompt.refresh_from_db()

    assert (prompt.status, prompt.result_text) == (Status.SKIPPED, "")
    assert [(step.kind, step.status) for step in steps(prompt)] == [("rewrite", Status.SKIPPED)]
    assert llm_server.requests[-1].hung_up.wait(10)


def test_without_documents_nothing_is_rewritten(ask, chat_with, llm, llm_server):
    settings = RetrievalSettings(retriever=Retriever.MULTI_STEP)
    chat = chat_with(llm_id=llm.pk, retrieval_settings=settings)

    assert kinds(ask(chat, "What is a lamp?")) == ["generate"]
    assert len(llm_server.prompts) == 1


def test_the_built_in_llm_is_not_asked(ask, chat_that):
    chat = chat_that(Retriever.CONVERSATIONAL, "extractive")
    ask(chat, "How long can opened items be returned?")
    prompt = ask(chat, "And when?")

    assert kinds(prompt) == ["retrieve", "generate"]
    query = steps(prompt)[0].payload.inputs["query"]
    assert query == "And when?\nHow long can opened items be returned?"
    assert "day 60" in prompt.citations[0]["text"]

    chat = chat_that(Retriever.MULTI_STEP, "extractive")
    prompt = ask(chat, "How long can opened items be returned? When do parcels leave?")
    [retrieve, _] = steps(prompt)
    assert len(retrieve.payload.output["explain"]["searches"]) == 3


def test_the_trace_shows_both_questions(client, alice, ask, chat_that, llm_server, use_case):
    llm_server.script(Behaviour(text="When are parcels sent?"), Behaviour())
    prompt = ask(chat_that(Retriever.MULTI_STEP), "What about parcels?")
    client.force_login(alice)

    page = client.get(f"/traces/{prompt.log_id}/").content.decode()

    assert "<h3>Rewrite</h3>" in page
    assert "Searched for" in page
    assert "When are parcels sent?" in page


def test_calls_are_counted_for_whoever_asked(ask, chat_that, llm_server, alice, client):
    llm_server.script(Behaviour(text="When are parcels sent?"), Behaviour())
    ask(chat_that(Retriever.MULTI_STEP), "What about parcels?")
    _, secret = accounts.create_token(user=alice, name="Test")
    headers = {"Authorization": f"Bearer {secret}"}

    counted = client.get("/api/v2/genai/userLimits/llmApiCalls/", headers=headers)

    assert counted.json() == {"counter": 2}
