"""What holds for every route of the chat completions API, by plain HTTP."""

from typing import Any

import httpx2
import pytest

ROUTES = [
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/embeddings"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/a/path"),
]


@pytest.fixture
def send(groundwork):
    def send(method: str, path: str, token: str | None = None, **options: Any) -> httpx2.Response:
        headers = {"Authorization": token} if token else {}
        return httpx2.request(method, groundwork.running.url + path, headers=headers, **options)

    return send


def told(response: httpx2.Response) -> dict[str, Any]:
    error: dict[str, Any] = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    return error


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("token", [None, "Bearer", "Bearer gw_wrong", "Basic YTpi"])
def test_nobody_is_let_in_without_a_token(send, method, path, token):
    response = send(method, path, token)

    assert response.status_code == 401
    assert "WWW-Authenticate" in response.headers
    assert told(response)["code"] == "invalid_api_key"


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_other_methods_are_refused(send, groundwork, method, path):
    other = "GET" if method == "POST" else "POST"
    response = send(other, path, f"Bearer {groundwork.alice.token}")

    assert (response.status_code, response.headers["Allow"]) == (405, method)
    assert method in told(response)["message"]


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/completions", "/v1/chat/completions/"])
def test_unknown_routes_are_told_in_json(send, path):
    response = send("POST", path)

    assert response.status_code == 404
    if path != "/v1":
        told(response)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b'{"model": NaN}', b"\xff"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings"])
def test_what_is_no_request_is_refused(send, groundwork, path, body):
    response = send("POST", path, f"Bearer {groundwork.alice.token}", content=body)

    assert response.status_code == 400
    assert told(response)["type"] == "invalid_request_error"


def test_tokens_in_cookies_mean_nothing(send, groundwork):
    cookie = {"cookies": {"sessionid": groundwork.alice.token}}
    assert send("GET", "/v1/models", **cookie).status_code == 401
