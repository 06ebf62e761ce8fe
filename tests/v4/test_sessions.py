"""Sessions of version 4, as the guide about chained calls has them: by plain HTTP."""

import pytest

from accounts.services import create_use_case
from tests.v5.conftest import Programme, problems, programme_of, refusal
from tracing.models import Log, Session

pytestmark = pytest.mark.django_db

MODEL = {
    "type": "model",
    "model": "some-model",
    "chat_template": [{"role": "user", "content": "{{q}}"}],
}
TOOL = {
    "type": "tool",
    "name": "search",
    "description": "Finds.",
    "source_code": "def search(): ...",
}


def test_the_guides_flow(old: Programme, api: Programme):
    session = {"session_reference_id": "9c1e"}
    assistant = old.made(
        "logs", project="assistant", config=MODEL, inputs={"q": "?"}, output="A", **session
    )
    search = old.made(
        "logs", project="search", config=TOOL, inputs={"q": "?"}, output="B", **session
    )
    parent = old.made("logs", project="whole", reference_id="p", inputs={"user": "x"}, **session)
    child = old.made(
        "logs", project="assistant", config=MODEL, output="C", parent_reference_id="p", **session
    )
    grandchild = old.made("logs", project="search", parent_id=child["id"], output="D")
    done = old.patch("logs?reference_id=p", {"output": "All of it", "duration": 1.5}).json()

    assert all(one["id"].startswith("data_") for one in (assistant, search, parent, child))
    [session_id] = {one["session_id"] for one in (assistant, search, parent, child, grandchild)}
    assert session_id.startswith("sesh_")
    assert child["project_id"] == assistant["project_id"]
    assert (done["output"], done["duration"], done["reference_id"]) == ("All of it", 1.5, "p")
    assert (done["inputs"], done["session_reference_id"]) == ({"user": "x"}, "9c1e")
    found = old.get(f"logs/{child['id']}").json()
    assert (found["parent_id"], found["parent_reference_id"]) == (parent["id"], "p")
    told = old.get(f"sessions/{session_id}").json()
    assert told["datapoints_count"] == 5
    assert (told["reference_id"], told["first_inputs"], told["last_output"]) == (
        "9c1e",
        {"q": "?"},
        "D",
    )
    assert sorted((one["name"], one["type"]) for one in told["projects"]) == [
        ("assistant", "prompt"), ("search", "tool"), ("whole", "prompt")
    ]  # fmt: skip
    assert told["updated_at"] >= told["created_at"]
    new = api.get(f"logs/{grandchild['id']}").json()
    assert (new["trace_id"], new["trace_parent_id"]) == (parent["id"], child["id"])
    assert new["tool"]["path"] == "search"


def test_a_session_may_be_made_first(old: Programme):
    made = old.post("sessions")
    assert made.status_code == 201
    session_id = made.json()["id"]
    assert old.get(f"sessions/{session_id}").json()["datapoints_count"] == 0

    log = old.made("logs", project="a", config=MODEL, session_id=session_id)
    assert log["session_id"] == session_id
    assert old.made("logs", project="a", config=MODEL)["session_id"] is None


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"session_id": "sesh_" + "0" * 24}, 404),
        ({"session_id": "x"}, 404),
        ({"parent_id": "log_" + "0" * 24}, 404),
        ({"parent_reference_id": "none"}, 404),
        ({"session_id": "x", "session_reference_id": "y"}, 422),
        ({"parent_id": "x", "parent_reference_id": "y"}, 422),
        ({"session_reference_id": "another", "parent_reference_id": "p"}, 422),
        ({"reference_id": "p"}, 409),
        ({"config_id": "prv_" + "0" * 24, "config": None}, 404),
        ({"config_id": "nothing", "config": None}, 404),
        ({"config_id": "prv_" + "0" * 24}, 422),
        ({"project_id": "pr_" + "0" * 24, "project": None}, 404),
        ({"project": None}, 422),
        ({"config": TOOL}, 422),
        ({"config": {"type": "model"}}, 422),
        ({"config": {"type": "other", "model": "m"}}, 422),
        ({"config": "x"}, 422),
        ({"output": 3}, 422),
        ({"duration": -1}, 422),
        ({"session_reference_id": ""}, 422),
        ({"session_reference_id": "x" * 201}, 422),
        ({"reference_id": ""}, 422),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_is_made(old: Programme, wrong, status):
    old.made("logs", project="a", config=MODEL, session_reference_id="s", reference_id="p")
    before = (Log.objects.count(), Session.objects.count())
    body = {"project": "a", "config": MODEL, **wrong}

    for one in (body, [{"project": "new", "config": MODEL}, body]):
        response = old.post("logs", one)
        assert response.status_code == status, response.content
        assert response.json()["detail"]

    assert (Log.objects.count(), Session.objects.count()) == before


