"""Logs of version 4: the same as version 5's, under the old names."""

from typing import Any

import pytest

from tests.v5.conftest import Programme, problems, refusal

pytestmark = pytest.mark.django_db

CONFIG = {
    "type": "model",
    "model": "some-model",
    "chat_template": [{"role": "system", "content": "Be {{x}}."}],
    "temperature": 0.5,
    "max_tokens": 7,
    "tools": [{"name": "add", "parameters": {"type": "object"}}],
}
SENT: dict[str, Any] = {
    "inputs": {"x": "kind"},
    "messages": [{"role": "user", "content": "Hi"}],
    "output": " Hello ",
    "output_message": {"role": "assistant", "content": "Hello"},
    "source": "sdk",
    "metadata": {"a": 1},
    "source_datapoint_id": "dp",
    "environment": "label",
    "created_at": "2024-05-01T12:00:00Z",
    "error": "odd",
    "stdout": "out",
    "duration": 1.25,
    "prompt_tokens": 5,
    "output_tokens": 2,
    "prompt_cost": 0.5,
    "output_cost": 0.25,
    "provider_request": {"a": 1},
    "provider_response": {"b": 2},
    "judgment": 0.5,
    "reference_id": "r",
    "user": "u",
}


def test_every_field_comes_back_and_is_seen_by_version_5(old: Programme, api: Programme):
    made = old.made("logs", project="bot", config=CONFIG, **SENT)
    found = old.get(f"logs/{made['id']}").json()

    assert {name: found[name] for name in SENT} == SENT
    assert (found["project"], found["project_id"]) == ("bot", made["project_id"])
    assert (found["raw_output"], found["tokens"], found["provider_latency"]) == (" Hello ", 7, 1.25)
    assert (found["evaluation_results"], found["observability_status"]) == ([], "completed")
    assert found["updated_at"]
    config = found["config"]
    assert config["id"] == found["config_id"]
    told = {
        name: config[name]
        for name in ("type", "model", "chat_template", "temperature", "max_tokens")
    }
    assert told == {name: CONFIG[name] for name in told}
    new = api.get(f"logs/{made['id']}").json()
    assert (new["output"], new["provider_latency"], new["user"]) == (" Hello ", 1.25, "u")
    assert new["prompt"]["version_id"] == config["id"]
    of_5 = api.made("prompts/log", path="bot", output="of version 5")
    assert old.get(f"logs/{of_5['id']}").json()["project"] == "bot"


def test_the_same_config_is_the_same_version(old: Programme):
    ids = set()
    for config in (CONFIG, {**CONFIG, "type": None, "top_p": 1.0}):
        made = old.made("logs", project="bot", config=config)
        ids.add(old.get(f"logs/{made['id']}").json()["config_id"])
    named = old.made("logs", config_id=next(iter(ids)), project_id=made["project_id"])
    ids.add(old.get(f"logs/{named['id']}").json()["config_id"])
    deployed = old.made("logs", project="bot")
    ids.add(old.get(f"logs/{deployed['id']}").json()["config_id"])
    assert len(ids) == 1
    assert old.made("logs", config_id=ids.pop())["project_id"] == made["project_id"]


def test_a_completion_and_a_tool_say_what_they_are(old: Programme):
    text = {"model": "m", "prompt_template": "Say {{x}}"}
    tool = {"type": "tool", "name": "add", "parameters": {"type": "object"}, "other": {"k": 1}}
    configs = []
    for project, config in (("text", text), ("tool", tool)):
        made = old.made("logs", project=project, config=config)
        configs.append(old.get(f"logs/{made['id']}").json()["config"])
    assert (configs[0]["prompt_template"], configs[0]["endpoint"]) == ("Say {{x}}", "complete")
    assert {name: configs[1][name] for name in tool} == tool
    assert configs[1]["description"] == ""


