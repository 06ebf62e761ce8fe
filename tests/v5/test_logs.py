"""Logs that programs send: each field comes back as it was sent, in the form of its type."""

from typing import Any

import pytest

from tests.v5.conftest import Programme, problems, refusal
from tracing.models import LogPayload

pytestmark = pytest.mark.django_db

COMMON: dict[str, Any] = {
    "start_time": "2024-05-01T12:00:00Z",
    "end_time": "2024-05-01T12:00:03.250000Z",
    "created_at": "2024-05-01T12:00:04Z",
    "output": " Ahoy! ",
    "error": "a warning",
    "provider_latency": 0.81,
    "stdout": "debug",
    "provider_request": {"model": "m"},
    "provider_response": {"id": "x", "nested": [{"a": None}]},
    "inputs": {"person": "a pirate", "n": 1.5},
    "source": "tests",
    "metadata": {"team": ["a"]},
    "log_status": "complete",
    "source_datapoint_id": "dp_1",
    "user": "customer-7",
    "environment": "a label",
    "batches": ["b1"],
}
MESSAGE = {"role": "assistant", "content": "Ahoy!", "tool_calls": [
    {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
]}  # fmt: skip
MESSAGES = [
    {"role": "user", "content": [{"type": "text", "text": "Hi"}], "name": None},
    {"role": "tool", "content": "3", "tool_call_id": "c0"},
]
OF_PROMPTS: dict[str, Any] = {
    "messages": MESSAGES,
    "output_message": MESSAGE,
    "tool_choice": {"type": "function", "function": {"name": "add"}},
    "prompt_tokens": 20,
    "reasoning_tokens": 1,
    "output_tokens": 3,
    "prompt_cost": 0.000000123456,
    "output_cost": 0.25,
    "finish_reason": "stop",
}
OF_KIND: dict[str, dict[str, Any]] = {
    "prompt": OF_PROMPTS,
    "flow": {"messages": MESSAGES, "output_message": MESSAGE},
    "tool": {"output_message": MESSAGE},
}
DETAILS = {
    "prompt": {"model": "some-model", "template": "Be {{person}}."},
    "flow": {"attributes": {"a": 1}},
    "tool": {"function": {"name": "add", "description": "Adds."}},
}
KINDS = ["prompt", "flow", "tool"]
TYPES = {"prompt", "flow", "tool", "evaluator"}


def logged(api: Programme, kind: str = "prompt", path: str = "", **body: Any) -> dict[str, Any]:
    path = path or f"some/{kind}"
    return api.made(f"{kind}s/log", path=path, **{kind: DETAILS[kind]}, **body)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_comes_back_as_it_was_sent(api: Programme, kind):
    sent = {**COMMON, **OF_KIND[kind]}
    made = logged(api, kind, log_id="mine-1", **sent)

    assert made["id"] == "mine-1"
    assert made[f"{kind}_id"]
    assert made["version_id"]
    assert made.get("session_id") is None
    found = api.get("logs/mine-1").json()
    assert {name: found[name] for name in sent} == sent
    assert (found["id"], found["log_id"], found["save"]) == ("mine-1", "mine-1", True)
    assert found["evaluator_logs"] == []
    assert TYPES & set(found) == {kind}
    assert (found[kind]["id"], found[kind]["version_id"], found[kind]["type"]) == (
        made[f"{kind}_id"], made["version_id"], kind
    )  # fmt: skip
    assert found[kind]["total_logs_count"] == found[kind]["version_logs_count"] == 1
    assert found[kind]["last_used_at"]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_needed_but_the_file(api: Programme, kind):
    nulls: dict[str, Any] = dict.fromkeys(
        [*COMMON, *OF_KIND[kind], "trace_parent_id", "log_id", "id", "save", "run_id"]
    )
    for body in ({}, nulls):
        made = logged(api, kind, **body)
        found = api.get(f"logs/{made['id']}").json()
        assert made["id"].startswith("log_")
        for name in ("output", "error", "provider_latency", "metadata", "user", "end_time"):
            assert found[name] is None
        assert (found["inputs"], found["batches"]) == ({}, [])
        assert found["start_time"].endswith("Z")
        assert found["log_status"] == ("incomplete" if kind == "flow" else "complete")
    again = api.post(f"{kind}s/log", {"path": f"some/{kind}"})
    assert again.json()["version_id"] == made["version_id"]


def test_a_log_of_a_known_version_takes_few_queries(api: Programme, django_assert_num_queries):
    """Programs may write hundreds a second. Token, use case, version, role; log with payload; the
    beginning and the end of the transaction, which is one within the test's."""
    for _ in range(3):
        logged(api)

    with django_assert_num_queries(7):
        logged(api)


def test_a_flow_log_tells_its_status_and_its_trace(api: Programme):
    made = logged(api, "flow")
    found = api.get(f"logs/{made['id']}").json()

    assert made["log_status"] == "incomplete"
    assert found["trace_id"] == found["trace_flow_id"] == made["id"]
    assert (found["trace_parent_id"], found["trace_children"]) == (None, [])
    alone = api.get(f"logs/{logged(api)['id']}").json()
    assert [alone[f"trace_{name}"] for name in ("id", "flow_id", "parent_id", "children")] == [
        None
    ] * 4


def test_a_deployed_or_named_version_is_logged_by_path_or_id(api: Programme):
    first = logged(api)
    second = api.made("prompts", path="some/prompt", model="another")
    body = {"path": "some/prompt"}

    assert api.post("prompts/log", body).json()["version_id"] == first["version_id"]
    found = api.post("prompts/log", {"id": first["prompt_id"]}, version_id=second["version_id"])
    assert found.json()["version_id"] == second["version_id"]
    found = api.post("prompts/log", {}, version_id=second["version_id"])
    assert found.json()["prompt_id"] == first["prompt_id"]
    found = api.post("prompts/log", body, environment="production")
    assert found.json()["version_id"] == first["version_id"]
    assert refusal(api.post("prompts/log", body, environment="staging"))[0] == 404
    assert refusal(api.post("prompts/log", body, environment="none"))[0] == 404
    assert refusal(api.post("prompts/log", {"path": "nowhere"}))[0] == 404
    assert refusal(api.post("prompts/log", {"id": "pr_" + "0" * 24}))[0] == 404
    refused = api.post("prompts/log", {**body, "prompt": {"model": "x"}}, environment="production")
    assert problems(refused) == [(["body", "prompt"], "value_error")]
    assert problems(api.post("prompts/log", {})) == [(["body", "path"], "value_error")]


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"output": 3}, "string_type"),
        ({"output": {"a": 1}}, "string_type"),
        ({"start_time": "yesterday"}, "datetime_parsing"),
        ({"start_time": 5}, "datetime_parsing"),
        ({"created_at": "9999-12-31T23:59:59-10:00"}, "datetime_parsing"),
        ({"provider_latency": -1}, "greater_than_equal"),
        ({"prompt_tokens": -1}, "greater_than_equal"),
        ({"prompt_tokens": 2**40}, "less_than_equal"),
        ({"prompt_tokens": 1.5}, "int_from_float"),
        ({"prompt_cost": 1e12}, "less_than_equal"),
        ({"inputs": []}, "dict_type"),
        ({"metadata": "x"}, "dict_type"),
        ({"log_status": "done"}, "enum"),
        ({"tool_choice": "must"}, "enum"),
        ({"save": "yes"}, "bool_type"),
        ({"user": "x" * 201}, "string_too_long"),
        ({"batches": "b"}, "list_type"),
        ({"log_id": "a/b"}, "value_error"),
        ({"log_id": ""}, "value_error"),
    ],
)
def test_wrong_fields_are_refused_and_nothing_is_made(api: Programme, wrong, kind):
    refused = api.post("prompts/log", {"path": "p", "prompt": {"model": "m"}, **wrong})

    assert problems(refused) == [(["body", *wrong], kind)]
    assert api.get("prompts").json()["total"] == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"messages": [{"content": "x"}]},
        {"messages": "x"},
        {"output_message": {"role": "nobody"}},
        {"tool_choice": {"type": "function"}},
        {"prompt": "just text"},
        {"prompt": {"template": "x"}},
    ],
)
def test_wrong_inner_fields_are_refused(api: Programme, wrong):
    body = {"path": "p", "prompt": {"model": "m"}, **wrong}
    [name] = wrong
    assert all(loc[:2] == ["body", name] for loc, _ in problems(api.post("prompts/log", body)))
    assert api.get("prompts").json()["total"] == 0


