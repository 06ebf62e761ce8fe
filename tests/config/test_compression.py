"""Pages are sent compressed, to whoever understands it; other things are not."""

import gzip

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from config.middleware import CompressionMiddleware

PAGE = "<p>Within thirty days.</p>" * 500
UNDERSTANDS = {"Accept-Encoding": "gzip, br"}


def sent(response, headers=UNDERSTANDS):
    request = RequestFactory().get("/", headers=headers)
    return CompressionMiddleware(lambda _: response)(request)


def test_a_page_is_compressed_for_whoever_understands_it():
    answer = sent(HttpResponse(PAGE))

    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.content).decode() == PAGE
    assert len(answer.content) < len(PAGE) / 10
    assert answer.headers["Vary"] == "Accept-Encoding"


def test_others_get_it_as_it_is():
    answer = sent(HttpResponse(PAGE), headers={})

    assert answer.content.decode() == PAGE
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize(
    "response",
    [
        HttpResponse(PAGE, content_type="image/png"),
        HttpResponse(PAGE, content_type="text/csv"),
        HttpResponse(PAGE, content_type="application/json"),
        StreamingHttpResponse(iter([PAGE.encode()])),
    ],
)
def test_what_is_no_page_is_sent_as_it_is(response):
    answer = sent(response)

    assert "Content-Encoding" not in answer.headers
    assert answer.getvalue().decode() == PAGE


@pytest.mark.django_db
def test_a_real_page_comes_compressed_with_a_token_of_its_own(client):
    first, second = (client.get("/sign-in/", headers=UNDERSTANDS) for _ in range(2))

    assert first.headers["Content-Encoding"] == "gzip"
    pages = [gzip.decompress(answer.content).decode() for answer in (first, second)]
    assert all("Sign in" in page for page in pages)
    assert pages[0] != pages[1]
