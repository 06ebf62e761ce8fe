"""Prompts, flows and tools below /v5/: what each verb answers."""

from typing import Any

import pytest

from accounts import services as accounts
from blueprints.kinds import Kind
from tests.v5.conftest import Programme, problems, programme_of, refusal

pytestmark = pytest.mark.django_db

BODIES: dict[Kind, dict[str, Any]] = {
    "prompt": {"model": "gpt-x", "temperature": 0.5},
    "flow": {"attributes": {"commit": "abc"}},
    "tool": {"function": {"name": "add", "description": "Adds."}},
}
OTHERS: dict[Kind, dict[str, Any]] = {
    "prompt": {"model": "gpt-y"},
    "flow": {"attributes": {"commit": "def"}},
    "tool": {"source_code": "def add(): ..."},
}
PREFIXES = {"prompt": "pr", "flow": "fl", "tool": "tl"}
KINDS = pytest.mark.parametrize("kind", list(BODIES))
EVERYWHERE = {
    "path",
    "id",
    "directory_id",
    "name",
    "description",
    "readme",
    "tags",
    "type",
    "version_id",
    "version_name",
    "version_description",
    "environments",
    "created_at",
    "updated_at",
    "last_used_at",
    "created_by",
    "version_logs_count",
    "total_logs_count",
    "evaluators",
    "evaluator_aggregates",
}
OWN = {
    "prompt": {
        "model",
        "endpoint",
        "template",
        "template_language",
        "provider",
        "max_tokens",
        "temperature",
        "top_p",
        "presence_penalty",
        "frequency_penalty",
        "stop",
        "other",
        "seed",
        "response_format",
        "reasoning_effort",
        "tools",
        "linked_tools",
        "attributes",
        "inputs",
        "schema",
        "raw_file_content",
    },
    "flow": {"attributes"},
    "tool": {"function", "source_code", "setup_values", "attributes", "tool_type", "inputs"},
}


@KINDS
def test_an_upsert_makes_a_file_with_every_field(api: Programme, kind: Kind):
    made = api.made(f"{kind}s", path="/team/bot/", **BODIES[kind])

    assert set(made) == EVERYWHERE | OWN[kind]
    assert made["id"].startswith(f"{PREFIXES[kind]}_")
    assert made["version_id"].startswith(f"{PREFIXES[kind]}v_")
    assert made["directory_id"].startswith("dir_")
    assert (made["path"], made["name"], made["type"]) == ("team/bot", "bot", kind)
    for time in ("created_at", "updated_at", "last_used_at"):
        assert made[time].endswith("Z")
    assert made["version_logs_count"] == made["total_logs_count"] == 0
    assert [(one["name"], one["tag"]) for one in made["environments"]] == [
        ("production", "default")
    ]
    assert made["created_by"]["email_address"] == "alice@example.com"
    assert api.get(f"{kind}s/{made['id']}").json() == made


@KINDS
def test_the_same_details_answer_the_same_version_and_describe_it(api: Programme, kind: Kind):
    made = api.made(f"{kind}s", path="bot", **BODIES[kind])

    again = api.made(
        f"{kind}s",
        id=made["id"],
        path="bot",
        **BODIES[kind],
        version_name="v1",
        version_description="The first",
        description="A bot",
        tags=["a"],
        readme="# Bot",
    )
    other = api.made(f"{kind}s", path="bot", **OTHERS[kind])

    assert again["version_id"] == made["version_id"] != other["version_id"]
    assert other["id"] == made["id"]
    assert (again["version_name"], again["version_description"]) == ("v1", "The first")
    assert (other["version_name"], other["version_description"]) == (None, None)
    assert (other["description"], other["tags"], other["readme"]) == ("A bot", ["a"], "# Bot")
    assert other["environments"] == []
    taken = api.post(f"{kind}s", {"path": "bot", "version_name": "v1", **OTHERS[kind]})
    assert refusal(taken) == (409, "conflict_error")


@KINDS
def test_versions_are_wrapped_but_not_paged_and_the_newest_is_first(api: Programme, kind: Kind):
    made = api.made(f"{kind}s", path="bot", **BODIES[kind])
    other = api.made(f"{kind}s", path="bot", **OTHERS[kind])

    answer = api.get(f"{kind}s/{made['id']}/versions", evaluator_aggregates="true").json()

    assert list(answer) == ["records"]
    assert [one["version_id"] for one in answer["records"]] == [
        other["version_id"],
        made["version_id"],
    ]


