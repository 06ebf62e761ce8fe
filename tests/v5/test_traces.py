"""Traces through the prompt API: nesting, completing, what is shown of a tree, judgments."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.v5.conftest import Programme, problems, refusal
from tests.v5.test_logs import logged
from tracing.surroundings import DEEPEST

pytestmark = pytest.mark.django_db

COMPLETE = {"log_status": "complete", "output": "Done"}


def get(api: Programme, log_id: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"logs/{log_id}").json()
    return found


def test_a_trace_is_begun_filled_and_completed(api: Programme):
    top = logged(api, "flow", log_id="top", inputs={"q": "?"}, start_time="2024-05-01T12:00:00Z")
    logged(api, log_id="a", trace_parent_id="top", start_time="2024-05-01T11:00:00Z")
    logged(api, "tool", log_id="b", trace_parent_id="a", end_time="2034-05-01T11:00:00Z")
    logged(api, "flow", log_id="c", trace_parent_id="b")
    logged(api, log_id="d", trace_parent_id="c")

    done = api.patch("flows/logs/top", COMPLETE).json()

    assert (done["log_status"], done["output"], done["inputs"]) == ("complete", "Done", {"q": "?"})
    assert done["start_time"] == "2024-05-01T11:00:00Z"
    assert done["end_time"] == "2034-05-01T11:00:00Z"
    assert done == get(api, "top")
    chain, names = done, []
    while chain["trace_children"]:
        [chain] = chain["trace_children"]
        names.append(
            (chain["id"], chain["trace_parent_id"], chain["trace_id"], chain["trace_flow_id"])
        )
    assert names == [
        (a, b, "top", "top") for a, b in (("a", "top"), ("b", "a"), ("c", "b"), ("d", "c"))
    ]
    assert get(api, "b")["trace_children"] is None
    assert [one["id"] for one in get(api, "c")["trace_children"]] == ["d"]
    assert top["id"] == done["flow"]["id"].replace(top["flow_id"], "top")


def test_what_was_not_completed_is_refused_what_is_takes_no_more(api: Programme):
    logged(api, "flow", log_id="top")
    refused = api.patch("flows/logs/top", {"log_status": "complete"})
    assert problems(refused) == [(["body", "log_status"], "value_error")]
    assert get(api, "top")["log_status"] == "incomplete"

    for word in (
        {"error": "no"},
        {"error": None, "output_message": {"role": "assistant", "content": "x"}},
    ):
        assert api.patch("flows/logs/top", {"log_status": "complete", **word}).status_code == 200
        assert (
            api.patch("flows/logs/top", {"log_status": "incomplete"}).json()["log_status"]
            == "incomplete"
        )
    assert api.patch("flows/logs/top", COMPLETE).json()["end_time"]

    for kind in ("prompt", "flow", "tool"):
        body = {"path": f"n/{kind}", kind: {"model": "m"}, "trace_parent_id": "top"}
        assert refusal(api.post(f"{kind}s/log", body)) == (409, "conflict_error")
        assert refusal(api.post(f"{kind}s/log", body | {"trace_parent_id": "none"}))[0] == 404
    assert [one["path"] for one in api.get("files").json()["records"]] == ["some/flow"]


def test_a_flow_log_changes_only_what_may_change(api: Programme):
    sent: dict[str, Any] = {
        "source": "a",
        "metadata": {"a": 1},
        "start_time": "2024-05-01T12:00:00Z",
        "user": "u",
    }
    logged(api, "flow", log_id="top", **sent)
    messages = [{"role": "user", "content": "Hi"}]

    body = {"messages": messages, "inputs": {"b": 2}, "source": "b", "metadata": {}, "user": "v"}
    changed = api.patch("flows/logs/top", body | {"start_time": "2025-05-01T12:00:00Z"}).json()

    assert {name: changed[name] for name in sent} == sent
    assert (changed["messages"], changed["inputs"]) == (messages, {"b": 2})
    cleared = api.patch(
        "flows/logs/top", {"messages": None, "inputs": None, "log_status": None}
    ).json()
    assert (cleared["messages"], cleared["inputs"], cleared["log_status"]) == (
        None,
        {},
        "incomplete",
    )


def test_a_trace_below_another_log_than_a_flow(api: Programme):
    logged(api, log_id="top")
    assert get(api, "top")["trace_id"] is None
    logged(api, "tool", log_id="a", trace_parent_id="top")
    assert [get(api, name)["trace_id"] for name in ("top", "a")] == ["top", "top"]
    assert [get(api, name)["trace_flow_id"] for name in ("top", "a")] == [None, None]


def test_a_log_moves_but_never_below_itself(api: Programme):
    logged(api, "flow", log_id="top")
    made = logged(api, log_id="a")
    logged(api, "tool", log_id="b", trace_parent_id="a")
    url = f"prompts/{made['prompt_id']}/log/a"

    for cycle in ("a", "b"):
        refused = api.patch(url, {"trace_parent_id": cycle})
        assert problems(refused) == [(["body", "trace_parent_id"], "value_error")]
    assert refusal(api.patch(url, {"trace_parent_id": "none"}))[0] == 404
    assert api.patch(url, {"trace_parent_id": "top"}).json()["trace_id"] == "top"
    assert get(api, "b")["trace_id"] == "top"
    assert api.patch(url, {"trace_parent_id": None}).json()["trace_parent_id"] is None
    assert get(api, "b")["trace_id"] == "a"


def test_a_rating_stands_with_what_it_rates(api: Programme):
    logged(api, "flow", log_id="top")
    logged(api, log_id="a", trace_parent_id="top")
    api.patch("flows/logs/top", COMPLETE)
    body = {"path": "rating", "parent_id": "a", "user": "u1"}

    made = api.made("evaluators/log", **body, judgment="good")

    assert set(made) >= {"id", "parent_id", "version_id", "session_id"}
    assert made["parent_id"] == "a"
    [rating] = get(api, "a")["evaluator_logs"]
    assert (rating["id"], rating["judgment"], rating["parent_id"]) == (made["id"], "good", "a")
    assert (rating["trace_id"], rating["trace_parent_id"], rating["parent"]) == (None, None, None)
    assert rating["evaluator"]["spec"]["options"][0] == {"name": "good", "valence": "positive"}
    assert rating["evaluator_logs"] == []
    for name in (
        "path",
        "id",
        "name",
        "version_id",
        "created_at",
        "last_used_at",
        "inputs",
        "type",
    ):
        assert name in rating["evaluator"]
    assert get(api, "top")["trace_children"][0]["evaluator_logs"][0]["id"] == made["id"]
    assert get(api, "top")["trace_children"][0]["trace_children"] == []

    api.made("evaluators/log", **body, judgment="bad")
    api.made("evaluators/log", **{**body, "user": "u2"}, judgment="good")
    assert [one["judgment"] for one in get(api, "a")["evaluator_logs"]] == ["bad", "good"]
    api.made("evaluators/log", **body, judgment=None)
    assert [one["user"] for one in get(api, "a")["evaluator_logs"]] == ["u2"]
    corrected = {"path": "correction", "parent_id": "a", "judgment": "It is 7."}
    assert api.post("evaluators/log", corrected).status_code == 200
    assert problems(api.post("evaluators/log", {**body, "judgment": "fine"})) == [
        (["body", "judgment"], "value_error")
    ]
    assert problems(api.post("evaluators/log", {"path": "rating"})) == [
        (["body", "parent_id"], "missing")
    ]
    assert refusal(api.post("evaluators/log", {**body, "parent_id": "none"}))[0] == 404
    assert refusal(api.post("evaluators/log", {**body, "path": "own"}))[0] == 404


@pytest.mark.parametrize("judgment", [True, False, 0, 0.5, "a", ["a", "b"], []])
def test_evaluators_of_ones_own_say_anything(api: Programme, judgment):
    logged(api, "flow", log_id="top")
    logged(api, log_id="a", trace_parent_id="top")
    spec = {"arguments_type": "target_free", "return_type": "number", "evaluator_type": "external"}
    own = {
        "path": "own",
        "spec": spec,
        "parent_id": "a",
        "trace_parent_id": "top",
        "marked_completed": True,
    }

    made = api.made("evaluators/log", **own, judgment=judgment, log_id="j")
    api.made("evaluators/log", path="own", parent_id="a", error="broken")

    found = get(api, "j")
    assert found["judgment"] == judgment
    assert type(found["judgment"]) is type(judgment)
    assert found["evaluator"]["spec"] == spec
    assert (found["trace_id"], found["trace_parent_id"], found["marked_completed"]) == (
        "top",
        "top",
        True,
    )
    assert [one["error"] for one in get(api, "a")["evaluator_logs"]] == [None, "broken"]
    assert {one["id"] for one in get(api, "top")["trace_children"]} == {"a", "j"}
    listed = api.get("logs", file_id=made["evaluator_id"], include_parent="true").json()["records"]
    assert [one["parent"]["prompt"]["path"] for one in listed] == ["some/prompt"] * 2
    assert problems(api.post("evaluators/log", own | {"judgment": {"a": 1}}))[0][0] == [
        "body",
        "judgment",
    ]


def test_a_trace_deeper_than_json_goes_is_shown_whole(api: Programme):
    parent = logged(api, "flow")["id"]
    tool = logged(api, "tool")["tool_id"]
    wanted = []
    for _ in range(DEEPEST + 5):
        parent = api.made("tools/log", id=tool, trace_parent_id=parent)["id"]
        wanted.append(parent)

    found, waiting, deepest = [], [(get(api, get(api, wanted[0])["trace_id"]), 0)], 0
    while waiting:
        log, depth = waiting.pop()
        deepest = max(deepest, depth)
        found.append(log["id"])
        waiting += [(child, depth + 1) for child in log["trace_children"]]
    assert set(wanted) < set(found)
    assert len(found) == len(wanted) + 1
    assert deepest == DEEPEST + 1
    assert get(api, wanted[-1])["trace_parent_id"] == wanted[-2]


def test_a_trace_is_read_in_a_bounded_number_of_queries(api: Programme):
    def statements(size: int) -> int:
        name = f"top{size}"
        logged(api, "flow", log_id=name)
        made = [logged(api, kind, trace_parent_id=name) for kind in ("prompt", "tool") * size]
        for one in made:
            api.made("evaluators/log", path="rating", parent_id=one["id"], judgment="good")
        with CaptureQueriesContext(connection) as queries:
            assert len(get(api, name)["trace_children"]) == 2 * size
        return len(queries)

    statements(1)
    assert statements(2) == statements(5) <= 25
