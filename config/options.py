"""What `make run` was asked for, from its environment."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.data_folder import data_folder


class Refusal(Exception):
    """Groundwork cannot start; the message says why and what to do."""


@dataclass(frozen=True)
class Options:
    data: Path
    host: str
    port: int
    database_url: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Options":
        port = environment.get("GROUNDWORK_PORT", "").strip() or "8000"
        if not port.isdecimal() or not 0 < int(port) < 2**16:
            raise Refusal(f"PORT must be a number from 1 to 65535, not {port!r}.")
        return cls(
            data=data_folder(environment),
            host=environment.get("GROUNDWORK_HOST", "").strip() or "127.0.0.1",
            port=int(port),
            database_url=environment.get("DATABASE_URL", "").strip(),
        )

    @property
    def reachable_host(self) -> str:
        """How this machine reaches the web process, which may listen on every address."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104

    @property
    def address(self) -> str:
        host = self.reachable_host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def child_environment(self) -> dict[str, str]:
        """The environment of web, worker and commands; this machine may always call itself."""
        environment = dict(os.environ)
        hosts = environment.get("GROUNDWORK_ALLOWED_HOSTS", "").strip() or self.reachable_host
        environment["GROUNDWORK_ALLOWED_HOSTS"] = f"{hosts},localhost,127.0.0.1,[::1]"
        environment["GROUNDWORK_DATA"] = str(self.data)
        environment["GROUNDWORK_PORT"] = str(self.port)
        environment["PYTHONUNBUFFERED"] = "1"
        return environment

    def require_free_port(self) -> None:
        """Raise Refusal when the web process could not listen."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As the web process will bind: a connection that lingers from before is no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                raise Refusal(
                    f"Groundwork cannot listen on {self.host}, port {self.port} "
                    f"({error.strerror or error}): choose another port with PORT=, for example "
                    f"`make run PORT={self.port % 65535 + 1}`."
                ) from error