@KINDS
def test_versions_are_deployed_and_taken_out_again(api: Programme, kind: Kind):
    made = api.made(f"{kind}s", path="bot", **BODIES[kind])
    other = api.made(f"{kind}s", path="bot", **OTHERS[kind])
    places = f"{kind}s/{made['id']}/environments"
    by_name = {one["name"]: one for one in api.get(places).json()}
    assert by_name["production"]["file"]["version_id"] == made["version_id"]
    assert by_name["production"]["tag"] == "default"
    assert (by_name["staging"]["file"], by_name["staging"]["tag"]) == (None, "other")

    for place in ("staging", by_name["staging"]["id"]):
        put = api.send(
            "POST", f"{places}/{place}", query={"version_id": other["version_id"]}, kind=""
        )
        assert put.json()["version_id"] == other["version_id"]
    assert [one["name"] for one in put.json()["environments"]] == ["staging"]
    got = api.get(f"{kind}s/{made['id']}", environment="staging").json()
    assert got["version_id"] == other["version_id"]
    gone = api.delete(f"{places}/staging")

    assert (gone.status_code, gone.content) == (204, b"")
    assert refusal(api.get(f"{kind}s/{made['id']}", environment="staging"))[0] == 404
    assert refusal(api.delete(f"{places}/nowhere"))[0] == 404
    assert problems(api.post(f"{places}/staging")) == [(["query", "version_id"], "missing")]


@KINDS
def test_a_version_is_got_by_its_id_or_an_environment(api: Programme, kind: Kind):
    made = api.made(f"{kind}s", path="bot", **BODIES[kind])
    other = api.made(f"{kind}s", path="bot", **OTHERS[kind])
    strange = api.made(f"{kind}s", path="strange", **BODIES[kind])
    path = f"{kind}s/{made['id']}"

    assert api.get(path).json()["version_id"] == made["version_id"]
    for query in ({"version_id": other["version_id"]}, {"version_id": made["version_id"]}):
        assert api.get(path, **query).json()["version_id"] == query["version_id"]
    for query in (
        {"version_id": strange["version_id"]},
        {"version_id": "x"},
        {"version_id": made["id"]},
        {"environment": "staging"},
        {"environment": "nowhere"},
    ):
        assert refusal(api.get(path, **query))[0] == 404


@KINDS
def test_a_version_is_named_and_deleted(api: Programme, kind: Kind):
    made = api.made(f"{kind}s", path="bot", **BODIES[kind])
    other = api.made(f"{kind}s", path="bot", **OTHERS[kind])
    root = f"{kind}s/{made['id']}/versions"

    named = api.patch(f"{root}/{other['version_id']}", {"name": "v2", "description": None})
    assert named.json()["version_name"] == "v2"
    assert refusal(api.patch(f"{root}/{made['version_id']}", {"name": "v2"}))[0] == 409
    assert refusal(api.delete(f"{root}/{made['version_id']}"))[0] == 409
    assert api.delete(f"{root}/{other['version_id']}").status_code == 204
    assert refusal(api.delete(f"{root}/{other['version_id']}"))[0] == 404


@KINDS
def test_a_file_is_moved_and_deleted(api: Programme, kind: Kind):
    made = api.made(f"{kind}s", path="bot", **BODIES[kind])
    api.made(f"{kind}s", path="taken", **BODIES[kind])
    path = f"{kind}s/{made['id']}"

    assert api.patch(path, {"path": "team/a", "name": None}).json()["path"] == "team/a"
    assert api.patch(path, {"name": "b"}).json()["path"] == "team/b"
    assert refusal(api.patch(path, {"path": "taken"})) == (409, "conflict_error")
    assert problems(api.patch(path, {"path": "a//b"})) == [(["body", "path"], "value_error")]
    assert api.patch(path).json()["path"] == "team/b"
    assert api.delete(path).status_code == 204
    assert refusal(api.get(path))[0] == 404


@KINDS
def test_pages_end_in_an_empty_one(api: Programme, kind: Kind):
    for name in ("a/one", "b/Two", "three"):
        api.made(f"{kind}s", path=name, **BODIES[kind])

    def page(**query: Any) -> list[str]:
        answer = api.get(f"{kind}s", **query).json()
        assert set(answer) == {"records", "page", "size", "total"}
        return [one["name"] for one in answer["records"]]

    assert set(page()) == {"one", "Two", "three"}
    assert page(page=2, size=2, sort_by="created_at", order="asc") == ["three"]
    assert page(page=3, size=2) == []
    assert page(size=0) == []
    assert page(name="T", sort_by="name", order="asc") == ["three", "Two"]
    assert page(name="T", sort_by="name") == ["Two", "three"]
    assert page(name="b/") == []
    assert page(user_filter="ALICE", page=1, size=1) != []
    assert page(user_filter="nobody") == []
    answer = api.get(f"{kind}s", page=9, size=2)
    assert answer.json() == {"records": [], "page": 9, "size": 2, "total": 3}
    for query in ({"page": 0}, {"size": -1}, {"page": "x"}, {"sort_by": "path"}, {"order": "up"}):
        [(loc, _)] = problems(api.get(f"{kind}s", **query))
        assert loc == ["query", next(iter(query))]


@KINDS
def test_lists_take_as_many_queries_whatever_their_length(
    api: Programme, kind: Kind, django_assert_max_num_queries
):
    for number in range(5):
        api.made(f"{kind}s", path=f"d/{number}", **BODIES[kind])
    with django_assert_max_num_queries(14):
        assert len(api.get(f"{kind}s").json()["records"]) == 5


