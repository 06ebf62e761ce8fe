"""The page of charts."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.pages.conftest import HTMX


@pytest.fixture
def url(use_case, client, alice) -> str:
    client.force_login(alice)
    return reverse("tracing:log-charts", args=[use_case.pk])


def test_every_figure_has_a_picture_and_stands_in_a_table(client, url, world):
    shown = client.get(url).content.decode()

    assert shown.count("<svg ") == 6
    for name in ("Logs", "Latency", "Tokens", "Cost", "Errors", "Feedback"):
        assert f"<h2>{name}</h2>" in shown
    assert "1 log, " in shown
    assert shown.count('<td class="nowrap">') == 15
    assert "1.24 s" in shown
    assert "style=" not in shown


def test_a_step_tells_its_figures_to_who_points_at_it(client, url, world):
    assert "<title>" + f"{timezone.now():%-d %b}: 1</title>" in client.get(url).content.decode()


def test_a_version_leads_to_its_logs_in_the_same_filter(client, url, world, alice):
    world.log.blueprint = world.blueprint
    world.log.blueprint_version = world.blueprint.current
    world.log.save()

    shown = client.get(url, {"face": "chat"}).content.decode()

    assert f"path={world.blueprint.path}&amp;version=1&amp;face=chat" in shown


def test_htmx_gets_the_charts_alone(client, url, world):
    shown = client.get(url, {"face": "chat"}, headers=HTMX).content.decode()

    assert shown.startswith('<section id="logs"')
    assert f'data-url="{url}?face=chat"' in shown


def test_a_time_without_logs_says_so(client, url, world):
    later = timezone.now() + timedelta(days=2)

    shown = client.get(url, {"since": f"{later:%Y-%m-%dT%H:%M}"}).content.decode()

    assert "No logs in this time" in shown


@pytest.mark.parametrize(
    ("data", "field"), [({"since": "1990-01-01"}, "since"), ({"status": "odd"}, "status")]
)
def test_what_is_wrong_with_the_filter_stands_at_its_field(client, url, world, data, field):
    response = client.get(url, data)

    assert response.status_code == 422
    shown = response.content.decode()
    assert 'class="errorlist"' in shown.split(f'id="errors-{field}"')[1].split("</div>")[0]
    assert "<svg " not in shown


def test_words_count_here_too(client, url, world):
    assert "1 log, " in client.get(url, {"text": "thirty days"}).content.decode()
    assert "No logs in this time" in client.get(url, {"text": "zebra"}).content.decode()
