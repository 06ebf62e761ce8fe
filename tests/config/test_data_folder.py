import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from config.data_folder import ROOT, FolderInUse, claim, data_folder, ensure_secret_key


def test_the_folder_comes_from_the_environment():
    assert data_folder({}) == ROOT / ".groundwork"
    assert data_folder({"DATA": "/srv/b"}) == Path("/srv/b")
    assert data_folder({"GROUNDWORK_DATA": "/srv/a", "DATA": "/srv/b"}) == Path("/srv/a")
    assert data_folder({"DATA": "elsewhere"}) == ROOT / "elsewhere"
    assert data_folder({"DATA": "~/x"}) == Path.home().resolve() / "x"


def test_a_secret_is_made_once_and_for_the_owner_alone(tmp_path):
    ensure_secret_key(tmp_path)
    secret = (tmp_path / "secret_key").read_text().strip()
    ensure_secret_key(tmp_path)

    assert len(secret) >= 50
    assert (tmp_path / "secret_key").read_text().strip() == secret
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_a_folder_is_claimed_once(tmp_path):
    held = claim(tmp_path, on_wait=lambda: None)
    with pytest.raises(FolderInUse, match=f"process {os.getpid()}"):
        claim(tmp_path, on_wait=lambda: None)
    os.close(held)
    os.close(claim(tmp_path, on_wait=lambda: None))


def test_a_claim_waits_for_the_rest_of_a_killed_owner(tmp_path):
    """The owner is gone, but a child of it holds the lock still and then lets go."""
    script = (
        "import subprocess, sys; from pathlib import Path; from config.data_folder import claim\n"
        f"lock = claim(Path({str(tmp_path)!r}), on_wait=lambda: None)\n"
        "child = subprocess.Popen(['cat'], stdin=int(sys.argv[1]), pass_fds=[lock])\n"
        "print(flush=True); import os; os._exit(0)"
    )
    reading, writing = os.pipe()
    subprocess.run(
        [sys.executable, "-c", script, str(reading)],
        cwd=ROOT,
        pass_fds=[reading],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    os.close(reading)
    waited = []

    def let_go() -> None:
        waited.append(True)
        os.close(writing)

    os.close(claim(tmp_path, on_wait=let_go))
    assert waited == [True]