@KINDS
def test_logs_are_counted_and_go_with_their_file(api: Programme, kind: Kind):
    made = api.made(f"{kind}s", path="bot", **BODIES[kind])
    other = api.made(f"{kind}s", path="bot", **OTHERS[kind])
    logged = [
        api.post(f"{kind}s/log", {"path": "bot", "output": "x"}, version_id=one["version_id"])
        for one in (made, made, other)
    ]
    parent = {"trace_parent_id": logged[0].json()["id"]}
    child = api.made("flows/log", path="elsewhere", flow={"attributes": {"a": 1}}, **parent)

    shown = api.get(f"{kind}s/{made['id']}").json()

    assert (shown["version_logs_count"], shown["total_logs_count"]) == (2, 3)
    assert shown["last_used_at"] > made["last_used_at"]
    assert api.delete(f"{kind}s/{made['id']}").status_code == 204
    assert refusal(api.get(f"logs/{logged[0].json()['id']}"))[0] == 404
    assert api.get(f"logs/{child['id']}").json()["trace_parent_id"] is None


def test_a_list_shows_what_is_deployed_by_default_or_else_the_newest(api: Programme):
    made = api.made("prompts", path="bot", **BODIES["prompt"])
    other = api.made("prompts", path="bot", **OTHERS["prompt"])
    assert api.get("prompts").json()["records"] == [made]

    api.delete(f"prompts/{made['id']}/environments/production")

    assert api.get("prompts").json()["records"] == [other]


@KINDS
def test_strangers_find_nothing_and_viewers_change_nothing(
    api: Programme, bob_api: Programme, vera_api: Programme, bob, kind: Kind
):
    accounts.create_use_case(user=bob, name="Bob's")
    stranger = programme_of(bob)
    made = api.made(f"{kind}s", path="bot", **BODIES[kind])
    one = f"{kind}s/{made['id']}"
    version = f"{one}/versions/{made['version_id']}"
    place = f"{one}/environments/production"
    reads = [("GET", one), ("GET", f"{one}/versions"), ("GET", f"{one}/environments")]
    writes = [
        ("PATCH", one),
        ("DELETE", one),
        ("PATCH", version),
        ("DELETE", version),
        ("POST", f"{place}?version_id={made['version_id']}"),
        ("DELETE", place),
    ]
    for method, path in reads + writes:
        assert stranger.send(method, path).status_code == 404, path
        assert bob_api.send(method, path).status_code == 404, path
        assert Programme(None).send(method, path).status_code == 401, path
    assert stranger.get(f"{kind}s").json()["total"] == 0
    assert refusal(stranger.post(f"{kind}s", {"id": made["id"], **BODIES[kind]}))[0] == 404
    for method, path in reads:
        assert vera_api.send(method, path).status_code == 200
    for method, path in writes:
        assert refusal(vera_api.send(method, path)) == (403, "forbidden_error")
    for path in ("bot", "new"):
        answer = vera_api.post(f"{kind}s", {"path": path, **BODIES[kind]})
        assert refusal(answer) == (403, "forbidden_error")


@pytest.mark.parametrize("key", ["", "wrong", "gw_\x00", "é"])
@pytest.mark.parametrize("path", ["prompts", "files", "directories"])
def test_without_a_key_it_is_401_in_json(db, path, key):
    answer = Programme(key).get(path)

    assert refusal(answer) == (401, "unauthorized_error")
    assert answer["Content-Type"] == "application/json"
    assert not answer.cookies


@KINDS
@pytest.mark.parametrize(
    ("method", "path"), [("PUT", ""), ("DELETE", ""), ("POST", "/x"), ("GET", "/x/versions/y")]
)
def test_wrong_methods_are_told_in_json(api: Programme, kind: Kind, method, path):
    answer = api.send(method, f"{kind}s{path}")

    assert refusal(answer) == (405, "method_not_allowed_error")
    assert answer["Allow"]


@KINDS
@pytest.mark.parametrize("raw", [b"{", b"[1", b"\xff"])
def test_what_is_no_json_is_400(api: Programme, kind: Kind, raw):
    assert refusal(api.post(f"{kind}s", raw)) == (400, "bad_request_error")


@KINDS
def test_a_body_that_is_no_object_is_422(api: Programme, kind: Kind):
    assert problems(api.post(f"{kind}s", b"[1]")) == [(["body"], "model_attributes_type")]


@KINDS
def test_neither_path_nor_id_is_422(api: Programme, kind: Kind):
    assert problems(api.post(f"{kind}s", BODIES[kind])) == [(["body", "path"], "value_error")]


@KINDS
def test_other_kinds_are_not_found_by_their_ids_and_refused_by_their_paths(
    api: Programme, kind: Kind
):
    other: Kind = "flow" if kind != "flow" else "tool"
    made = api.made(f"{other}s", path="bot", **BODIES[other])

    assert refusal(api.get(f"{kind}s/{made['id']}"))[0] == 404
    taken = api.post(f"{kind}s", {"path": "bot", **BODIES[kind]})
    assert problems(taken) == [(["body", "path"], "value_error")]
