"""Every operation below /api/v2/, found in the resolver, as its owner, a viewer, a stranger, and
nobody in particular. A new one fails here until `bodies` and `world` say how it is called."""

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
from tests.api.bodies import A_FILE, BODIES, PRIVATE, QUERIES, VIEWERS_MAY
from tests.api.conftest import Api, api_of
from tests.api.world import BY_NAME, World, address, filled, furnish, names_in, operations

# The status looks from a thread of its own, which sees only what was committed.
pytestmark = pytest.mark.django_db(transaction=True)

OPERATIONS = operations()
# Whose models hold what users make.
OURS = {"accounts", "blueprints", "evaluation", "playground", "tracing", "vectordb"}
# What changes when somebody asks at all; and chunks, which no model manages.
UNCOUNTED = {"apitoken", "signinlink", "chunk"}


def label(operation: tuple[str, str]) -> str:
    return " ".join(operation)


def call(api: Api, operation: tuple[str, str], path: str, world: World, body: Any = None) -> Any:
    """With the body of the operation, or this one."""
    body = body or filled(BODIES.get(label(operation)), world)
    if body == A_FILE:
        return api.upload(SimpleUploadedFile("a.txt", b"Oil."))
    more = {}
    if path in QUERIES and operation[0] in {"get", "delete"}:
        more["query_params"] = filled(QUERIES[path], world)
    response = api.request(operation[0], path, body, **more)
    if response.streaming:
        # Read to its end, the file behind it is closed.
        response.streamed = b"".join(response.streaming_content)
        response.close()
    return response


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


def told(response: Any) -> Any:
    return response["Content-Disposition"] if response.streaming else response.content


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
        with transaction.atomic():
            response = call(api, operation, address(operation[1], world), world)
            transaction.set_rollback(True)
        fine = response.status_code in {200, 201, 202, 204, 303} and not response.cookies
        if response.streaming:
            fine = fine and "attachment" in response["Content-Disposition"]
        elif response.status_code == 204:
            fine = fine and response.content == b""
        else:
            fine = fine and response["Content-Type"] == "application/json"
        if response.status_code == 202:
            fine = fine and response["Location"].startswith("http://testserver/api/v2/")
        if not fine:
            trouble.append((label(operation), response.status_code, told(response)))

    assert trouble == []


def test_a_viewer_looks_but_does_not_change(viewer_api, world):
    before = everything()
    trouble = []
    for operation in OPERATIONS:
        method, route = operation
        path = address(route, world)
        response = call(viewer_api, operation, path, world)
        if route.startswith(PRIVATE):
            fine = response.status_code == 404 and is_in_form(response, path)
        elif method == "get" or label(operation) in VIEWERS_MAY:
            fine = response.status_code in {200, 201, 202, 303}
        else:
            fine = response.status_code == 403 and is_in_form(response, path)
        if not fine:
            trouble.append((label(operation), response.status_code, told(response)))

    assert trouble == []
    after = everything()
    assert {name: after.get(name) for name in before} == before


def test_to_a_stranger_nothing_of_it_exists(bob_api, world, bobs_world):
    before = everything()
    trouble = []
    for operation, path, body in with_things_of_others(world, bobs_world):
        response = call(bob_api, operation, path, bobs_world, body)
        if response.status_code != 404 or not is_in_form(response, path):
            trouble.append((label(operation), path, body, response.status_code, told(response)))

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
    found = {}
    for method, route in OPERATIONS:
        if method == "get" and "*" not in route:
            for who in (api, bob_api):
                answer = call(who, (method, route), route, world).json()
                found[route, who is api] = bool(ids_in(answer) & set(world.values()))

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
        response = bob_api.get(path, {name: world[BY_NAME[name]]})
        if response.status_code == 404:
            continue
        body = response.json()
        if response.status_code != 200 or ids_in(body) & set(world.values()):
            trouble.append((path, name, response.content))

    assert trouble == []


def ids_in(body: Any) -> set[str]:
    return set(re.findall(r"\b[0-9a-f]{24}\b", str(body)))


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
        path = address(operation[1], world)
        response = call(caller, operation, path, world)
        fine = response.status_code == 401 and is_in_form(response, path)
        if not fine or not response["WWW-Authenticate"].startswith("Bearer"):
            trouble.append((label(operation), response.status_code, told(response)))

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
