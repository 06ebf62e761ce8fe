"""What holds of every answer and every request, whichever resource they are of."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from config.api.docs import document
from tests.api.bodies import BODIES, QUERIES
from tests.api.conftest import Api, problems
from tests.api.world import BY_NAME, World, address, filled, operations, standing

pytestmark = pytest.mark.django_db

# Waiting for work is looked up in another thread, and files are no JSON.
READ = [
    route
    for method, route in operations()
    if method == "get" and not re.search(r"status/|/file/$", route)
]
# Keys whose objects are whatever their users made of them.
FREE = {"metadata", "metadataFilter", "value"}
# What clients take blank. Everything else is null where there is nothing.
MAY_BE_BLANK = {
    *("name", "description", "text", "userName", "commitComment", "creationUserName"),
    *("error", "separators", "resultText", "datasetName", "promptText", "default"),
}
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


@pytest.fixture(scope="module")
def worlds(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Api, World, Path]]:
    media = tmp_path_factory.mktemp("media")
    with standing(django_db_blocker, media, "Lamps") as (api, [world]):
        yield api, world, media


@pytest.fixture
def world(worlds: tuple[Api, World, Path], settings: Any, _media: None) -> World:
    settings.MEDIA_ROOT = worlds[2]
    return worlds[1]


@pytest.fixture
def owner(worlds: tuple[Api, World, Path]) -> Api:
    return worlds[0]


def values(body: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """All (key, value) of an answer but those of free objects; items of lists by the list's key."""
    if isinstance(body, dict):
        for name, value in body.items():
            yield name, value
            if name not in FREE:
                yield from values(value, name)
    elif isinstance(body, list):
        for value in body:
            yield key, value
            yield from values(value, key)


@pytest.mark.parametrize("route", READ)
def test_answers_are_written_as_their_clients_read_them(owner, world, route):
    path = address(route, world)

    response = owner.get(path, filled(QUERIES.get(route, {}), world))

    assert response.status_code == 200, response.content
    assert not {"Deprecation", "Set-Cookie"} & {*response.headers}
    assert response["Content-Type"] == "application/json"
    for key, value in values(response.json()):
        assert re.fullmatch(r"[a-z][A-Za-z0-9]*", key), key
        assert value != "" or key in MAY_BE_BLANK, key
        if value is not None and re.search(r"Date$|At$|^timestamp$|^created$", key):
            assert isinstance(value, dict) or ISO.fullmatch(value), (key, value)
            if isinstance(value, str):
                datetime.fromisoformat(value)
        if value and re.search(r"(^id|Id)$", key) and key not in {"llmId", "chunkId"}:
            is_told_apart = route.endswith("llms/") or re.fullmatch(r"[0-9a-f]{24}", value)
            assert is_told_apart, (key, value)


@pytest.mark.parametrize(
    "operation", [one for one, body in BODIES.items() if isinstance(body, dict)]
)
def test_fields_that_nobody_knows_are_ignored(owner, world, operation):
    method, route = operation.split(" ")
    unknown = {"colour": "\x00", "retriever": 5, "useGpu": {"a": []}}

    with transaction.atomic():
        response = owner.request(
            method, address(route, world), unknown | filled(BODIES[operation], world)
        )
        transaction.set_rollback(True)

    assert response.status_code in {200, 201, 202}, response.content


def asked(kind: str) -> list[Any]:
    """(path, name) of the query parameters of this type."""
    return [
        pytest.param(path.removeprefix("/api/v2/"), place["name"], id=f"{path} {place['name']}")
        for path, item in document()["paths"].items()
        for place in item.get("get", {}).get("parameters", [])
        if place["in"] == "query" and place["schema"]["type"] == kind
    ]


@pytest.fixture
def look(owner: Api, world: World) -> Any:
    def at(path: str, **query: Any) -> Any:
        needed = {} if path not in QUERIES or set(QUERIES[path]) & set(query) else QUERIES[path]
        return owner.get(
            address(re.sub(r"\{\w+\}", "*", path), world), filled(needed, world) | query
        )

    return at


@pytest.mark.parametrize(("path", "name"), asked("boolean"))
def test_true_and_false_are_words_in_queries(look, path, name):
    for words in (("True", "true", "1", "TRUE"), ("False", "false", "0")):
        answers = [look(path, **{name: word}) for word in words]
        assert {answer.status_code for answer in answers} == {200}
        assert len({re.sub(rb"\?[^\"]*", b"", answer.content) for answer in answers}) == 1
    for word in ("", "yes", "None", "2"):
        response = look(path, **{name: word})
        if path.startswith("genai/"):
            assert problems(response) == [(["query", name], "bool_parsing")]
        else:
            assert list(response.json()["errors"]) == [name]


@pytest.mark.parametrize(("path", "name"), asked("array"))
def test_lists_are_repeated_keys_in_queries(look, world, path, name):
    if name not in BY_NAME:
        assert look(path, **{name: ["x", "y"]}).status_code in {200, 422}
        return
    wanted = world[BY_NAME[name]]

    alone = look(path, **{name: wanted})
    among = look(path, **{name: ["0" * 24, wanted, "x"]})

    assert (among.status_code, among.json()) == (alone.status_code, alone.json())


@pytest.mark.parametrize(
    ("asked_for", "given"),
    [(None, "100"), ("1", "1"), ("999", "999"), ("1000", "1000"), ("1001", "1000")],
)
def test_a_page_has_a_hundred_records_and_a_thousand_at_most(api, use_case, asked_for, given):
    limit = {} if asked_for is None else {"limit": asked_for}

    page = api.get("useCases/", {"offset": 1} | limit).json()

    assert page["previous"].endswith(f"offset=0&limit={given}") or page["previous"].endswith(
        f"limit={given}&offset=0"
    )


@pytest.mark.parametrize("is_trusted", [False, True])
def test_links_have_the_scheme_of_a_proxy_that_is_trusted(api, prompt, settings, is_trusted):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if is_trusted else None
    more = {"HTTP_X_FORWARDED_PROTO": "https", "HTTP_HOST": "localhost:8443"}
    start = f"http{'s' if is_trusted else ''}://localhost:8443/api/v2/genai/"
    body = {"text": "a", "chatId": prompt.chat_id}

    accepted = api.request("post", "genai/chatPrompts/", body, **more)
    page = api.request("get", "genai/chatPrompts/?limit=1", **more).json()

    assert accepted["Location"] == f"{start}status/{accepted.json()['id']}/"
    assert page["next"].startswith(f"{start}chatPrompts/?")


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "Application/JSON"]
)
def test_json_is_read_however_its_type_is_written(api, kind):
    response = api.request("post", "useCases/", data='{"name": "Öl"}'.encode(), content_type=kind)

    assert (response.status_code, response.json()["name"]) == (201, "Öl")
