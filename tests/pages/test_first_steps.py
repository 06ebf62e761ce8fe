"""The way through the product for somebody new, on the start page and on the page of a use case."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import services as accounts
from accounts.models import Role, User
from playground import services
from playground.first_steps import first_steps
from playground.models import ChatPrompt, Sample
from tests.pages.compared import compared_by
from vectordb import services as vectordb
from vectordb.models import Document

SHOWN = "/first-steps/"


@pytest.fixture
def signed_in(client, alice, use_case):
    client.force_login(alice)
    return client


def done(user, **where) -> list[bool]:
    return [step.is_done for step in first_steps(user, **where)]


def urls(user, **where) -> list[str]:
    return [step.url for step in first_steps(user, **where)]


def test_they_begin_with_a_use_case_where_there_is_none(client, bob):
    client.force_login(bob)

    page = client.get("/").content.decode()

    assert page.count('<li class="card') == 3
    assert 'href="/use-cases/new/">Make a use case</a>' in page
    assert page.count("Comes after the step before.") == 2


def test_documents_go_into_an_empty_playground_which_is_made_first(alice, use_case):
    assert urls(alice)[0] == f"/use-cases/{use_case.pk}/playgrounds/new/"

    playground = services.create_playground(user=alice, use_case=use_case, name="Bot")

    assert urls(alice) == [f"/playgrounds/{playground.pk}/", "", ""]
    assert done(alice) == [False, False, False]


def test_what_exists_tells_what_is_done_and_each_step_leads_to_its_place(signed_in, alice, world):
    assert done(alice) == [True, True, False]
    assert urls(alice) == [
        f"/datasets/{world.dataset.pk}/",
        f"/playgrounds/{world.playground.pk}/#question",
        f"/playgrounds/{world.playground.pk}/compare/?new",
    ]
    for url in ("/", f"/use-cases/{world.use_case.pk}/"):
        page = signed_in.get(url).content.decode()
        assert page.count("(done)") == 2
        assert f'class="btn small" href="{urls(alice)[2]}"' in page
    ChatPrompt.objects.all().delete()
    Document.objects.all().delete()
    assert done(alice) == [False, False, False]


def test_where_all_is_done_nothing_stands_in_the_way(signed_in, alice, world):
    compared_by(alice, world.playground)

    assert first_steps(alice) == []
    assert "First steps" not in signed_in.get("/").content.decode()


def test_what_others_asked_is_no_step_of_mine(alice, bob, world):
    accounts.share(world.use_case, by=alice, email=bob.email, role=Role.EDITOR)

    assert done(bob) == [True, False, False]


def test_the_sample_is_nobodys_doing(alice, world):
    sample = Sample.objects.create(id=1, use_case=world.use_case)
    compared = ("", f"/playgrounds/{world.playground.pk}/compare/?new")
    assert done(alice) == [False, False, False]
    assert urls(alice)[0] == "/use-cases/new/"
    assert urls(alice)[2] in compared

    sample.finished_at = timezone.now() + timedelta(minutes=1)
    sample.save()
    assert done(alice) == [False, False, False]
    sample.finished_at = timezone.now() - timedelta(minutes=1)
    sample.save()
    assert done(alice) == [False, True, False]


def test_on_the_page_of_a_use_case_only_what_is_there_counts(alice, world):
    other = accounts.create_use_case(user=alice, name="Other")

    assert done(alice, use_case=other) == [False, False, False]
    assert done(alice, use_case=world.use_case) == [True, True, False]
    vectordb.create_dataset(user=alice, name="Empty", use_case=other)
    assert urls(alice, use_case=other)[0].startswith("/datasets/")


def test_viewers_have_no_steps_to_take(client, vera, world):
    client.force_login(vera)

    page = client.get(f"/use-cases/{world.use_case.pk}/").content.decode()

    assert "First steps" not in page


def test_they_are_hidden_for_one_person_and_brought_back(client, signed_in, alice, bob, use_case):
    response = signed_in.post(SHOWN, {"are_hidden": "1", "use_case": use_case.pk})

    assert response.headers["Location"] == f"/use-cases/{use_case.pk}/"
    page = signed_in.get("/").content.decode()
    assert 'class="first-steps' not in page
    assert re.search(r'name="are_hidden" value="0">First steps', page)
    assert done(bob) == [False, False, False]
    assert signed_in.post(SHOWN, {"are_hidden": "0"}).headers["Location"] == "/"
    page = signed_in.get("/").content.decode()
    assert 'class="first-steps' in page
    assert 'value="0">First steps' not in page
    assert User.objects.filter(hides_first_steps=True).count() == 0


def test_who_has_done_them_all_is_told_so_when_asking_for_them(signed_in, alice, world):
    compared_by(alice, world.playground)

    signed_in.post(SHOWN, {"are_hidden": "0"})

    assert "You have taken all the first steps." in signed_in.get("/").content.decode()


def test_nobody_is_led_to_a_strangers_use_case(signed_in, bob):
    theirs = accounts.create_use_case(user=bob, name="Theirs")

    response = signed_in.post(SHOWN, {"are_hidden": "1", "use_case": theirs.pk})

    assert response.headers["Location"] == "/"


def test_looking_changes_nothing(signed_in):
    assert signed_in.get(SHOWN).status_code == 405


def test_an_empty_use_case_offers_a_playground_to_those_who_may_make_one(client, alice, vera):
    offer = ">New playground</a>"
    client.force_login(alice)
    assert offer in client.get("/").content.decode()

    client.force_login(vera)

    page = client.get("/").content.decode()
    assert offer not in page
    assert "An editor of “Support” can make one." in page
