"""The blueprints of a playground at the left of its pages: duplicated, starred, locked, moved."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from blueprints.llm_settings import LLMSettings
from blueprints.models import Blueprint
from blueprints.settings import SettingsChanges
from playground import services
from tests.pages.conftest import HTMX


@pytest.fixture
def signed_in(client, alice, world):
    client.force_login(alice)
    return client


@pytest.fixture
def three(world, alice) -> list[Blueprint]:
    """In the order in which they came."""
    others = [
        services.copy_blueprint(world.blueprint, user=alice, playground=world.playground, name=name)
        for name in ("Warm", "Cold")
    ]
    return [world.blueprint, *others]


def send(client, world, act: str, blueprint: Blueprint, data=None, **headers):
    url = reverse(f"playground:blueprint-{act}", args=[world.playground.pk, blueprint.pk])
    return client.post(url, data or {}, **headers)


def order(world) -> list[str]:
    return [place.blueprint.name for place in world.playground.places.select_related("blueprint")]


def listed(page: str) -> list[str]:
    return re.findall(r'<summary id="more-\w+" aria-label="More about (\w+)"', page)


def test_a_duplicate_has_the_settings_and_a_name_of_its_own(signed_in, world):
    url = reverse("playground:blueprint-duplicate", args=[world.playground.pk, world.blueprint.pk])
    assert 'value="Baseline 2"' in signed_in.get(url).content.decode()

    response = signed_in.post(url, {"name": "Twin"})

    twin = Blueprint.objects.get(name="Twin")
    assert response.headers["Location"].endswith(f"?blueprint={twin.pk}")
    assert twin.current.vector_database == world.database
    assert order(world) == ["Baseline", "Twin"]
    assert signed_in.post(url, {"name": ""}).status_code == 422


def test_starred_blueprints_come_first_in_the_list_and_in_comparisons(signed_in, world, three):
    response = send(signed_in, world, "star", three[2], {"is_starred": "1"}, headers=HTMX)

    page = response.content.decode()
    assert listed(page) == ["Cold", "Baseline", "Warm"]
    assert "Cold is starred and comes first." in page
    assert page.count('aria-hidden="true">★') == 1
    assert f'<summary id="more-{three[2].pk}"' in page
    assert "<html" not in page
    compare = signed_in.get(f"/playgrounds/{world.playground.pk}/compare/?new").content.decode()
    names = re.findall(r'<span class="clip">(Cold|Baseline|Warm)</span>', compare)
    assert names[:3] == ["Cold", "Baseline", "Warm"]

    send(signed_in, world, "star", three[2], {"is_starred": "0"})
    assert order(world) == ["Baseline", "Warm", "Cold"]


def test_a_blueprint_is_moved_for_everybody_and_keeps_its_colour(signed_in, world, three):
    hues = {place.blueprint.name: place.hue for place in world.playground.places.all()}

    response = send(signed_in, world, "move", three[2], {"to": "0"}, headers=HTMX)

    assert listed(response.content.decode()) == ["Cold", "Baseline", "Warm"]
    assert "Cold is number 1 of 3." in response.content.decode()
    assert order(world) == ["Cold", "Baseline", "Warm"]
    assert {place.blueprint.name: place.hue for place in world.playground.places.all()} == hues


def test_the_menu_that_was_used_stays_open_and_the_reader_where_they_are(signed_in, world, three):
    data = {"to": "1", "current": three[1].pk}

    page = send(signed_in, world, "move", three[2], data, headers=HTMX).content.decode()

    [opened] = re.findall(r'<details class="menu more" open><summary id="more-(\w+)"', page)
    assert opened == three[2].pk
    assert page.count("data-current") == 1
    without_scripts = send(signed_in, world, "move", three[2], data)
    assert without_scripts.headers["Location"].endswith(f"?blueprint={three[1].pk}")


@pytest.mark.parametrize(
    ("to", "found"),
    [
        (-5, ["Baseline", "Warm", "Cold"]),
        (2, ["Baseline", "Cold", "Warm"]),
        (99, ["Baseline", "Cold", "Warm"]),
    ],
)
def test_nothing_is_moved_over_those_with_a_star(world, alice, three, to, found):
    services.update_blueprint(three[0], user=alice, is_starred=True)

    services.move_blueprint(world.playground, user=alice, blueprint=three[1], to=to)

    assert order(world) == found


def test_starred_ones_are_moved_among_themselves(world, alice, three):
    for blueprint in three[:2]:
        services.update_blueprint(blueprint, user=alice, is_starred=True)

    services.move_blueprint(world.playground, user=alice, blueprint=three[0], to=9)

    assert order(world) == ["Warm", "Baseline", "Cold"]


def test_what_comes_later_comes_last_with_a_colour_of_its_own(world, alice, three):
    services.move_blueprint(world.playground, user=alice, blueprint=three[2], to=0)

    services.copy_blueprint(three[0], user=alice, playground=world.playground, name="Late")

    assert order(world)[-1] == "Late"
    assert len({place.hue for place in world.playground.places.all()}) == 4


@pytest.mark.parametrize("to", ["", "x", "1.5", "9" * 30])
def test_a_place_that_is_none_is_refused(signed_in, world, three, to):
    assert send(signed_in, world, "move", three[2], {"to": to}).status_code == 422

    assert order(world) == ["Baseline", "Warm", "Cold"]


def test_a_blueprint_of_another_playground_is_not_found(signed_in, world, alice, use_case):
    other = services.create_playground(user=alice, use_case=use_case, name="Other")
    for act in ("star", "lock", "move", "pattern", "duplicate"):
        url = reverse(f"playground:blueprint-{act}", args=[other.pk, world.blueprint.pk])
        assert signed_in.post(url, {"to": "0"}).status_code == 404


def test_the_list_takes_a_fixed_number_of_queries(
    signed_in, world, three, alice, django_assert_num_queries
):
    with CaptureQueriesContext(connection) as few:
        send(signed_in, world, "star", three[0], {"is_starred": "1"}, headers=HTMX)
    for name in ("D", "E", "F"):
        services.copy_blueprint(three[0], user=alice, playground=world.playground, name=name)
    with django_assert_num_queries(len(few)):
        send(signed_in, world, "star", three[0], {"is_starred": "1"}, headers=HTMX)


@pytest.mark.parametrize("act", ["star", "lock", "move", "pattern", "duplicate"])
def test_viewers_change_nothing_of_the_list(client, vera, world, three, act):
    client.force_login(vera)
    data = {"is_starred": "1", "is_locked": "1", "is_pattern": "1", "to": "2", "name": "Mine"}

    response = send(client, world, act, three[0], data)

    assert response.status_code == 403
    assert order(world) == ["Baseline", "Warm", "Cold"]
    assert not Blueprint.objects.filter(is_starred=True).exists()
    assert not Blueprint.objects.exclude(locked_by=None).exists()
    world.playground.refresh_from_db()
    assert world.playground.pattern is None


def test_viewers_are_offered_the_history_alone(client, vera, world):
    client.force_login(vera)

    page = client.get(f"/chats/{world.chat.pk}/").content.decode()

    assert "data-draggable" not in page
    menu = page.split('id="more-')[1].split("</details>")[0]
    assert re.findall(r">([A-Z][a-z]+)<", menu) == ["History"]


def test_new_blueprints_begin_like_the_pattern_as_it_is_then(signed_in, world, alice, three):
    send(signed_in, world, "pattern", three[1], {"is_pattern": "1"})
    changes = SettingsChanges(llm_settings=LLMSettings(temperature=0.75))
    services.update_blueprint(three[1], user=alice, changes=changes)
    url = reverse("playground:blueprint-create", args=[world.playground.pk])

    page = signed_in.get(url).content.decode()

    assert 'name="temperature" value="0.75"' in page
    assert "It begins with the settings of <b>Warm</b>" in page
    answer = send(signed_in, world, "pattern", three[1], {"is_pattern": "0"}, headers=HTMX)
    assert "New blueprints begin afresh from now on." in answer.content.decode()
    assert 'value="0.75"' not in signed_in.get(url).content.decode()


def test_a_pattern_that_left_the_playground_is_none(signed_in, world, alice, use_case, three):
    other = services.create_playground(user=alice, use_case=use_case, name="Other")
    services.add_blueprint(other, user=alice, blueprint=three[1])
    services.set_pattern(world.playground, user=alice, blueprint=three[1])
    services.remove_blueprint(world.playground, user=alice, blueprint=three[1])

    assert services.pattern_of(world.playground) is None
    services.set_pattern(world.playground, user=alice, blueprint=three[2])
    services.delete_blueprint(three[2], user=alice)
    world.playground.refresh_from_db()
    assert services.pattern_of(world.playground) is None
