"""Two ways through Django: pages pass its middleware, programs and event streams do not.

Under ASGI every middleware of Django's costs two changes of threads, which took longer than the
requests themselves. Pages therefore run their whole stack in one thread, and what has no use for
sessions, CSRF tokens and messages goes without the stack.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.exception import convert_exception_to_response
from django.db import connections
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)

from config.middleware import SECURITY_HEADERS, add_headers
from config.requests import StrictRequest

LEAN_PREFIXES = ("/api/", "/events/", "/healthz", "/readyz")
_HEALTH = ("/healthz", "/readyz")

# What is smaller fits into the server's own buffer and leaves at once.
_FITS_INTO_BUFFER = 32 * 1024

Handle = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


class PagesHandler(ASGIHandler):
    """The whole stack, synchronous, in one thread for each request."""

    request_class = StrictRequest

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        response = await sync_to_async(self.get_response, thread_sensitive=True)(request)
        await _let_go_of_database(response)
        if isinstance(response, StreamingHttpResponse) and not response.is_async:
            # Django would read the whole file into memory first.
            blocks = cast("Iterable[bytes]", response.streaming_content)
            response.streaming_content = _block_by_block(blocks)
        return response


class LeanHandler(ASGIHandler):
    """The same views without the stack. Each of them authenticates by itself, by token or session,
    and none of them sets a cookie."""

    request_class = StrictRequest

    def load_middleware(self, is_async: bool = False) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        # Django has no public name for routing and calling the view.
        route = convert_exception_to_response(cast("Any", self)._get_response_async)
        self._middleware_chain = convert_exception_to_response(_checked(cast("Handle", route)))


def _checked(handle: Handle) -> Handle:
    """What remains of the stack: allowed hosts, HTTPS where it is demanded, security headers."""

    async def handle_checked(request: HttpRequest) -> HttpResponseBase:
        request.get_host()
        if settings.HTTPS and not request.is_secure() and request.path not in _HEALTH:
            # No redirect: it would lose the body, and the token has been in the open already.
            return JsonResponse({"detail": "Use https:// and a new token."}, status=400)
        response = await handle(request)
        await _let_go_of_database(response)
        return add_headers(response, SECURITY_HEADERS)

    return handle_checked


async def _let_go_of_database(response: HttpResponseBase) -> None:
    """Give the connection back before a long answer is sent: somebody who reads it slowly, or not
    at all, would keep it from everybody else."""
    if isinstance(response, HttpResponse) and len(response.content) <= _FITS_INTO_BUFFER:
        return
    if isinstance(response, StreamingHttpResponse) and response.is_async:
        return
    await sync_to_async(connections.close_all, thread_sensitive=True)()


async def _block_by_block(blocks: Iterable[bytes]) -> AsyncIterator[bytes]:
    iterator = iter(blocks)
    following = sync_to_async(lambda: next(iterator, None), thread_sensitive=True)
    while (block := await following()) is not None:
        yield block
