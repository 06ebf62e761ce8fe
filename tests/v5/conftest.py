"""Clients of the prompt API: each of the cast with a token of their own."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from accounts.models import UseCase, User
from accounts.services import create_token


@dataclass
class Programme:
    """Requests below /v5/, or another root, as the SDK sends them; responses of Django's test client out."""

    token: str | None
    root: str = "v5"

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Any = None,
        kind: str = "application/json",
    ) -> Any:
        headers = {"x-api-key": self.token} if self.token else {}
        data = body if isinstance(body, bytes | str) else b"" if body is None else json.dumps(body)
        url = f"/{self.root}/{path}" + (f"?{urlencode(query, doseq=True)}" if query else "")
        client = Client(raise_request_exception=False)
        return client.generic(method, url, data, content_type=kind, headers=headers)

    def get(self, route: str, /, **query: Any) -> Any:
        return self.send("GET", route, query=query)

    def post(self, route: str, body: Any = None, /, **query: Any) -> Any:
        return self.send("POST", route, body, query)

    def patch(self, path: str, body: Any = None) -> Any:
        return self.send("PATCH", path, body)

    def delete(self, path: str) -> Any:
        return self.send("DELETE", path)

    def made(self, route: str, /, **body: Any) -> dict[str, Any]:
        """What a POST answers, which must have gone well."""
        response = self.post(route, body)
        assert response.status_code == 200, response.content
        made: dict[str, Any] = response.json()
        return made


def programme_of(user: User, use_case: UseCase | None = None) -> Programme:
    return Programme(create_token(user=user, name="tests", use_case=use_case)[1])


@pytest.fixture
def api(alice: User, use_case: UseCase) -> Programme:
    return programme_of(alice, use_case)


@pytest.fixture
def bob_api(bob: User, use_case: UseCase) -> Programme:
    """Of a stranger, whose token names alice's use case."""
    return programme_of(bob, use_case)


@pytest.fixture
def vera_api(vera: User, use_case: UseCase) -> Programme:
    return programme_of(vera, use_case)


def problems(response: Any) -> list[tuple[list[str | int], str]]:
    """(loc, type) of each entry of a 422 about fields, sorted by loc."""
    assert response.status_code == 422, response.content
    assert response["Content-Type"] == "application/json"
    found = response.json()["detail"]
    assert all(set(entry) == {"loc", "msg", "type"} and entry["msg"] for entry in found)
    return sorted(((entry["loc"], entry["type"]) for entry in found), key=str)


def refusal(response: Any) -> tuple[int, str]:
    """(code, type) of an error that is not about fields."""
    detail = response.json()["detail"]
    assert set(detail) == {"type", "message", "code", "origin"}
    assert detail["code"] == response.status_code
    assert detail["message"]
    return detail["code"], detail["type"]
