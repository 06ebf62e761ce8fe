"""The client against a real server that fails as told. Time-outs are short, the rest is real."""

import asyncio
import logging
import socket
import time
from contextlib import aclosing
from dataclasses import replace

import pytest
from django.test import override_settings

from blueprints.models import LLM, LLMEndpoint, Provider
from blueprints.providers import client_for
from blueprints.providers import openai as provider
from blueprints.providers.base import Completion, LLMRequest, ProviderError, TextPiece
from blueprints.providers.openai import OpenAIClient
from config.keys import encrypt_key
from tests.llm_server import (
    DEFAULT_TEXT,
    FILTERED,
    GARBAGE,
    TOO_LONG,
    UNAUTHORIZED,
    Behaviour,
    Request,
    failing,
    rate_limited,
)

KEY = "sk-test-4242424242424242"
REQUEST = LLMRequest(
    messages=({"role": "user", "content": "How long may I return it?"},),
    model_name="test-model",
    question="How long may I return it?",
)


@pytest.fixture(autouse=True)
def _forget_dialects():
    provider._dialects.clear()


@pytest.fixture(autouse=True)
def _short_backoff(monkeypatch):
    monkeypatch.setattr(provider, "FIRST_BACKOFF", 0.01)


@pytest.fixture
def endpoint(llm_server) -> LLMEndpoint:
    url = llm_server.base_url
    return LLMEndpoint(
        name="Test server", base_url=url, encrypted_key=encrypt_key(KEY, base_url=url)
    )


async def ask(endpoint, request=REQUEST) -> tuple[str, Completion]:
    text, end = "", None
    async with aclosing(OpenAIClient(endpoint).stream(request)) as events:
        async for event in events:
            assert end is None
            if isinstance(event, TextPiece):
                text += event.text
            elif isinstance(event, Completion):
                end = event
    assert end is not None
    return text, end


async def failure(endpoint, request=REQUEST) -> tuple[str, ProviderError]:
    """The text before the failure, and the failure."""
    text = ""
    try:
        async with aclosing(OpenAIClient(endpoint).stream(request)) as events:
            async for event in events:
                assert isinstance(event, TextPiece)
                text += event.text
    except ProviderError as error:
        return text, error
    pytest.fail("It did not fail.")


async def hung_up(asked: Request, within: float = 5) -> None:
    """The event loop goes on meanwhile: it is what closes the connection."""
    assert await asyncio.to_thread(asked.hung_up.wait, within)


async def test_text_arrives_in_pieces_and_the_end_says_what_it_took(endpoint, llm_server):
    llm_server.always = Behaviour(interval_ms=5)
    async with aclosing(OpenAIClient(endpoint).stream(REQUEST)) as events:
        *pieces, end = [event async for event in events]
    assert len(pieces) > 1
    assert "".join(getattr(piece, "text", "?") for piece in pieces) == DEFAULT_TEXT
    assert isinstance(end, Completion)
    assert (end.finish_reason, end.model_name) == ("stop", "test-model")
    assert (end.input_tokens, end.output_tokens) == (6, 23)
    assert end.request["messages"] == list(REQUEST.messages)
    assert end.response["usage"]["completion_tokens"] == 23
    assert KEY not in repr(end)


async def test_the_request_carries_the_settings_and_the_key(endpoint, llm_server):
    request = LLMRequest(
        messages=REQUEST.messages,
        model_name="test-model",
        question="?",
        temperature=0.2,
        top_p=0.9,
        max_completion_length=77,
    )
    await ask(endpoint, request)
    (asked,) = llm_server.requests
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["accept-encoding"] == "identity"
    assert asked.body == {
        "model": "test-model",
        "messages": list(REQUEST.messages),
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.2,
        "top_p": 0.9,
        "max_tokens": 77,
    }


async def test_settings_that_are_left_open_are_not_sent(endpoint, llm_server):
    await ask(endpoint)
    assert set(llm_server.prompts[0]) == {"model", "messages", "stream", "stream_options"}


async def test_no_key_sends_no_authorization_and_no_variable_of_the_process(
    llm_server, monkeypatch
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-process")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-the-process")
    await ask(LLMEndpoint(name="No key", base_url=llm_server.base_url))
    (asked,) = llm_server.requests
    assert "authorization" not in asked.headers
    assert not any("of-the-process" in value for value in asked.headers.values())


async def test_a_connection_is_used_again(endpoint, llm_server):
    connections = []
    for _ in range(3):
        await ask(endpoint)
        connections.append(llm_server.connections)
    assert connections == [1, 1, 1]


