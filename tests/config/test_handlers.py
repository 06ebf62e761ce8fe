"""Each view is on the way through Django that it was written for, and takes no more than it needs."""

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from inspect import iscoroutinefunction
from typing import Any

import pytest
from django.db import connections
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern, URLResolver, get_resolver, get_script_prefix, path

from config.handlers import WAITING_PREFIXES, LeanHandler
from config.page_parts import PageInParts
from config.requests import StrictRequest
from config.threads import in_request_thread

BLOCK = 64 * 1024
BODY = {"type": "http.request", "body": b"", "more_body": False}
GONE = {"type": "http.disconnect"}

asked: list[str] = []


class Counted(io.BytesIO):
    """Remembers how much was read of it, and whether it was closed."""

    reads: list[int]

    def read(self, size: int | None = -1) -> bytes:
        self.reads.append(size or 0)
        return super().read(size)


def download(request: HttpRequest) -> FileResponse:
    opened.append(Counted(b"x" * BLOCK * 20))
    opened[-1].reads = []
    return FileResponse(opened[-1])


endless: list[str] = []


def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Never ends by itself, and says when it was ended."""

    async def pieces() -> AsyncIterator[bytes]:
        try:
            yield b"first"
            await asyncio.Event().wait()
        finally:
            endless.append("ended")

    return StreamingHttpResponse(pieces())


def finite(request: HttpRequest) -> StreamingHttpResponse:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"one", b"two"):
            yield piece

    return StreamingHttpResponse(pieces())


def remember(request: StrictRequest) -> HttpResponse:
    """What to do for a client that is still there."""
    if not request.has_left():
        asked.append(request.path)
    return HttpResponse("done")


def give_up(request: HttpRequest) -> HttpResponse:
    used.append(connections["default"])
    used[-1].ensure_connection()
    raise SystemExit


def in_parts(request: HttpRequest) -> PageInParts:
    """Each needs the database."""

    def parts() -> Iterator[bytes]:
        for name in (b"head", b"body"):
            used.append(connections["default"])
            used[-1].ensure_connection()
            prefixes.append(get_script_prefix())
            yield name

    return PageInParts(parts())


opened: list[Counted] = []
used: list[Any] = []
prefixes: list[str] = []
urlpatterns = [
    path("api/download/", download),
    path("api/remember/", remember),
    path("api/give-up/", give_up),
    path("api/stream/", stream),
    path("api/finite/", finite),
    path("api/in-parts/", in_parts),
]


@pytest.fixture
def own_views(settings):
    settings.ROOT_URLCONF = __name__


def views(resolver: URLResolver, prefix: str = "/") -> Iterator[tuple[str, URLPattern]]:
    """(path with its places, pattern) of all views."""
    for pattern in resolver.url_patterns:
        at = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from views(pattern, at)
        else:
            yield at, pattern


def exchange(
    at: str,
    received: list[dict[str, Any]],
    *,
    method: str = "GET",
    leaves_after: int | None = None,
    once_gone: Callable[[], object] = bool,
    on_sent: Callable[[], object] = bool,
) -> list[dict[str, Any]]:
    """What the handler sends to a client that sends this, and leaves once so many messages came.
    `once_gone` is called when the handler has heard of it, `on_sent` with each message."""

    async def run() -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []
        left = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if not received:
                await left.wait()
            message = received.pop(0) if received else GONE
            if message is GONE:
                asyncio.get_running_loop().call_soon(once_gone)
            return message

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)
            on_sent()
            if len(sent) == leaves_after:
                left.set()
                await asyncio.sleep(0)

        handler: Callable[..., Awaitable[None]] = LeanHandler()
        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        scope = {"type": "http", "method": method, "path": at, "query_string": b""}
        await handler(scope | {"headers": headers}, receive, send)
        return sent

    return asyncio.run(run())


def test_views_are_async_exactly_where_they_are_awaited():
    found = [(at, iscoroutinefunction(pattern.callback)) for at, pattern in views(get_resolver())]

    assert {at for at, is_async in found if is_async} == {
        at for at, _ in found if at.startswith(WAITING_PREFIXES)
    }
    assert len(found) > 100


def test_a_body_may_come_in_pieces(db):
    body = {"type": "http.request", "body": b"{", "more_body": True}
    end = {"type": "http.request", "body": b"}", "more_body": False}

    sent = exchange("/api/v2/genai/playgrounds/", [body, end], method="POST")

    assert [message.get("status") for message in sent] == [401, None]
    assert (b"X-Frame-Options", b"DENY") in sent[0]["headers"]


def test_who_leaves_before_the_body_has_come_is_not_answered(db):
    body = {"type": "http.request", "body": b"{", "more_body": True}

    assert exchange("/api/v2/genai/playgrounds/", [body, GONE], method="POST") == []


def test_who_leaves_before_it_is_their_turn_is_not_answered(own_views):
    asked.clear()
    occupied, free = threading.Barrier(41), threading.Event()

    def occupy() -> None:
        occupied.wait()
        free.wait()

    async def occupy_all() -> None:
        await asyncio.gather(*(in_request_thread(occupy) for _ in range(40)))

    crowd = threading.Thread(target=lambda: asyncio.run(occupy_all()))
    crowd.start()
    occupied.wait()
    exchange("/api/remember/", [dict(BODY), GONE], once_gone=free.set)
    crowd.join()

    assert asked == []
    assert exchange("/api/remember/", [dict(BODY)])[1]["body"] == b"done"
    assert asked == ["/api/remember/"]


def test_a_file_is_read_in_large_blocks_and_closed(own_views):
    sent = exchange("/api/download/", [dict(BODY)])

    assert b"".join(message.get("body", b"") for message in sent) == b"x" * BLOCK * 20
    assert opened[-1].reads == [BLOCK] * 21
    assert opened[-1].closed


def test_a_file_is_not_read_on_for_a_client_that_left(own_views):
    exchange("/api/download/", [dict(BODY)], leaves_after=3)

    assert len(opened[-1].reads) < 10
    assert opened[-1].closed


def test_a_file_is_not_read_for_its_headers_alone(own_views):
    sent = exchange("/api/download/", [dict(BODY)], method="HEAD")

    assert (b"Content-Length", str(BLOCK * 20).encode()) in sent[0]["headers"]
    assert (opened[-1].reads, opened[-1].closed) == ([], True)


def test_what_comes_piece_by_piece_is_sent_so(own_views):
    sent = exchange("/api/finite/", [dict(BODY)])

    assert [message.get("body") for message in sent] == [None, b"one", b"two", None]
    assert not sent[-1].get("more_body")


def test_what_would_never_end_ends_when_its_reader_leaves(own_views):
    endless.clear()

    sent = exchange("/api/stream/", [dict(BODY)], leaves_after=2)

    assert [message.get("body") for message in sent] == [None, b"first"]
    assert endless == ["ended"]


def test_whatever_happens_in_a_view_the_database_connection_is_given_back(own_views, db):
    with pytest.raises(SystemExit):
        exchange("/api/give-up/", [dict(BODY)])

    assert used[-1].connection is None


def test_a_page_in_parts_is_sent_so_and_keeps_no_connection_meanwhile(own_views, settings, db):
    used.clear()
    prefixes.clear()
    settings.FORCE_SCRIPT_NAME = "/groundwork/"
    are_given_back: list[bool] = []

    sent = exchange(
        "/api/in-parts/",
        [dict(BODY)],
        on_sent=lambda: are_given_back.append(all(one.connection is None for one in used)),
    )

    assert [message.get("body") for message in sent] == [None, b"head", b"body", None]
    assert (len(used), set(are_given_back)) == (2, {True})
    assert prefixes == ["/groundwork/"] * 2


def test_the_body_of_a_page_is_not_made_for_a_client_that_left(own_views, db):
    used.clear()

    exchange("/api/in-parts/", [dict(BODY)], leaves_after=2)

    assert len(used) == 1


def test_many_requests_share_few_threads():
    async def many() -> list[int]:
        return await asyncio.gather(*(in_request_thread(threading.get_ident) for _ in range(300)))

    assert len(set(asyncio.run(many()))) <= 40
