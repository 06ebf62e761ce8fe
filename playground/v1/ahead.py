"""A question is embedded while the request that asks it is still read: both take about as long.

Which model embeds it is known from the caller's calls before. Where that changed, a vector was made
for nothing, so only models on this server are asked ahead: others are paid for, and a guard may be
about to keep the question from them.
"""

import hashlib
import threading
from collections import OrderedDict
from typing import Any

import orjson
from django.http import HttpRequest

from playground.calls.calling import Call
from vectordb.embedding import embed_ahead
from vectordb.embedding_models import get_model

_MOST_KNOWN = 1_000
_LONGEST_BODY = 64 * 1024  # bytes; longer ones would hold up the event loop

_Key = tuple[bytes, str]
# Of calls that were let in, by the token and the model's name.
_embedding_models: OrderedDict[_Key, str] = OrderedDict()
_lock = threading.Lock()


def embed_question(request: HttpRequest) -> None:
    """Begin, where somebody with this token called this model before, and it searched."""
    if not 0 < _length(request) <= _LONGEST_BODY:
        return
    try:
        sent = orjson.loads(request.body)
        question = _question(sent["messages"])
        embedding_model = _embedding_models.get(_key(request, sent["model"]))
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return  # whoever reads it next says what is wrong
    if embedding_model is not None and question:
        embed_ahead(embedding_model, question)


def remember(request: HttpRequest, model: str, call: Call) -> None:
    """What a call that was let in searches with. In a thread, since the model may be looked up."""
    key, database = _key(request, model), call.vector_database
    is_local = database is not None and bool(get_model(database.embedding_model).path)
    with _lock:
        _embedding_models.pop(key, None)
        if database is not None and is_local:
            _embedding_models[key] = database.embedding_model
        if len(_embedding_models) > _MOST_KNOWN:
            _embedding_models.popitem(last=False)


def _key(request: HttpRequest, model: str) -> _Key:
    token = request.headers.get("Authorization", "")
    return hashlib.sha256(token.encode()).digest(), model


def _length(request: HttpRequest) -> int:
    told = request.headers.get("Content-Length", "")
    return int(told) if told.isascii() and told.isdecimal() else 0


def _question(messages: list[dict[str, Any]]) -> str:
    """As `Call.question` has it, of messages that are texts."""
    asked = [one["content"] for one in messages if one["role"] == "user"]
    return asked[-1].strip() if asked else ""