async def test_two_hundred_answers_at_once(endpoint, llm_server):
    llm_server.always = Behaviour(first_token_ms=300)
    answers = await asyncio.gather(*(ask(endpoint) for _ in range(200)))
    assert {text for text, _ in answers} == {DEFAULT_TEXT}
    assert len(llm_server.requests) == 200


async def test_a_new_key_is_used_from_the_next_call_on(endpoint, llm_server):
    await ask(endpoint)
    endpoint.encrypted_key = encrypt_key("another", base_url=endpoint.base_url)
    await ask(endpoint)
    assert llm_server.requests[1].headers["authorization"] == "Bearer another"


async def test_a_key_that_was_stored_for_another_address_is_not_sent(endpoint, llm_server):
    endpoint.encrypted_key = encrypt_key(KEY, base_url="https://elsewhere.example/v1")
    _, error = await failure(endpoint)
    assert "enter the key again" in error.message
    assert llm_server.requests == []


@pytest.mark.parametrize(
    ("behaviour", "words", "permanent"),
    [
        (UNAUTHORIZED, "refused the API key", True),
        (failing(403), "refused the API key", True),
        (failing(402), "no credit", True),
        (failing(404, "The model `x` does not exist"), "does not know the model", True),
        (TOO_LONG, "The prompt is longer than the LLM's context", True),
        (failing(413), "The prompt is longer than the LLM's context", True),
        (FILTERED, "content filter refused this prompt", True),
        (failing(429, "You exceeded your quota", "insufficient_quota"), "used up its quota", True),
        (rate_limited("3600"), "asks to wait 3,600 seconds", False),
        (failing(400, "temperature is not supported"), ": temperature is not supported", True),
        (GARBAGE, "not an OpenAI-compatible answer", True),
        (Behaviour(body=b"", headers={"Content-Type": "text/plain"}), "not an OpenAI", True),
        (Behaviour(status=302, body=b"", headers={"Location": "/x"}), "not followed", True),
    ],
)
async def test_a_refusal_says_what_to_do_and_is_not_repeated(
    endpoint, llm_server, behaviour, words, permanent
):
    llm_server.always = behaviour
    text, error = await failure(endpoint)
    assert text == ""
    assert words in error.message
    assert error.permanent is permanent
    assert len(llm_server.requests) == 1


async def test_the_next_prompt_works_after_a_failure(endpoint, llm_server):
    llm_server.script(UNAUTHORIZED)
    await failure(endpoint)
    assert (await ask(endpoint))[0] == DEFAULT_TEXT


async def test_a_rate_limit_is_waited_for(endpoint, llm_server):
    llm_server.script(rate_limited("0.3"))
    started = time.monotonic()
    assert (await ask(endpoint))[0] == DEFAULT_TEXT
    assert time.monotonic() - started >= 0.3
    assert len(llm_server.requests) == 2


async def test_server_errors_are_tried_again_twice(endpoint, llm_server):
    llm_server.script(failing(500), failing(503))
    assert (await ask(endpoint))[0] == DEFAULT_TEXT
    llm_server.always = failing(500)
    _, error = await failure(endpoint)
    assert "HTTP 500" in error.message
    assert not error.permanent
    assert len(llm_server.requests) == 3 + 3


async def test_a_wait_beyond_the_total_is_not_begun(endpoint, llm_server, settings):
    settings.LLM_TOTAL_SECONDS = 5
    llm_server.always = rate_limited("10")
    started = time.monotonic()
    await failure(endpoint)
    assert time.monotonic() - started < 3


async def test_a_break_before_the_first_token_is_tried_again(endpoint, llm_server):
    llm_server.script(Behaviour(break_after=0))
    assert (await ask(endpoint))[0] == DEFAULT_TEXT


async def test_a_break_in_mid_answer_keeps_the_text_and_says_so(endpoint, llm_server):
    llm_server.script(Behaviour(break_after=3, interval_ms=5))
    text, error = await failure(endpoint)
    assert text == "According to the"
    assert error.message.startswith("The answer broke off")
    assert len(llm_server.requests) == 1


async def test_a_stream_that_ends_without_an_end_broke_off(endpoint, llm_server):
    llm_server.always = Behaviour(finish_reason=None, has_done=False, has_usage=False)
    text, error = await failure(endpoint)
    assert text == DEFAULT_TEXT
    assert error.message.startswith("The answer broke off")


async def test_a_server_that_never_answers_is_given_up(endpoint, llm_server, settings):
    settings.LLM_FIRST_TOKEN_SECONDS = 0.2
    llm_server.always = Behaviour(is_silent=True)
    _, error = await failure(endpoint)
    assert "did not begin to answer within 0.2 seconds" in error.message
    (asked,) = llm_server.requests
    await hung_up(asked)


