"""Every route of the project, called by a stranger with the ids of somebody else's things.

Routes are found in the resolver, so a new one without a scope fails here until it has one.
"""

import re
from collections.abc import Iterator

import pytest
from django.core import serializers
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import URLPattern, URLResolver, get_resolver

from accounts import services as accounts
from accounts.models import ApiToken, Membership, UseCase, User
from blueprints.environments import ensure_environments
from blueprints.files import get_or_make
from blueprints.kinds import file_of
from blueprints.models import (
    LLM,
    STAGING,
    Blueprint,
    BlueprintVersion,
    Deployment,
    Environment,
    File,
    FileVersion,
    LLMEndpoint,
    Provider,
)
from blueprints.settings import AnswerSettings
from config.status import Status
from evaluation import question_sets
from evaluation.models import EvaluationRow, EvaluationRun, Grid, Question, QuestionSet
from playground import retrieval_tests, services
from playground.models import (
    Chat,
    ChatPrompt,
    ComparisonChat,
    ComparisonPrompt,
    Feedback,
    GoldQuestion,
    Playground,
    PlaygroundBlueprint,
    Preference,
    Replay,
)
from playground.retrieval_tests import SideWish
from tests.pages.compared import compared_with
from tests.pages.gridded import gridded_by
from tracing.list_models import SavedView
from tracing.models import Log, LogKind, Session
from vectordb import services as vectordb
from vectordb.models import (
    Dataset,
    Document,
    EmbeddingEntry,
    Ingestion,
    TrialCut,
    VectorDatabase,
)

pytestmark = pytest.mark.django_db(transaction=True)

METHODS = ("get", "post", "put", "patch", "delete")
# What they answer depends on nothing that somebody owns.
WITHOUT_AN_OWNER = {"sign-in/link/<str:secret>/", "api/<path:rest>"}
# A parameter of a route's is the id of one of these; `pk` is what the path names before it.
BY_PARAMETER = {
    "use_case_id": "use_case",
    "dataset_id": "dataset",
    "dataset_pk": "dataset",
    "database_id": "database",
    "playground_id": "playground",
    "blueprint_id": "blueprint",
    "blueprint_pk": "blueprint",
    "chat_id": "chat",
    "prompt_id": "prompt",
    "user_pk": "owner",
    "trial_pk": "trial",
    "job_id": "prompt",
    "version_pk": "version",
    "environment_pk": "environment",
}
BY_PATH = {
    "use-cases": "use_case",
    "datasets": "dataset",
    "documents": "document",
    "vector-databases": "database",
    "playgrounds": "playground",
    "chats": "chat",
    "prompts": "prompt",
    "traces": "log",
    "retrieval-tests": "test",
    "comparisons": "comparison",
    "grids": "grid",
    "cells": "cell",
    "replays": "replay",
    "compared": "question",
    "blueprints": "blueprint",
    "files": "file",
    "environments": "environment",
    "question-sets": "question_set",
    "questions": "case",
    "sessions": "session",
    "log-views": "view",
    "results": "result",
    "gold-questions": "gold",
    "embedding-models": "embedding",
    "tokens": "token",
    "endpoints": "endpoint",
    "models": "llm",
}


CITATION = {
    "number": 1,
    "chunk_id": 1_000_000,
    "document_id": "0" * 24,
    "source": "returns.md",
    "page": None,
    "start": 0,
    "end": 19,
    "text": "Within thirty days.",
    "similarity": 0.9,
    "rank": 1,
    "is_neighbor": False,
    "is_cut": False,
    "token_count": 4,
    "metadata": {},
}


def routes(patterns=None, before: str = "") -> Iterator[str]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route


def takes_an_id(route: str) -> bool:
    # tests/api/test_walk.py and tests/v5/test_walk.py walk the APIs, with what these take; the tests of
    # tests/sdk and tests/v4 the routes of the others.
    is_walked = route.startswith(("api/v2/", "v5/", "v4/", "v1/"))
    return "<" in route and route not in WITHOUT_AN_OWNER and not is_walked


OWNED = sorted(set(filter(takes_an_id, routes())))


