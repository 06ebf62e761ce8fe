"""The retrieval page without a browser: who may, what the form makes of it, what a test shows."""

from typing import Any

import pytest
from django.urls import reverse

from accounts import services as accounts
from blueprints.settings import AnswerSettings
from config.status import Status
from playground import services
from playground.models import RetrievalTest
from tests.pages.conftest import HTMX
from vectordb.models import VectorDatabase
from vectordb.retrieval_settings import RetrievalSettings


@pytest.fixture
def url(world) -> str:
    return reverse("playground:vector-database-retrieval", args=[world.database.pk])


@pytest.fixture
def narrow(alice, world):
    """A blueprint that takes two chunks, by words, of another database."""
    other = VectorDatabase.objects.get(pk=world.database.pk)
    other.pk, other.name, other.version = "f" * 24, "Other", 2
    other._state.adding = True
    other.save()
    return services.create_blueprint(
        user=alice,
        playground=world.playground,
        name="Narrow",
        settings=AnswerSettings(
            llm_id="extractive",
            vector_database_id=other.pk,
            retrieval_settings=RetrievalSettings(
                max_documents_retrieved_per_prompt=2,
                search_mode="keyword",
                maximal_marginal_relevance_lambda=0.7,
            ),
        ),
    )


def shown(side: str, source: str, **fields) -> dict[str, str]:
    """What a browser sends of a side whose settings it shows."""
    fields = {"source": source, "filled_from": source, "search_mode": "hybrid", **fields}
    return {f"{side}-{name}": value for name, value in fields.items()}


def made(client, url, data):
    """The test that a form makes, and its sides."""
    response = client.post(url, {"text": "How long?", **data})
    assert response.status_code == 302, response.content.decode()
    test = RetrievalTest.objects.get(pk=response.headers["Location"].split("/")[2])
    return test, *test.sides.all()


@pytest.mark.parametrize("person", ["alice", "vera"])
def test_a_question_alone_is_searched_for_with_the_defaults(client, request, url, person, world):
    user = request.getfixturevalue(person)
    client.force_login(user)
    page = client.get(url).content.decode()
    assert "Own settings" in page
    assert "Baseline" in page

    test, side = made(client, url, {"text": "How\r\nlong?"})

    assert (test.text, test.created_by, test.status) == ("How\nlong?", user, Status.NEW)
    assert (side.label, side.llm_id) == ("Own settings", "")
    assert side.settings.retrieval_settings == RetrievalSettings()
    assert "How\nlong?" in client.get(url).content.decode()


def test_settings_and_a_filter_are_taken_as_sent(client, alice, url, world):
    client.force_login(alice)
    left = shown("left", "own", max_documents_retrieved_per_prompt="7", add_neighbor_chunks="on")
    right = shown(
        "right", "own", vector_database_id=world.database.pk, search_mode="vector", max_tokens="90"
    )
    wanted = {"metadata_filter": '{"year": {"$gte": 2020}}'}

    test, one, two = made(client, url, left | right | wanted)

    assert test.metadata_filter == {"year": {"$gte": 2020}}
    settings = one.settings.retrieval_settings
    assert (settings.documents, settings.add_neighbor_chunks) == (7, True)
    settings = two.settings.retrieval_settings
    assert (settings.max_tokens, settings.search_mode) == (90, "vector")


def test_a_blueprint_searches_as_its_answers_would(client, alice, url, world, narrow):
    client.force_login(alice)
    right = {"right-source": narrow.pk}

    _, left, side = made(client, url, {"left-source": narrow.pk, **right})

    assert (left.label, side.label, side.source_id) == ("Narrow", "Narrow", narrow.pk)
    assert side.settings.retrieval_settings == narrow.current.retrieval_parameters
    assert (side.llm_id, side.database_name) == ("extractive", "Other")
    # The page is that of one database, whatever the blueprint reads.
    assert left.vector_database_id == world.database.pk

    shown_and_changed = shown(
        "right",
        narrow.pk,
        vector_database_id=world.database.pk,
        search_mode="vector",
        retrieval_mode="maximal_marginal_relevance",
        maximal_marginal_relevance_lambda="0.7",
    )
    _, _, side = made(client, url, shown_and_changed)
    assert (side.label, side.llm_id) == ("Narrow, changed", "extractive")
    settings = side.settings.retrieval_settings
    assert settings.retrieval_mode == "maximal_marginal_relevance"
    assert settings.maximal_marginal_relevance_lambda == 0.7


