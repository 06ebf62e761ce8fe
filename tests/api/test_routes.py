"""Every route, as each of the cast."""

import re

import pytest

from accounts.models import ApiToken
from accounts.services import revoke_token
from tests.api.conftest import Api, api_of

# (method, path, body, status for the owner, status for a viewer); the paths' names are fixtures.
ROUTES = [
    ("get", "version/", None, 200, 200),
    ("get", "useCases/", None, 200, 200),
    ("post", "useCases/", {}, 201, 201),
    ("get", "useCases/{use_case}/", None, 200, 200),
    ("patch", "useCases/{use_case}/", {"name": "Other"}, 200, 403),
    ("delete", "useCases/{use_case}/", None, 204, 403),
    ("post", "useCases/{use_case}/datasets/{dataset}/", None, 201, 403),
    ("delete", "useCases/{use_case}/datasets/{dataset}/", None, 204, 403),
    ("get", "datasets/", None, 200, 200),
    ("get", "datasets/{dataset}/", None, 200, 200),
    ("patch", "datasets/{dataset}/", {"name": "Other"}, 200, 403),
    ("delete", "datasets/{dataset}/", None, 204, 403),
    ("get", "status/{dataset}/", None, 303, 303),
    ("get", "genai/status/{dataset}/", None, 303, 303),
    ("get", "genai/llms/", None, 200, 200),
    ("get", "genai/vectorDatabases/", None, 200, 200),
    (
        "post",
        "genai/vectorDatabases/",
        {"datasetId": "{dataset}", "useCaseId": "{use_case}"},
        202,
        403,
    ),
    ("get", "genai/vectorDatabases/supportedEmbeddings/", None, 200, 200),
    ("get", "genai/vectorDatabases/supportedTextChunkings/", None, 200, 200),
    ("get", "genai/vectorDatabases/{database}/", None, 200, 200),
    ("patch", "genai/vectorDatabases/{database}/", {"name": "Other"}, 200, 403),
    ("delete", "genai/vectorDatabases/{database}/", None, 204, 403),
    ("get", "genai/playgrounds/", None, 200, 200),
    ("post", "genai/playgrounds/", {"name": "", "useCaseId": "{use_case}"}, 201, 403),
    ("get", "genai/playgrounds/{playground}/", None, 200, 200),
    ("patch", "genai/playgrounds/{playground}/", {"name": "Other"}, 200, 403),
    ("delete", "genai/playgrounds/{playground}/", None, 204, 403),
    ("get", "genai/llmBlueprints/", None, 200, 200),
    (
        "post",
        "genai/llmBlueprints/",
        {"playgroundId": "{playground}", "name": "New", "llmId": "extractive"},
        201,
        403,
    ),
    (
        "post",
        "genai/llmBlueprints/fromLLMBlueprint/",
        {"llmBlueprintId": "{blueprint}", "name": "Copy"},
        201,
        403,
    ),
    (
        "post",
        "genai/llmBlueprints/fromChatPrompt/",
        {"chatPromptId": "{answered}", "name": "Copy"},
        201,
        403,
    ),
    ("get", "genai/llmBlueprints/{blueprint}/", None, 200, 200),
    ("patch", "genai/llmBlueprints/{blueprint}/", {"isStarred": True}, 200, 403),
    ("delete", "genai/llmBlueprints/{blueprint}/", None, 204, 403),
    ("get", "genai/chats/", None, 200, 200),
    ("post", "genai/chats/", {"llmBlueprintId": "{blueprint}", "name": "Second"}, 201, 403),
    ("get", "genai/chats/{chat}/", None, 200, 200),
    ("patch", "genai/chats/{chat}/", {"name": "Other"}, 200, 403),
    ("delete", "genai/chats/{chat}/", None, 204, 403),
    ("get", "genai/chatPrompts/", None, 200, 200),
    ("post", "genai/chatPrompts/", {"text": "And now?", "chatId": "{chat}"}, 202, 403),
    ("get", "genai/chatPrompts/{answered}/", None, 200, 200),
    (
        "patch",
        "genai/chatPrompts/{answered}/",
        {"feedbackMetadata": {"feedback": "1"}},
        200,
        200,  # to judge an answer changes nothing of it
    ),
    ("delete", "genai/chatPrompts/{answered}/", None, 204, 403),
]
IDS = [f"{method} {path}" for method, path, *_ in ROUTES]
NAMED = [route for route in ROUTES if re.search(r"\{[a-z]", str(route))]
NAMED_IDS = [f"{method} {path}" for method, path, *_ in NAMED]

# The status looks from a thread of its own, which sees only what was committed.
committed = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fill(request):
    """Puts the ids of the fixtures that a text or a body names in the place of their names."""

    def filled(value):
        if isinstance(value, dict):
            return {key: filled(inner) for key, inner in value.items()}
        if not isinstance(value, str):
            return value
        names = [part.partition("}")[0] for part in value.split("{")[1:]]
        return value.format(**{name: request.getfixturevalue(name).pk for name in names})

    return filled


@committed
@pytest.mark.parametrize("route", ROUTES, ids=IDS)
def test_it_works_for_the_owner(route, fill, api, llm):
    method, path, body, status, _ = route

    response = api.request(method, fill(path), fill(body))

    assert response.status_code == status, response.content
    assert not response.cookies
    if status == 204:
        assert response.content == b""
    else:
        assert response["Content-Type"] == "application/json"


@committed
@pytest.mark.parametrize("route", ROUTES, ids=IDS)
def test_a_viewer_looks_but_does_not_change(route, fill, vera_api, llm):
    method, path, body, _, status = route

    response = vera_api.request(method, fill(path), fill(body))

    assert response.status_code == status, response.content


@committed
@pytest.mark.parametrize("route", NAMED, ids=NAMED_IDS)
def test_a_stranger_is_told_that_nothing_is_there(route, fill, bob_api, llm):
    method, path, body, *_ = route

    response = bob_api.request(method, fill(path), fill(body))

    assert response.status_code == 404
    assert list(response.json()) == ["detail" if "genai" in path else "message"]


@pytest.mark.parametrize("route", ROUTES, ids=IDS)
@pytest.mark.parametrize("who", ["nobody", "unknown", "revoked", "deactivated", "signed in"])
def test_it_asks_for_a_valid_token(route, who, client, alice):
    method, path, body, *_ = route
    path = path.format(**dict.fromkeys(_NAMES, "0" * 24))
    token = {"nobody": None, "signed in": None, "unknown": "gw_" + "x" * 43}.get(who, "")
    caller = Api(token)
    if token == "":
        caller = api_of(alice)
    if who == "revoked":
        revoke_token(ApiToken.objects.get())
    if who == "deactivated":
        alice.is_active = False
        alice.save()
    if who == "signed in":
        client.force_login(alice)
        response = getattr(client, method)(f"/api/v2/{path}")
    else:
        response = caller.request(method, path, body)

    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert list(response.json()) == ["detail" if "genai" in path else "message"]


_NAMES = [
    "use_case",
    "dataset",
    "database",
    "playground",
    "blueprint",
    "chat",
    "prompt",
    "answered",
]


@pytest.mark.parametrize("path", sorted({route[1] for route in ROUTES}))
@pytest.mark.parametrize("method", ["put", "options", "trace"])
def test_other_methods_are_refused_in_json(path, method, fill, api):
    response = api.request(method, fill(path))

    assert response.status_code == 405
    assert "GET" in response["Allow"] or "POST" in response["Allow"]
    assert list(response.json()) == ["detail" if "genai" in path else "message"]
