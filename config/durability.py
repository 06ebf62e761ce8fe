"""When a commit must wait for the disk, and when it need not."""

from django.db import connection, transaction

# Empty, but part of the log: when its commit is on disk, so is every commit before it.
_MARK = "SELECT pg_logical_emit_message(true, 'groundwork', '')"


def let_others_begin() -> None:
    """In a transaction that leaves work to others: they learn of it before it is on disk.

    The commit itself does not wait, so that what it publishes goes out at once; the caller waits
    right after it, and acknowledges nothing that a crash could lose.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
    # Once, however many questions one transaction puts.
    if not any(hook is _wait_for_disk for _, hook, *_ in connection.run_on_commit):
        transaction.on_commit(_wait_for_disk)


def _wait_for_disk() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_MARK)
