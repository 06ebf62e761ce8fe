"""Directories, and lists of files of all kinds."""

from typing import Any

import pytest

from accounts import services as accounts
from tests.v5.conftest import Programme, problems, programme_of, refusal

pytestmark = pytest.mark.django_db

FLOW: dict[str, Any] = {"attributes": {}}
FIELDS = {
    "id",
    "parent_id",
    "name",
    "path",
    "description",
    "readme",
    "tags",
    "created_at",
    "updated_at",
}


@pytest.fixture
def files(api: Programme) -> dict[str, dict[str, Any]]:
    """By their paths."""
    made = [
        api.made("prompts", path="a/bot", model="m"),
        api.made("flows", path="a/b/flow", **FLOW),
        api.made("tools", path="tool", attributes={"a": 1}),
    ]
    return {one["path"]: one for one in made}


def by_path(api: Programme) -> dict[str, dict[str, Any]]:
    return {one["path"]: one for one in api.get("directories").json()}


def test_directories_come_with_the_paths_through_them_in_a_bare_list(api: Programme, files):
    found = by_path(api)

    assert list(found) == ["a", "a/b"]
    assert set(found["a"]) == FIELDS
    assert (found["a/b"]["name"], found["a/b"]["parent_id"]) == ("b", found["a"]["id"])
    assert (found["a"]["parent_id"], found["a"]["tags"]) == (None, [])
    assert files["a/bot"]["directory_id"] == found["a"]["id"]
    assert files["tool"]["directory_id"] is None


def test_a_directory_tells_what_is_in_it_and_around_it(api: Programme, files):
    found = by_path(api)

    top = api.get(f"directories/{found['a']['id']}").json()
    inner = api.get(f"directories/{found['a/b']['id']}").json()

    assert set(top) == FIELDS | {"subdirectories", "files", "parents"}
    assert top["subdirectories"] == [found["a/b"]]
    assert top["files"] == [files["a/bot"]]
    assert (inner["parents"], inner["files"]) == ([found["a"]], [files["a/b/flow"]])


def test_directories_are_made_at_paths_and_in_others(api: Programme):
    made = api.post("directories", {"path": "/x/y/"})
    assert (made.status_code, made.json()["path"]) == (201, "x/y")
    inner = api.post("directories", {"name": "z", "parent_id": made.json()["id"]})
    assert inner.json()["path"] == "x/y/z"
    assert api.post("directories", {"name": "top"}).json()["path"] == "top"
    assert list(by_path(api)) == ["top", "x", "x/y", "x/y/z"]

    assert refusal(api.post("directories", {"path": "x"})) == (409, "conflict_error")
    assert refusal(api.post("directories", {"name": "q", "parent_id": "dir_x"}))[0] == 404
    for body, field in (({}, "path"), ({"path": "a//b"}, "path"), ({"name": "a/b"}, "name")):
        assert problems(api.post("directories", body)) == [(["body", field], "value_error")]


def test_a_directory_is_moved_with_all_that_is_in_it(api: Programme, files):
    found = by_path(api)
    top = f"directories/{found['a']['id']}"

    assert api.patch(top, {"name": "c"}).json()["path"] == "c"
    assert list(by_path(api)) == ["c", "c/b"]
    assert api.get(f"flows/{files['a/b/flow']['id']}").json()["path"] == "c/b/flow"
    inner = f"directories/{found['a/b']['id']}"
    assert api.patch(inner, {"path": "d/e"}).json()["path"] == "d/e"
    assert api.patch(inner, {"parent_id": found["a"]["id"]}).json()["path"] == "c/e"
    assert api.patch(inner).json()["path"] == "c/e"
    assert problems(api.patch(top, {"path": "c/e/f"})) == [(["body", "path"], "value_error")]
    assert refusal(api.patch(top, {"path": "d"}))[0] == 409


def test_only_empty_directories_are_deleted(api: Programme, files):
    inner = by_path(api)["a/b"]["id"]
    assert refusal(api.delete(f"directories/{inner}")) == (409, "conflict_error")
    api.delete(f"flows/{files['a/b/flow']['id']}")

    assert api.delete(f"directories/{inner}").status_code == 204
    assert refusal(api.get(f"directories/{inner}"))[0] == 404


def test_strangers_find_no_directory_and_viewers_change_none(
    api: Programme, vera_api: Programme, bob, files
):
    accounts.create_use_case(user=bob, name="Bob's")
    stranger = programme_of(bob)
    one = f"directories/{by_path(api)['a']['id']}"

    for method in ("GET", "PATCH", "DELETE"):
        assert refusal(stranger.send(method, one))[0] == 404
    assert stranger.get("directories").json() == []
    inside = {"name": "x", "parent_id": one.partition("/")[2]}
    assert refusal(stranger.post("directories", inside))[0] == 404
    assert vera_api.get(one).status_code == 200
    for method in ("PATCH", "DELETE"):
        assert refusal(vera_api.send(method, one))[0] == 403
    assert refusal(vera_api.post("directories", {"path": "new"}))[0] == 403
    assert stranger.get("files").json()["total"] == 0
    assert refusal(stranger.post("files/retrieve-by-path", {"path": "tool"}))[0] == 404


def test_files_of_all_kinds_are_listed_together(api: Programme, files):
    def paths(**query: Any) -> list[str]:
        answer = api.get("files", **query).json()
        assert set(answer) == {"records", "page", "size", "total"}
        return [one["path"] for one in answer["records"]]

    by_name = {"sort_by": "name", "order": "asc"}
    assert paths(**by_name) == ["a/bot", "a/b/flow", "tool"]
    assert paths(**by_name, page=2, size=2) == ["tool"]
    assert paths(**by_name, page=3, size=2) == []
    assert paths(**by_name, type=["flow", "tool"]) == ["a/b/flow", "tool"]
    assert paths(type="dataset") == []
    assert paths(**by_name, path="/a/") == ["a/bot", "a/b/flow"]
    assert paths(**by_name, path="a/b") == ["a/b/flow"]
    assert paths(name="OT") == ["a/bot"]
    assert len(paths(environment="production")) == 3
    assert paths(environment="staging") == []
    assert [loc for loc, _ in problems(api.get("files", type="king"))] == [["query", "type", 0]]
    assert api.get("files").json()["records"][0] == files["tool"]


def test_a_file_of_any_kind_is_retrieved_by_its_path(api: Programme, files):
    for path, file in files.items():
        assert api.post("files/retrieve-by-path", {"path": path}).json() == file
    staged = api.post("files/retrieve-by-path", {"path": "tool"}, environment="staging")
    assert refusal(staged)[0] == 404
    assert refusal(api.post("files/retrieve-by-path", {"path": "nowhere"}))[0] == 404
    assert problems(api.post("files/retrieve-by-path")) == [(["body", "path"], "missing")]
