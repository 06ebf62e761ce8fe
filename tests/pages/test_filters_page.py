"""The chips of the composer as forms: added, refused, taken out, kept with the question."""

import pytest
from django.urls import reverse

from playground.models import Chat, ChatPrompt
from tests.pages.conftest import HTMX
from tests.vectordb.test_metadata_values import fill


@pytest.fixture
def signed_in(client, alice, world):
    fill(world.database, {"lang": "en", "year": 2020}, {"lang": "de"})
    client.force_login(alice)
    return client


def condition(**changes):
    return {"name": "lang", "comparison": "$in", "value": "en", **changes}


def test_the_form_offers_what_the_data_have(signed_in, world):
    url = reverse("playground:chat-filter", args=[world.chat.pk])

    form = signed_in.get(url, headers=HTMX).content.decode()

    assert '<option value="lang">lang</option>' in form
    assert '<option value="year">year</option>' in form
    assert '<option value="de"></option>' in form
    values = signed_in.get(f"{url}?name=year", headers=HTMX).content.decode()
    assert values.split() == ["<option", 'value="2020"></option>']


def test_a_condition_becomes_a_chip_that_stays_with_the_chat(signed_in, world):
    url = reverse("playground:chat-filter", args=[world.chat.pk])

    response = signed_in.post(url, condition(), headers=HTMX)

    assert response.headers["HX-Retarget"] == "#filter-chips"
    assert "lang = en" in response.content.decode()
    page = signed_in.get(reverse("playground:chat-detail", args=[world.chat.pk])).content.decode()
    assert "lang = en" in page
    assert 'form="remove-filter" name="name" value="lang"' in page


def test_the_next_question_is_asked_with_it_and_says_so(signed_in, world):
    signed_in.post(
        reverse("playground:chat-filter", args=[world.chat.pk]),
        condition(value="2020", name="year"),
    )

    signed_in.post(reverse("playground:chat-ask", args=[world.chat.pk]), {"text": "Now?"})

    prompt = ChatPrompt.objects.latest("created_at")
    assert prompt.metadata_filter == {"year": {"$in": [2020]}}
    ChatPrompt.objects.update(status="COMPLETED", result_text="Yes.")
    fragment = signed_in.get(f"/prompts/{prompt.pk}/", headers=HTMX).content.decode()
    assert "year = 2020</span>" in fragment


def test_a_chip_is_taken_out_with_and_without_scripts(signed_in, world):
    Chat.objects.update(metadata_filter={"lang": "en", "year": 2020})
    url = reverse("playground:chat-filter-remove", args=[world.chat.pk])

    fragment = signed_in.post(url, {"name": "lang"}, headers=HTMX).content.decode()
    assert "lang" not in fragment
    assert "year = 2020" in fragment
    response = signed_in.post(url, {"name": "year"})
    assert response.headers["Location"] == f"/chats/{world.chat.pk}/"
    world.chat.refresh_from_db()
    assert world.chat.metadata_filter is None


@pytest.mark.parametrize(
    "bad",
    [
        {"name": "never"},
        {"name": ""},
        {"value": ""},
        {"comparison": "$where"},
        {"comparison": "$gte", "value": "soon"},
        {"value": "x" * 501},
    ],
)
def test_what_cannot_be_a_condition_is_said_at_its_field(signed_in, world, bad):
    url = reverse("playground:chat-filter", args=[world.chat.pk])

    for headers in (HTMX, {}):
        response = signed_in.post(url, condition(**bad), headers=headers)
        assert response.status_code == 422
        assert "errorlist" in response.content.decode()
    world.chat.refresh_from_db()
    assert world.chat.metadata_filter is None


def test_a_condition_can_begin_a_chat(signed_in, world):
    url = reverse("playground:chat-filter-new", args=[world.playground.pk])
    assert "lang" in signed_in.get(f"{url}?blueprint={world.blueprint.pk}").content.decode()

    response = signed_in.post(url, condition(blueprint=world.blueprint.pk))

    chat = Chat.objects.exclude(pk=world.chat.pk).get()
    assert chat.metadata_filter == {"lang": {"$in": ["en"]}}
    assert response.headers["Location"] == f"/chats/{chat.pk}/"
    refused = signed_in.post(url, condition(blueprint=world.blueprint.pk, value=""))
    assert refused.status_code == 422
    assert Chat.objects.count() == 2


def test_a_database_without_fields_says_so(client, alice, world):
    client.force_login(alice)

    page = client.get(reverse("playground:chat-filter", args=[world.chat.pk])).content.decode()

    assert "Nothing in this vector database can be filtered by" in page


def test_viewers_read_the_chips_without_changing_them(client, vera, world):
    Chat.objects.update(metadata_filter={"lang": "en"})
    client.force_login(vera)

    assert "+ filter" not in client.get(f"/chats/{world.chat.pk}/").content.decode()
    for name in ("chat-filter", "chat-filter-remove"):
        url = reverse(f"playground:{name}", args=[world.chat.pk])
        assert client.post(url, condition()).status_code == 403