def test_a_side_is_filled_in_from_what_is_chosen(client, alice, url, narrow):
    client.force_login(alice)
    data = shown("left", "own", max_documents_retrieved_per_prompt="9")
    chosen = {**data, "load": "right", "right-source": narrow.pk}

    fields = client.post(url, chosen, headers=HTMX).content.decode()
    assert 'name="right-max_documents_retrieved_per_prompt" value="2"' in fields
    assert f'name="right-filled_from" value="{narrow.pk}"' in fields
    assert "left-" not in fields

    # Other settings begin as those at the left; without scripts the whole page comes.
    page = client.post(url, {**chosen, "right-source": "own", "text": "Why?"}).content.decode()
    assert 'name="right-max_documents_retrieved_per_prompt" value="9"' in page
    assert 'name="left-max_documents_retrieved_per_prompt" value="9"' in page
    assert "Why?" in page
    assert "errorlist" not in page
    nothing = client.post(url, {**data, "load": "right"}, headers=HTMX).content.decode()
    assert "search_mode" not in nothing
    assert RetrievalTest.objects.count() == 1


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ({"text": ""}, "Write a question first."),
        ({"metadata_filter": "{year"}, "This is no JSON"),
        ({"metadata_filter": "[" * 50_000}, "This is no JSON"),
        ({"metadata_filter": f'{{"year": {"9" * 5_000}}}'}, "This is no JSON"),
        ({"metadata_filter": '{"a": "\\ud800"}'}, "This is no JSON"),
        ({"metadata_filter": "[1]"}, "is an object that names"),
        ({"metadata_filter": '{"year": {"$near": 1}}'}, "$near is not known"),
        (shown("left", "own", max_documents_retrieved_per_prompt="11"), "less than or equal to 10"),
        (shown("left", "0" * 24), "Select a valid choice"),
        (shown("right", "own", vector_database_id="0" * 24), "Select a valid choice"),
        ({"text": "x" * 8_001}, "at most 8,000 can be searched for"),
    ],
)
def test_what_is_wrong_is_said_in_its_place(client, alice, url, sent, error):
    client.force_login(alice)

    response = client.post(url, {"text": "How long?", **sent})

    assert response.status_code == 422
    assert error in response.content.decode()
    assert RetrievalTest.objects.count() == 1


def test_who_waits_for_several_tests_is_told_to_wait(client, alice, url):
    client.force_login(alice)
    for _ in range(3):  # besides the world's own
        made(client, url, {})

    response = client.post(url, {"text": "How long?"})

    assert response.status_code == 422
    assert "4 of your tests are not done yet" in response.content.decode()


def test_a_database_that_is_not_ready_says_so(client, alice, url):
    client.force_login(alice)
    VectorDatabase.objects.update(status=Status.RUNNING)

    response = client.post(url, {"text": "How long?"})

    assert response.status_code == 422
    assert "“Book” is not ready" in response.content.decode()


def test_an_answer_leads_to_a_test_of_what_it_read(client, alice, url, world):
    client.force_login(alice)
    inputs = world.log.payload.inputs
    inputs |= {
        "vector_database_id": world.database.pk,
        "llm_id": "extractive",
        "retrieval_settings": RetrievalSettings(max_documents_retrieved_per_prompt=3).to_json(),
        "metadata_filter": {"lang": "en"},
    }
    world.log.payload.save()
    link = f"{url}?from={world.log.pk}"
    assert link in client.get(reverse("tracing:log-detail", args=[world.log.pk])).content.decode()

    page = client.get(link).content.decode()
    assert "How long may I wait?" in page
    assert "{&quot;lang&quot;: &quot;en&quot;}" in page
    assert 'name="left-max_documents_retrieved_per_prompt" value="3"' in page

    _, side = made(client, url, {"left-source": world.log.pk})
    assert side.label.startswith("The answer of ")
    assert (side.llm_id, side.settings.retrieval_settings.documents) == ("extractive", 3)


def test_traces_and_blueprints_of_others_fill_in_nothing(client, bob, url, world, narrow):
    use_case = accounts.create_use_case(user=bob, name="Mine")
    VectorDatabase.objects.filter(pk=world.database.pk).update(use_case=use_case)
    client.force_login(bob)

    for foreign in (world.log.pk, narrow.pk):
        page = client.get(f"{url}?from={foreign}").content.decode()
        assert "How long may I wait?" not in page
        assert "Narrow" not in page
        assert client.post(url, {"text": "Why?", "left-source": foreign}).status_code == 422


