"""The product's settings on a throw-away data folder and an embedded PostgreSQL of the tests' own."""

import atexit
import os
import signal
import subprocess
import tempfile
from pathlib import Path

from config.data_folder import FolderInUse, claim
from config.keeper import Keeper
from config.postgres import Cluster
from config.postgres_server import end_leftovers, ensure_database, wait_until_ready


def _claim_folder() -> tuple[Path, int]:
    """The first folder that no other run of the tests works in, and its lock."""
    named = os.environ.get("GROUNDWORK_TEST_DATA")
    first = Path(named or Path(tempfile.gettempdir()) / f"groundwork-tests-{os.getuid()}")
    for number in range(1, 100):
        folder = first if number == 1 else first.with_name(f"{first.name}-{number}")
        folder.mkdir(parents=True, exist_ok=True)
        try:
            return folder, claim(folder, on_wait=lambda: None)
        except FolderInUse:
            continue
    raise RuntimeError(f"{first} and 98 more are in use by other runs of the tests.")


def _start_database(folder: Path, lock: int) -> str:
    """The URL of a server that ends with this process, however this process ends."""
    cluster = Cluster(folder / "postgres", throw_away=True)
    end_leftovers(cluster.folder)
    with (folder / "postgres.log").open("wb") as log:
        process = cluster.start(log)
    keeper = Keeper(hold=(lock,))
    keeper.watch(process.pid, stage=1, stop_signal=signal.SIGINT, seconds=30)
    wait_until_ready(cluster, process, on_slow=lambda: None)
    ensure_database(cluster.folder)
    atexit.register(_end_database, keeper, process)
    return cluster.url


def _end_database(keeper: Keeper, process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGINT)
    process.wait()
    keeper.forget(process.pid)
    keeper.close()


# Programs that tests start read these settings too, and share what the tests set up.
if "GROUNDWORK_TESTING" not in os.environ:
    _folder, _lock = _claim_folder()
    os.environ["GROUNDWORK_TESTING"] = "1"
    os.environ["GROUNDWORK_DATA"] = str(_folder)
    os.environ["GROUNDWORK_SECRET_KEY"] = "tests-only-" + "0123456789abcdef" * 3
    os.environ["GROUNDWORK_LOCAL_LLM_SERVERS"] = ","
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "GROUNDWORK_DEBUG", "GROUNDWORK_RERANKER"):
        os.environ.pop(name, None)
    if "DATABASE_URL" not in os.environ:
        os.environ["DATABASE_URL"] = _start_database(_folder, _lock)

from config.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
