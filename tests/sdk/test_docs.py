"""docs/datarobot.md, run as it is written."""

import ast
import re
import subprocess
import sys
from pathlib import Path

from tests.running import ROOT
from tests.stack import Stack

MOST_LINES = 20


def block(language: str) -> str:
    page = Path(ROOT, "docs", "datarobot.md").read_text()
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
