"""Write requirements.lock and requirements-dev.lock from pyproject.toml's ranges: `make lock`.

pip resolves, nothing is installed. Run it on the oldest Python that is supported, so that the
versions found run on every later one.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNTIME_LOCK = ROOT / "requirements.lock"
DEV_LOCK = ROOT / "requirements-dev.lock"
HEADER = "# Written by `make lock` from pyproject.toml. {}\n"


def resolve(requirements: list[str], *, constraints: Path | None = None) -> list[str]:
    """`name==version` of everything that these requirements need, in order of name."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
    if constraints is not None:
        command += ["--constraint", str(constraints)]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        subprocess.run([*command, "--report", str(report), *requirements], check=True)  # noqa: S603
        found = json.loads(report.read_text())["install"]
    return sorted(
        # A local version ("+cpu") is one index's build of a release; others have their own.
        f"{item['metadata']['name'].lower()}=={item['metadata']['version'].partition('+')[0]}"
        for item in found
    )


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime = project["project"]["dependencies"]
    tools = project["dependency-groups"]["test"] + project["dependency-groups"]["dev"]
    locked = resolve(runtime)
    RUNTIME_LOCK.write_text(HEADER.format("What runs Groundwork.") + "\n".join(locked) + "\n")
    locked = resolve(runtime + tools, constraints=RUNTIME_LOCK)
    DEV_LOCK.write_text(
        HEADER.format("The same, and what tests and checks need.") + "\n".join(locked) + "\n"
    )


if __name__ == "__main__":
    main()