async def test_a_role_or_a_comment_is_no_first_token(endpoint, llm_server, settings):
    settings.LLM_FIRST_TOKEN_SECONDS = 0.3
    role = b'data: {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}\n\n'
    llm_server.always = Behaviour(chunks=(role, b": still here\n\n"), hang=True)
    _, error = await failure(endpoint)
    assert "did not begin to answer" in error.message


async def test_a_stall_keeps_the_text_and_says_so(endpoint, llm_server, settings):
    settings.LLM_BETWEEN_TOKENS_SECONDS = 0.2
    llm_server.always = Behaviour(stall_after=3)
    text, error = await failure(endpoint)
    assert text == "According to the"
    assert "nothing more for 0.2 seconds" in error.message
    await hung_up(llm_server.requests[0])


async def test_the_total_holds_though_tokens_keep_coming(endpoint, llm_server, settings):
    settings.LLM_TOTAL_SECONDS = 0.3
    llm_server.always = Behaviour(interval_ms=30)
    text, error = await failure(endpoint)
    assert text
    assert DEFAULT_TEXT.startswith(text)
    assert "not done within 0.3 seconds" in error.message


async def test_a_slow_reader_is_not_taken_for_a_stall(endpoint, llm_server, settings):
    settings.LLM_BETWEEN_TOKENS_SECONDS = 0.1
    text = ""
    async with aclosing(OpenAIClient(endpoint).stream(REQUEST)) as events:
        async for event in events:
            if isinstance(event, TextPiece):
                if not text:
                    await asyncio.sleep(0.3)
                text += event.text
    assert text == DEFAULT_TEXT


