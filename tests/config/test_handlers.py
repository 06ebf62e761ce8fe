"""Each view is on the way through Django that it was written for."""

import asyncio
import threading
from collections.abc import Iterator
from inspect import iscoroutinefunction
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from config.handlers import WAITING_PREFIXES, LeanHandler
from config.threads import in_request_thread


def views(resolver: URLResolver, prefix: str = "/") -> Iterator[tuple[str, URLPattern]]:
    """(path with its places, pattern) of all views."""
    for pattern in resolver.url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from views(pattern, path)
        else:
            yield path, pattern


def test_views_are_async_exactly_where_they_are_awaited():
    found = [
        (path, iscoroutinefunction(pattern.callback)) for path, pattern in views(get_resolver())
    ]

    assert {path for path, is_async in found if is_async} == {
        path for path, _ in found if path.startswith(WAITING_PREFIXES)
    }
    assert len(found) > 100


def exchange(handler, path: str, messages: list[dict[str, object]]) -> list[dict[str, Any]]:
    """What `handler` sends, given what it receives."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, object]:
        return messages.pop(0)

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
        "query_string": b"",
    }
    asyncio.run(handler(scope, receive, send))
    return sent


def test_a_body_may_come_in_pieces(db):
    body = {"type": "http.request", "body": b"{", "more_body": True}
    end = {"type": "http.request", "body": b"}", "more_body": False}

    sent = exchange(LeanHandler(), "/api/v2/genai/playgrounds/", [body, end])

    assert [message.get("status") for message in sent] == [401, None]
    assert (b"X-Frame-Options", b"DENY") in sent[0]["headers"]


def test_who_leaves_before_the_body_has_come_is_not_answered(db):
    body = {"type": "http.request", "body": b"{", "more_body": True}

    sent = exchange(
        LeanHandler(), "/api/v2/genai/playgrounds/", [body, {"type": "http.disconnect"}]
    )

    assert sent == []


def test_threads_are_kept_for_the_next_request():
    async def two() -> tuple[int, int]:
        return (
            await in_request_thread(threading.get_ident),
            await in_request_thread(threading.get_ident),
        )

    first, second = asyncio.run(two())

    assert first == second != threading.get_ident()
