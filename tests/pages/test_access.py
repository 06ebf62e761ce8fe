"""Every page, walked by everybody: nobody signed in, a stranger, a viewer, and the wrong verb."""

import pytest
from django.db import connection
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from blueprints.environments import ensure_environments
from blueprints.files import get_or_make
from blueprints.kinds import file_of
from evaluation import question_sets
from playground.models import ChatPrompt, ComparisonChat, Replay
from tests.pages.compared import compared_by
from tests.pages.gridded import gridded_by
from tests.vectordb import samples
from tests.vectordb.conftest import add
from tracing.list_models import SavedView
from tracing.models import Session
from vectordb import partitions
from vectordb.models import Document, TrialCut

PUBLIC = {"accounts:sign-in", "accounts:link-sign-in"}
STAFF = ("blueprints:", "vectordb:embedding-")
FOR_ANYBODY = {
    "accounts:sign-in",
    "accounts:link-sign-in",
    "accounts:sign-out",
    "accounts:password-change",
    "accounts:token-list",
    "accounts:use-case-create",
    "playground:home",
    "playground:palette",
    "playground:first-steps-shown",
}
# Of all that a viewer sees, this is what they may send: their opinion, a search, a trial, a text to
# have rendered, a view of the logs, and their leaving.
VIEWERS_MAY_POST = {
    "vectordb:dataset-lab",
    "playground:prompt-feedback",
    "playground:prompt-growing",
    "playground:result-growing",
    "playground:compared-prefer",
    "playground:result-feedback",
    "playground:citation-relevance",
    "playground:vector-database-retrieval",
    "accounts:member-remove",
    "tracing:saved-view-create",
}


# Where others that begin so are of a playground.
OF_BLUEPRINTS = {
    f"playground:blueprint-{name}"
    for name in (
        *("versions", "diff", "deploy", "roll-back", "take-out", "editor", "save", "run"),
        *("version", "version-name", "version-use", "version-open"),
    )
}


def names(patterns=None, namespace="") -> list[str]:
    """Of all pages: the REST API and the health checks have tests of their own."""
    found: list[str] = []
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            inner = pattern.namespace or namespace
            found += names(pattern.url_patterns, inner)
        elif isinstance(pattern, URLPattern) and namespace in PAGES:
            found.append(f"{namespace}:{pattern.name}")
    return found


PAGES = {"accounts", "vectordb", "blueprints", "tracing", "playground", "evaluation"}
ALL = sorted(names())
OWNED = [name for name in ALL if name not in FOR_ANYBODY and not name.startswith(STAFF)]


def status(client, method: str, url: str) -> int:
    response = getattr(client, method)(url)
    if response.streaming:
        # Read to its end, the file behind it is closed.
        b"".join(response.streaming_content)
    code: int = response.status_code
    return code


@pytest.fixture
def url_of(world, token, endpoint, endpoint_llm, embedding, alice):
    """The address of any page, of the objects of Alice's world."""
    trial = TrialCut.objects.create(document=world.document, asked_by=alice, chunking={})
    session = Session.objects.create(use_case=world.use_case)
    questions = question_sets.create_set(world.use_case, user=alice, name="Returns")
    question = question_sets.add_question(questions, user=alice, text="How long?")
    compared = compared_by(alice, world.playground)
    gridded = gridded_by(alice, world.playground)
    view = SavedView.objects.create(
        use_case=world.use_case, name="Failed", query="status=ERROR", created_by=alice
    )
    replay = Replay.objects.create(prompt=world.prompt, is_exact=True, created_by=alice)
    keys = {
        "pk": {
            "replay": replay.pk,
            "playground": world.playground.pk,
            "chat": world.chat.pk,
            "prompt": world.prompt.pk,
            "citation": world.prompt.pk,
            "blueprint": world.playground.pk,
            "compare": world.playground.pk,
            "comparison": compared.comparison.pk,
            "compared": compared.question.pk,
            "result": compared.results[0].pk,
            "grid": gridded.grid.pk,
            "cell": gridded.prompt.pk,
            "dataset": world.dataset.pk,
            "document": world.document.pk,
            "vector": world.database.pk,
            "chunk": world.database.pk,
            "gold": world.database.pk,
            "version": world.database.pk,
            "log": world.log.pk,
            "session": session.pk,
            "question": questions.pk,
            "retrieval": world.test.pk,
            "token": token.pk,
            "endpoint": endpoint.pk,
            "llm": endpoint_llm.pk,
            "embedding": embedding.pk,
        },
        "blueprint_pk": world.blueprint.pk,
        "dataset_pk": world.dataset.pk,
        "user_pk": alice.pk,
        "trial_pk": trial.pk,
        "chunk_id": 1_000_000,
        "page": 1,
        "number": 1,
        "secret": "x" * 43,
    }
    under_use_case = {
        "playground:chat-search",
        "playground:playground-create",
        "vectordb:dataset-create",
        "vectordb:source-list",
        "vectordb:vector-database-create",
        "tracing:log-list",
        "evaluation:question-set-list",
        "evaluation:question-set-create",
        "tracing:log-export-csv",
        "tracing:log-export-jsonl",
        "playground:log-export-api",
        "tracing:log-charts",
        "tracing:saved-view-create",
    }
    special = {
        "playground:chat-create": world.playground.pk,
        "playground:chat-filter-new": world.playground.pk,
        "vectordb:document-upload": world.dataset.pk,
        "playground:gold-question-delete": world.gold.pk,
        "blueprints:llm-create": endpoint.pk,
        "evaluation:question-edit": question.pk,
        "evaluation:question-delete": question.pk,
        "evaluation:grid-home": world.playground.pk,
        "evaluation:grid-begin": world.playground.pk,
        "tracing:saved-view-delete": view.pk,
    }
    production = ensure_environments(world.use_case)
    tool = get_or_make(
        user=alice,
        use_case=world.use_case,
        kind="tool",
        path="weather",
        file_id=None,
        details={"source_code": "1"},
    )
    keys["pk"] |= {"file": file_of(tool).pk, "path": world.use_case.pk}
    keys["environment_pk"] = production.pk
    keys["version_pk"] = world.blueprint.version_id
    special["playground:environment-delete"] = world.use_case.environments.get(name="staging").pk
    special |= dict.fromkeys(OF_BLUEPRINTS, world.blueprint.pk)

    def url(name: str) -> str:
        kind = name.split(":")[1].split("-")[0]
        pk = keys["pk"].get(kind, world.use_case.pk)
        pk = world.use_case.pk if name in under_use_case else special.get(name, pk)
        wanted = get_resolver().namespace_dict[name.split(":")[0]][1]
        arguments = wanted.reverse_dict.getlist(name.split(":")[1])
        parameters = arguments[0][0][0][1]
        if {"page", "chunk_id", "number"} & {*parameters}:
            paged = _with_pages(world)
            pk = paged.pk if "page" in parameters else pk
        values = {**keys, "pk": pk}
        return reverse(name, kwargs={key: values[key] for key in parameters})

    return url


