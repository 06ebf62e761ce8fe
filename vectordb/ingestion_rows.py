"""How the work on documents stands, in their rows, for whoever looks on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from config.notify import publish
from config.status import UNFINISHED, Status
from vectordb.models import Ingestion, VectorDatabase
from vectordb.reuse import READING


class Stopped(Exception):
    """The document was cancelled or deleted while it was worked on: leave it."""


@dataclass(frozen=True, slots=True)
class Times:
    """When the work on a document began and ended."""

    started_at: datetime
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class Done:
    """A document that was worked through: how many chunks it has, and what its progress counted to."""

    ingestion: Ingestion
    count: int
    total: int
    times: Times | None = None


# A crash that loses the claim loses nothing, so its commit does not wait for the disk.
_CLAIM = """
UPDATE vectordb_ingestion
SET status = 'RUNNING', started_at = %s, error_message = '',
    progress_done = 0, progress_total = 0, chunks_count = 0
WHERE id = %s AND number = %s AND status = ANY(%s)
  AND set_config('synchronous_commit', 'off', true) = 'off'
"""
_COMPLETE = """
UPDATE vectordb_ingestion AS own
SET status = 'COMPLETED', chunks_count = one.count, reading = %(reading)s,
    progress_done = one.total, progress_total = one.total,
    started_at = coalesce(one.started, own.started_at), finished_at = one.finished
FROM unnest(%(ids)s::text[], %(numbers)s::int[], %(counts)s::int[], %(totals)s::bigint[],
            %(started)s::timestamptz[], %(finished)s::timestamptz[])
    AS one (id, number, count, total, started, finished)
WHERE own.id = one.id AND own.number = one.number AND own.status = 'RUNNING'
RETURNING own.id
"""


def announce(database_id: str) -> None:
    """Tell the pages that show this database that it moved."""
    publish(
        topic=f"vector_database:{database_id}",
        event="ingestion",
        data={"vector_database": database_id},
    )


def claim(ingestion: Ingestion) -> bool:
    """Begin with a document. False when it is not wanted any more, or not as it was looked up."""
    # Of one that was replaced meanwhile, the next look finds the new file.
    values: list[Any] = [timezone.now(), ingestion.pk, ingestion.number, list(UNFINISHED)]
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, values)
        return bool(cursor.rowcount)


def complete(done: Sequence[Done]) -> list[Done]:
    """Mark documents done, in the transaction that stores their chunks. Those are returned that nobody
    has stopped or replaced."""
    # As all do who change several of its documents, or edit chunks: they wait for each other here.
    databases = VectorDatabase.objects.filter(pk=done[0].ingestion.vector_database_id)
    list(databases.select_for_update(no_key=True).values_list("pk"))
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            _COMPLETE,
            {
                "ids": [one.ingestion.pk for one in done],
                "numbers": [one.ingestion.number for one in done],
                "counts": [one.count for one in done],
                "totals": [one.total for one in done],
                "started": [one.times and one.times.started_at for one in done],
                "finished": [one.times.finished_at if one.times else now for one in done],
                "reading": READING,
            },
        )
        completed = {pk for (pk,) in cursor.fetchall()}
    return [one for one in done if one.ingestion.pk in completed]


def fail(ingestion: Ingestion, message: str) -> None:
    Ingestion.objects.filter(pk=ingestion.pk, status=Status.RUNNING).update(
        status=Status.ERROR, error_message=message, chunks_count=0, finished_at=timezone.now()
    )


def fail_unfinished(database_id: str, message: str) -> None:
    """Fail all documents of the database that are not done."""
    waiting = Ingestion.objects.filter(vector_database=database_id, status__in=UNFINISHED)
    waiting.update(
        status=Status.ERROR, error_message=message, chunks_count=0, finished_at=timezone.now()
    )


def note_progress(ingestions: Sequence[Ingestion], *, done: int, total: int, embedded: int) -> None:
    """Of one document, how far it is; of several, nothing. Raises Stopped when none is wanted."""
    running = Ingestion.objects.filter(pk__in=[one.pk for one in ingestions], status=Status.RUNNING)
    if len(ingestions) > 1:
        wanted = running.exists()
    else:
        wanted = bool(
            running.update(progress_done=done, progress_total=total, chunks_count=embedded)
        )
    if not wanted:
        raise Stopped
