"""Guards hold for programs that call a blueprint, as they do for its chats."""

import asyncio
import json
from typing import Any

import pytest

from blueprints.models import BlueprintVersion
from blueprints.providers.base import Completion, TextPiece
from blueprints.versions import find_or_make_version
from playground.calls.log import Caller, recorded
from playground.calls.setup import set_up
from tests.llm_server import Behaviour
from tracing.models import Face, Log, LogPayload

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "Write to ada@example.com or call +49 30 901820."


@pytest.fixture
def call(alice, chat):
    """Asks the chat's blueprint as a program does: the pieces of text, and the end."""
    versions = BlueprintVersion.objects.select_related(
        "blueprint__use_case", "llm__endpoint", "vector_database"
    )

    def ask(
        text: Any, chat=chat, count: int = 1, version_id: str = "", **named: Any
    ) -> tuple[list[str], Completion]:
        messages = [{"role": "user", "content": text}] if text else []
        call = set_up(
            versions.get(pk=version_id or chat.blueprint.version_id),
            user=alice,
            **{"messages": messages, "inputs": None, **named},
        )
        return asyncio.run(collect(call, Caller.of(alice, Face.COMPLETIONS, count=count)))

    return ask


async def collect(call, caller) -> tuple[list[str], Completion]:
    texts, end = [], None
    async with recorded(call, caller) as (_, pieces):
        async for _, piece in pieces:
            if isinstance(piece, TextPiece):
                texts.append(piece.text)
            elif isinstance(piece, Completion):
                end = piece
    assert end is not None
    return texts, end


def everything_stored() -> str:
    payloads = LogPayload.objects.values(
        "inputs", "output", "text", "output_message", "messages", "provider_response"
    )
    return json.dumps([*payloads, *Log.objects.values("error_message")])


def test_without_guards_pieces_come_as_the_llm_sends_them(call, measure, llm_server):
    measure("response_tokens")
    llm_server.script(Behaviour(interval_ms=20))

    texts, end = call("Which oil?")

    assert len(texts) > 5
    assert end.finish_reason == "stop"


def test_a_blocked_question_reaches_no_llm(call, measure, llm_server):
    measure("pii_violation", action="block")

    texts, end = call(SECRET)

    assert texts == ["pii_violation says no."]
    assert (end.finish_reason, end.output_tokens) == ("blocked", 0)
    assert llm_server.prompts == []
    assert Log.objects.get(parent=None).finish_reason == "blocked"


def test_a_blocked_answer_is_nowhere_to_be_found(call, measure, llm_server):
    measure("pii_violation", action="block")
    llm_server.always = Behaviour(text=SECRET)

    texts, end = call("Whom do I ask?")

    assert texts == ["pii_violation says no."]
    assert end.finish_reason == "blocked"
    assert "ada@example.com" not in everything_stored()


def test_what_is_replaced_goes_no_further(call, measure, llm_server):
    measure("pii_violation", action="replace")
    llm_server.always = Behaviour(text=SECRET)
    content = [
        {"type": "text", "text": SECRET},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]

    texts, end = call(content)

    assert "ada@example.com" not in "".join(texts)
    assert "<EMAIL_ADDRESS>" in "".join(texts) or "EMAIL" in "".join(texts)
    sent = json.dumps(llm_server.prompts)
    assert "ada@example.com" not in sent
    assert "a.png" in sent
    assert end.finish_reason == "stop"


def test_each_sample_is_ruled_on(call, measure, llm_server):
    measure("response_tokens", action="block", when=("greaterThan", 2))
    llm_server.script(Behaviour(text="one two three four"), Behaviour(text="one two three four"))

    texts, _ = call("Count.", count=2)

    assert texts == ["response_tokens says no."] * 2


def test_guards_on_the_prompt_know_what_was_retrieved(call, reading_chat, measure, llm_server):
    measure("prompt_tokens", action="block", when=("greaterThan", 5))

    texts, _ = call("What do the lamps burn?", chat=reading_chat)

    assert texts == ["prompt_tokens says no."]
    assert llm_server.prompts == []


def test_earlier_messages_are_ruled_on_as_well(call, measure, llm_server):
    measure("pii_violation", action="block")
    messages = [
        {"role": "user", "content": SECRET},
        {"role": "assistant", "content": "And?"},
        {"role": "user", "content": "Go on."},
    ]

    assert call("", messages=messages)[0] == ["pii_violation says no."]
    assert llm_server.prompts == []


def test_inputs_of_a_template_are_replaced_where_they_stand(alice, call, chat, measure, llm_server):
    measure("pii_violation", action="replace")
    details = {
        "model": chat.blueprint.current.llm_id,
        "template": [{"role": "user", "content": "Mail {{to.address}}: {{text}}"}],
    }
    version = find_or_make_version(chat.blueprint, details, user=alice)

    call("", version_id=version.pk, inputs={"to": {"address": "ada@example.com"}, "text": "Hi"})

    sent = json.dumps(llm_server.prompts[-1]["messages"])
    assert "ada@example.com" not in sent
    assert ": Hi" in sent


def test_nothing_beside_a_replaced_text_tells_it(call, measure, llm_server):
    measure("pii_violation", action="replace")
    delta = {"content": "ada@example.com"}
    choice = {
        "index": 0,
        "delta": delta,
        "logprobs": {"content": [{"token": "ada@example.com", "logprob": -1}]},
        "finish_reason": "stop",
    }
    event = f"data: {json.dumps({'choices': [choice]})}\n\ndata: [DONE]\n\n".encode()
    llm_server.script(Behaviour(chunks=(event,)))

    _, end = call("Whom do I ask?", options={"logprobs": True})

    assert (end.logprobs, end.response) == (None, {})
    assert "ada@example.com" not in everything_stored()


def test_what_tools_are_to_be_called_with_is_ruled_on(call, measure, llm_server):
    measure("pii_violation", action="block")
    function = {"name": "say", "arguments": json.dumps({"text": SECRET})}
    delta = {"tool_calls": [{"index": 0, "id": "c", "function": function}]}
    choice = {"index": 0, "delta": delta, "finish_reason": "tool_calls"}
    event = f"data: {json.dumps({'choices': [choice]})}\n\ndata: [DONE]\n\n".encode()
    llm_server.script(Behaviour(chunks=(event,)))

    texts, end = call("Say it.")

    assert texts == ["pii_violation says no."]
    assert end.tool_calls == []
