"""Ends the children of a process that died without ending them itself, as `kill -9` makes it.

The parent runs this file in a session of its own with a pipe as standard input, and writes a line
whenever a child starts or has ended. When the pipe closes, which the system does however the
parent ends, whatever is still listed is ended: stage by stage, each gets its signal, then time,
then SIGKILL. Works wherever there are pipes, and needs nothing but the standard library.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

_POLL_SECONDS = 0.05


class Keeper:
    """The parent's end of the pipe."""

    def __init__(self, *, hold: tuple[int, ...] = ()) -> None:
        """`hold`: descriptors (a lock, say) that stay open until everything has ended."""
        self._hold = hold
        self._listed: dict[int, str] = {}
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-S", str(Path(__file__).resolve())],
            stdin=subprocess.PIPE,
            start_new_session=True,
            pass_fds=self._hold,
        )

    def watch(self, pid: int, *, stage: int, stop_signal: signal.Signals, seconds: float) -> None:
        """End `pid` when this process is gone: lower stages first, SIGKILL after `seconds`."""
        self._listed[pid] = f"watch {pid} {stage} {int(stop_signal)} {seconds}\n"
        self._write(self._listed[pid])

    def forget(self, pid: int) -> None:
        """`pid` has ended; its number may soon be another process's."""
        if self._listed.pop(pid, None) is not None:
            self._write(f"forget {pid}\n")

    def revive(self) -> None:
        """Start again when it was killed."""
        if self.process.poll() is not None:
            self.process = self._start()
            for line in self._listed.values():
                self._write(line)

    def close(self) -> None:
        """Let go when every child has ended and was forgotten."""
        with contextlib.suppress(BrokenPipeError):
            self._stdin().close()
        self.process.wait()

    def _write(self, line: str) -> None:
        stdin = self._stdin()
        # A killed keeper is told everything again by revive().
        with contextlib.suppress(BrokenPipeError):
            stdin.write(line.encode())
            stdin.flush()

    def _stdin(self) -> IO[bytes]:
        assert self.process.stdin is not None  # noqa: S101 - it was started with a pipe
        return self.process.stdin


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Where nobody collects orphans (many containers), the ended ones stay listed as zombies.
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return True


def _end(children: list[tuple[int, int, float]]) -> None:
    """Signal all (pid, signal, seconds) and return when they are gone."""
    deadlines = {}
    for pid, number, seconds in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
            deadlines[pid] = time.monotonic() + seconds
    while deadlines:
        time.sleep(_POLL_SECONDS)
        for pid, deadline in list(deadlines.items()):
            if time.monotonic() > deadline and _is_alive(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                del deadlines[pid]
            elif not _is_alive(pid):
                del deadlines[pid]


def main() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    listed: dict[int, tuple[int, int, float]] = {}
    for line in sys.stdin:
        verb, pid, *rest = line.split()
        if verb == "forget":
            listed.pop(int(pid), None)
        else:
            listed[int(pid)] = (int(rest[0]), int(rest[1]), float(rest[2]))
    for stage in sorted({entry[0] for entry in listed.values()}):
        _end(
            [(pid, number, seconds) for pid, (of, number, seconds) in listed.items() if of == stage]
        )


if __name__ == "__main__":
    main()
