"""The story in the README, run as it is written."""

import json
import re
import subprocess
import urllib.request
from pathlib import Path

from tests.running import ROOT, Running


def story() -> str:
    readme = Path(ROOT, "README.md").read_text()
    (block,) = re.findall(r"```bash\n(.*?)```", readme.split("## API")[1], re.DOTALL)
    return str(block)


def test_the_readmes_story_ends_in_a_cited_answer(running: Running):
    environment = running.environment | {"GROUNDWORK_URL": running.url}

    done = subprocess.run(
        ["bash", "-c", story()],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    answer, citations, status = done.stdout.strip().splitlines()
    assert "rapeseed oil" in answer
    assert "lamps.txt" in citations
    assert status == "COMPLETED"
    assert thumbs(running) == 1


def thumbs(running: Running) -> int:
    """Thumbs up on the newest prompt of the story's user, read with the other scheme."""
    token = running.manage("token", "you@example.com")
    request = urllib.request.Request(  # noqa: S310 - the URL is ours
        f"{running.url}/api/v2/genai/chatPrompts/", headers={"Authorization": f"Token {token}"}
    )
    with urllib.request.urlopen(request) as response:  # noqa: S310
        newest = json.load(response)["data"][-1]
    return len(newest["resultMetadata"]["feedbackResult"]["positiveUserIds"])
