"""The chunking lab: what it says to whom."""

import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from config.status import Status
from tests.pages.conftest import HTMX
from tests.vectordb.conftest import add
from vectordb import services, trial_cuts
from vectordb.models import TrialCut, VectorDatabase

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
TEXT = "\n\n".join(
    f"Rule {number}. A drill may be kept for seven days. Late tools cost two euros a day, and lost "
    "ones are paid at the price of new ones. Keys are at the porter's lodge."
    for number in range(200)
).encode()


def query(**right: str) -> dict[str, str]:
    side = {
        "embedding_model": MODEL,
        "chunking_method": "recursive",
        "chunk_size": "128",
        "chunk_overlap_percentage": "0",
        "separators": '\\n\\n\n" "\n""',
    }
    left = {f"left-{name}": value for name, value in side.items()}
    return left | {f"right-{name}": value for name, value in (side | right).items()}


@pytest.fixture
def document(world):
    return add(world.dataset, "rules.txt", TEXT)


@pytest.fixture
def alices(client, alice, world):
    client.force_login(alice)
    return client


def lab(world) -> str:
    return reverse("vectordb:dataset-lab", args=[world.dataset.pk])


def compare(client, world, document, **right: str) -> str:
    """The page once both sides are cut."""
    data = query(**right) | {"document": document.pk}
    response = client.post(lab(world), data | {"csrfmiddlewaretoken": "x"})
    assert response.status_code == 302
    address = response.headers["Location"]
    assert address == f"{lab(world)}?{urlencode(data)}#compared"
    for trial in TrialCut.objects.all():
        trial_cuts.run(trial.pk)
    return " ".join(client.get(address).content.decode().split())


def test_the_lab_waits_to_be_asked(alices, world, document):
    page = alices.get(lab(world)).content.decode()

    assert "rules.txt" in page
    assert not TrialCut.objects.exists()


@pytest.mark.parametrize("method", ["recursive", "semantic"])
def test_a_link_alone_begins_nothing(alices, vera, client, world, document, method):
    """Whoever follows it, from wherever: what it names stands in the form, and waits to be sent."""
    data = query(chunking_method=method) | {"document": document.pk}
    page = alices.get(lab(world), data).content.decode()

    assert page.count("Press <b>Compare</b>") == 2
    assert 'value="128"' in page
    assert not TrialCut.objects.exists()

    compare(alices, world, document, chunking_method=method)
    assert 'class="cut-head"' in alices.get(lab(world), data).content.decode()
    # What one has tried, another has not.
    client.force_login(vera)
    assert client.get(lab(world), data).content.decode().count("Press <b>Compare</b>") == 2


def test_what_failed_is_shown_until_it_is_tried_again(alices, world, document):
    data = query() | {"document": document.pk}
    alices.post(lab(world), data)
    TrialCut.objects.update(status=Status.ERROR, error_message="It is damaged.")

    assert "It is damaged." in alices.get(lab(world), data).content.decode()
    page = alices.post(lab(world), data, follow=True).content.decode()
    assert "Waiting for its turn" in page
    assert "It is damaged." not in page


def test_no_other_site_begins_a_trial(alice, world, document):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)

    response = client.post(lab(world), query() | {"document": document.pk})

    assert response.status_code == 403
    assert not TrialCut.objects.exists()


def test_two_settings_stand_side_by_side(alices, world, document):
    page = compare(alices, world, document, chunk_overlap_percentage="25")

    left, right = page.split('<section id="trial-right"')
    assert left.count('class="cut-head"') == right.count('class="cut-head"') == 40
    assert 'class="shared"' in right
    assert "begins" in right
    assert "Show more of the" in right
    assert "nothing was embedded here yet" in right


def test_what_is_cut_is_waited_for_by_itself(alices, world, document):
    data = query() | {"document": document.pk}
    page = alices.post(lab(world), data, follow=True).content.decode()

    trial = TrialCut.objects.get()  # both sides ask for the same
    url = reverse("vectordb:dataset-trial", args=[world.dataset.pk, trial.pk])
    assert f'hx-get="{url}?side=right"' in page
    waiting = alices.get(url, {"side": "right"}, headers=HTMX).content.decode()
    assert "Waiting for its turn" in waiting
    TrialCut.objects.update(status=Status.ERROR, error_message="It is damaged.")
    failed = alices.get(url, {"side": "right"}, headers=HTMX).content.decode()
    assert "It is damaged." in failed
    assert "hx-get" not in failed
    assert alices.get(url).headers["Location"] == lab(world)


def test_more_chunks_come_when_asked_for(alices, world, document):
    compare(alices, world, document)
    url = reverse("vectordb:dataset-trial", args=[world.dataset.pk, TrialCut.objects.get().pk])

    first, second = (
        alices.get(url, {"after": after}, headers=HTMX).content.decode() for after in ("40", "x")
    )

    assert "<b>41</b>" in first
    assert "<b>1</b>" in second


