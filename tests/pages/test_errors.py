"""What goes wrong is said in the product's style: as a page, and as a toast to htmx."""

import pytest
from django.test import Client
from django.urls import path, reverse

from config.errors import Conflict, Forbidden, InvalidInput
from config.urls import (  # noqa: F401 - this module stands in for the project's urls
    handler400,
    handler403,
    handler404,
    handler500,
)
from config.urls import urlpatterns as project_urls
from tests.pages.conftest import HTMX

ERRORS = {
    "invalid": (InvalidInput("Too many."), 422),
    "conflict": (Conflict("Wait for it."), 409),
    "forbidden": (Forbidden("Ask an owner."), 403),
}


def fail(request, kind):
    raise ERRORS[kind][0] if kind in ERRORS else RuntimeError("secret detail")


urlpatterns = [path("fail/<str:kind>/", fail), *project_urls]


@pytest.fixture
def broken(alice, settings) -> Client:
    settings.ROOT_URLCONF = "tests.pages.test_errors"
    client = Client(raise_request_exception=False)
    client.force_login(alice)
    return client


@pytest.mark.parametrize("kind", list(ERRORS))
def test_an_error_that_one_can_act_on_is_shown(broken, kind):
    error, status = ERRORS[kind]

    page = broken.get(f"/fail/{kind}/")
    toast = broken.get(f"/fail/{kind}/", headers=HTMX)

    assert page.status_code == toast.status_code == status
    assert error.message in page.content.decode()
    assert "<html" in page.content.decode()
    assert error.message in toast.content.decode()
    assert "<html" not in toast.content.decode()
    assert toast.headers["HX-Retarget"] == "#toasts"


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_bug_tells_nothing_of_itself(broken, headers, caplog):
    response = broken.get("/fail/bug/", headers=headers)

    assert response.status_code == 500
    assert "went wrong on our side" in response.content.decode()
    assert "secret" not in response.content.decode()
    assert "secret detail" in caplog.text


def test_what_is_not_there_is_a_page_with_a_way_on(client, alice):
    client.force_login(alice)

    response = client.get("/no-such-page/")

    assert response.status_code == 404
    assert "not shared with you" in response.content.decode()
    assert 'href="/"' in response.content.decode()


def test_a_page_without_its_token_says_what_to_do(alice, use_case):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)

    response = client.post(reverse("accounts:use-case-create"), {"name": "x"})

    assert response.status_code == 403
    assert "Reload it" in response.content.decode()


def test_a_session_that_ended_leads_htmx_to_sign_in(client, world):
    response = client.get(reverse("playground:prompt-detail", args=[world.prompt.pk]), headers=HTMX)

    assert response.status_code == 200
    assert response.headers["HX-Redirect"].startswith("/sign-in/")


@pytest.mark.parametrize("name", ["playground:home", "accounts:token-list", "accounts:sign-in"])
def test_pages_hold_no_script_and_no_style_of_their_own(client, alice, name):
    if name != "accounts:sign-in":
        client.force_login(alice)

    response = client.get(reverse(name))
    page = response.content.decode()

    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    assert "style=" not in page
    assert "<style" not in page
    assert "<script>" not in page
    assert " onclick" not in page


@pytest.mark.parametrize(
    ("kept", "written"),
    [
        ("dark", ' data-theme="dark"'),
        ("light", ' data-theme="light"'),
        ('"><script>', ""),
        ("", ""),
    ],
)
def test_pages_come_in_the_theme_that_is_kept(client, kept, written):
    client.cookies["theme"] = kept

    page = client.get(reverse("accounts:sign-in")).content.decode()

    assert f'<html lang="en"{written}>' in page