def test_pages_lead_to_it(client, alice, url, world):
    client.force_login(alice)
    database = reverse("vectordb:vector-database-detail", args=[world.database.pk])
    assert url in client.get(database).content.decode()

    chat = client.get(reverse("playground:chat-detail", args=[world.chat.pk])).content.decode()
    assert f"{url}?from={world.blueprint.pk}" in chat


def passage(chunk_id: int, rank: int, **more) -> dict[str, Any]:
    return {
        "chunk_id": chunk_id,
        "document_id": "d" * 24,
        "document_name": f"doc{chunk_id}.md",
        "page": None,
        "position": chunk_id,
        "start": 100 * chunk_id,
        "end": 100 * chunk_id + 100,
        "text": f"<b>Text {chunk_id}</b>",
        "token_count": 20,
        "similarity": 0.5,
        "rank": rank,
        "is_neighbor": False,
        "is_cut": False,
        "metadata": {},
        "ranks": {"meaning": rank + 1, "fusion": rank},
        **more,
    }


@pytest.fixture
def compared(client, alice, url, world, narrow):
    """A finished test with two sides."""
    client.force_login(alice)
    test, left, right = made(
        client,
        url,
        shown("left", "own") | shown("right", "own", vector_database_id=world.database.pk),
    )
    stage = {"name": "search", "entered": 1200, "left": 2, "milliseconds": 3.2, "note": "exact"}
    dropped = passage(2, 2) | {"stage": "token cap", "why": "comes after what filled the cap"}
    left.passages = [passage(1, 1), passage(2, 2), passage(3, 3, is_neighbor=True)]
    right.passages = [passage(3, 1, is_cut=True), passage(4, 2)]
    left.explain = {"stages": [stage], "passages": [], "dropped": []}
    right.explain = {"stages": [stage], "passages": [], "dropped": [dropped]}
    left.save()
    right.save()
    RetrievalTest.objects.filter(pk=test.pk).update(status=Status.COMPLETED)
    return reverse("playground:retrieval-test-detail", args=[test.pk])


def test_two_sides_show_how_they_differ(client, compared, django_assert_max_num_queries):
    with django_assert_max_num_queries(16):
        page = " ".join(client.get(compared).content.decode().split())

    for part in (
        "<dt>Shared</dt><dd>1</dd>",
        "<dt>Only left</dt><dd>2</dd>",
        "<dt>Only right</dt><dd>1</dd>",
        "= shared, rank 3 → 1",
        "≠ only left",
        "≠ only right",
        "Found at the right too, and dropped there by token cap: comes after what filled the cap.",
        "What the cap cut",
        "neighbour of 3",
        "cut at the cap",
        "<span>meaning 2</span><span>fused 1</span>",
        '<td class="num">1,200</td><td class="num">2</td><td class="num">3 ms</td>',
        "&lt;b&gt;Text 1&lt;/b&gt;",
    ):
        assert part in page
    assert "data-progress" not in page
    assert "data-events" not in page


def test_a_viewer_reads_it_and_it_begins_the_next_one(client, vera, compared):
    client.force_login(vera)

    page = client.get(compared).content.decode()

    assert "Change and search again" in page
    assert 'name="right-vector_database_id"' in page
    results = client.get(compared, headers=HTMX).content.decode()
    assert results.startswith("<div id=")
    assert "<form" not in results


def test_a_test_that_runs_says_where_to_look_again(client, alice, world):
    client.force_login(alice)
    url = reverse("playground:retrieval-test-detail", args=[world.test.pk])

    page = client.get(url).content.decode()

    assert f'data-progress="{url}"' in page
    assert f"?vector_database={world.database.pk}" in page
    assert "Reload to see the results" in page


def test_a_test_that_failed_says_why(client, alice, world):
    client.force_login(alice)
    url = reverse("playground:retrieval-test-detail", args=[world.test.pk])
    RetrievalTest.objects.update(status=Status.ERROR, error_message="The server stopped.")
    assert "The server stopped." in client.get(url).content.decode()

    RetrievalTest.objects.update(status=Status.COMPLETED, error_message="")
    world.test.sides.update(error_message="No such database.")
    page = client.get(url).content.decode()
    assert "No such database." in page