@pytest.mark.parametrize(
    ("right", "said"),
    [
        ({"chunk_size": "1000"}, "between 128 and"),
        ({"chunking_method": "semantic", "chunk_overlap_percentage": "10"}, "do not overlap"),
        ({"separators": "(", "is_separator_regex": "on"}, "not a regular expression"),
        ({"chunk_size": "many"}, "whole number"),
    ],
)
def test_impossible_settings_are_refused_and_cut_nothing(alices, world, document, right, said):
    data = query(**right) | {"document": document.pk}
    for response in (alices.get(lab(world), data), alices.post(lab(world), data)):
        assert response.status_code == 422
        assert said in response.content.decode()
    assert not TrialCut.objects.exists()


@pytest.mark.parametrize("named", ["f" * 24, "x", "\0"])
def test_a_document_of_another_dataset_is_not_found(alices, world, named):
    assert alices.get(lab(world), query() | {"document": named}).status_code == 404


def test_of_very_many_documents_the_first_and_the_chosen_are_listed(alices, world, monkeypatch):
    monkeypatch.setattr("vectordb.lab_views._MOST_DOCUMENTS", 2)
    names = [add(world.dataset, f"z{number}.txt", b"Hours: %d" % number) for number in range(4)]

    page = alices.get(lab(world), {"document": names[3].pk}).content.decode()

    assert page.count("<option value=") >= 3
    assert "3 more documents" in page
    assert "z3.txt" in page
    assert "z2.txt" not in page


def test_an_empty_dataset_has_nothing_to_cut(alices, alice, use_case):
    empty = services.create_dataset(user=alice, name="Empty", use_case=use_case)

    page = alices.get(reverse("vectordb:dataset-lab", args=[empty.pk])).content.decode()

    assert "add files to it first" in page


def test_settings_go_on_to_the_form_that_builds(alices, world, document):
    page = compare(alices, world, document, chunk_size="200", is_separator_regex="on")
    link = re.findall(r'href="([^"]+/build/\?[^"]+)"', page)[1].replace("&amp;", "&")

    form = alices.get(link).context["form"]
    sent = {name: form[name].value() for name in form.fields if form[name].value()}
    response = alices.post(urlsplit(link).path, sent | {"name": "Tried"})

    assert parse_qs(urlsplit(link).query)["chunk_size"] == ["200"]
    assert response.status_code == 302
    database = VectorDatabase.objects.get(name="Tried")
    assert (database.chunk_size, database.separators) == (200, ["\n\n", " ", ""])
    assert database.is_separator_regex
    assert not database.is_custom_chunking


def test_a_viewer_may_try_but_not_build(client, vera, world, document):
    client.force_login(vera)

    page = compare(client, world, document)

    assert 'class="cut-head"' in page
    assert "Build with these settings" not in page


@pytest.mark.parametrize(
    ("person", "method", "status"),
    [("vera", "semantic", 403), ("vera", "recursive", 200), ("alice", "semantic", 200)],
)
def test_only_editors_have_text_sent_to_a_server_elsewhere(
    client, request, world, document, embedding, person, method, status
):
    client.force_login(request.getfixturevalue(person))
    right = {"embedding_model": embedding.name, "chunking_method": method}

    response = client.post(lab(world), query(**right) | {"document": document.pk}, follow=True)

    assert response.status_code == status
    page = response.content.decode()
    assert ("to be sent to another server" in page) == (status == 403)
    assert 'name="right-chunking_method"' in page
    assert TrialCut.objects.exists() == (status == 200)


def test_a_viewer_may_try_the_semantic_method_of_this_server(client, vera, world, document):
    client.force_login(vera)
    data = query(chunking_method="semantic") | {"document": document.pk}

    assert client.post(lab(world), data).status_code == 302
    assert TrialCut.objects.count() == 2


def test_the_owner_tries_what_stands_in_no_use_case(alices, alice):
    dataset = services.create_dataset(user=alice, name="Alone")
    document = add(dataset, "rules.txt", TEXT)

    url = reverse("vectordb:dataset-lab", args=[dataset.pk])
    alices.post(url, query() | {"document": document.pk})
    trial_cuts.run(TrialCut.objects.get().pk)
    page = alices.get(url, query() | {"document": document.pk}).content.decode()

    assert 'class="cut-head"' in page
    assert "Build with these settings" not in page


def test_nobody_looks_at_what_somebody_else_tries(client, vera, alices, world, document):
    compare(alices, world, document)
    url = reverse("vectordb:dataset-trial", args=[world.dataset.pk, TrialCut.objects.get().pk])
    client.force_login(vera)

    assert client.get(url, headers=HTMX).status_code == 404


@pytest.mark.parametrize("after", ["-1", "9" * 30, "9" * 5_000, "٣"])
def test_an_odd_place_to_go_on_from_shows_no_error(alices, world, document, after):
    compare(alices, world, document)
    url = reverse("vectordb:dataset-trial", args=[world.dataset.pk, TrialCut.objects.get().pk])

    assert alices.get(url, {"after": after, "side": "up"}, headers=HTMX).status_code == 200
