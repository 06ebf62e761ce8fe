"""Around the life of an embedded server: what an earlier one left, waiting for it, its database."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg

from config.postgres import (
    DATABASE,
    FAST_SHUTDOWN,
    IMMEDIATE_SHUTDOWN,
    Cluster,
    PostgresError,
    embedded_url,
    socket_lock,
)

_POLL_SECONDS = 0.05
_SLOW_START_SECONDS = 3.0
_STOP_SECONDS = 60.0


class Interrupted(Exception):
    """Whoever waits was asked to end."""


def _nobody_asks_to_stop() -> bool:
    return False


def end_leftovers(folder: Path) -> bool:
    """End what still runs on this data folder from a start that was killed; True if anything did.

    Afterwards the lock files of the server there are stale, also where their number now belongs
    to another process or to a dead one that nobody collected (either of which PostgreSQL itself
    would take for a running server), and are removed.
    """
    pid_file = folder / "postmaster.pid"
    locks = [lock for lock in (pid_file, socket_lock(folder)) if lock.exists()]
    if not locks:
        return False
    left = _server_processes(folder)
    for process in left:
        if process.pid == _postmaster_pid(pid_file):
            process.send_signal(FAST_SHUTDOWN)
    # Without their postmaster the others end by themselves.
    _, stuck = psutil.wait_procs(left, timeout=_STOP_SECONDS)
    for process in stuck:
        process.send_signal(IMMEDIATE_SHUTDOWN)
    _, stuck = psutil.wait_procs(stuck, timeout=10)
    for process in stuck:
        process.kill()
    psutil.wait_procs(stuck, timeout=10)
    for lock in locks:
        lock.unlink(missing_ok=True)
    return bool(left)


def _postmaster_pid(pid_file: Path) -> int:
    try:
        return int(pid_file.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return 0


def _server_processes(folder: Path) -> list[psutil.Process]:
    """Every process of a server on this folder, which is their working directory."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and Path(process.cwd()) == folder.resolve():
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def wait_until_ready(
    cluster: Cluster,
    process: "subprocess.Popen[bytes]",
    *,
    on_slow: Callable[[], None],
    asked_to_stop: Callable[[], bool] = _nobody_asks_to_stop,
) -> None:
    """Return when the server accepts connections, however long its recovery takes.

    Calls `on_slow` once when it takes longer than a clean start does. Raises PostgresError when
    the server ends instead, and Interrupted when `asked_to_stop` says so.
    """
    slow_at: float | None = time.monotonic() + _SLOW_START_SECONDS
    while not _accepts_connections(cluster.folder):
        if process.poll() is not None:
            raise PostgresError("PostgreSQL did not start.")
        if asked_to_stop():
            raise Interrupted
        if slow_at is not None and time.monotonic() > slow_at:
            slow_at = None
            on_slow()
        time.sleep(_POLL_SECONDS)


def _accepts_connections(folder: Path) -> bool:
    try:
        psycopg.connect(embedded_url(folder, "postgres"), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def ensure_database(folder: Path) -> None:
    """Make Groundwork's database and its vector type when they are missing."""
    with psycopg.connect(embedded_url(folder, "postgres"), autocommit=True) as connection:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        if connection.execute(query, [DATABASE]).fetchone() is None:
            connection.execute(f"CREATE DATABASE {DATABASE}")
            with psycopg.connect(embedded_url(folder), autocommit=True) as fresh:
                fresh.execute("CREATE EXTENSION IF NOT EXISTS vector")