def test_an_update_changes_only_what_it_names(old: Programme):
    made = old.made("logs", project="bot", config=CONFIG, **SENT)
    before = old.get(f"logs/{made['id']}").json()
    for url in (f"logs/{made['id']}", "logs?reference_id=r"):
        changed = old.patch(url, {"output": f"by {url}", "source": "x", "metadata": {}}).json()
        expected = before | {"output": f"by {url}", "raw_output": f"by {url}"}
        assert changed == expected
    cleared = old.patch(
        "logs?reference_id=r", {"output": None, "error": None, "duration": None}
    ).json()
    assert [cleared[name] for name in ("output", "error", "duration")] == [None] * 3
    assert refusal(old.patch("logs?reference_id=none", {}))[0] == 404
    assert problems(old.patch("logs", {})) == [(["query", "reference_id"], "missing")]
    assert refusal(old.patch("logs/none", {}))[0] == 404


def test_lists_count_pages_from_0(old: Programme):
    made = [
        old.made("logs", project="bot", config=CONFIG, output=f"text {n}", metadata={"n": f"m{n}"},
                 created_at=f"2024-05-0{n}T12:00:00Z")
        for n in range(1, 4)
    ]  # fmt: skip
    query = {"project_id": made[0]["project_id"]}

    def outputs(**more: Any) -> str:
        rows = old.get("logs", **query, **more).json()["records"]
        return "".join(row["output"][-1] for row in rows)

    first = old.get("logs", **query).json()
    assert (first["page"], first["size"], first["total"], len(first["records"])) == (0, 50, 3, 3)
    assert [outputs(size=2, page=page) for page in (0, 1, 2)] == ["32", "1", ""]
    assert outputs(search="TEXT 2") == "2"
    assert outputs(metadata_search="m3") == "3"
    assert outputs(start_date="2024-05-02", end_date="2024-05-03") == "2"
    assert problems(old.get("logs")) == [(["query", "project_id"], "missing")]
    assert old.delete(f"logs?id={made[0]['id']}&id=none").status_code == 204
    assert outputs() == "32"


def test_what_is_not_saved_is_not_kept(old: Programme):
    made = old.made("logs", project="bot", config=CONFIG, save=False, **SENT)
    found = old.get(f"logs/{made['id']}").json()
    for name in ("output", "messages", "output_message", "stdout", "provider_request"):
        assert found[name] is None
    assert (found["inputs"], found["prompt_tokens"]) == ({}, 5)


def test_feedback_is_given_and_taken_back(old: Programme, api: Programme):
    made = old.made(
        "logs", project="bot", config=CONFIG, feedback={"type": "comment", "value": "Hm"}
    )
    rating = {"type": "rating", "value": "good", "data_id": made["id"], "user": "u"}

    told = old.made("feedback", **rating, created_at="2024-05-01T12:00:00Z")
    assert {name: told[name] for name in rating} == rating
    assert told["created_at"] == "2024-05-01T12:00:00Z"
    assert told["id"].startswith("data_")
    several = old.post("feedback", [
        {**rating, "value": "bad"}, {**rating, "type": "issue", "value": "rude"},
    ]).json()  # fmt: skip
    assert [one["value"] for one in several] == ["bad", "rude"]

    def words() -> set[tuple[str, Any]]:
        return {
            (one["type"], one["value"]) for one in old.get(f"logs/{made['id']}").json()["feedback"]
        }

    assert words() == {("rating", "bad"), ("issue", "rude"), ("comment", "Hm")}
    judgments = api.get(f"logs/{made['id']}").json()["evaluator_logs"]
    assert {one["evaluator"]["path"] for one in judgments} == {
        "rating", "feedback/issue", "feedback/comment"
    }  # fmt: skip
    old.made("feedback", **rating, unset=True)
    assert words() == {("issue", "rude"), ("comment", "Hm")}
    assert problems(old.post("feedback", rating | {"value": "fine"}))[0][0] == ["body", "judgment"]
    assert problems(old.post("feedback", {"type": "rating"})) == [(["body", "data_id"], "missing")]
    assert problems(old.post("feedback", [rating, {"data_id": "x"}]))[0][0] == ["body", 1, "type"]
    assert refusal(old.post("feedback", rating | {"data_id": "none"}))[0] == 404
