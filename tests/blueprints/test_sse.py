import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.providers.sse import LONGEST_LINE, ChatStreamParser, NotAnAnswer


def chunk(text: str | None = None, **more) -> dict[str, Any]:
    delta = {} if text is None else {"content": text}
    return {"model": "m", "choices": [{"index": 0, "delta": delta, **more}]}


def line(event: dict[str, Any], *, space: str = " ", end: str = "\n") -> bytes:
    return f"data:{space}{json.dumps(event, ensure_ascii=False)}{end}{end}".encode()


def read(body: bytes, cuts=()) -> tuple[str, ChatStreamParser]:
    parser = ChatStreamParser()
    edges = [0, *sorted(cuts), len(body)]
    text = "".join(parser.feed(body[start:end]) for start, end in pairwise(edges))
    return text + parser.finish(), parser


@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=8),
    space=st.sampled_from(["", " ", "  "]),
    end=st.sampled_from(["\n", "\r\n"]),
    noise=st.sampled_from([b"", b": keep-alive\n\n", b"event: message\nid: 7\nretry: 10\n"]),
    data=st.data(),
)
def test_it_reads_the_same_wherever_the_bytes_are_cut(texts, space, end, noise, data):
    body = b"".join(noise + line(chunk(text), space=space, end=end) for text in texts)
    body += line(chunk(finish_reason="stop"), space=space, end=end)
    body += line({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}})
    body += f"data:{space}[DONE]{end}{end}".encode()
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=20))
    text, parser = read(body, cuts)
    assert text == "".join(texts)
    assert parser.is_done
    assert (parser.finish_reason, parser.input_tokens, parser.output_tokens) == ("stop", 3, 4)
    assert parser.model_name == "m"


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_no_bytes_break_it_but_by_saying_that_they_are_no_answer(body, cuts):
    try:
        read(b"data: " + body, [min(cut, len(body)) for cut in cuts])
    except NotAnAnswer:
        return


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("choices", "delta", "content", "usage", "error", "content_filter_results"),
                    *("message", "refusal", "finish_reason", "prompt_filter_results", "text", "x"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_no_shape_of_json_breaks_it(event):
    try:
        text, _ = read(line(event) if isinstance(event, dict) else b"data: 1\n\n")
    except NotAnAnswer:
        return
    assert isinstance(text, str)


def test_an_event_over_several_data_lines_is_one():
    text, _ = read(b'data: {"choices":\ndata: [{"delta": {"content": "hi"}}]}\n\ndata: [DONE]\n\n')
    assert text == "hi"


def test_events_without_blank_lines_between_them_are_read():
    text, _ = read(line(chunk("a")).rstrip() + b"\n" + line(chunk("b")).rstrip())
    assert text == "ab"


def test_a_last_line_without_its_end_counts():
    text, parser = read(line(chunk("a")) + line(chunk("b", finish_reason="stop")).rstrip())
    assert text == "ab"
    assert parser.finish_reason == "stop"


def test_what_follows_done_is_ignored():
    assert read(line(chunk("a")) + b"data: [DONE]\n\n" + line(chunk("b")))[0] == "a"


def test_a_bare_json_error_in_a_stream_is_an_error():
    _, parser = read(b'{"error": {"message": "no"}}\n')
    assert parser.error == {"message": "no"}


@pytest.mark.parametrize(
    ("beside", "read_as"),
    [("NaN", None), ("-Infinity", None), ('"\\ud83d"', "\ud83d"), ("1e3", 1000.0)],
)
def test_what_servers_send_beside_the_standard_is_read(beside, read_as):
    event = (
        '{"choices": [{"delta": {"content": "Yes"}, "logprobs": {"content": [{"logprob": %s}]}}]}'
    )
    text, parser = read(b"data: " + (event % beside).encode() + b"\n\n")
    assert text == "Yes"
    assert parser.logprobs == [{"logprob": read_as}]


def test_other_choices_are_left_out():
    other = {"choices": [{"index": 1, "delta": {"content": "no"}}]}
    assert read(line(other) + line(chunk("yes")))[0] == "yes"


def test_content_in_parts_is_joined():
    parts = [{"type": "text", "text": "a"}, {"type": "thinking"}, {"type": "text", "text": "b"}]
    assert read(line({"choices": [{"delta": {"content": parts}}]}))[0] == "ab"


def test_a_refusal_is_text_and_noted():
    refusal = {"choices": [{"index": 0, "delta": {"refusal": "I cannot."}}]}
    text, parser = read(line(refusal))
    assert text == "I cannot."
    assert parser.guards == [{"name": "refusal", "stage": "response", "filtered": False}]


def test_thoughts_are_a_sign_of_life_but_no_text():
    text, parser = read(line({"choices": [{"delta": {"reasoning_content": "hm"}}]}))
    assert (text, parser.tokens) == ("", 1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"data: nonsense\n\n",
        b"data: []\n\n",
        b'data: {"a": 1}\n\n',
        b"data: \xff\n\n",
    ],
)
def test_anything_else_is_not_an_answer(body):
    with pytest.raises(NotAnAnswer):
        read(body)


def test_an_endless_line_is_not_kept():
    parser = ChatStreamParser()
    parser.feed(b"x" * LONGEST_LINE)
    with pytest.raises(NotAnAnswer):
        parser.feed(b"x")


@pytest.mark.parametrize("number", [-1, 2**31, 10**400, 1.5, "7", True])
def test_a_number_of_tokens_that_cannot_be_is_none(number):
    usage = {"prompt_tokens": number, "completion_tokens": 4}
    _, parser = read(line(chunk("Oil.")) + line({"choices": [], "usage": usage}))
    assert (parser.input_tokens, parser.output_tokens) == (None, 4)


def test_findings_of_a_filter_are_kept_within_bounds():
    found = {
        f"{number:05}{'n' * 1_000}": {"filtered": False, "severity": "s" * 1_000}
        for number in range(1_000)
    }
    _, parser = read(line(chunk("Oil.", content_filter_results=found)))
    assert len(parser.guards) == 100
    assert {(len(one["name"]), len(one["severity"])) for one in parser.guards} == {(100, 100)}
