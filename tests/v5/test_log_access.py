"""Who may do what with logs: strangers find nothing, viewers change nothing, nobody comes in without
a key."""

import pytest

from accounts.services import create_use_case
from tests.v5.conftest import Programme, programme_of, refusal
from tests.v5.test_logs import logged
from tracing.models import Log

pytestmark = pytest.mark.django_db

ROUTES = [
    ("POST", "prompts/log"),
    ("POST", "flows/log"),
    ("POST", "tools/log"),
    ("POST", "evaluators/log"),
    ("PATCH", "prompts/pr_1/log/x"),
    ("PATCH", "tools/tl_1/log/x"),
    ("PATCH", "flows/logs/x"),
    ("GET", "logs"),
    ("DELETE", "logs"),
    ("GET", "logs/x"),
    ("POST", "import/otel/v1/traces"),
    ("POST", "/import/otel/v1/traces"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_a_key_it_is_401(db, method, path):
    for token in (None, "wrong"):
        response = Programme(token).send(method, path, {})
        assert refusal(response) == (401, "unauthorized_error")
        assert response["WWW-Authenticate"]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_other_methods_are_405(api: Programme, method, path):
    response = api.send("PUT", path, {})
    assert refusal(response) == (405, "method_not_allowed_error")
    assert method in response["Allow"]


@pytest.fixture
def world(api: Programme):
    """A log of each kind, of alice's, in a trace, with a judgment."""
    top = logged(api, "flow", log_id="top")
    prompt = logged(api, log_id="answer", trace_parent_id="top")
    tool = logged(api, "tool", log_id="tool", trace_parent_id="answer")
    rating = api.made("evaluators/log", path="rating", parent_id="answer", judgment="good")
    return {"top": top, "prompt": prompt, "tool": tool, "rating": rating}


def changes(world):
    prompt, tool = world["prompt"], world["tool"]
    return [
        ("PATCH", f"prompts/{prompt['prompt_id']}/log/answer", {"output": "x"}),
        ("PATCH", f"tools/{tool['tool_id']}/log/tool", {"output": "x"}),
        ("PATCH", "flows/logs/top", {"output": "x"}),
        ("POST", "prompts/log", {"id": prompt["prompt_id"]}),
        ("POST", "prompts/log", {"id": prompt["prompt_id"], "prompt": {"model": "new"}}),
        ("POST", "flows/log", {"id": world["top"]["flow_id"]}),
        ("POST", "tools/log", {"id": tool["tool_id"]}),
        ("POST", "evaluators/log", {"id": world["rating"]["evaluator_id"], "parent_id": "answer"}),
    ]


def rows():
    return list(Log.objects.order_by("pk").values())


def test_a_stranger_finds_nothing(api: Programme, bob, world):
    own = create_use_case(user=bob, name="Bob's")
    stranger = programme_of(bob, own)
    before = rows()

    reads = [("GET", f"logs/{world[name]['id']}", None) for name in world]
    reads += [("GET", f"logs?file_id={world['prompt']['prompt_id']}", None)]
    for method, path, body in [*changes(world), *reads]:
        assert refusal(stranger.send(method, path, body)) == (404, "not_found_error"), path
    assert stranger.delete("logs?id=top&id=answer&id=" + world["rating"]["id"]).status_code == 204
    assert rows() == before
    mine = logged(stranger)
    for body in (
        {"trace_parent_id": "top"},
        {"trace_parent_id": world["rating"]["id"]},
    ):
        assert refusal(stranger.post("prompts/log", {"path": "some/prompt", **body}))[0] == 404
        url = f"prompts/{mine['prompt_id']}/log/{mine['id']}"
        assert refusal(stranger.patch(url, body))[0] == 404
    judged = {"path": "rating", "parent_id": "answer", "judgment": "bad"}
    assert refusal(stranger.post("evaluators/log", judged))[0] == 404
    # An id that somebody else chose is free in another use case.
    assert logged(stranger, log_id="top")["id"] == "top"
    assert stranger.get("logs/top").json()["prompt"]["path"] == "some/prompt"
    assert api.get("logs/top").json()["flow"]["path"] == "some/flow"


def test_a_viewer_reads_and_changes_nothing(vera_api: Programme, world):
    before = rows()
    for name in world:
        assert vera_api.get(f"logs/{world[name]['id']}").status_code == 200
    assert vera_api.get("logs", file_id=world["prompt"]["prompt_id"]).json()["total"] == 1
    for method, path, body in changes(world):
        assert refusal(vera_api.send(method, path, body)) == (403, "forbidden_error"), path
    assert refusal(vera_api.delete("logs?id=top"))[0] == 403
    assert refusal(vera_api.post("prompts/log", {"path": "n", "prompt": {"model": "m"}}))[0] == 403
    assert rows() == before


def test_a_parent_is_of_the_same_use_case(api: Programme, alice, world):
    other = programme_of(alice, create_use_case(user=alice, name="Another"))
    refused = other.post("tools/log", {"path": "t", "tool": {}, "trace_parent_id": "top"})
    assert refusal(refused)[0] == 404
    # Named by its id, the tool is where the trace is.
    made = other.made("tools/log", id=world["tool"]["tool_id"], trace_parent_id="top")
    assert api.get(f"logs/{made['id']}").json()["trace_id"] == "top"
    # An id that we made means the same everywhere, one that a caller chose only where it was chosen.
    assert other.get(f"logs/{made['id']}").status_code == 200
    assert other.get("logs/answer").status_code == 404
    assert other.patch("flows/logs/top", {"output": "x"}).status_code == 404
    assert other.delete("logs?id=top").status_code == 204
    assert api.get("logs/top").status_code == 200
