"""A child process that is kept running: logs, restarts with back-off, an end with a time-out."""

import logging
import logging.handlers
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from config.keeper import Keeper

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
# A child that ran this long was fine: what ends it now is a new trouble.
_SETTLED_SECONDS = 60.0
_LOG_BYTES = 10 * 1024 * 1024
# "2026-01-31 12:00:00,000 WARNING name: text" (ours) or "WARNING:  text" (uvicorn's).
_LEVEL = re.compile(r"^(?:\d{4}-\d\d-\d\d \S+ )?(DEBUG|INFO|WARNING|ERROR|CRITICAL)\b")
_SHOWN = {"WARNING", "ERROR", "CRITICAL"}


def rotate(path: Path) -> None:
    """Put a log that has grown large aside, as `<name>.1`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _LOG_BYTES:
        path.replace(path.with_name(path.name + ".1"))


class LineLog:
    """Keeps what a child prints in a file of bounded size, and shows warnings and worse."""

    def __init__(self, path: Path, show: Callable[[str], None]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=_LOG_BYTES, backupCount=1
        )
        self._show = show
        self._shows_this = True

    def follow(self, process: "subprocess.Popen[bytes]") -> threading.Thread:
        """Read the child's output to its end, in a thread."""
        thread = threading.Thread(target=self._read, args=[process], daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        self._handler.close()

    def _read(self, process: "subprocess.Popen[bytes]") -> None:
        stream = process.stdout
        if stream is None:
            return
        with stream:
            for raw in stream:
                self._take(raw.decode(errors="replace").rstrip("\n"))

    def _take(self, line: str) -> None:
        record = logging.LogRecord("child", logging.INFO, "", 0, line, None, None)
        self._handler.handle(record)
        level = _LEVEL.match(line)
        if level:
            self._shows_this = level[1] in _SHOWN
        # A line without a level goes on what stands before it: the lines of a trace, say.
        if self._shows_this:
            self._show(line)


@dataclass
class Child:
    """One process of the launcher, restarted with growing pauses when it ends by itself.

    `stage` orders the end: lower ones first, see Keeper.
    """

    name: str
    spawn: Callable[[], "subprocess.Popen[bytes]"]
    keeper: Keeper
    stage: int
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    hurry_signal: signal.Signals = signal.SIGKILL
    # Returns when the started process can be used; PostgreSQL takes its time.
    settle: Callable[[], None] = lambda: None
    process: "subprocess.Popen[bytes] | None" = None
    restart_at: float | None = None
    _failures: int = field(default=0, repr=False)
    _started_at: float = field(default=0.0, repr=False)

    def start(self) -> "subprocess.Popen[bytes]":
        self.restart_at = None
        self._started_at = time.monotonic()
        self.process = process = self.spawn()
        self.keeper.watch(
            process.pid, stage=self.stage, stop_signal=self.stop_signal, seconds=self.stop_seconds
        )
        return process

    def how_it_ended(self) -> str | None:
        """None while it runs, or has never run; else how it ended, once."""
        if self.process is None or self.process.poll() is None:
            return None
        code = self.process.returncode
        self.keeper.forget(self.process.pid)
        self.process = None
        if code < 0:
            return f"killed by {signal.Signals(-code).name}"
        return f"exit status {code}"

    def plan_restart(self) -> float:
        """Set when to start again and return the pause in seconds."""
        if time.monotonic() - self._started_at > _SETTLED_SECONDS:
            self._failures = 0
        pause = min(_FIRST_PAUSE_SECONDS * 2.0**self._failures, _LONGEST_PAUSE_SECONDS)
        self._failures += 1
        self.restart_at = time.monotonic() + pause
        return pause

    def ask_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)

    def wait_for_end(self, *, hurry: Callable[[], bool]) -> None:
        """Return when it has ended: by itself, or by SIGKILL after its time or when hurried."""
        if self.process is None:
            return
        deadline = time.monotonic() + self.stop_seconds
        hurried = False
        while self.process.poll() is None:
            if hurry() and not hurried:
                hurried = True
                self.process.send_signal(self.hurry_signal)
                deadline = min(deadline, time.monotonic() + 5)
            if time.monotonic() > deadline:
                self.process.kill()
                self.process.wait()
            time.sleep(0.02)
        self.keeper.forget(self.process.pid)
        self.process = None
