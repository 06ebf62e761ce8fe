"""Pages that the database takes too long for end, and say what to do."""

import psycopg
import pytest
from django.urls import reverse

from accounts.services import create_use_case
from blueprints.files import get_or_make
from config.database import connection_parameters
from tracing import log_pages

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def held():
    """Whoever asks this table waits from now on."""
    with psycopg.connect(**connection_parameters()) as other:
        yield lambda table: other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        other.rollback()


@pytest.fixture
def get(client, alice, use_case, monkeypatch):
    monkeypatch.setattr(log_pages, "_MOST_SECONDS", 0.2)
    client.force_login(alice)

    def get(name: str, *arguments: str, **query: str) -> str:
        response = client.get(reverse(f"playground:{name}", args=arguments), query)
        assert response.status_code == 200
        return str(response.content.decode())

    return get


@pytest.fixture
def version(alice, use_case):
    return get_or_make(
        user=alice,
        use_case=use_case,
        kind="prompt",
        path="desk/bot",
        file_id=None,
        details={"model": "m", "provider": "mock"},
    )


def test_the_palette(get, held):
    held("vectordb_document")

    shown = get("palette", q="a")

    assert "too much to look through at once: type more letters." in shown
    assert "Nothing is called" not in shown


def test_the_list_of_prompts(get, held, use_case, version):
    held("blueprints_file")

    shown = get("path-list", use_case.pk)

    assert "too much to look through at once: look for other words" in shown
    assert "No prompts yet" not in shown


def test_figures_alone(get, held, use_case, version):
    held("tracing_stalehour")

    for shown in (
        get("path-list", use_case.pk),
        get("blueprint-versions", version.blueprint_id),
        get("blueprint-version", version.blueprint_id, version.pk),
    ):
        assert "too many calls to count them now" in shown
        assert "desk/bot" in shown or ">bot<" in shown


def test_nobody_else_waits(get, held, alice):
    create_use_case(user=alice, name="Fast")

    assert "Playgrounds" not in get("palette", q="fast")
    assert "too much" not in get("palette", q="fast")
