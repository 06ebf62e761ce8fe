"""What all lists have in common, of every list that the document describes."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from config.api.docs import document
from tests.api.bodies import QUERIES
from tests.api.conftest import Api, problems
from tests.api.world import World, address, filled, standing

pytestmark = pytest.mark.django_db
PAGING = {"offset", "limit"}


def lists() -> dict[str, list[dict[str, Any]]]:
    """The parameters of each list that has pages."""
    return {
        path.removeprefix("/api/v2/"): item["get"]["parameters"]
        for path, item in document()["paths"].items()
        if {place["name"] for place in item.get("get", {}).get("parameters", [])} >= PAGING
    }


LISTS = lists()
SORTED = [
    pytest.param(path, place["name"], place["schema"]["enum"], id=f"{path} {place['name']}")
    for path, places in LISTS.items()
    for place in places
    if place["name"] in {"sort", "orderBy"}
]
SEARCHED = [
    path for path, places in LISTS.items() if "search" in {place["name"] for place in places}
]


@pytest.fixture(scope="module")
def worlds(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Api, list[World]]]:
    media = tmp_path_factory.mktemp("media")
    with standing(django_db_blocker, media, "Same", "Same", "Oil") as made:
        yield made


@pytest.fixture
def get(worlds: tuple[Api, list[World]]) -> Any:
    """The answer at a path, or at a link as it stands in one."""

    def at(path: str) -> Any:
        return worlds[0].get(path.removeprefix("http://testserver/api/v2/"))

    return at


@pytest.fixture
def look(worlds: tuple[Api, list[World]]) -> Any:
    """The answer of a list, of the first world's things where the list is of something."""
    api, [world, *_] = worlds

    def at(path: str, **query: Any) -> Any:
        of_it = address(re.sub(r"\{\w+\}", "*", path), world)
        return api.get(of_it, filled(QUERIES.get(path, {}), world) | query)

    return at


def records(response: Any) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.content
    found: list[dict[str, Any]] = response.json()["data"]
    return found


@pytest.mark.parametrize("path", LISTS)
def test_pages_are_cut_from_one_order(path: str, look: Any, get: Any):
    whole = look(path).json()
    assert whole["count"] == len(whole["data"]) == whole["totalCount"]
    assert whole["next"] is whole["previous"] is None

    page = look(path, limit=1).json()
    found = page["data"]
    while page["next"]:
        assert page["next"].startswith("http://testserver/api/v2/")
        page = get(page["next"]).json()
        found += page["data"]
    assert found == whole["data"]
    if len(found) > 1:
        assert get(page["previous"]).json()["data"] == whole["data"][-2:-1]


@pytest.mark.parametrize("path", LISTS)
def test_pages_have_bounds(path: str, look: Any):
    for name, value, kind in (
        ("limit", "0", "greater_than_equal"),
        ("limit", "x", "int_parsing"),
        ("offset", "-1", "greater_than_equal"),
        ("offset", "1.5", "int_parsing"),
    ):
        response = look(path, **{name: value})
        assert response.status_code == 422
        if path.startswith("genai/"):
            assert (["query", name], kind) in problems(response)
        else:
            assert name in response.json()["errors"]
    assert look(path, limit=5000, offset=5000).json()["data"] == []


@pytest.mark.parametrize(("path", "name", "words"), SORTED)
def test_sorts_order_totally_in_both_directions(path: str, name: str, words: list[str], look: Any):
    for word in words:
        order = records(look(path, **{name: word}))
        opposite = word[1:] if word.startswith("-") else f"-{word}"
        assert records(look(path, **{name: opposite})) == order[::-1], word
        pages = [
            records(look(path, **{name: word, "limit": 1, "offset": number}))
            for number in range(len(order))
        ]
        assert [one for page in pages for one in page] == order, word


@pytest.mark.parametrize(("path", "name", "words"), SORTED)
def test_other_sorts_are_refused(path: str, name: str, words: list[str], look: Any):
    for word in ("", "x", "--name", "+name", words[0].upper()):
        assert look(path, **{name: word}).status_code == 422, word


@pytest.mark.parametrize("path", SEARCHED)
def test_a_search_is_for_a_part_of_the_name_in_any_case(path: str, look: Any):
    everything = [one["name"] for one in records(look(path))]
    found = [one["name"] for one in records(look(path, search="OIL"))]

    assert found == [name for name in everything if "oil" in name.lower()]
    assert len(everything) > len(found)
    assert records(look(path, search="%")) == []


def id_filters() -> list[Any]:
    return [
        pytest.param(path, place["name"], id=f"{path} {place['name']}")
        for path, places in LISTS.items()
        for place in places
        if re.search(r"Ids?$|^vectorDatabases$", place["name"])
    ]


@pytest.mark.parametrize(("path", "name"), id_filters())
def test_ids_of_nothing_find_nothing(path: str, name: str, look: Any, get: Any):
    for value in ("0" * 24, "x", ""):
        if path in QUERIES:  # where one filter is as good as another
            assert records(get(f"{path}?{name}={value}")) == []
        else:
            assert records(look(path, **{name: value})) == []


def test_a_filter_of_too_many_ids_says_so(worlds: Any):
    ids = ["x"] * 1_001

    response = worlds[0].get("genai/vectorDatabases/", {"useCaseId": ids})

    assert problems(response) == [(["query", "useCaseId"], "too_long")]
    assert records(worlds[0].get("genai/vectorDatabases/", {"useCaseId": ids[1:]})) == []
