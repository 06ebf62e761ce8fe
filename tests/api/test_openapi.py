"""The description of the API: complete, without warnings, and readable under the page's policy."""

import io

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import get_resolver

from config.api.docs import document


def test_it_is_generated_without_a_warning():
    call_command("spectacular", "--fail-on-warn", "--validate", stdout=io.StringIO())


def test_it_describes_every_route():
    described = {path.replace("{", "<id:").replace("}", ">") for path in document()["paths"]}

    assert described == {f"/{route}" for route in routes(get_resolver())}


def routes(resolver, prefix=""):
    """The API's routes, without the description's own and the one for all others."""
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from routes(pattern, route)
        elif route.startswith("api/v2/") and "openapi" not in route:
            yield route


def operations():
    return [
        pytest.param(path, method, described, id=described["operationId"])
        for path, item in document()["paths"].items()
        for method, described in item.items()
    ]


@pytest.mark.parametrize(("path", "method", "described"), operations())
def test_every_operation_tells_its_answers_and_errors(path, method, described):
    answers = set(described["responses"])

    assert described["summary"]
    assert described["security"] == [{"token": []}]
    assert "401" in answers
    assert answers & {"200", "201", "202", "204"}
    if "{" in path:
        assert "404" in answers
    if method != "get":
        assert "403" in answers
    if "requestBody" in described:
        assert "422" in answers
    if "202" in answers:
        assert "Location" in described["responses"]["202"]["headers"]


def test_bounds_are_described():
    schemas = document()["components"]["schemas"]

    tokens = schemas["VectorDatabaseSettings"]["properties"]["maxTokens"]
    assert (tokens["minimum"], tokens["maximum"], tokens["nullable"]) == (1, 51_200, True)
    assert schemas["ChatPromptRequest"]["properties"]["text"]["maxLength"] == 500_000
    assert schemas["ChatPromptRequest"]["required"] == ["text"]


def test_tools_read_it_without_a_token(db):
    response = Client().get("/api/v2/openapi.json")

    assert response["Content-Type"] == "application/json"
    assert response.json()["openapi"].startswith("3.")


def test_the_page_describes_every_operation(page, running):
    page.goto(f"{running.url}/api/docs/")

    assert page.locator(".api-operation").count() == len(operations())
    page.locator("#createChatPrompt summary").click()
    page.locator("#createChatPrompt").get_by_text("ChatPromptRequest").click()
    assert page.locator("#schema-ChatPromptRequest").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
