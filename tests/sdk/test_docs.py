"""The pages of docs/ that have a program, run as they are written."""

import ast
import re
import subprocess
import sys
from pathlib import Path

from tests.running import ROOT
from tests.sdk.conftest import Library
from tests.sdk.humanloop_clients import humanloop_of
from tests.stack import Stack
from tests.visitors import Person

MOST_LINES = 20


def block(language: str, name: str = "datarobot.md") -> str:
    page = Path(ROOT, "docs", name).read_text()
    (found,) = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    return str(found)


def test_the_page_leads_from_nothing_to_a_scored_comparison(groundwork: Stack, tmp_path: Path):
    running = groundwork.running
    environment = running.environment | {
        "DATAROBOT_ENDPOINT": f"{running.url}/api/v2",
        "DATAROBOT_API_TOKEN": running.token,
    }
    script = block("python")
    assert len([line for line in script.splitlines() if line]) <= MOST_LINES
    subprocess.run(["bash", "-c", block("bash")], cwd=tmp_path, check=True)

    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    narrow, wide = re.findall(r"^(Narrow|Wide) (.*?) (\{[^}]*\})$", done.stdout, re.DOTALL | re.M)
    assert {narrow[0], wide[0]} == {"Narrow", "Wide"}
    for _, answer, metrics in (narrow, wide):
        assert " oil" in answer
        assert 0 < ast.literal_eval(metrics)["rouge_1"] <= 1


def test_the_page_on_models_calls_a_blueprint(groundwork: Stack, library: Library):
    llms = groundwork.alice.get("genai/llms/")["data"]
    groundwork.alice.make(
        "genai/llmBlueprints/",
        playgroundId=groundwork.playground,
        name="Baseline",
        llmId=next(one["id"] for one in llms if one["id"].endswith("test-model")),
        vectorDatabaseId=library.vector_database,
    )

    done = subprocess.run(
        [sys.executable, "-c", block("python", "blueprints-as-models.md")],
        env=groundwork.running.environment
        | {
            "GROUNDWORK_URL": groundwork.running.url,
            "GROUNDWORK_TOKEN": groundwork.alice.token,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    models, *rest = done.stdout.splitlines()
    assert "baseline" in ast.literal_eval(models)
    assert [line for line in rest if line == groundwork.llm.text] == [groundwork.llm.text] * 2
    assert re.search(r"^1 (north|south|wages)\.txt 0\.\d+$", done.stdout, re.M)


def test_the_page_on_prompts_and_traces_records_a_trace(groundwork: Stack):
    done = subprocess.run(
        [sys.executable, "-c", block("python", "prompts-and-traces.md")],
        env=groundwork.running.environment
        | {
            "GROUNDWORK_URL": groundwork.running.url,
            "GROUNDWORK_TOKEN": groundwork.alice.token,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    said = "As a pirate, tell me of the sea."
    assert done.stdout.splitlines() == [said, said, "2 calls in the trace"]


def test_the_page_on_moving_brings_prompts_and_logs_along(groundwork: Stack, tmp_path: Path):
    running = groundwork.running
    # A use case of its own: what other tests left behind is not to be moved.
    leaver = Person(running.port, running.manage("token", running.email, "--use-case", "Left"))
    with humanloop_of(groundwork, leaver) as client:
        path = f"moving/{tmp_path.name}"
        client.prompts.upsert(path=path, provider="mock", model="any", template="Say {{what}}.")
        flow = client.flows.log(path=f"{path}-flow", flow={"attributes": {"of": "moving"}})
        said = client.prompts.call(path=path, inputs={"what": "ah"}, trace_parent_id=flow.id)
        client.evaluators.log(parent_id=said.id, path="rating", judgment="good")
        client.flows.update_log(flow.id, output="Done.", log_status="complete")
    environment = running.environment | {
        "HOME": str(tmp_path),
        "HUMANLOOP_API_KEY": leaver.token,
        "HUMANLOOP_URL": f"{running.url}/v5",
    }
    export = [sys.executable, "-c", block("python", "moving-from-humanloop.md")]
    bring = ["bash", "-c", block("bash", "moving-from-humanloop.md")]

    for command in (export, bring, bring):
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    assert "0 logs are in" in done.stdout  # the second time
    token = running.manage("token", "you@example.com", "--use-case", "From Humanloop")
    moved = Person(running.port, token)
    with humanloop_of(groundwork, moved) as client:
        trace = client.logs.get(flow.id)
        called = client.prompts.call(path=path, inputs={"what": "oh"})
    [child] = trace["trace_children"]
    assert (trace["log_status"], trace["output"]) == ("complete", "Done.")
    assert (child["id"], child["output"]) == (said.id, "Say ah.")
    assert [one["judgment"] for one in child["evaluator_logs"]] == ["good"]
    assert called.logs[0].output == "Say oh."
