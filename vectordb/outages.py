"""What the database or a disk refused, in words that say what to do."""

import errno

from django.db import DatabaseError, InterfaceError, OperationalError
from psycopg import errors

# Raised while the server is away, among others; soon it may be back.
AWAY = (OperationalError, InterfaceError)

FULL = (
    "{}'s disk is full: ask whoever runs it to make room there, or delete vector databases that "
    "nobody needs any more. Then retry."
)
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


def is_full(error: BaseException) -> bool:
    """Whether there was no room on a disk: the database server's, or this machine's."""
    if isinstance(error, OSError):
        return error.errno in _NO_ROOM
    return isinstance(error, DatabaseError) and isinstance(error.__cause__, errors.DiskFull)


def what_to_do(error: BaseException) -> str:
    """For whoever waits for work that this ended."""
    if is_full(error):
        return FULL.format("This server" if isinstance(error, OSError) else "The database")
    if isinstance(error, AWAY):
        return "The database was away, or busy, for too long. Retry it."
    return "Something went wrong on our side. Retry it."