def test_a_list_is_answered_by_a_list_and_holds_no_parents_of_its_own(old: Programme):
    bodies = [{"project": name, "config": MODEL, "reference_id": name} for name in ("a", "b")]
    made = old.post("logs", bodies).json()
    assert [one["project_id"] for one in made] == [
        old.get(f"logs/{one['id']}").json()["project_id"] for one in made
    ]
    assert old.post("logs", []).json() == []
    together = [
        {"project": "a", "config": MODEL, "reference_id": "new"},
        {"project": "a", "config": MODEL, "parent_reference_id": "new"},
    ]
    assert refusal(old.post("logs", together))[0] == 404
    assert problems(old.post("logs", [bodies[0], {"output": 3}])) == [
        (["body", 1, "output"], "string_type")
    ]


def test_sessions_of_a_project_come_in_pages_from_one(
    old: Programme, django_assert_max_num_queries
):
    made = [
        old.made("logs", project="a", config=MODEL, session_reference_id=f"s{n}", output=str(n))
        for n in range(3)
    ]
    old.made("logs", project="b", config=MODEL, session_reference_id="other")
    query = {"project_id": made[0]["project_id"]}

    pages = [old.get("sessions", **query, size=2, page=page).json() for page in (1, 2, 3)]

    assert [[row["last_output"] for row in page["records"]] for page in pages] == [
        ["2", "1"],
        ["0"],
        [],
    ]
    assert [page["total"] for page in pages] == [3, 3, 3]
    assert problems(old.get("sessions")) == [(["query", "project_id"], "missing")]
    assert problems(old.get("sessions", **query, page=0)) == [
        (["query", "page"], "greater_than_equal")
    ]
    assert refusal(old.get("sessions", project_id="pr_" + "0" * 24))[0] == 404
    with django_assert_max_num_queries(15):
        old.get("sessions", **query)


def test_strangers_find_nothing_and_viewers_change_nothing(
    old: Programme, old_vera: Programme, bob
):
    made = old.made("logs", project="a", config=MODEL, session_reference_id="s", reference_id="p")
    token = programme_of(bob, create_use_case(user=bob, name="Bob's")).token
    stranger = Programme(token, root="v4")
    body = {"project": "b", "config": MODEL}
    for wrong in (
        {"session_id": made["session_id"]},
        {"parent_id": made["id"]},
        {"parent_reference_id": "p"},
        {"project_id": made["project_id"], "project": None},
    ):
        assert refusal(stranger.post("logs", body | wrong))[0] == 404
    for method, path in (
        ("GET", f"logs/{made['id']}"),
        ("PATCH", f"logs/{made['id']}"),
        ("PATCH", "logs?reference_id=p"),
        ("GET", f"logs?project_id={made['project_id']}"),
        ("GET", f"sessions/{made['session_id']}"),
        ("GET", f"sessions?project_id={made['project_id']}"),
    ):
        assert refusal(stranger.send(method, path))[0] == 404
    judged = {"type": "rating", "value": "good", "data_id": made["id"]}
    assert refusal(stranger.post("feedback", judged))[0] == 404
    # The words are free in another use case, and mean other things there.
    own = stranger.made("logs", **body, session_reference_id="s", reference_id="p")
    assert own["session_id"] != made["session_id"]

    for method, path, sent in (
        ("POST", "logs", {"project": "a", "session_reference_id": "new"}),
        ("POST", "logs", {"project": "new", "config": MODEL}),
        ("POST", "sessions", None),
        ("POST", "feedback", judged),
        ("PATCH", "logs?reference_id=p", {"output": "x"}),
        ("PATCH", f"logs/{made['id']}", {"output": "x"}),
        ("DELETE", f"logs?id={made['id']}", None),
    ):
        assert refusal(old_vera.send(method, path, sent))[0] == 403
    assert old_vera.get(f"logs/{made['id']}").status_code == 200
    assert old_vera.get(f"sessions/{made['session_id']}").json()["datapoints_count"] == 1


@pytest.mark.parametrize(
    "path", ["logs", "logs/x", "sessions", "sessions/x", "feedback", "nowhere", "", "logs/"]
)
def test_without_a_key_or_a_route(db, api: Programme, path):
    is_route = path.strip("/") == path and path not in ("", "nowhere")
    response = Programme(None, root="v4").send("GET", path)
    assert refusal(response)[0] == (401 if is_route else 404)
    response = Programme(api.token, root="v4").send("PUT", path, {})
    assert refusal(response)[0] == (405 if is_route else 404)