def _with_pages(world) -> Document:
    """A PDF, and a chunk of it in Alice's database."""
    document = add(world.dataset, "pages.pdf", samples.pdf("One."))
    partitions.create(world.database)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO vectordb_chunk VALUES"
            " (%s, 1000000, %s, 0, 1, 0, 4, 1, array_fill(1, ARRAY[384])::vector, 'One.') ON CONFLICT DO NOTHING",
            [world.database.pk, document.pk],
        )
    return document


def test_the_walk_meets_every_app():
    assert {name.split(":")[0] for name in ALL} == PAGES
    assert len(ALL) > 50


@pytest.mark.parametrize("name", [name for name in ALL if name not in PUBLIC])
def test_whoever_is_not_signed_in_is_asked_to(client, url_of, name):
    url = url_of(name)

    for method in ("get", "post"):
        response = getattr(client, method)(url)
        assert response.status_code == 302, method
        assert response.headers["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("name", OWNED)
def test_to_a_stranger_nothing_of_it_exists(client, bob, url_of, name):
    client.force_login(bob)
    url = url_of(name)

    codes = {status(client, method, url) for method in ("get", "post")}
    assert 404 in codes
    assert codes <= {404, 405}


@pytest.mark.parametrize("name", [name for name in ALL if name.startswith(STAFF)])
def test_to_those_who_are_no_staff_the_pages_of_models_do_not_exist(client, alice, url_of, name):
    client.force_login(alice)
    url = url_of(name)

    codes = {status(client, method, url) for method in ("get", "post")}
    assert 404 in codes
    assert codes <= {404, 405}


@pytest.mark.parametrize(
    "name", [name for name in OWNED if name not in VIEWERS_MAY_POST and "token" not in name]
)
def test_a_viewer_changes_nothing(client, vera, url_of, world, name):
    client.force_login(vera)
    url = url_of(name)
    data = {"name": "Changed", "text": "Mine?", "blueprint": world.blueprint.pk, "role": "owner"}
    data |= {"llm_id": "extractive", "vector_database_id": world.database.pk, "temperature": "1"}
    data |= {"email": vera.email, "document": world.document.pk}
    prompts, comparisons = ChatPrompt.objects.count(), ComparisonChat.objects.count()

    response = client.post(url, data)

    assert response.status_code in {403, 405, 422, 302}
    if response.status_code == 302:
        # A form that lacks its files goes back to its page without having done anything.
        assert "upload" in name
    world.use_case.refresh_from_db()
    world.playground.refresh_from_db()
    assert (world.use_case.name, world.playground.name) == ("Support", "Refund bot")
    assert ChatPrompt.objects.count() == prompts
    assert ComparisonChat.objects.filter(is_blind=False).count() == comparisons


@pytest.mark.parametrize("name", [name for name in OWNED if "token" not in name])
def test_the_owner_gets_each_page_or_is_told_the_verb(client, alice, url_of, name):
    client.force_login(alice)

    assert status(client, "get", url_of(name)) in {200, 302, 405}
    assert status(client, "delete", url_of(name)) == 405


@pytest.mark.parametrize("name", [name for name in ALL if name.startswith(STAFF)])
def test_staff_get_the_pages_of_models(client, staff, url_of, name):
    client.force_login(staff)

    assert status(client, "get", url_of(name)) in {200, 405}


def test_the_pages_for_editing_are_kept_from_viewers_too(client, vera, world):
    client.force_login(vera)

    page = client.get(reverse("playground:chat-detail", args=[world.chat.pk])).content.decode()

    for control in ("composer", "Save as defaults", "New blueprint", "Delete", "Retry"):
        assert control not in page
    assert "You may read this chat" in page
