"""Pages that are sent in two parts: the head at once, so that the browser fetches the styles and makes
itself ready, while the body is still in the making."""

import logging
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.contrib.messages import get_messages
from django.core.handlers.asgi import ASGIRequest
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.loader import render_to_string

Context = Mapping[str, Any]

_log = logging.getLogger("django.request")


class PageInParts(StreamingHttpResponse):
    """The body is made when it is asked for, after the middleware."""


def render_in_parts(
    request: HttpRequest,
    template: str,
    frame: Context,
    rest: Callable[[], Context],
    *,
    status: int = HTTPStatus.OK,
) -> HttpResponseBase:
    """The page of `template`, which extends base.html; its head needs no more than `frame`.

    `rest` is called once the head is on its way, so its status is 200 by then: whatever may be refused
    has to be before. With another status it comes whole, and so it does without a server (to a test).
    """
    if status != HTTPStatus.OK or not isinstance(request, ASGIRequest):
        return render(request, template, {**frame, **rest()}, status=status)
    # Both change cookies, which are sent with the head.
    get_token(request)
    frame = {**frame, "messages": list(get_messages(request))}
    return PageInParts(_parts(request, template, frame, rest))


def _parts(
    request: HttpRequest, template: str, frame: Context, rest: Callable[[], Context]
) -> Iterator[str]:
    yield render_to_string(template, {**frame, "part": "head"}, request)
    try:
        yield render_to_string(template, {**frame, **rest(), "part": "body"}, request)
    except Exception:
        got_request_exception.send(sender=PageInParts, request=request)
        _log.exception("The body of a page could not be made: %s", request.path)
        yield render_to_string("_error_500.html")
