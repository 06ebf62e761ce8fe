"""Questions to `/v1/` are embedded while their requests are read, where it is known by what."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.http import HttpRequest
from django.test import RequestFactory

from playground.calls.calling import Call
from playground.v1 import ahead
from vectordb.embedding_models import MINILM

ASKED = {"model": "desk/bot", "messages": [{"role": "user", "content": " How long? "}]}


@pytest.fixture
def begun(monkeypatch) -> Iterator[list[tuple[str, str]]]:
    """What was begun to be embedded, by which model."""
    found: list[tuple[str, str]] = []
    monkeypatch.setattr(ahead, "embed_ahead", lambda *asked: found.append(asked))
    yield found
    ahead._embedding_models.clear()


def request_of(body: Any = ASKED, caller: str = "mine", **headers: str) -> HttpRequest:
    sent = body if isinstance(body, str) else json.dumps(body)
    return RequestFactory().post(
        "/v1/chat/completions",
        sent,
        content_type="application/json",
        headers={"Authorization": f"Bearer {caller}", **headers},
    )


def call_by(embedding_model: str | None) -> Call:
    database = SimpleNamespace(embedding_model=embedding_model) if embedding_model else None
    return cast("Call", SimpleNamespace(vector_database=database))


def test_a_question_is_embedded_by_what_the_call_before_searched_with(begun):
    ahead.remember(request_of(), "desk/bot", call_by(MINILM))
    ahead.embed_question(request_of())

    assert begun == [(MINILM, "How long?")]


def test_the_last_question_of_a_conversation_is_what_is_searched(begun):
    ahead.remember(request_of(), "desk/bot", call_by(MINILM))
    told = [("user", "First?"), ("assistant", "Yes."), ("user", "And then?")]
    messages = [{"role": role, "content": text} for role, text in told]
    ahead.embed_question(request_of(ASKED | {"messages": messages}))

    assert begun == [(MINILM, "And then?")]


@pytest.mark.parametrize(
    ("body", "token"),
    [
        (ASKED, "another"),
        (ASKED | {"model": "desk/other"}, "mine"),
        (ASKED | {"messages": []}, "mine"),
        (ASKED | {"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "mine"),
        (ASKED | {"messages": 7}, "mine"),
        (ASKED | {"model": ["desk/bot"]}, "mine"),
        ({}, "mine"),
        ([], "mine"),
        ("no JSON", "mine"),
        (ASKED | {"messages": [{"role": "user", "content": "x" * 70_000}]}, "mine"),
    ],
)
def test_what_is_not_known_or_cannot_be_read_is_left_to_the_reading(begun, body, token):
    ahead.remember(request_of(), "desk/bot", call_by(MINILM))
    ahead.embed_question(request_of(body, token))

    assert begun == []


def test_a_call_that_no_longer_searches_is_forgotten(begun):
    ahead.remember(request_of(), "desk/bot", call_by(MINILM))
    ahead.remember(request_of(), "desk/bot", call_by(None))
    ahead.embed_question(request_of())

    assert begun == []


def test_a_model_of_another_server_is_not_asked_ahead(begun, monkeypatch):
    elsewhere = SimpleNamespace(path="")
    monkeypatch.setattr(ahead, "get_model", lambda model: elsewhere)
    ahead.remember(request_of(), "desk/bot", call_by("theirs/embedder"))
    ahead.embed_question(request_of())

    assert begun == []


def test_only_so_many_are_remembered(begun, monkeypatch):
    monkeypatch.setattr(ahead, "_MOST_KNOWN", 2)
    for token in ("first", "second", "third"):
        ahead.remember(request_of(caller=token), "desk/bot", call_by(MINILM))
    ahead.embed_question(request_of(caller="first"))
    ahead.embed_question(request_of(caller="third"))

    assert len(begun) == 1
