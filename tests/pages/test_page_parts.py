"""The pages with most on them are sent in two parts, and nobody sees a difference."""

import re

import pytest
from asgiref.sync import async_to_sync
from django.urls import reverse

from config.page_parts import PageInParts
from tests.pages.compared import compared_by

MISSING = "0" * 24


@pytest.fixture
def pages(world, alice) -> dict[str, str]:
    comparison = compared_by(alice, world.playground).comparison
    return {
        "chat": reverse("playground:chat-detail", args=[world.chat.pk]),
        "new chat": reverse("playground:playground-detail", args=[world.playground.pk]) + "?new",
        "comparison": reverse("playground:comparison-detail", args=[comparison.pk]),
        "new comparison": reverse("playground:compare-home", args=[world.playground.pk]) + "?new",
    }


@pytest.fixture
def asked_of_server(async_client, alice):
    """What is answered to alice by a server."""
    async_to_sync(async_client.aforce_login)(alice)
    return async_to_sync(async_client.get)


def plain(page: str) -> str:
    """Without what is another one each time, and however its lines are broken."""
    return " ".join(re.sub(r'(X-CSRFToken": "|csrfmiddlewaretoken" value=")\w+', "", page).split())


@pytest.mark.parametrize("name", ["chat", "new chat", "comparison", "new comparison"])
def test_both_parts_are_the_whole_page(client, alice, pages, asked_of_server, name):
    client.force_login(alice)

    response = asked_of_server(pages[name])

    assert isinstance(response, PageInParts)
    head, body = (part.decode() for part in response)
    assert head.rstrip().endswith("</head>")
    assert plain(head + body) == plain(client.get(pages[name]).content.decode())
    assert "groundwork_csrf" in response.cookies


@pytest.mark.parametrize("name", ["chat", "comparison"])
def test_what_is_not_there_is_said_with_its_status(pages, asked_of_server, name):
    assert asked_of_server(f"{pages[name]}?before={MISSING}").status_code == 404
    assert (
        asked_of_server(pages[name].replace(pages[name].split("/")[2], MISSING)).status_code == 404
    )


def test_strangers_get_no_head(async_client, bob, pages):
    for url in pages.values():
        assert async_to_sync(async_client.get)(url).status_code == 302
    async_to_sync(async_client.aforce_login)(bob)
    for url in pages.values():
        assert async_to_sync(async_client.get)(url).status_code == 404
