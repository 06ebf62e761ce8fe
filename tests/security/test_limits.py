"""Bodies that never end, and readers that never read: neither may cost the others anything."""

import asyncio
import json
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx2
import pytest

from accounts import services as accounts
from config.requests import BodyLimit

BLOCK = b"x" * 1024 * 1024


def scope(path: str, *headers: tuple[bytes, bytes]) -> Any:
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": list(headers),
    }


class Endless:
    """A client that sends on and on, until somebody answers."""

    def __init__(self) -> None:
        self.blocks = 0
        self.answer: list[dict[str, Any]] = []

    async def receive(self) -> Any:
        assert self.blocks < 2_000, "nobody ever stopped it"
        self.blocks += 1
        return {"type": "http.request", "body": BLOCK, "more_body": True}

    async def send(self, message: Any) -> None:
        self.answer.append(message)

    def post(self, path: str, *headers: tuple[bytes, bytes]) -> int:
        async def reader(scope: Any, receive: Any, send: Any) -> None:
            while (await receive())["more_body"]:
                pass

        asyncio.run(BodyLimit(reader)(scope(path, *headers), self.receive, self.send))
        return int(self.answer[0]["status"])


@pytest.mark.parametrize(
    ("path", "status"),
    # The GenAI client would send again what is answered by 413.
    [("/sign-in/", 413), ("/api/v2/genai/chatPrompts/", 422), ("/datasets/x", 413)],
)
def test_an_endless_body_is_cut_off(path, status):
    client = Endless()

    assert client.post(path) == status
    assert client.blocks <= 18


def test_a_body_that_announces_too_much_is_not_read_at_all():
    client = Endless()

    assert client.post("/sign-in/", (b"content-length", b"999999999999")) == 413
    assert client.blocks == 0


@pytest.mark.django_db(transaction=True)
def test_a_stranger_cannot_send_files():
    client = Endless()

    assert client.post("/api/v2/datasets/fromFile/", (b"authorization", b"Bearer gw_x")) == 422
    assert client.blocks <= 18
    assert json.loads(client.answer[1]["body"])["errors"] == {
        "body": "This request is too large: send less at once."
    }


@pytest.mark.django_db(transaction=True)
def test_a_user_can_send_more_where_files_come_in_but_not_without_end(alice, settings):
    settings.MAX_UPLOAD_BYTES = 40 * len(BLOCK)
    _, secret = accounts.create_token(user=alice, name="t")
    client = Endless()

    token = (b"authorization", f"Bearer {secret}".encode())
    assert client.post("/api/v2/datasets/fromFile/", token) == 422
    assert 40 <= client.blocks <= 42


def call(running, method: str, path: str, **more: Any) -> httpx2.Response:
    return httpx2.request(
        method,
        running.url + path,
        headers={"Authorization": f"Bearer {running.token}"},
        timeout=60,
        **more,
    )


@contextmanager
def who_never_read(running, path: str, headers: str, *, count: int) -> Iterator[None]:
    """Clients that ask for a long answer and leave it in the pipe after its first bytes."""
    with ExitStack() as stack:
        for _ in range(count):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", running.port))
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n\r\n".encode())
            assert client.recv(12) == b"HTTP/1.1 200"
        yield


def test_readers_that_never_read_keep_no_database_connections(running):
    """There are 16 of them for everybody."""
    made = [
        call(
            running, "POST", "/api/v2/useCases/", json={"name": "Long", "description": "é" * 9_000}
        )
        for _ in range(100)
    ]
    path = "/api/v2/useCases/?limit=1000&search=Long"
    token = f"Authorization: Bearer {running.token}"

    with who_never_read(running, path, token, count=20):
        assert call(running, "GET", "/api/v2/genai/playgrounds/").status_code == 200

    for answer in made:
        call(running, "DELETE", f"/api/v2/useCases/{answer.json()['id']}/")


def test_downloads_that_never_end_keep_no_database_connections(running):
    upload = {"file": ("long.txt", BLOCK * 8)}
    dataset = call(running, "POST", "/api/v2/datasets/fromFile/", files=upload).json()["catalogId"]
    with signed_in(running) as browser:
        page = browser.get(f"/datasets/{dataset}/").text
        document = re.search(r"/documents/(\w{24})/file/", page)
        assert document is not None
        cookie = f"Cookie: groundwork_session={browser.cookies['groundwork_session']}"

        with who_never_read(running, document[0], cookie, count=20):
            assert browser.get("/").status_code == 200

        whole = browser.get(document[0])
    assert whole.content == BLOCK * 8
    assert whole.headers["Content-Length"] == str(len(whole.content))


@contextmanager
def signed_in(running) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=running.url, timeout=60) as client:
        link = running.sign_in_link()
        form = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get(link).text)
        assert form is not None
        client.post(link, data={"csrfmiddlewaretoken": form[1]})
        yield client
