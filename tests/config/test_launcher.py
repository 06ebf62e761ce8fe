"""`make run` from start to end: real processes on a free port and a data folder of their own."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest

from config.data_folder import ROOT

# What the tests' own settings put there is not for the launcher.
OURS = {"DATABASE_URL", "DJANGO_SETTINGS_MODULE", "GROUNDWORK_SECRET_KEY", "GROUNDWORK_TESTING"}
DEADLINE_SECONDS = 120


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"gave up waiting for {what}"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Groundwork:
    """One `make run`, seen from outside."""

    def __init__(self, data: Path, port: int, **environment: str) -> None:
        self.data = data
        self.port = port
        self.output = data.with_name(f"{data.name}-{port}.output")
        kept = {name: value for name, value in os.environ.items() if name not in OURS}
        self.environment = kept | {"GROUNDWORK_DATA": str(data), "GROUNDWORK_PORT": str(port)}
        # The sample has tests of its own.
        self.environment |= {"GROUNDWORK_SAMPLE": "0"} | environment
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.launcher"],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=output,
            )

    def said(self) -> str:
        return self.output.read_text()

    def get(self, path: str) -> tuple[int, dict[str, object]]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}") as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)
        except OSError:
            return 0, {}

    def is_ready(self) -> bool:
        return self.get("/readyz")[0] == 200

    def wait_until_said(self, words: str) -> None:
        until(
            lambda: words in self.said() or self.process.poll() is not None,
            f"{words!r} in {self.said()!r}",
        )
        assert words in self.said()

    def family(self) -> list[psutil.Process]:
        """Every process that works on the data folder, whoever its parent is by now."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            if process.environ().get("GROUNDWORK_DATA") == str(self.data):
                return True
            return str(self.data / "postgres") in process.cmdline() or process.cwd() == str(
                self.data / "postgres"
            )
        except psutil.Error:
            return False

    def one(self, *words: str) -> psutil.Process:
        """The process with these words on its command line."""
        (found,) = [process for process in self.family() if set(words) <= _words_of(process)]
        return found

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_SECONDS)

    def nothing_is_left(self) -> None:
        until(lambda: not self.family(), f"the end of {self.family()}")


def _words_of(process: psutil.Process) -> set[str]:
    """None of one that ended meanwhile, as those do that PostgreSQL starts for a moment."""
    try:
        return set(process.cmdline())
    except psutil.NoSuchProcess:
        return set()


@pytest.fixture
def launch(tmp_path):
    running: list[Groundwork] = []

    def start(data: str = "data", port: int = 0, **environment: str) -> Groundwork:
        running.append(Groundwork(tmp_path / data, port or free_port(), **environment))
        return running[-1]

    yield start
    for groundwork in running:
        groundwork.process.kill()
        groundwork.process.wait()
        for process in groundwork.family():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def test_a_day_in_its_life(launch):
    """Start, refuse rivals, survive the death of each part, end without a trace."""
    groundwork = launch()
    groundwork.wait_until_said("Groundwork is ready at")
    assert groundwork.get("/healthz") == (200, {"healthy": True})
    assert groundwork.get("/readyz") == (200, {"ready": True, "problems": []})
    link = rf"http://127\.0\.0\.1:{groundwork.port}/sign-in/link/[\w-]{{40,}}/"
    assert re.search(link, groundwork.said())
    for private in ("log", "media"):
        assert (groundwork.data / private).stat().st_mode & 0o777 == 0o700

    rival = launch(port=groundwork.port, data="other")
    assert rival.process.wait(DEADLINE_SECONDS) == 1
    assert f"cannot listen on 127.0.0.1, port {groundwork.port}" in rival.said()
    assert not (rival.data / "postgres").exists()

    rival = launch()
    assert rival.process.wait(DEADLINE_SECONDS) == 1
    assert f"in use by another Groundwork (process {groundwork.process.pid})" in rival.said()

    token = subprocess.run(
        [sys.executable, "manage.py", "token", "alice@example.com"],
        cwd=ROOT,
        env=groundwork.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert token.stdout.splitlines()[-1].startswith("gw_")

    for name, words in {
        "worker": ["worker"],
        "web process": ["uvicorn"],
        "database": [str(groundwork.data / "postgres")],
    }.items():
        groundwork.one(*words).kill()
        groundwork.wait_until_said(f"The {name} runs again.")
        until(groundwork.is_ready, f"recovery of the {name}")
        assert f"The {name} ended unexpectedly (killed by SIGKILL)" in groundwork.said()

    assert groundwork.end(signal.SIGINT) == 0
    assert groundwork.family() == []
    assert "Traceback" not in groundwork.said()


def test_a_killed_launcher_leaves_nothing_and_the_next_start_works(launch):
    groundwork = launch()
    groundwork.wait_until_said("Groundwork is ready at")
    groundwork.end(signal.SIGKILL)

    # At once, while what was left behind is still ending.
    again = launch(port=groundwork.port)
    again.wait_until_said("Groundwork is ready at")
    assert again.is_ready()
    assert again.end(signal.SIGTERM) == 0
    groundwork.nothing_is_left()


def test_a_signal_in_the_middle_of_the_start_ends_it_cleanly(launch):
    groundwork = launch()
    groundwork.wait_until_said("Making the database.")
    assert groundwork.end(signal.SIGINT) == 0, groundwork.said()
    assert groundwork.family() == []


def test_a_database_that_cannot_be_used_is_one_sentence(launch, tmp_path):
    groundwork = launch(DATABASE_URL=f"postgresql://nobody@/none?host={tmp_path}")
    assert groundwork.process.wait(DEADLINE_SECONDS) == 1
    assert groundwork.said().startswith("The database cannot be reached (")
    assert len(groundwork.said().splitlines()) == 1


def test_a_port_that_is_none_is_refused(launch):
    groundwork = launch(port=70_000)
    assert groundwork.process.wait(DEADLINE_SECONDS) == 1
    assert groundwork.said() == "PORT must be a number from 1 to 65535, not '70000'.\n"


@pytest.fixture
def other_database():
    """The URL of an empty database on a server that the launcher did not start."""
    url = os.environ["DATABASE_URL"]
    name = f"other_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield url.replace("/groundwork?", f"/{name}?")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_database_of_ones_own_is_used_instead_of_the_embedded_one(launch, other_database):
    groundwork = launch(DATABASE_URL=other_database)
    groundwork.wait_until_said("Groundwork is ready at")
    assert groundwork.is_ready()
    assert groundwork.end(signal.SIGTERM) == 0
    assert groundwork.family() == []
    assert not (groundwork.data / "postgres").exists()
    with psycopg.connect(other_database) as connection:
        assert connection.execute("SELECT email FROM accounts_user").fetchall() == [
            ("admin@localhost",)
        ]
