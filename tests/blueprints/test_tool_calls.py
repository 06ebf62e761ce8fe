"""Calls of tools in a stream, whole or in pieces."""

import json
from typing import Any

import pytest

from blueprints.providers.base import TextPiece, ToolCallPiece
from blueprints.providers.sse import ChatStreamParser, NotAnAnswer


def line(delta: dict[str, Any], **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": None, **more}
    return f"data: {json.dumps({'choices': [choice]})}\n\n".encode()


def calls(*deltas: Any) -> dict[str, Any]:
    return {"tool_calls": list(deltas)}


def test_pieces_of_two_calls_are_put_together():
    parser = ChatStreamParser()
    for delta in (
        calls({"index": 0, "id": "a", "function": {"name": "one", "arguments": "{"}}),
        calls({"index": 1, "id": "b", "function": {"name": "two", "arguments": "[]"}}),
        calls({"index": 0, "function": {"arguments": "}"}}),
    ):
        assert parser.feed(line(delta)) == ""

    assert [(one["id"], one["function"]) for one in parser.tool_calls] == [
        ("a", {"name": "one", "arguments": "{}"}),
        ("b", {"name": "two", "arguments": "[]"}),
    ]
    [piece] = parser.pieces("")
    assert isinstance(piece, ToolCallPiece)
    assert [one["index"] for one in piece.deltas] == [0, 1, 0]
    assert parser.pieces("") == []


def test_a_whole_answer_may_have_text_and_calls():
    call = {"id": "a", "type": "function", "function": {"name": "one", "arguments": "{}"}}
    message = {"role": "assistant", "content": "Let me look.", **calls(call)}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    parser = ChatStreamParser()

    text = parser.feed_whole(json.dumps(body).encode())

    assert parser.pieces(text) == [
        TextPiece("Let me look."),
        ToolCallPiece([{**call, "index": 0}]),
    ]
    assert parser.completion_reason == "tool_calls"


@pytest.mark.parametrize(
    "wrong",
    [
        calls({"index": 1, "function": {}}),
        calls({"index": -1}),
        calls("no"),
        {"tool_calls": {"index": "x"}},
    ],
)
def test_what_is_no_call_is_refused(wrong):
    with pytest.raises(NotAnAnswer):
        ChatStreamParser().feed(line(wrong))


def test_log_probabilities_and_thoughts_are_kept():
    parser = ChatStreamParser()
    for token in ("Hi", "!"):
        parser.feed(line({"content": token}, logprobs={"content": [{"token": token}]}))
    details = {"reasoning_tokens": 5}
    usage = {"prompt_tokens": 1, "completion_tokens": 7, "completion_tokens_details": details}
    parser.feed(f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n".encode())

    completion = parser.completion({})
    assert completion.logprobs == [{"token": "Hi"}, {"token": "!"}]
    assert (completion.output_tokens, completion.reasoning_tokens) == (7, 5)
