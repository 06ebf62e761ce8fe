"""Exports of another service, brought in: all that can be, once, and a word about the rest."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import UseCase
from blueprints.models import Blueprint, Deployment
from config.errors import Forbidden
from playground.v5.importing import Importer, Report
from tracing.models import Log, LogKind

PROMPT = """---
model: gpt-9
temperature: 0.5
---
<system>
  You are {{who}}.
</system>
"""
KERNEL = {"path": "support/bot", "model": "gpt-9", "id": "pr_x", "environments": [], "inputs": []}


def export(folder: Path, *logs: Any) -> Path:
    (folder / "support").mkdir()
    (folder / "support" / "bot.prompt").write_text(PROMPT)
    lines = (log if isinstance(log, str) else json.dumps(log) for log in logs)
    (folder / "logs.jsonl").write_text("\n".join(lines))
    return folder


def prompt_log(public_id: str, **fields: Any) -> dict[str, Any]:
    return {"id": public_id, "prompt": KERNEL, "output": f"said by {public_id}", **fields}


def flow_log(public_id: str, **fields: Any) -> dict[str, Any]:
    flow = {"path": "support/flow", "attributes": {"a": 1}, "id": "fl_x", "type": "flow"}
    return {"id": public_id, "flow": flow, "log_status": "complete", "output": "all", **fields}


@pytest.fixture
def bring(alice, use_case):
    def brought(folder: Path) -> Report:
        return Importer(alice, use_case, note=print).run(folder)

    return brought


def test_prompts_are_brought_by_their_paths_and_deployed(tmp_path, bring, use_case):
    report = bring(export(tmp_path, prompt_log("log_a", prompt=KERNEL | {"temperature": 1.0})))

    assert (report.prompts, report.logs, report.problems) == (1, 1, [])
    blueprint = Blueprint.objects.get(use_case=use_case, path="support/bot")
    assert [version.number for version in blueprint.versions.order_by("number")] == [1, 2]
    deployed = Deployment.objects.values_list("version__llm_settings", flat=True)
    assert deployed.get(blueprint=blueprint)["temperature"] == 0.5
    assert Log.objects.filter(chosen_id="log_a", blueprint_version__number=2).exists()


def test_what_a_log_says_is_kept(tmp_path, bring):
    told = {
        "start_time": "2025-03-01T10:00:00Z",
        "end_time": "2025-03-01T10:00:02Z",
        "created_at": "2025-03-01T10:00:03Z",
        "inputs": {"who": "a bot"},
        "messages": [{"role": "user", "content": "Hi"}],
        "prompt_tokens": 12,
        "prompt_cost": 0.25,
        "user": "ada",
        "metadata": {"a": [1]},
        "session_id": None,
        "evaluators": [],
    }
    bring(export(tmp_path, prompt_log("log_a", **told)))

    log = Log.objects.select_related("payload").get(chosen_id="log_a")
    assert log.started_at.isoformat() == "2025-03-01T10:00:00+00:00"
    assert (log.input_tokens, str(log.cost), log.end_user) == (12, "0.250000000000", "ada")
    assert log.metadata == {"a": [1]}
    assert log.payload.text == "said by log_a"
    assert log.payload.messages == [{"role": "user", "content": "Hi"}]


def test_a_trace_is_hung_together_in_whatever_order_it_comes(tmp_path, bring):
    report = bring(
        export(
            tmp_path,
            prompt_log("log_c", trace_parent_id="log_b"),
            prompt_log("log_b", trace_parent_id="log_root"),
            flow_log(
                "log_root",
                end_time="2025-03-01T10:00:02Z",
                start_time="2025-03-01T10:00:00Z",
                trace_children=[prompt_log("log_d", start_time="2025-03-01T10:00:01Z")],
            ),
            prompt_log("log_d"),
        )
    )

    assert (report.logs, report.known, report.problems) == (4, 1, [])
    parents = {log.public_id: log.parent and log.parent.public_id for log in Log.objects.all()}
    assert parents == {"log_root": None, "log_b": "log_root", "log_c": "log_b", "log_d": "log_root"}
    root = Log.objects.get(chosen_id="log_root")
    assert root.log_status == "complete"
    assert root.started_at.isoformat() == "2025-03-01T10:00:00+00:00"


def test_judgments_come_along(tmp_path, bring):
    rating = {
        "id": "evl_1",
        "evaluator": {"path": "tone", "spec": {"return_type": "number"}, "type": "evaluator"},
        "judgment": 0.5,
        "user": "grace",
    }

    report = bring(export(tmp_path, prompt_log("log_a", evaluator_logs=[rating])))

    assert report.problems == []
    judgment = Log.objects.get(kind=LogKind.EVALUATOR)
    assert (judgment.judgment, judgment.end_user) == (0.5, "grace")
    assert judgment.judged == Log.objects.get(chosen_id="log_a")


def test_again_nothing_is_brought_twice(tmp_path, bring):
    folder = export(tmp_path, flow_log("log_a"), prompt_log("log_b", trace_parent_id="log_a"))
    bring(folder)
    before = list(Log.objects.order_by("pk").values())

    report = bring(folder)

    assert (report.logs, report.known, report.problems) == (0, 2, [])
    assert list(Log.objects.order_by("pk").values()) == before


def test_what_an_import_that_was_stopped_left_open_is_completed(tmp_path, bring):
    folder = export(tmp_path, flow_log("log_a"))
    bring(folder)
    Log.objects.filter(chosen_id="log_a").update(log_status="incomplete", status="RUNNING")

    bring(folder)

    assert Log.objects.get(chosen_id="log_a").log_status == "complete"


def test_what_is_wrong_is_told_with_its_place_and_the_rest_comes(tmp_path, bring):
    folder = export(
        tmp_path,
        "{",
        "[]",
        {"id": "log_x"},
        prompt_log("log_y", prompt_tokens=-1),
        prompt_log("log_z", trace_parent_id="log_nowhere"),
        prompt_log("log_a"),
    )
    (folder / "broken.prompt").write_text("no header")
    (folder / "latin.prompt").write_bytes(b"---\nmodel: \xe9\n---\n")

    report = bring(folder)

    assert (report.prompts, report.logs) == (1, 2)
    places = [problem.split(": ")[0] for problem in report.problems]
    assert places == [
        "broken.prompt",
        "latin.prompt",
        "logs.jsonl:1",
        "logs.jsonl:2",
        "logs.jsonl:3",
        "logs.jsonl:4",
        "logs.jsonl:5",
    ]
    assert "prompt_tokens" in report.problems[5]
    assert Log.objects.get(chosen_id="log_z").parent is None


def test_those_whose_parents_are_nowhere_and_circles_come_as_they_are(tmp_path, bring):
    report = bring(
        export(
            tmp_path,
            *(prompt_log(f"log_{n}", trace_parent_id="log_agent") for n in range(20)),
            prompt_log("log_child", trace_parent_id="log_7"),
            prompt_log("log_one", trace_parent_id="log_other"),
            prompt_log("log_other", trace_parent_id="log_one"),
            prompt_log("log_bad", trace_parent_id=["log_1"]),
        )
    )

    assert report.logs == 23
    assert len(report.problems) == 22  # of the circle one, and the one whose parent is a list
    parents = dict(Log.objects.values_list("chosen_id", "parent__chosen_id"))
    assert parents["log_child"] == "log_7"
    assert (parents["log_one"], parents["log_other"]) == (None, "log_one")


def test_a_viewer_brings_nothing(tmp_path, vera, use_case):
    with pytest.raises(Forbidden):
        Importer(vera, use_case, note=print).run(export(tmp_path, prompt_log("log_a")))

    assert not Log.objects.exists()


def test_the_command_makes_the_use_case_and_counts(tmp_path, db, capsys):
    folder = export(tmp_path, prompt_log("log_a"))

    call_command(
        "import_humanloop", str(folder), "--email", "new@example.com", "--use-case", "Moved"
    )

    assert UseCase.objects.get(name="Moved").memberships.get().user.email == "new@example.com"
    assert "1 prompts and 1 logs are in “Moved” now" in capsys.readouterr().out


def test_the_command_fails_where_something_was_left_out(tmp_path, db, capsys):
    folder = export(tmp_path, "{")
    arguments = ["--email", "new@example.com", "--use-case", "Moved"]

    with pytest.raises(CommandError, match="1 could not"):
        call_command("import_humanloop", str(folder), *arguments)
    with pytest.raises(CommandError, match="no folder"):
        call_command("import_humanloop", str(folder / "none"), *arguments)

    assert "logs.jsonl:1" in capsys.readouterr().err
