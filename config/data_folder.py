"""The folder of all state: where it is, its secret, and the claim that one launcher has on it."""

import fcntl
import os
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
_POLL_SECONDS = 0.1
_CLEAN_UP_SECONDS = 90.0


def data_folder(environment: Mapping[str, str]) -> Path:
    """From GROUNDWORK_DATA, else DATA (as `make run DATA=` calls it), else `.groundwork` here."""
    named = environment.get("GROUNDWORK_DATA", "").strip() or environment.get("DATA", "").strip()
    return (ROOT / Path(named or ".groundwork").expanduser()).resolve()


def ensure_secret_key(folder: Path) -> None:
    """Write a random secret key there once, readable by nobody else."""
    path = folder / "secret_key"
    if path.exists():
        return
    fresh = folder / f"secret_key.{os.getpid()}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
    fresh.rename(path)


class FolderInUse(Exception):
    """Another launcher works on the folder; the message says which and what to do."""


def claim(folder: Path, *, on_wait: Callable[[], None]) -> int:
    """Lock the folder for this process and return the descriptor that holds the lock.

    When the process that had it is gone but what it started is still being ended, waits for that
    and calls `on_wait` once. Raises FolderInUse while that process lives.
    """
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + _CLEAN_UP_SECONDS
    waiting = False
    while not _try_lock(descriptor):
        owner = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
        lives = owner.isdecimal() and psutil.pid_exists(int(owner))
        if lives or time.monotonic() > deadline:
            os.close(descriptor)
            raise FolderInUse(
                f"The data folder {folder} is in use by another Groundwork (process "
                f"{owner or 'unknown'}): end that one, or choose another folder with DATA=."
            )
        if not waiting:
            waiting = True
            on_wait()
        time.sleep(_POLL_SECONDS)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