def test_times_without_an_offset_are_utc(api: Programme):
    made = logged(api, start_time="2024-05-01T12:00:00", end_time="2024-05-01T14:00:00.5+01:00")
    found = api.get(f"logs/{made['id']}").json()
    assert (found["start_time"], found["end_time"]) == (
        "2024-05-01T12:00:00Z", "2024-05-01T13:00:00.500000Z"
    )  # fmt: skip


def test_only_a_message_makes_the_output_too(api: Programme):
    made = logged(api, "tool", output_message={"role": "assistant", "content": "Aye"})
    assert api.get(f"logs/{made['id']}").json()["output"] == "Aye"


def test_a_taken_id_is_a_conflict(api: Programme):
    logged(api, log_id="x")
    again = {"path": "new", "prompt": {"model": "m"}, "log_id": "x"}
    assert refusal(api.post("prompts/log", again)) == (409, "conflict_error")
    assert refusal(api.post("tools/log", {"path": "t", "tool": {}, "log_id": "x"}))[0] == 409
    assert [one["path"] for one in api.get("files").json()["records"]] == ["some/prompt"]


def test_what_is_not_saved_is_not_there(api: Programme, caplog):
    caplog.set_level("DEBUG")
    made = logged(
        api, save=False, **{**COMMON, **OF_PROMPTS, "output": "SECRET", "stdout": "SECRET"}
    )
    found = api.get(f"logs/{made['id']}").json()

    assert not LogPayload.objects.exists()
    for name in (
        "output",
        "output_message",
        "messages",
        "stdout",
        "provider_request",
        "provider_response",
    ):
        assert found[name] is None
    assert (found["inputs"], found["save"]) == ({}, False)
    for name in ("prompt_tokens", "prompt_cost", "finish_reason", "metadata", "provider_latency"):
        assert found[name] == {**COMMON, **OF_PROMPTS}[name]
    assert "SECRET" not in caplog.text
    changed = api.patch(f"prompts/{made['prompt_id']}/log/{made['id']}", {"output": "SECRET"})
    assert changed.json()["output"] is None
    assert not LogPayload.objects.exists()


