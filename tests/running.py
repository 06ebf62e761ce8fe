"""The whole product, started as `make run` starts it, for tests that look at it from outside."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 120
# What the tests set for themselves is not for the product.
_OURS = {"DATABASE_URL", "DJANGO_SETTINGS_MODULE", "GROUNDWORK_SECRET_KEY", "GROUNDWORK_TESTING"}
# How the processes are known by their command lines.
PROCESSES = {"web": "uvicorn", "worker": "worker"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Running:
    """A started Groundwork. `email` owns everything that is done with `token`."""

    data: Path
    port: int
    process: "subprocess.Popen[bytes]"
    output: Path
    environment: dict[str, str]
    email: str = "ada@example.com"
    token: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def said(self) -> str:
        return self.output.read_text()

    def manage(self, *arguments: str) -> str:
        """The last line that a management command of this installation prints."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().splitlines()[-1]

    def sign_in_link(self, email: str = "") -> str:
        """An address that signs somebody in, once."""
        line = self.manage("sign_in_link", email or self.email)
        found = re.search(r"/sign-in/link/\S+", line)
        assert found, line
        return self.url + found[0]

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz") as response:  # noqa: S310 - our own
                return int(response.status) == 200
        except OSError:
            return False

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.is_ready():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, f"not ready: {self.said()}"
            time.sleep(0.05)

    def kill(self, name: str) -> None:
        """kill -9 of the web process or the worker; the launcher starts another."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        (victim,) = [one for one in family if PROCESSES[name] in one.cmdline()]
        victim.kill()

    def restart_worker(self) -> None:
        self.kill("worker")
        self.wait_until_ready()

    def end(self) -> None:
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(60)
        finally:
            for one in (process for process in family if process.is_running()):
                one.kill()
            self.process.kill()


def start(data: Path, port: int = 0, **environment: str) -> Running:
    """Start Groundwork on this data folder and wait until it is ready."""
    port = port or free_port()
    kept = {name: value for name, value in os.environ.items() if name not in _OURS}
    full = {**kept, "GROUNDWORK_DATA": str(data), "GROUNDWORK_PORT": str(port), **environment}
    output = data.with_name(f"{data.name}-output-{port}")
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.launcher"],
            cwd=ROOT,
            env=full,
            stdout=stream,
            stderr=stream,
        )
    running = Running(data=data, port=port, process=process, output=output, environment=full)
    try:
        running.wait_until_ready()
        running.token = running.manage("token", running.email)
    except BaseException:
        running.end()
        raise
    return running


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One Groundwork for the whole run: tests share it and make what they need in it."""
    started = start(tmp_path_factory.mktemp("groundwork") / "data")
    yield started
    started.end()
