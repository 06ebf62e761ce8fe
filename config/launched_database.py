"""The embedded PostgreSQL as a child of the launcher: made, started, recovered, watched."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from config.keeper import Keeper
from config.options import Refusal
from config.postgres import FAST_SHUTDOWN, IMMEDIATE_SHUTDOWN, Cluster, PostgresError
from config.postgres_server import end_leftovers, ensure_database, wait_until_ready
from config.supervisor import Child, rotate

# Web and worker find the database again within this time.
_RECONNECT_SECONDS = 5.0


class LaunchedDatabase:
    """`child` is what the launcher tends like its other children."""

    def __init__(
        self,
        folder: Path,
        *,
        log: Path,
        keeper: Keeper,
        stage: int,
        say: Callable[[str], None],
        asked_to_stop: Callable[[], bool],
    ) -> None:
        self.cluster = Cluster(folder)
        self._log = log
        self._say = say
        self._asked_to_stop = asked_to_stop
        self._back_since: float | None = None
        self.child = Child(
            "database",
            self._spawn,
            keeper,
            stage=stage,
            stop_signal=FAST_SHUTDOWN,
            stop_seconds=60.0,
            hurry_signal=IMMEDIATE_SHUTDOWN,
            settle=self._settle,
        )

    def start(self) -> None:
        """Return when Groundwork's database is there. Raises Refusal or Interrupted."""
        if not self.cluster.folder.exists():
            self._say("Making the database.")
        if end_leftovers(self.cluster.folder):
            self._say("Ended a PostgreSQL that an earlier run had left behind.")
        try:
            self.child.start()
            self.child.settle()
        except PostgresError as error:
            raise Refusal(f"{error} What it said is in {self._log}") from error
        ensure_database(self.cluster.folder)

    def is_away(self) -> bool:
        """Whether it is down, or was until a moment ago: what others say then is about that."""
        process, back_since = self.child.process, self._back_since
        if process is None or process.poll() is not None or back_since is None:
            return True
        return time.monotonic() - back_since < _RECONNECT_SECONDS

    def _spawn(self) -> "subprocess.Popen[bytes]":
        self._back_since = None
        rotate(self._log)
        end_leftovers(self.cluster.folder)
        with self._log.open("ab") as output:
            return self.cluster.start(output)

    def _settle(self) -> None:
        if self.child.process is None:
            return
        wait_until_ready(
            self.cluster,
            self.child.process,
            on_slow=lambda: self._say(
                "PostgreSQL is recovering from an end that was not clean; this can take a while."
            ),
            asked_to_stop=self._asked_to_stop,
        )
        self._back_since = time.monotonic()