@pytest.fixture
def world(alice, use_case, settings, tmp_path) -> dict[str, str]:
    """The ids of one of everything of Alice's."""
    settings.MEDIA_ROOT = tmp_path / "media"
    dataset = vectordb.create_dataset(user=alice, name="Handbook", use_case=use_case)
    file = SimpleUploadedFile("returns.md", b"# Returns\n\nWithin thirty days.\n")
    [added] = vectordb.add_files(dataset, user=alice, files=[file])
    assert added.document is not None
    database = vectordb.create_vector_database(user=alice, use_case=use_case, dataset=dataset)
    VectorDatabase.objects.update(status=Status.COMPLETED)
    playground = services.create_playground(user=alice, use_case=use_case, name="Bots")
    LLM.objects.get_or_create(
        pk="extractive", defaults={"label": "Extractive", "provider": Provider.EXTRACTIVE}
    )
    blueprint = services.create_blueprint(
        user=alice,
        playground=playground,
        name="Baseline",
        settings=AnswerSettings(llm_id="extractive", vector_database_id=database.pk),
    )
    chat = services.create_chat(user=alice, playground=playground, blueprint=blueprint)
    prompt = services.ask(user=alice, chat=chat, text="How long?")
    log = Log.objects.create(
        use_case=use_case,
        kind=LogKind.ANSWER,
        status=Status.COMPLETED,
        started_at=prompt.created_at,
    )
    ChatPrompt.objects.update(status=Status.COMPLETED, log=log, citations=[CITATION])
    endpoint = LLMEndpoint.objects.create(name="Lab", base_url="http://127.0.0.1:9/v1")
    database.refresh_from_db()
    test = retrieval_tests.create_test(
        user=alice,
        database=database,
        text="How long?",
        sides=[SideWish("Own settings", AnswerSettings())],
    )
    gold = GoldQuestion.objects.create(
        use_case=use_case, family_id=database.family_id, text="How long?", created_by=alice
    )
    trial = TrialCut.objects.create(document=added.document, asked_by=alice, chunking={})
    embedding = EmbeddingEntry.objects.create(
        name="lab/embedder", kind="endpoint", base_url="http://127.0.0.1:9/v1", created_by=alice
    )
    compared = compared_with(alice, playground, [blueprint])
    grid = gridded_by(alice, playground, "Brief")
    replay = Replay.objects.create(prompt=prompt, is_exact=True, created_by=alice)
    return _calls_and_cases(alice, use_case, blueprint) | {
        "comparison": compared.comparison.pk,
        "question": compared.question.pk,
        "result": compared.results[0].pk,
        "grid": grid.grid.pk,
        "cell": grid.prompt.pk,
        "replay": replay.pk,
        "use_case": use_case.pk,
        "dataset": dataset.pk,
        "document": added.document.pk,
        "database": database.pk,
        "playground": playground.pk,
        "blueprint": blueprint.pk,
        "chat": chat.pk,
        "prompt": prompt.pk,
        "log": log.pk,
        "test": test.pk,
        "gold": gold.pk,
        "trial": trial.pk,
        "embedding": embedding.pk,
        "owner": alice.pk,
        "token": accounts.create_token(user=alice, name="CI")[0].pk,
        "endpoint": endpoint.pk,
        "llm": "extractive",
    }


def _calls_and_cases(alice: User, use_case: UseCase, blueprint: Blueprint) -> dict[str, str]:
    ensure_environments(use_case)
    details = {"source_code": "1"}
    tool = get_or_make(
        user=alice, use_case=use_case, kind="tool", path="weather", file_id=None, details=details
    )
    questions = question_sets.create_set(use_case, user=alice, name="Returns")
    case = question_sets.add_question(questions, user=alice, text="How long?")
    view = SavedView.objects.create(
        use_case=use_case, name="Failed", query="status=ERROR", created_by=alice
    )
    return {
        "file": file_of(tool).pk,
        "environment": use_case.environments.get(name=STAGING).pk,
        "version": blueprint.versions.get().pk,
        "question_set": questions.pk,
        "case": case.pk,
        "session": Session.objects.create(use_case=use_case).pk,
        "view": view.pk,
    }


def filled(route: str, world: dict[str, str]) -> str:
    """The route's address with the ids of Alice's things. A new kind of parameter fails here."""

    def value(found: re.Match[str]) -> str:
        kind, name = found["kind"], found["name"]
        if kind == "int":
            return "1"
        if name == "pk":
            folder = route[: found.start()].rstrip("/").rpartition("/")[2]
            return world[BY_PATH[folder]]
        return world[BY_PARAMETER[name]]

    return "/" + re.sub(r"<(?P<kind>\w+):(?P<name>\w+)>", value, route)


def everything() -> str:
    """All that is stored, as text. What one did with somebody's leave is left out."""
    kinds = (
        *(UseCase, Membership, Dataset, Document, VectorDatabase, Ingestion, Playground),
        *(Blueprint, BlueprintVersion, Chat, ChatPrompt, LLM, LLMEndpoint),
        *(Grid, EvaluationRun, EvaluationRow, PlaygroundBlueprint, Replay),
        *(EmbeddingEntry, TrialCut, ComparisonChat, ComparisonPrompt, Preference),
        *(File, FileVersion, Environment, Deployment, QuestionSet, Question, Session),
    )
    rows = [row for kind in kinds for row in kind.objects.order_by("pk")]
    revoked = ApiToken.objects.exclude(revoked_at=None).count()
    return f"{revoked} {serializers.serialize('json', rows)}"


def callers(client, user):
    """The same person with a session and with a token, and with a body that might change things."""
    client.force_login(user)
    secret = accounts.create_token(user=user, name="Mine")[1]
    bearer = {"Authorization": f"Bearer {secret}"}
    fields = {"name": "Mine now", "text": "Mine?", "role": "owner", "email": user.email}

    def call(method: str, url: str) -> int:
        is_api = url.startswith("/api/")
        kind = {} if method == "get" else {"content_type": "application/json"}
        if method == "post" and not is_api:
            kind = {}
        response = getattr(client, method)(url, fields, headers=bearer if is_api else None, **kind)
        response.close()
        return int(response.status_code)

    return call


