"""Three ways through Django, for its own way of ASGI changes threads five times in a request and more
with each middleware, which took longer than most requests themselves.

Pages run their whole stack in one visit to a thread; programs do too, but without what they have no
use for: sessions, CSRF tokens and messages. What waits for something to happen is async throughout.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from typing import IO, Any, cast

from django.conf import settings
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.exception import convert_exception_to_response
from django.core.signals import request_started
from django.db import connections
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.urls import set_script_prefix

from config.middleware import SECURITY_HEADERS, add_headers
from config.page_parts import PageInParts
from config.requests import StrictRequest
from config.threads import in_download_thread, in_request_thread

# Where views are async; elsewhere they are not.
WAITING_PREFIXES = (
    "/events/",
    "/healthz",
    "/readyz",
    "/api/v2/status/",
    "/api/v2/genai/status/",
    "/v1/",
    "/v5/prompts/call",
    "/v4/chat",
    "/v4/completion",
)
LEAN_PREFIXES = ("/api/", "/v5/", "/v4/")
_HEALTH = ("/healthz", "/readyz")
_FILE_BLOCK = 64 * 1024

# As Django's handlers have them.
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

Handle = Callable[[HttpRequest], HttpResponseBase]
AsyncHandle = Callable[[HttpRequest], Awaitable[HttpResponseBase]]
# The next of them, or None.
Read = Callable[[Iterator[bytes]], Awaitable[bytes | None]]


class PagesHandler(ASGIHandler):
    """The whole stack, synchronous, in one visit to a thread."""

    request_class = StrictRequest
    chunk_size = 2**20  # what is in memory goes in as few messages as that

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.handle(scope, receive, send)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        # All that is received after the body is that the client has left.
        leaving = asyncio.ensure_future(receive())
        try:
            response = await in_request_thread(self._answer, scope, body, leaving.done)
            if isinstance(response, StreamingHttpResponse) and response.is_async:
                await self._send_while_read(response, send, leaving)
            elif response is not None:
                await self._send(response, scope, send, leaving.done)
        finally:
            leaving.cancel()
            body.close()

    async def _send(
        self, response: HttpResponseBase, scope: Scope, send: Send, has_left: Callable[[], bool]
    ) -> None:
        if not isinstance(response, StreamingHttpResponse):
            await self.send_response(response, send)
            return
        # Django would read the whole file into memory first.
        blocks = iter(cast("Iterable[bytes]", response.streaming_content))
        is_wanted = scope["method"] != "HEAD"
        is_page = isinstance(response, PageInParts)
        read = _part_reader(get_script_prefix(scope)) if is_page else _next_block
        response.streaming_content = _block_by_block(
            blocks if is_wanted else iter(()), read, has_left
        )
        try:
            await self.send_response(response, send)
        finally:
            await in_download_thread(response.close)

    async def _send_while_read(
        self, response: StreamingHttpResponse, send: Send, leaving: "asyncio.Future[Any]"
    ) -> None:
        """What makes the answer ends when its reader leaves."""
        sending = asyncio.ensure_future(self.send_response(response, send))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await in_download_thread(response.close)

    def _answer(
        self, scope: Scope, body: IO[bytes], has_left: Callable[[], bool]
    ) -> HttpResponseBase | None:
        """None for a client that did not wait for its turn."""
        if has_left():
            return None
        set_script_prefix(get_script_prefix(scope))
        request_started.send(sender=type(self), scope=scope)
        try:
            request, response = self.create_request(scope, body)
            if request is not None:
                request.has_left = has_left  # type: ignore[attr-defined] # of StrictRequest
                response = self.get_response(request)
            assert response is not None  # noqa: S101 - it is one or the other
            response._handler_class = type(self)  # type: ignore[attr-defined]
            if isinstance(response, FileResponse):
                response.block_size = _FILE_BLOCK
            if not response.streaming:
                response.close()
            return response
        finally:
            # Before the answer is sent: somebody who reads it slowly, or not at all, would keep the
            # connection from everybody else.
            connections.close_all()


class LeanHandler(PagesHandler):
    """The same without the stack. Each view authenticates by itself, by its token, and none of them
    sets a cookie."""

    def load_middleware(self, is_async: bool = False) -> None:
        _leave_middleware_out(self)
        # Django has no public name for routing and calling the view.
        route = convert_exception_to_response(cast("Any", self)._get_response)
        self._middleware_chain = convert_exception_to_response(_checked(cast("Handle", route)))


class WaitingHandler(ASGIHandler):
    """Likewise for async views, which end when the client goes."""

    request_class = StrictRequest

    def load_middleware(self, is_async: bool = False) -> None:
        _leave_middleware_out(self)
        route = convert_exception_to_response(cast("Any", self)._get_response_async)
        checked = _checked_async(cast("AsyncHandle", route))
        self._middleware_chain = convert_exception_to_response(checked)


def _leave_middleware_out(handler: Any) -> None:
    handler._view_middleware = []
    handler._template_response_middleware = []
    handler._exception_middleware = []


def _checked(handle: Handle) -> Handle:
    """What remains of the stack: allowed hosts, HTTPS where it is demanded, security headers."""

    def handle_checked(request: HttpRequest) -> HttpResponseBase:
        refusal = _refusal(request)
        return refusal or add_headers(handle(request), SECURITY_HEADERS)

    return handle_checked


def _checked_async(handle: AsyncHandle) -> AsyncHandle:
    async def handle_checked(request: HttpRequest) -> HttpResponseBase:
        refusal = _refusal(request)
        return refusal or add_headers(await handle(request), SECURITY_HEADERS)

    return handle_checked


def _refusal(request: HttpRequest) -> HttpResponseBase | None:
    """Raises DisallowedHost."""
    request.get_host()
    if settings.HTTPS and not request.is_secure() and request.path not in _HEALTH:
        # No redirect: it would lose the body, and the token has been in the open already.
        return JsonResponse({"detail": "Use https:// and a new token."}, status=400)
    return None


async def _block_by_block(
    blocks: Iterator[bytes], read: Read, has_left: Callable[[], bool]
) -> AsyncIterator[bytes]:
    while not has_left() and (block := await read(blocks)) is not None:
        yield block


async def _next_block(blocks: Iterator[bytes]) -> bytes | None:
    return await in_download_thread(next, blocks, None)


def _part_reader(script_prefix: str) -> Read:
    """Makes each part of a page in a thread for requests, with a database connection that is given
    back before the part is sent."""

    def made(parts: Iterator[bytes]) -> bytes | None:
        set_script_prefix(script_prefix)
        try:
            return next(parts, None)
        finally:
            connections.close_all()

    async def read(parts: Iterator[bytes]) -> bytes | None:
        return await in_request_thread(made, parts)

    return read
