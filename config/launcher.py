"""`make run`: PostgreSQL, web and one worker as one thing that starts, recovers and ends together."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from config.data_folder import ROOT, FolderInUse, claim, ensure_secret_key
from config.keeper import Keeper
from config.launched_database import LaunchedDatabase
from config.options import Options, Refusal
from config.postgres import PostgresError
from config.postgres_server import Interrupted
from config.probe import ask
from config.supervisor import Child, LineLog

_POLL_SECONDS = 0.1
_READY_SECONDS = 120.0
# The order in which the children end: worker and web need the database to the last.
_WORK, _DATABASE = 1, 2
_WEB_DRAIN_SECONDS = 3


def say(line: str) -> None:
    # A closed terminal must not end what runs behind it.
    with contextlib.suppress(OSError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


@dataclass
class Launcher:
    options: Options
    keeper: Keeper
    children: list[Child] = field(default_factory=list)
    database: LaunchedDatabase | None = None
    stops_asked: int = 0

    def run(self) -> None:
        """Start everything, keep it running, and end it when a signal says so."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._count_signal)
        try:
            self._start()
            while not self.asked_to_stop():
                self._tend()
        except Interrupted:
            pass
        except (Refusal, PostgresError):
            # What fails after a signal fails because of it.
            if not self.asked_to_stop():
                raise
        finally:
            self._stop()

    def _count_signal(self, number: int, frame: object) -> None:
        # Nothing else happens here: a handler may interrupt anything.
        self.stops_asked += 1

    def asked_to_stop(self) -> bool:
        return self.stops_asked > 0

    def asked_to_hurry(self) -> bool:
        return self.stops_asked > 1

    def show(self, line: str) -> None:
        if not self.asked_to_stop():
            say(line)

    def show_of_child(self, line: str) -> None:
        """A warning that a child logged; while the database is away there are too many of them."""
        if self.database is None or not self.database.is_away():
            self.show(line)

    def _start(self) -> None:
        ensure_secret_key(self.options.data)
        if not self.options.database_url:
            self._start_database()
        facts = self._prepare()
        self._start_web_and_worker()
        self._wait_until_ready()
        if facts["wants_sample"]:
            self._load_sample()
        path = facts["sign_in_path"]
        say(f"Groundwork is ready at {self.options.address}/")
        if path:
            say(f"Sign in, once, with {self.options.address}{path}")
        say(f"Ctrl-C ends it. Everything it keeps, and its logs, is in {self.options.data}")

    def _start_database(self) -> None:
        self.database = LaunchedDatabase(
            self.options.data / "postgres",
            log=self._log_path("postgres"),
            keeper=self.keeper,
            stage=_DATABASE,
            say=self.show,
            asked_to_stop=self.asked_to_stop,
        )
        self.children.append(self.database.child)
        self.database.start()

    def _prepare(self) -> dict[str, object]:
        """Migrations, static files, the first user; see config.prepare."""
        log = self._log_path("prepare")
        with log.open("wb") as errors:
            process = self._spawn(["-m", "config.prepare"], stdout=subprocess.PIPE, stderr=errors)
        self._wait_for(process)
        output = process.communicate()[0].decode()
        if process.returncode:
            lines = log.read_text(errors="replace").strip().splitlines() or ["It said nothing."]
            detail = f" The whole story is in {log}" if len(lines) > 1 else ""
            raise Refusal(lines[-1] + detail)
        facts: dict[str, object] = json.loads(output.splitlines()[-1])
        return facts

    def _load_sample(self) -> None:
        say("Loading the sample.")
        log = self._log_path("sample")
        with log.open("wb") as output:
            process = self._spawn(["manage.py", "load_sample"], stdout=output, stderr=output)
        self._wait_for(process)
        if process.returncode:
            say(f"The sample could not be loaded; the reason is in {log}")

    def _start_web_and_worker(self) -> None:
        web = [
            *("-m", "uvicorn", "config.asgi:application"),
            *("--host", self.options.host, "--port", str(self.options.port)),
            *("--loop", "uvloop", "--http", "httptools"),
            *("--no-access-log", "--log-level", "warning", "--no-server-header"),
            *("--timeout-graceful-shutdown", str(_WEB_DRAIN_SECONDS)),
        ]
        worker = ["manage.py", "worker"]
        self._add_child("worker", worker, log="worker", stop_seconds=15.0)
        self._add_child("web process", web, log="web", stop_seconds=8.0)

    def _add_child(self, name: str, arguments: list[str], *, log: str, stop_seconds: float) -> None:
        lines = LineLog(self._log_path(log), self.show_of_child)

        def spawn() -> "subprocess.Popen[bytes]":
            process = self._spawn(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            lines.follow(process)
            return process

        child = Child(name, spawn, self.keeper, stage=_WORK, stop_seconds=stop_seconds)
        self.children.append(child)
        child.start()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            answer = ask(self.options.reachable_host, self.options.port, "/readyz")
            if answer.status == 200:
                return
            for child in self.children:
                how = child.how_it_ended()
                if how:
                    folder = self.options.data / "log"
                    raise Refusal(f"The {child.name} did not start ({how}); see {folder}")
            if time.monotonic() > deadline:
                say("Groundwork runs but is not ready: " + " ".join(answer.problems))
                return
            self._pause()

    def _tend(self) -> None:
        """Start again whatever ended by itself and whose pause is over."""
        self.keeper.revive()
        for child in self.children:
            how = child.how_it_ended()
            if how and not self.asked_to_stop():
                pause = child.plan_restart()
                self.show(
                    f"The {child.name} ended unexpectedly ({how}); starting it again in {pause:g} s."
                )
            if child.restart_at is not None and time.monotonic() >= child.restart_at:
                self._restart(child)
        time.sleep(_POLL_SECONDS)

    def _restart(self, child: Child) -> None:
        try:
            child.start()
            child.settle()
        except PostgresError as error:
            self.show(str(error))
            if child.process is None:
                child.plan_restart()
        else:
            self.show(f"The {child.name} runs again.")

    def _stop(self) -> None:
        if self.asked_to_stop():
            say("Ending; once more Ctrl-C to end at once.")
        for stage in (_WORK, _DATABASE):
            children = [child for child in self.children if child.stage == stage]
            for child in children:
                child.ask_to_stop()
            for child in children:
                child.wait_for_end(hurry=self.asked_to_hurry)

    def _wait_for(self, process: "subprocess.Popen[bytes]") -> None:
        """Wait for a command while tending the rest; Interrupted when asked to stop."""
        self.keeper.watch(process.pid, stage=0, stop_signal=signal.SIGTERM, seconds=5)
        try:
            while process.poll() is None:
                self._pause()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            self.keeper.forget(process.pid)

    def _pause(self) -> None:
        if self.asked_to_stop():
            raise Interrupted
        time.sleep(_POLL_SECONDS)

    def _spawn(
        self, arguments: list[str], *, stdout: IO[bytes] | int, stderr: IO[bytes] | int
    ) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.options.child_environment(),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            # Ctrl-C is for the launcher alone, which ends the others in order.
            start_new_session=True,
        )

    def _log_path(self, name: str) -> Path:
        return self.options.data / "log" / f"{name}.log"


def launch(options: Options) -> None:
    """Claim the data folder and the port, then run until a signal comes.

    Raises Refusal or FolderInUse before anything is started.
    """
    options.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = claim(
        options.data, on_wait=lambda: say("An earlier run was killed; waiting for its end.")
    )
    options.require_free_port()
    # The database's user must pass through the folder, but nobody else has business in these.
    for private in ("log", "media"):
        (options.data / private).mkdir(exist_ok=True)
        (options.data / private).chmod(0o700)
    # The keeper holds the lock too: whoever comes after a kill waits until all has ended.
    keeper = Keeper(hold=(lock,))
    try:
        Launcher(options, keeper).run()
    finally:
        keeper.close()
        os.close(lock)


def main() -> int:
    try:
        launch(Options.read(os.environ))
    except (Refusal, FolderInUse, PostgresError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
