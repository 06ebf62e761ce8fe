"""Requests, read as UTF-8 whatever they claim to be, and within limits before anybody looks."""

import io
import re
from collections.abc import Callable
from typing import Any

from asgiref.typing import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    HTTPScope,
    Scope,
)
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, JsonResponse
from django.utils.functional import cached_property

from accounts.services import authenticate_token
from config.api.error_bodies import API_ROOTS, Problem, error_body
from config.middleware import SECURITY_HEADERS, add_headers
from config.threads import in_thread

TOO_LARGE = "This request is too large: send less at once."
_PROBLEM: Problem = {"loc": ["body"], "msg": TOO_LARGE, "type": "value_error"}
# Where files come in; everything else is text, which Django limits too, but only once it has all.
_UPLOADS = re.compile(
    r"/(?:datasets/\w+/upload|playgrounds/\w+/upload|use-cases/\w+/datasets/new"
    r"|api/v2/datasets/fromFile)/"
)
# What stands around the text: boundaries of a form, headers of its parts.
_PACKAGING = 1024 * 1024


class StrictRequest(ASGIRequest):
    """Without what a browser never sends and the database cannot take."""

    # Whether the client is gone, for views that take long.
    has_left: Callable[[], bool] = staticmethod(lambda: False)

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        """Text is UTF-8, as the pages ask for: other codecs fail in their own ways, or make halves
        of surrogate pairs."""
        super()._set_content_type_params(meta)  # type: ignore[misc]
        self._encoding = None

    @cached_property
    def COOKIES(self) -> dict[str, str]:  # type: ignore[override] # noqa: N802 - Django's name
        """Quoted cookies may spell NUL as \\000."""
        sent: dict[str, str] = super().COOKIES
        return {name: value for name, value in sent.items() if "\0" not in value}


class BodyLimit:
    """Says no as soon as a body grows too long, before it fills the disk.

    Files are only taken from somebody who is known.
    """

    def __init__(self, application: ASGI3Application) -> None:
        self._application = application

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        try:
            limited = await _limited(scope, receive)
            await self._application(scope, limited, send)
        except _TooLarge:
            await _refuse(scope, send)


class _TooLarge(Exception):
    """The body is longer than it may be. Raised while it is read, so nothing was answered yet."""


async def _limited(scope: HTTPScope, receive: ASGIReceiveCallable) -> ASGIReceiveCallable:
    """`receive`, which raises _TooLarge where more comes than may; at once where more is announced."""
    announced = _announced(scope)
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + _PACKAGING
    is_long = announced is None or announced > limit
    if is_long and _UPLOADS.fullmatch(scope["path"]) and await in_thread(_is_somebody, scope):
        limit = settings.MAX_UPLOAD_BYTES + _PACKAGING
    if announced is not None and announced > limit:
        raise _TooLarge
    received = 0

    async def limited() -> ASGIReceiveEvent:
        nonlocal received
        message = await receive()
        if message["type"] == "http.request":
            received += len(message["body"])
            if received > limit:
                raise _TooLarge
        return message

    return limited


def _announced(scope: HTTPScope) -> int | None:
    """The length of the body as its header says it; None where none does."""
    sent = dict(scope["headers"])
    if b"transfer-encoding" in sent:
        return None
    length = sent.get(b"content-length", b"")
    return int(length) if length.isdigit() else None


def _is_somebody(scope: HTTPScope) -> bool:
    """Whether a token or a session comes with the request that would be let in."""
    request = StrictRequest(scope, io.BytesIO())
    scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
    if scheme:
        return authenticate_token(secret.strip()) is not None
    request.session = SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    return bool(get_user(request).is_authenticated)


async def _refuse(scope: Scope, send: ASGISendCallable) -> None:
    path = scope["path"] if scope["type"] == "http" else ""
    response = (
        # Not 413: the GenAI client sends such a request again and again.
        JsonResponse(error_body(path, 422, [_PROBLEM]), status=422)
        if path.startswith(API_ROOTS)
        else HttpResponse(TOO_LARGE, status=413, content_type="text/plain; charset=utf-8")
    )
    add_headers(response, SECURITY_HEADERS)
    # The rest of the body is not read.
    response.headers["Connection"] = "close"
    headers = [(name.encode(), value.encode()) for name, value in response.items()]
    status = response.status_code
    await send(
        {"type": "http.response.start", "status": status, "headers": headers, "trailers": False}
    )
    await send({"type": "http.response.body", "body": response.content, "more_body": False})
