"""Every route below /v5/ that names something, found in the resolver, as nobody, as a stranger, and as
a viewer who would change it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from accounts import services as accounts
from tests.v5.conftest import Programme, programme_of

pytestmark = pytest.mark.django_db

METHODS = ("GET", "POST", "PATCH", "DELETE")
ANYWHERE = "v5/<path:rest>"


def routes(patterns: Any = None, before: str = "") -> Iterator[str]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and route.startswith("v5/") and "<" in route:
            yield route


OWNED = sorted(set(routes()) - {ANYWHERE})


@pytest.fixture
def world(api: Programme) -> dict[str, dict[str, str]]:
    """What the parameters of routes stand for, by the first word of the route."""
    found = {
        "prompts": api.made("prompts", path="a/prompt", model="m"),
        "flows": api.made("flows", path="a/flow", attributes={"a": 1}),
        "tools": api.made("tools", path="a/tool", attributes={"a": 1}),
    }
    logs = {kind: api.made(f"{kind}/log", path=one["path"]) for kind, one in found.items()}
    [directory] = api.get("directories").json()
    return {
        kind: {
            "file_id": one["id"],
            "version_id": one["version_id"],
            "environment_id": "production",
            "log_id": logs[kind]["id"],
        }
        for kind, one in found.items()
    } | {"directories": {"directory_id": directory["id"]}, "logs": {"log_id": logs["flows"]["id"]}}


def addresses(world: dict[str, dict[str, str]]) -> Iterator[tuple[str, str]]:
    """Each route's address with each method. A new kind of parameter fails here."""
    for route in OWNED:
        path = route.removeprefix("v5/")
        ids = world[path.partition("/")[0]]
        filled = re.sub(r"<str:(\w+)>", lambda found: ids[found[1]], path)  # noqa: B023 - at once
        query = f"?version_id={ids['version_id']}" if "environments" in path else ""
        yield from ((method, filled + query) for method in METHODS)


def test_nobody_in_particular_gets_nothing(world):
    for method, path in addresses(world):
        answer = Programme(None).send(method, path, {})
        assert answer.status_code == 401, (method, path)


def test_to_a_stranger_nothing_of_it_exists(world, bob, bob_api: Programme):
    accounts.create_use_case(user=bob, name="Bob's")
    for stranger in (programme_of(bob), bob_api):
        for method, path in addresses(world):
            answer = stranger.send(method, path, {})
            assert answer.status_code in {404, 405}, (method, path, answer.content)


def test_a_viewer_changes_nothing(world, vera_api: Programme):
    for method, path in addresses(world):
        if method == "GET" or path.endswith("/populate"):
            continue
        answer = vera_api.send(method, path, {})
        assert answer.status_code in {403, 405}, (method, path, answer.content)
