"""Below /api/ everything is JSON, whatever goes wrong."""

import pytest
from django.db import connection
from django.test import Client, RequestFactory

from config.api.errors import describe
from config.errors import AppError, Conflict, Forbidden, InvalidInput
from config.pages import server_error
from tests.api.conftest import Api


@pytest.mark.parametrize(
    "path",
    [
        "genai/nowhere/",
        "genai/chatPrompts",
        "genai/chatPrompts/X/",
        f"genai/chatPrompts/{'A' * 24}/",
        f"genai/chatPrompts/{'0' * 24}/more/",
        "genai/status/x/",
        "genai/",
    ],
)
def test_unknown_genai_routes_are_404_in_its_form(path, db, settings):
    for settings.DEBUG in (False, True):
        response = Api(None).get(path)

        assert response.status_code == 404
        assert response["Content-Type"] == "application/json"
        assert list(response.json()) == ["detail"]
        assert not response.cookies


@pytest.mark.parametrize("path", ["", "nowhere/", "useCases", "version"])
def test_unknown_platform_routes_are_404_in_its_form(path, db):
    response = Api(None).get(path)

    assert response.status_code == 404
    assert list(response.json()) == ["message"]


def test_an_unknown_post_is_no_csrf_failure(db):
    client = Client(enforce_csrf_checks=True)

    response = client.post("/api/v2/genai/nowhere/", {"a": "b"})

    assert response.status_code == 404


def test_a_page_that_is_not_there_stays_a_page(client, db, alice):
    client.force_login(alice)

    assert client.get("/nowhere/")["Content-Type"].startswith("text/html")


def test_a_refused_host_is_told_in_json(api):
    response = api.request("get", "version/", HTTP_HOST="evil.example")

    assert response.status_code == 400
    assert response["Content-Type"] == "application/json"
    assert list(response.json()) == ["message"]


@pytest.mark.parametrize("scheme", ["Token", "Bearer", "token", "BEARER"])
def test_both_schemes_are_understood(api, scheme):
    api.scheme = scheme

    assert api.get("version/").json() == {"major": 2, "minor": 49, "versionString": "2.49.0"}


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "Bearer \x00", "Bearer é"]
)
def test_other_credentials_are_401(header, db):
    response = Client().get("/api/v2/version/", headers={"authorization": header})

    assert response.status_code == 401
    assert response.json()["message"]


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*", "x", ""])
def test_answers_are_json_whatever_is_accepted(api, accept):
    response = api.request("get", "version/", HTTP_ACCEPT=accept)

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"


def test_a_format_in_the_query_changes_nothing(api):
    assert api.get("version/?format=html").status_code == 200


def test_a_crash_is_500_in_json_and_says_nothing_of_its_cause(api, caplog):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_usecase RENAME TO mislaid")

    response = api.get("useCases/")

    assert response.status_code == 500
    assert response["Content-Type"] == "application/json"
    assert "accounts_usecase" not in response.content.decode()
    assert "accounts_usecase" in caplog.text


def test_a_crash_outside_the_views_is_500_in_json():
    response = server_error(RequestFactory().get("/api/v2/genai/llms/"))

    assert (response.status_code, response["Content-Type"]) == (500, "application/json")
    assert b"detail" in response.content


@pytest.mark.parametrize(
    ("error", "status", "loc"),
    [
        (Conflict("Not now."), 409, None),
        (Forbidden("Not you."), 403, None),
        (InvalidInput("Too big.", field="chunk_size"), 422, ["chunkingParameters", "chunkSize"]),
        (
            InvalidInput("Too big.", field="max_tokens"),
            422,
            ["vectorDatabaseSettings", "maxTokens"],
        ),
        (InvalidInput("None.", field="some_new.field_name"), 422, ["someNew", "fieldName"]),
        (AppError("Nothing to do."), 422, []),
    ],
)
def test_errors_of_the_verbs_have_their_status_and_place(error, status, loc):
    found, detail = describe(error)

    assert found == status
    if loc is None:
        assert detail == error.message
    else:
        assert detail == [{"loc": ["body", *loc], "msg": error.message, "type": "value_error"}]


def test_a_body_may_be_missing_with_its_type(api, use_case, dataset):
    path = f"useCases/{use_case.pk}/datasets/{dataset.pk}/"

    assert api.request("post", path, content_type="").status_code == 201


def test_a_forwarded_host_is_not_believed(api, chat):
    response = api.request(
        "post",
        "genai/chatPrompts/",
        {"text": "a", "chatId": chat.pk},
        HTTP_X_FORWARDED_HOST="evil.example",
    )

    assert response["Location"].startswith("http://testserver/")
