"""The pages of docs/ that have a program, run as they are written."""

import ast
import re
import subprocess
import sys
from pathlib import Path

from tests.running import ROOT
from tests.sdk.conftest import Library
from tests.stack import Stack

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