async def test_cancelling_the_reader_stays_a_cancellation(endpoint, llm_server):
    llm_server.always = Behaviour(is_silent=True)
    task = asyncio.create_task(ask(endpoint))
    assert await asyncio.to_thread(llm_server.arrived.acquire, timeout=5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await hung_up(llm_server.requests[0])


async def test_closing_early_hangs_up_at_once(endpoint, llm_server):
    llm_server.always = Behaviour(interval_ms=1000)
    async with aclosing(OpenAIClient(endpoint).stream(REQUEST)) as events:
        assert await anext(events) == TextPiece("According")
    await hung_up(llm_server.requests[0], within=0.5)


async def test_nothing_listens_there(llm_server, settings):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    _, error = await failure(LLMEndpoint(name="Gone", base_url=f"http://127.0.0.1:{port}/v1"))
    assert "of Gone cannot be reached" in error.message
    assert not error.permanent


async def test_stream_options_are_left_out_where_they_are_refused(endpoint, llm_server):
    llm_server.always = Behaviour(refuses="stream_options")
    _, end = await ask(endpoint)
    assert (end.input_tokens, end.output_tokens) == (None, None)
    await ask(endpoint)
    assert ["stream_options" in body for body in llm_server.prompts] == [True, False, False]


async def test_the_word_for_the_longest_answer_follows_the_server(endpoint, llm_server):
    llm_server.always = failing(
        400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    )
    request = LLMRequest(
        messages=REQUEST.messages, model_name="o9", question="?", max_completion_length=5
    )
    llm_server.script(llm_server.always, Behaviour())
    await ask(endpoint, request)
    llm_server.always = Behaviour()
    await ask(endpoint, request)
    words = [{key for key in body if key.startswith("max_")} for body in llm_server.prompts]
    assert words == [{"max_tokens"}, {"max_completion_tokens"}, {"max_completion_tokens"}]


async def test_a_server_that_refuses_everything_is_not_asked_for_ever(endpoint, llm_server):
    llm_server.always = failing(400, "Unknown: stream_options, max_completion_tokens, max_tokens")
    await failure(endpoint)
    assert len(llm_server.requests) <= 3


async def test_an_answer_in_one_piece_of_json(endpoint, llm_server):
    llm_server.always = Behaviour(as_json=True)
    text, end = await ask(endpoint)
    assert text == DEFAULT_TEXT
    assert end.output_tokens == 23


async def test_an_error_inside_the_stream(endpoint, llm_server):
    told = b'data: {"error": {"message": "maximum context length", "code": 400}}\n\n'
    llm_server.always = Behaviour(chunks=(told,))
    _, error = await failure(endpoint)
    assert "The prompt is longer" in error.message


async def test_an_overload_told_inside_the_stream_is_tried_again(endpoint, llm_server):
    overload = b'data: {"error": {"message": "Overloaded", "type": "overloaded_error"}}\n\n'
    llm_server.script(Behaviour(chunks=(overload,)))
    assert (await ask(endpoint))[0] == DEFAULT_TEXT


@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_why_an_answer_ended_is_passed_on(endpoint, llm_server, reason):
    llm_server.always = Behaviour(finish_reason=reason)
    assert (await ask(endpoint))[1].finish_reason == reason


async def test_what_a_content_filter_found_is_passed_on(endpoint, llm_server):
    prompt = {
        "choices": [],
        "prompt_filter_results": [
            {
                "prompt_index": 0,
                "content_filter_results": {
                    "hate": {"filtered": False, "severity": "safe"},
                    "jailbreak": {"filtered": False, "detected": True},
                },
            }
        ],
    }
    answer = {
        "choices": [
            {
                "index": 0,
                "delta": {},
                "content_filter_results": {"violence": {"filtered": True, "severity": "medium"}},
            }
        ]
    }
    llm_server.always = Behaviour(extra=(prompt, answer), finish_reason="content_filter")
    _, end = await ask(endpoint)
    assert end.guards == [
        {"name": "hate", "stage": "prompt", "filtered": False, "severity": "safe"},
        {"name": "jailbreak", "stage": "prompt", "filtered": False, "detected": True},
        {"name": "violence", "stage": "response", "filtered": True, "severity": "medium"},
    ]


async def test_of_the_parts_of_a_stream_the_worst_finding_counts(endpoint, llm_server):
    findings = [
        {"hate": {"filtered": False, "severity": severity}, "error": {"code": "timeout"}}
        for severity in ("safe", "medium", "low")
    ]
    llm_server.always = Behaviour(
        extra=tuple(
            {"choices": [{"index": 0, "delta": {}, "content_filter_results": found}]}
            for found in findings
        )
    )
    _, end = await ask(endpoint)
    assert end.guards == [
        {"name": "hate", "stage": "response", "filtered": False, "severity": "medium"}
    ]


async def test_a_refusal_tells_which_filter_refused(endpoint, llm_server):
    llm_server.always = FILTERED
    _, error = await failure(endpoint)
    assert error.guards == (
        {"name": "violence", "stage": "prompt", "filtered": True, "severity": "high"},
    )


@pytest.mark.parametrize("behaviour", [UNAUTHORIZED, failing(400, f"Bad key {KEY}"), GARBAGE])
async def test_no_secret_gets_into_a_message_or_a_log(endpoint, llm_server, caplog, behaviour):
    caplog.set_level(logging.DEBUG)
    llm_server.always = behaviour
    _, error = await failure(endpoint)
    told = f"{error!r} {error.message} {error.__cause__!r} {caplog.text}"
    assert KEY not in told
    assert "sk-secret123" not in told


def test_connections_end_with_their_event_loop(llm_server):
    endpoint = LLMEndpoint(name="Loops", base_url=llm_server.base_url)
    with override_settings(LLM_TOTAL_SECONDS=10):
        for _ in range(2):
            assert asyncio.run(ask(endpoint))[0] == DEFAULT_TEXT
    assert llm_server.ended.acquire(timeout=5)
    assert llm_server.ended.acquire(timeout=5)
    assert llm_server.connections == 0


async def test_an_llm_of_the_catalogue_is_answered_by_its_endpoint(endpoint, llm_server):
    llm = LLM(provider=Provider.OPENAI, endpoint=endpoint, model_name="test-model")
    async with aclosing(client_for(llm).stream(REQUEST)) as events:
        piece = await anext(events)
    assert isinstance(piece, TextPiece)
    assert DEFAULT_TEXT.startswith(piece.text)
    assert llm_server.prompts[0]["model"] == "test-model"


async def test_a_client_lent_while_the_key_changed_is_not_kept(endpoint, llm_server):
    async with aclosing(OpenAIClient(endpoint).stream(REQUEST)) as events:
        await anext(events)
        endpoint.encrypted_key = encrypt_key("another", base_url=endpoint.base_url)
        await ask(endpoint)
    assert await asyncio.to_thread(llm_server.ended.acquire, timeout=5)
    assert llm_server.connections == 1


async def test_a_key_that_no_header_can_carry_is_not_sent(endpoint, llm_server, monkeypatch):
    monkeypatch.setattr(provider, "RETRIES", 0)
    _, error = await failure(endpoint, replace(REQUEST, api_key="sk-\r\nHost: elsewhere"))
    assert "cannot be reached" in error.message
    # The connection was there already.
    assert await asyncio.to_thread(llm_server.ended.acquire, timeout=5)
    assert llm_server.prompts == []