@pytest.mark.parametrize("kind", ["prompt", "tool"])
def test_a_change_names_what_it_changes(api: Programme, kind):
    made = logged(api, kind, **COMMON, **OF_KIND[kind])
    url = f"{kind}s/{made[f'{kind}_id']}/log/{made['id']}"

    changed = api.patch(url, {"output": "Arr", "log_id": "new", "save": False, "id": "x"}).json()

    expected = {**COMMON, **OF_KIND[kind], "output": "Arr", "id": made["id"], "save": True}
    assert {name: changed[name] for name in expected} == expected
    assert changed == api.get(f"logs/{made['id']}").json()
    cleared = api.patch(url, dict.fromkeys([*COMMON, *OF_KIND[kind]])).json()
    for name in {*COMMON, *OF_KIND[kind]} - {
        "start_time",
        "created_at",
        "log_status",
        "inputs",
        "batches",
    }:
        assert cleared[name] is None
    assert (cleared["inputs"], cleared["batches"], cleared["log_status"]) == ({}, [], "complete")
    assert api.patch(url).json() == cleared
    assert problems(api.patch(url, {"output": 3})) == [(["body", "output"], "string_type")]


def test_a_change_needs_the_log_of_that_file(api: Programme):
    made = logged(api)
    other = logged(api, path="other")
    tool = logged(api, "tool")
    for url in (
        f"prompts/{other['prompt_id']}/log/{made['id']}",
        f"prompts/{made['prompt_id']}/log/log_{'0' * 24}",
        f"prompts/pr_{'0' * 24}/log/{made['id']}",
        f"prompts/{tool['tool_id']}/log/{tool['id']}",
        f"tools/{tool['tool_id']}/log/{made['id']}",
        f"flows/logs/{made['id']}",
        "flows/logs/none",
    ):
        assert refusal(api.patch(url, {"output": "x"})) == (404, "not_found_error")


def test_logs_go_with_their_file_and_what_was_below_them_stays(api: Programme):
    made = logged(api)
    below = logged(api, "tool", trace_parent_id=made["id"])

    assert api.delete(f"prompts/{made['prompt_id']}").status_code == 204

    assert refusal(api.get(f"logs/{made['id']}"))[0] == 404
    assert api.get(f"logs/{below['id']}").json()["trace_parent_id"] is None


def test_logs_are_deleted_by_their_ids(api: Programme):
    one, two, three = (logged(api, log_id=f"l{n}")["id"] for n in range(3))
    child = logged(api, "tool", trace_parent_id=one)["id"]

    assert api.delete(f"logs?id={one}&id=unknown&id={two}&id=log_{'0' * 24}").status_code == 204

    assert refusal(api.get(f"logs/{one}")) == (404, "not_found_error")
    assert api.get(f"logs/{three}").status_code == 200
    assert api.get(f"logs/{child}").json()["trace_id"] is None
    assert problems(api.delete("logs")) == [(["query", "id"], "missing")]
