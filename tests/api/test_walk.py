"""Every operation below /api/v2/, found in the resolver, as its owner, a viewer, a stranger, and
nobody in particular. A new one fails here until BODIES and `world` say how it is called."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.core import serializers
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from accounts.models import ApiToken, Membership, Role, User
from accounts.services import revoke_token
from config.api.docs import document
from tests.api.conftest import Api, api_of
from tests.api.world import World, address, filled, furnish, names_in, operations

# The status looks from a thread of its own, which sees only what was committed.
pytestmark = pytest.mark.django_db(transaction=True)

OPERATIONS = operations()
A_FILE = "a file"
# What changes things is sent this, and is allowed to its owner. `{name}` is the id of such a thing.
BODIES: dict[str, Any] = {
    "post useCases/": {},
    "patch useCases/*/": {"name": "Other"},
    "delete useCases/*/": None,
    "post useCases/*/datasets/*/": None,
    "delete useCases/*/datasets/*/": None,
    "post datasets/fromFile/": A_FILE,
    "patch datasets/*/": {"name": "Other"},
    "delete datasets/*/": None,
    "post genai/vectorDatabases/": {"datasetId": "{dataset}", "useCaseId": "{use_case}"},
    "patch genai/vectorDatabases/*/": {"name": "Other"},
    "delete genai/vectorDatabases/*/": None,
    "post genai/playgrounds/": {"name": "New", "useCaseId": "{use_case}"},
    "patch genai/playgrounds/*/": {"name": "Other"},
    "delete genai/playgrounds/*/": None,
    "post genai/llmBlueprints/": {
        "playgroundId": "{playground}",
        "name": "New",
        "llmId": "extractive",
        "vectorDatabaseId": "{database}",
    },
    "post genai/llmBlueprints/fromLLMBlueprint/": {"llmBlueprintId": "{blueprint}", "name": "Copy"},
    "post genai/llmBlueprints/fromChatPrompt/": {"chatPromptId": "{prompt}", "name": "Copy"},
    "patch genai/llmBlueprints/*/": {"vectorDatabaseId": "{database}"},
    "delete genai/llmBlueprints/*/": None,
    "post genai/chats/": {"llmBlueprintId": "{blueprint}", "name": "Second"},
    "patch genai/chats/*/": {"name": "Other"},
    "delete genai/chats/*/": None,
    "post genai/chatPrompts/": {
        "text": "And now?",
        "chatId": "{chat}",
        "llmBlueprintId": "{blueprint}",
        "vectorDatabaseId": "{database}",
    },
    "patch genai/chatPrompts/*/": {"feedbackMetadata": {"feedback": "1"}},
    "delete genai/chatPrompts/*/": None,
}
# Their own things, and their opinion, which changes nothing of what it is about.
VIEWERS_MAY = {"post useCases/", "post datasets/fromFile/", "patch genai/chatPrompts/*/"}
# What the ids are of that lists are filtered by.
BY_FILTER = {
    "useCaseId": "use_case",
    "datasetId": "dataset",
    "playgroundId": "playground",
    "llmBlueprintId": "blueprint",
    "chatId": "chat",
    "vectorDatabaseId": "database",
    "vectorDatabase": "database",
    "familyId": "database",
    "llmId": "use_case",  # LLMs are everybody's
}
OURS = {"accounts", "blueprints", "evaluation", "playground", "tracing", "vectordb"}
# What changes when somebody asks at all; and chunks, which no model manages.
UNCOUNTED = {"apitoken", "signinlink", "chunk"}


def label(operation: tuple[str, str]) -> str:
    return " ".join(operation)


def call(api: Api, method: str, path: str, body: Any = None) -> Any:
    if body == A_FILE:
        return api.upload(SimpleUploadedFile("a.txt", b"Oil."))
    return api.request(method, path, body)


def everything() -> dict[str, str]:
    """All that is stored of what users make, as text."""
    kinds = [
        kind
        for app in OURS
        for kind in apps.get_app_config(app).get_models()
        if kind._meta.model_name not in UNCOUNTED and kind._meta.managed
    ]
    return {
        f"{kind._meta.label} {row.pk}": serializers.serialize("json", [row])
        for kind in kinds
        for row in kind._default_manager.order_by("pk")
    }


@pytest.fixture
def world(api, llm) -> World:
    return furnish(api, "Hers")


@pytest.fixture
def bobs_world(bob_api, llm) -> World:
    return furnish(bob_api, "His")


@pytest.fixture
def viewer_api(world) -> Api:
    user = User.objects.create_user("vera@example.com", "correct horse battery")
    Membership.objects.create(use_case_id=world["use_case"], user=user, role=Role.VIEWER)
    return api_of(user)


def is_in_form(response: Any, path: str) -> bool:
    """An error as the GenAI part, or the platform's, has it."""
    key = "detail" if path.startswith("genai/") else "message"
    return response["Content-Type"] == "application/json" and key in response.json()


def test_it_is_told_how_every_operation_is_called():
    changing = {label(one) for one in OPERATIONS if one[0] != "get"}

    assert changing - set(BODIES) == set(), "add these to BODIES"
    assert set(BODIES) - changing == set()


