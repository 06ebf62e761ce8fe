"""What `make` says on a machine that lacks something, before it installs anything."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from config.data_folder import ROOT

TOO_OLD = "#!/bin/sh\nexit 1\n"
WITHOUT_ENSUREPIP = '#!/bin/sh\ncase "$2" in *ensurepip*) exit 1 ;; esac\n'


@pytest.fixture
def machine(tmp_path):
    """A folder as cloned, and a PATH with almost nothing on it."""
    (tmp_path / "config").mkdir()
    shutil.copy(ROOT / "config" / "install.sh", tmp_path / "config")
    (tmp_path / "requirements.lock").write_text("django==5.2\n")
    (tmp_path / "bin").mkdir()
    for name in ("dirname", "cmp"):
        found = shutil.which(name)
        assert found is not None
        (tmp_path / "bin" / name).symlink_to(found)
    return tmp_path


def add_program(machine: Path, name: str, text: str) -> None:
    program = machine / "bin" / name
    program.write_text(text)
    program.chmod(0o755)


def install(machine: Path, what: str = "runtime") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["/bin/sh", str(machine / "config" / "install.sh"), what],
        env={"PATH": str(machine / "bin"), "HOME": os.environ.get("HOME", "/")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        (None, "needs Python 3.11 or newer, and none was found"),
        (TOO_OLD, "needs Python 3.11 or newer, and python3 is older or does not run"),
        (WITHOUT_ENSUREPIP, "python3 cannot make virtual environments: install its venv package"),
    ],
)
def test_a_missing_python_is_one_sentence(machine, program, sentence):
    if program:
        add_program(machine, "python3", program)
    result = install(machine)
    assert result.returncode == 1
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (machine / ".venv").exists()


def test_a_lock_that_is_installed_already_costs_nothing(machine):
    (machine / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(machine / "requirements.lock", machine / ".venv" / "installed-requirements.lock")
    (machine / ".venv" / "bin" / "python").write_text(TOO_OLD)
    (machine / ".venv" / "bin" / "python").chmod(0o755)

    result = install(machine)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_the_development_lock_holds_the_runtime_lock():
    def versions(name: str) -> set[str]:
        lines = (ROOT / name).read_text().splitlines()
        return {line for line in lines if not line.startswith("#")}

    runtime, development = versions("requirements.lock"), versions("requirements-dev.lock")
    assert runtime < development
    assert "torch==2.13.0" in runtime
    assert all("==" in line and "+" not in line for line in development)
