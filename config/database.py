"""Whether the configured PostgreSQL can be used: one sentence when it cannot, instead of a trace."""

from typing import Any

import psycopg
from django.db import connection

OLDEST_POSTGRES = 15
OLDEST_PGVECTOR = (0, 8)
_CONNECT_SECONDS = 5
# What psycopg.connect takes of Django's parameters: the rest is about its own pool and cursors.
_DJANGO_ONLY = {"cursor_factory", "context", "prepare_threshold"}


class UnusableDatabase(Exception):
    """The message says what is wrong with the database and what to do."""


def connection_parameters() -> dict[str, Any]:
    """The keywords with which psycopg opens a plain connection to Groundwork's database."""
    parameters: dict[str, Any] = connection.get_connection_params()
    return {name: value for name, value in parameters.items() if name not in _DJANGO_ONLY}


def version_problem(server_version: int) -> str | None:
    """What is wrong with this PostgreSQL, in its own numbering (150004 is 15.4), or None."""
    if server_version // 10_000 >= OLDEST_POSTGRES:
        return None
    version = f"{server_version // 10_000}.{server_version % 10_000}"
    return (
        f"Groundwork needs PostgreSQL {OLDEST_POSTGRES} or newer and this server is {version}: "
        "upgrade it, or set DATABASE_URL to a newer one."
    )


def extension_problem(available: str | None, installed: str | None) -> str | None:
    """What is wrong with pgvector, given the version to be had and the one in use, or None."""
    needed = ".".join(map(str, OLDEST_PGVECTOR))
    if available is None and installed is None:
        return (
            f"This PostgreSQL has no pgvector: install pgvector {needed} or newer on the server "
            "(https://github.com/pgvector/pgvector) and start again."
        )
    if installed is not None and _version(installed) < OLDEST_PGVECTOR:
        return (
            f"Groundwork needs pgvector {needed} or newer and this database uses {installed}: "
            "install a newer one on the server, then run ALTER EXTENSION vector UPDATE."
        )
    if installed is None and _version(available or "") < OLDEST_PGVECTOR:
        return (
            f"Groundwork needs pgvector {needed} or newer and this server has {available}: "
            "install a newer one on the server and start again."
        )
    return None


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdecimal())


def database_problem() -> str | None:
    """One sentence on why the configured database cannot be used, or None when it can."""
    try:
        with psycopg.connect(**connection_parameters() | _QUICK) as link:
            if problem := version_problem(link.info.server_version):
                return problem
            row = link.execute(
                "SELECT default_version, installed_version"
                " FROM pg_available_extensions WHERE name = 'vector'"
            ).fetchone()
            return extension_problem(*row) if row else extension_problem(None, None)
    except psycopg.Error as error:
        reason = str(error).partition("\n")[0].strip()
        return (
            f"The database cannot be reached ({reason}): `make run` starts the built-in one; "
            "for another server check that it runs and that DATABASE_URL is right."
        )


_QUICK = {"connect_timeout": _CONNECT_SECONDS}


def require_usable_database() -> None:
    """Raise UnusableDatabase unless PostgreSQL and pgvector are there and new enough."""
    problem = database_problem()
    if problem:
        raise UnusableDatabase(problem)