def test_the_walk_meets_the_pages_of_every_app():
    assert len(OWNED) > 50
    for part in ("use-cases/", "datasets/", "llms/", "traces/", "chats/"):
        assert any(route.startswith(part) for route in OWNED), part


def test_to_a_stranger_nothing_of_it_exists_and_nothing_changes(client, bob, world):
    call = callers(client, bob)
    before = everything()

    for route in OWNED:
        url = filled(route, world)
        codes = {method: call(method, url) for method in METHODS}
        assert 404 in codes.values(), (route, codes)
        assert set(codes.values()) <= {404, 405}, (route, codes)

    assert everything() == before
    assert not Feedback.objects.exists()


def test_a_viewer_changes_nothing_but_their_opinion(client, vera, world):
    call = callers(client, vera)
    before = everything()

    for route in OWNED:
        url = filled(route, world)
        for method in ("post", "put", "patch", "delete"):
            code = call(method, url)
            assert code < 500, (route, method)

    assert everything() == before
    assert set(Feedback.objects.values_list("user", flat=True)) <= {vera.pk}


def test_nobody_in_particular_gets_nothing(client, world):
    before = everything()

    for route in OWNED:
        url = filled(route, world)
        for method in METHODS:
            response = getattr(client, method)(url)
            assert response.status_code in {302, 401, 405}, (route, method)
            if response.status_code == 302:
                assert response.headers["Location"].startswith("/sign-in/")

    assert everything() == before


# Ids in bodies, by REST.
BODIES = [
    ("genai/chatPrompts/", {"chatId": "chat", "text": "=Mine?"}),
    ("genai/chatPrompts/", {"llmBlueprintId": "blueprint", "text": "=Mine?"}),
    ("genai/chats/", {"llmBlueprintId": "blueprint"}),
    ("genai/playgrounds/", {"useCaseId": "use_case", "name": "=Mine"}),
    ("genai/llmBlueprints/", {"playgroundId": "playground", "name": "=Mine"}),
    ("genai/llmBlueprints/fromLLMBlueprint/", {"llmBlueprintId": "blueprint", "name": "=Mine"}),
    ("genai/llmBlueprints/fromChatPrompt/", {"chatPromptId": "prompt", "name": "=Mine"}),
    ("genai/vectorDatabases/", {"datasetId": "dataset", "useCaseId": "use_case"}),
]


@pytest.mark.parametrize(("path", "body"), BODIES)
def test_ids_in_bodies_are_looked_up_within_what_one_may_see(client, bob, world, path, body):
    secret = accounts.create_token(user=bob, name="Mine")[1]
    before = everything()
    given = {
        name: value[1:] if value.startswith("=") else world[value] for name, value in body.items()
    }

    response = client.post(
        f"/api/v2/{path}",
        given,
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )

    assert response.status_code == 404, response.content
    assert everything() == before


@pytest.fixture
def bobs_chat(bob, world) -> Chat:
    use_case = accounts.create_use_case(user=bob, name="Mine")
    playground = services.create_playground(user=bob, use_case=use_case, name="Mine")
    blueprint = services.create_blueprint(
        user=bob, playground=playground, name="Mine", settings=AnswerSettings(llm_id="extractive")
    )
    return services.create_chat(user=bob, playground=playground, blueprint=blueprint)


def test_ones_own_chat_reads_no_database_of_others(client, bob, world, bobs_chat):
    secret = accounts.create_token(user=bob, name="Mine")[1]
    headers = {"Authorization": f"Bearer {secret}"}
    count = ChatPrompt.objects.count()

    response = client.post(
        "/api/v2/genai/chatPrompts/",
        {"chatId": bobs_chat.pk, "text": "Read hers", "vectorDatabaseId": world["database"]},
        content_type="application/json",
        headers=headers,
    )
    assert response.status_code == 404, response.content

    client.force_login(bob)
    response = client.post(
        f"/chats/{bobs_chat.pk}/settings/",
        {"llm_id": "extractive", "vector_database_id": world["database"]},
    )
    assert response.status_code == 422
    bobs_chat.refresh_from_db()
    assert bobs_chat.vector_database_id is None
    assert ChatPrompt.objects.count() == count


LISTS = ("useCases", "datasets", "genai/playgrounds", "genai/llmBlueprints", "genai/chats")


@pytest.mark.parametrize("path", [*LISTS, "genai/chatPrompts", "genai/vectorDatabases"])
def test_lists_hold_nothing_of_others(client, alice, bob, world, path):
    ids = set(world.values())
    for user, sees_them in ((bob, False), (alice, True)):
        secret = accounts.create_token(user=user, name="Mine")[1]
        headers = {"Authorization": f"Bearer {secret}"}
        found = client.get(f"/api/v2/{path}/", headers=headers).json()["data"]
        own = [one for one in found if ids & {str(value) for value in one.values()}]
        assert bool(own) == sees_them
