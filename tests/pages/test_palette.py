"""What the command palette finds, and for whom."""

import pytest
from django.urls import reverse

from blueprints.settings import AnswerSettings
from playground import services

URL = "/palette/"


@pytest.fixture
def signed_in(client, alice, world):
    client.force_login(alice)
    return client


def found(client, query: str = "", **more: str) -> str:
    content: str = client.get(URL, {"q": query, **more}).content.decode()
    return content


@pytest.mark.parametrize(
    ("query", "kind", "label", "url"),
    [
        ("refund", "Playgrounds", "Refund bot", "/playgrounds/{playground}/"),
        ("how long", "Chats", "How long may I wait?", "/chats/{chat}/"),
        ("BASE", "Blueprints", "Baseline", "/playgrounds/{playground}/?blueprint={blueprint}"),
        ("boo", "Vector databases", "Book", "/vector-databases/{database}/"),
        ("returns", "Documents", "returns.md", "/datasets/{dataset}/"),
        ("token", "Actions", "API tokens", "/account/tokens/"),
    ],
)
def test_everything_is_found_by_its_name(signed_in, world, query, kind, label, url):
    page = found(signed_in, query)

    names = ("playground", "chat", "blueprint", "database", "dataset")
    ids = {name: getattr(world, name).pk for name in names}
    assert f">{kind}</div>" in page
    assert f">{label}</span>" in page
    assert f'href="{url.format(**ids)}"' in page


def test_every_word_must_be_in_the_name(signed_in, world):
    assert "Refund bot" in found(signed_in, "bot refund")
    assert "Refund bot" not in found(signed_in, "refund dragon")


def test_without_a_word_the_newest_and_the_actions_are_offered(signed_in, world):
    page = found(signed_in, use_case=world.use_case.pk)

    assert "Refund bot" in page
    assert f'href="/use-cases/{world.use_case.pk}/traces/"' in page
    assert "LLM endpoints" not in page


def test_staff_are_offered_what_is_theirs(client, staff, world):
    client.force_login(staff)

    assert "LLM endpoints" in found(client)


def test_of_each_kind_there_are_a_few_the_newest_first(signed_in, world, alice):
    for number in range(9):
        services.create_playground(user=alice, use_case=world.use_case, name=f"Many {number}")

    page = found(signed_in, "many")

    assert [f"Many {number}" in page for number in range(9)] == [False] * 3 + [True] * 6
    assert page.index("Many 8") < page.index("Many 3")


def test_strangers_find_nothing_of_it(client, bob, world):
    client.force_login(bob)

    page = found(client, "", use_case=world.use_case.pk)
    for name in ("Refund bot", "How long", "Baseline", "Book", "returns.md", "Support"):
        assert name not in page


def test_viewers_find_what_they_may_read(client, vera, world):
    client.force_login(vera)

    assert "Refund bot" in found(client, "refund")


@pytest.mark.parametrize("query", ["zzz", "%", "\x00%", "'; --", "<b>"])
def test_what_is_not_there_is_said(signed_in, world, query):
    page = found(signed_in, query)

    assert "Nothing is called" in page
    assert "listbox" not in page
    assert "<b>" not in page


def test_a_use_case_that_is_not_there_is_no_trouble(signed_in):
    for use_case in ("", "nonsense", "f" * 24):
        assert "New use case" in found(signed_in, use_case=use_case)


def test_what_it_costs_does_not_grow(signed_in, world, alice, django_assert_max_num_queries):
    for number in range(5):
        playground = services.create_playground(
            user=alice, use_case=world.use_case, name=f"More {number}"
        )
        services.create_blueprint(
            user=alice, playground=playground, name=f"B {number}", settings=AnswerSettings()
        )

    with django_assert_max_num_queries(12):
        found(signed_in, use_case=world.use_case.pk)


def test_every_page_of_somebody_has_it(signed_in, world):
    page = signed_in.get(reverse("playground:chat-detail", args=[world.chat.pk])).content.decode()

    assert f'data-url="/palette/" data-use-case="{world.use_case.pk}"' in page
    assert "In an empty question" in page


def test_nobody_has_it_before_the_sign_in(client, db):
    page = client.get("/sign-in/").content.decode()

    assert "palette" not in page