def test_everything_works_for_its_owner(api, world):
    trouble = []
    for operation in OPERATIONS:
        method, route = operation
        body = filled(BODIES.get(label(operation)), world)
        with transaction.atomic():
            response = call(api, method, address(route, world), body)
            transaction.set_rollback(True)
        fine = response.status_code in {200, 201, 202, 204, 303} and not response.cookies
        if response.status_code == 204:
            fine = fine and response.content == b""
        else:
            fine = fine and response["Content-Type"] == "application/json"
        if response.status_code == 202:
            fine = fine and response["Location"].startswith("http://testserver/api/v2/")
        if not fine:
            trouble.append((label(operation), response.status_code, response.content))

    assert trouble == []


def test_a_viewer_looks_but_does_not_change(viewer_api, world):
    before = everything()
    trouble = []
    for operation in OPERATIONS:
        method, route = operation
        path = address(route, world)
        response = call(viewer_api, method, path, filled(BODIES.get(label(operation)), world))
        if method == "get" or label(operation) in VIEWERS_MAY:
            fine = response.status_code in {200, 201, 202, 303}
        else:
            fine = response.status_code == 403 and is_in_form(response, path)
        if not fine:
            trouble.append((label(operation), response.status_code, response.content))

    assert trouble == []
    after = everything()
    assert {name: after.get(name) for name in before} == before


def test_to_a_stranger_nothing_of_it_exists(bob_api, world, bobs_world):
    before = everything()
    trouble = []
    for operation, path, body in with_things_of_others(world, bobs_world):
        response = call(bob_api, operation[0], path, body)
        if response.status_code != 404 or not is_in_form(response, path):
            trouble.append((label(operation), path, body, response.status_code, response.content))

    assert trouble == []
    assert everything() == before


def with_things_of_others(hers: World, his: World) -> Iterator[tuple[tuple[str, str], str, Any]]:
    """Each operation with one id of hers, in the path or in the body; everything else is his."""
    for operation in OPERATIONS:
        route = operation[1]
        body = BODIES.get(label(operation))
        stars = route.count("*")
        for place in range(stars):
            mixed = [hers if one == place else his for one in range(stars)]
            yield operation, address(route, *mixed), filled(body, his)
        for place in range(names_in(body)):
            yield operation, address(route, his), filled(body, his, hers, place)


def test_lists_hold_nothing_of_others(bob_api, api, world):
    hers = set(world.values())
    found = {}
    for method, route in OPERATIONS:
        if method == "get" and "*" not in route:
            for who in (api, bob_api):
                records = who.get(route).json().get("data", [])
                ids = {str(value) for one in records for value in one.values()}
                found[route, who is api] = bool(ids & hers)

    assert not any(seen for (_, is_hers), seen in found.items() if not is_hers)
    assert sum(seen for (_, is_hers), seen in found.items() if is_hers) >= 7


def filters() -> list[tuple[str, str]]:
    """(path, parameter) of all lists that can be filtered by an id."""
    return [
        (path.removeprefix("/api/v2/"), place["name"])
        for path, item in document()["paths"].items()
        for place in item.get("get", {}).get("parameters", [])
        if place["in"] == "query" and re.search(r"Ids?$|^vectorDatabases$", place["name"])
    ]


def test_filters_find_nothing_of_others(bob_api, world, bobs_world):
    trouble = []
    for path, name in filters():
        path = address(re.sub(r"\{\w+\}", "*", path), bobs_world)
        response = bob_api.get(path, {name: world[BY_FILTER[name.removesuffix("s")]]})
        if response.status_code == 404:
            continue
        body = response.json()
        if response.status_code != 200 or body.get("data") or hers_in(body, world):
            trouble.append((path, name, response.content))

    assert trouble == []


def hers_in(body: Any, world: World) -> bool:
    return any(value in str(body) for value in world.values())


@pytest.mark.parametrize("who", ["nobody", "unknown", "revoked", "deactivated", "signed in"])
def test_it_asks_for_a_valid_token(who, client, api, alice, world):
    caller = Api({"nobody": None, "unknown": "gw_" + "x" * 43}.get(who, api.token))
    if who == "revoked":
        revoke_token(ApiToken.objects.get())
    if who == "deactivated":
        alice.is_active = False
        alice.save()
    if who == "signed in":
        caller = Api(None)
        client.force_login(alice)
        caller.cookies = {cookie.key: cookie.value for cookie in client.cookies.values()}
    before = everything()
    trouble = []
    for operation in OPERATIONS:
        method, route = operation
        path = address(route, world)
        response = call(caller, method, path, filled(BODIES.get(label(operation)), world))
        fine = response.status_code == 401 and is_in_form(response, path)
        if not fine or not response["WWW-Authenticate"].startswith("Bearer"):
            trouble.append((label(operation), response.status_code, response.content))

    assert trouble == []
    assert everything() == before


def test_other_methods_are_refused_in_json(api, world):
    known: dict[str, set[str]] = {}
    for method, route in OPERATIONS:
        known.setdefault(route, set()).add(method)
    for route, methods in known.items():
        path = address(route, world)
        for method in {*("get", "post", "put", "patch", "delete", "options", "trace")} - methods:
            response = api.request(method, path)
            assert response.status_code == 405, (method, path)
            assert set(response["Allow"].lower().split(", ")) >= methods, (method, path)
            assert is_in_form(response, path), (method, path)
