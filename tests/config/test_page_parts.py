"""A page's head is sent before its body is made, and whatever happens then, the page comes to its end."""

import zlib
from typing import Any

import pytest
from django.contrib import messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.test import AsyncRequestFactory, RequestFactory

from config.middleware import CompressionMiddleware
from config.page_parts import PageInParts, render_in_parts

FRAME = {"title": "Not now", "status": 409}


class Rest:
    """What a body needs, and whether it was asked for."""

    def __init__(self, error: Exception | None = None) -> None:
        self.was_called = False
        self._error = error

    def __call__(self) -> dict[str, Any]:
        self.was_called = True
        if self._error is not None:
            raise self._error
        return {"message": "Try again at noon."}


def asked(**headers: str) -> HttpRequest:
    """As a server hands it on."""
    request = AsyncRequestFactory().get("/chats/1/", headers=headers)
    vars(request)["_messages"] = CookieStorage(request)  # as its middleware does
    return request


def parts_of(response: HttpResponseBase) -> list[str]:
    assert isinstance(response, PageInParts)
    return [part.decode() for part in response]


def compressed(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    return CompressionMiddleware(lambda _: response).process_response(request, response)


def test_the_head_is_there_before_the_body_is_made():
    rest = Rest()

    response = render_in_parts(asked(), "error.html", FRAME, rest)
    assert isinstance(response, PageInParts)
    parts = iter(response)
    head = next(parts)

    assert not rest.was_called
    assert head.startswith(b"<!doctype html>")
    assert head.rstrip().endswith(b"</head>")
    assert b"<title>Not now" in head
    body = b"".join(parts)
    assert body.lstrip().startswith(b"<body")
    assert b"Try again at noon." in body
    assert body.rstrip().endswith(b"</html>")


@pytest.mark.parametrize(("request_", "status"), [(RequestFactory().get("/"), 200), (asked(), 422)])
def test_without_a_server_or_with_another_status_a_page_comes_whole(request_, status):
    response = render_in_parts(request_, "error.html", FRAME, Rest(), status=status)

    assert isinstance(response, HttpResponse)
    assert response.status_code == status
    page = response.content.decode()
    assert page.startswith("<!doctype html>")
    assert page.count("<body") == page.count("</head>") == 1
    assert "Try again at noon." in page


def test_a_reader_whose_page_breaks_off_is_told_and_so_is_the_log(caplog):
    heard = []
    got_request_exception.connect(lambda **_: heard.append(1), weak=False, dispatch_uid="heard")
    try:
        head, apology = parts_of(
            render_in_parts(asked(), "error.html", FRAME, Rest(ZeroDivisionError("no rows")))
        )
    finally:
        got_request_exception.disconnect(dispatch_uid="heard")

    assert "</head>" in head
    assert "Something went wrong on our side" in apology
    assert apology.count("<body>") == apology.count("</html>") == 1
    assert heard == [1]
    [record] = [record for record in caplog.records if "/chats/1/" in record.getMessage()]
    assert record.exc_info is not None


def test_what_changes_cookies_happens_before_the_head_is_sent():
    request = asked()
    messages.success(request, "It is kept.")

    response = render_in_parts(request, "error.html", FRAME, Rest())

    assert request.META["CSRF_COOKIE_NEEDS_UPDATE"]
    assert vars(request)["_messages"].used
    _, body = parts_of(response)
    assert "It is kept." in body


def test_each_part_can_be_read_before_the_next_has_come():
    request = asked(**{"accept-encoding": "gzip"})
    rest = Rest()
    response = compressed(request, render_in_parts(request, "error.html", FRAME, rest))

    assert isinstance(response, PageInParts)
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Vary"] == "Accept-Encoding"
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    parts = iter(response)
    assert reader.decompress(next(parts)).rstrip().endswith(b"</head>")
    assert not rest.was_called
    assert b"Try again at noon." in b"".join(reader.decompress(part) for part in parts)
    assert reader.eof


def test_who_reads_nothing_compressed_gets_the_parts_as_they_are():
    request = asked()

    response = compressed(request, render_in_parts(request, "error.html", FRAME, Rest()))

    assert "Content-Encoding" not in response.headers
    assert "Try again at noon." in parts_of(response)[1]
