"""People, browsers and pages that a running Groundwork is used by, seen from outside."""

import http.client
import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

from tests.running import Running

# Much longer than anything takes here, for machines that are busy.
PATIENCE_SECONDS = 90.0


def wait_for(condition: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """The first true answer of `condition`."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(0.02)
    return found


@dataclass
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes
    headers: dict[str, str]

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Person:
    """Somebody who uses the product by its API."""

    port: int
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def send(self, method: str, path: str, body: Any = None, kind: str = "") -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = self.headers | {"Content-Type": kind or "application/json"}
        try:
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            return Answer(response.status, response.read(), dict(response.getheaders()))
        finally:
            connection.close()

    def make(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self.send("POST", f"/api/v2/{path}", body)
        assert answer.status in {201, 202}, answer
        made: dict[str, Any] = answer.json()
        return made

    def get(self, path: str) -> dict[str, Any]:
        answer = self.send("GET", f"/api/v2/{path}")
        assert answer.status == 200, answer
        found: dict[str, Any] = answer.json()
        return found

    def ask(self, chat: str, text: str = "Why?") -> str:
        return str(self.make("genai/chatPrompts/", chatId=chat, text=text)["id"])

    def upload(self, files: dict[str, bytes]) -> str:
        """A new dataset of these files."""
        kind, body = _form_of("file", files)
        answer = self.send("POST", "/api/v2/datasets/fromFile/", body, kind)
        assert answer.status == 202, answer
        return str(answer.json()["catalogId"])


def _form_of(field: str, files: dict[str, bytes]) -> tuple[str, bytes]:
    """(content type, body) of a form with these files by name."""
    limit = uuid.uuid4().hex
    head = f'--{limit}\r\nContent-Disposition: form-data; name="{field}"; filename='
    parts = [
        f'{head}"{name}"\r\n\r\n'.encode() + content + b"\r\n" for name, content in files.items()
    ]
    body = b"".join(parts) + f"--{limit}--\r\n".encode()
    return f"multipart/form-data; boundary={limit}", body


class Browser:
    """A browser's cookies, and its forms without their pages."""

    def __init__(self, running: Running, email: str) -> None:
        self._url = running.url
        self.cookies = CookieJar()
        self._opener = build_opener(HTTPCookieProcessor(self.cookies))
        link = running.sign_in_link(email).removeprefix(self._url)
        self.get(link)
        self.post(link)

    def get(self, path: str) -> int:
        return self._open(Request(self._url + path))  # noqa: S310 - our own

    def post(self, path: str, **fields: str) -> int:
        data = urlencode(fields | {"csrfmiddlewaretoken": self._token()}).encode()
        return self._open(Request(self._url + path, data))  # noqa: S310 - our own

    def upload(self, dataset: str, files: dict[str, bytes]) -> int:
        """Files into a dataset that is there."""
        kind, body = _form_of("files", files)
        headers = {"Content-Type": kind, "X-CSRFToken": self._token()}
        url = f"{self._url}/datasets/{dataset}/upload/"
        return self._open(Request(url, body, headers))  # noqa: S310 - our own

    def _token(self) -> str:
        found = {cookie.name: cookie.value or "" for cookie in self.cookies}
        return found["groundwork_csrf"]

    def _open(self, request: Request) -> int:
        try:
            with self._opener.open(request, timeout=60) as response:
                return int(response.status)
        except HTTPError as error:
            error.close()
            return error.code


@dataclass
class Watcher:
    """What a page sees: it follows events as the page's script does, and connects again like it."""

    person: Person
    query: str
    # Connect this often at most; 0 is without end.
    connections: int = 0
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    finished: dict[str, str] = field(default_factory=dict)
    gaps: int = 0
    trouble: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    connected: threading.Event = field(default_factory=threading.Event)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _connection: http.client.HTTPConnection | None = None

    def __enter__(self) -> "Watcher":
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self.connected.wait(PATIENCE_SECONDS), self.statuses
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        connection = self._connection
        if connection is not None and connection.sock is not None:
            connection.sock.shutdown(2)
        self._thread.join(PATIENCE_SECONDS)

    def names(self, prompt: str) -> list[str]:
        return [name for name, data in list(self.events) if data.get("prompt") == prompt]

    def wait_for_end(self, prompt: str) -> str:
        status = wait_for(lambda: self.finished.get(prompt), f"the end of {prompt}")
        return str(status)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._follow()
            except (OSError, http.client.HTTPException, AttributeError, ValueError):
                pass  # cut off, as by a server that was killed
            self.connections -= 1
            if self.connections == 0:
                return
            self._stopped.wait(0.1)

    def _follow(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.person.port, timeout=60)
        self._connection = connection
        try:
            connection.request("GET", f"/events/?{self.query}", headers=self.person.headers)
            response = connection.getresponse()
            self.statuses.append(response.status)
            name = ""
            while response.status == 200 and (line := response.readline()):
                head, _, value = line.decode().rstrip("\n").partition(": ")
                if head == "event":
                    name = value
                elif head == "data":
                    self._take(name, json.loads(value))
        finally:
            connection.close()

    def _take(self, name: str, data: dict[str, Any]) -> None:
        prompt = data.get("prompt", "")
        if name in {"asked", "restarted"}:
            self.texts[prompt], self.ends[prompt] = "", 0
        elif name == "snapshot":
            self.texts[prompt], self.ends[prompt] = data["text"], data["end"]
        elif name == "delta":
            self._append(prompt, data)
        elif name == "finished":
            self.ends.pop(prompt, None)
            self.finished[prompt] = data["status"]
        elif name == "sync":
            self._fetch_what_ended(set(data["unfinished"]))
        self.events.append((name, data))
        if name == "sync":
            self.connected.set()

    def _fetch_what_ended(self, unfinished: set[str]) -> None:
        """As the page does with answers that ended while it was cut off."""
        for prompt in set(self.texts) - unfinished - set(self.finished):
            found = self.person.get(f"genai/chatPrompts/{prompt}/")
            self.ends.pop(prompt, None)
            self.texts[prompt] = found["resultText"]
            self.finished[prompt] = found["executionStatus"]

    def _append(self, prompt: str, data: dict[str, Any]) -> None:
        end = self.ends.get(prompt)
        if end is None:
            return  # over, or not told of yet
        if data["offset"] > end:
            # The page connects anew to get the whole text.
            self.gaps += 1
            raise ConnectionResetError
        if data["offset"] == end:
            self.texts[prompt] += data["text"]
            self.ends[prompt] = data["end"]
        elif data["end"] > end:
            self.trouble.append(f"{data} reaches over the end at {end}")
