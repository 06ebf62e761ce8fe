"""How the work on documents stands, in their rows, for whoever looks on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

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
    same = Ingestion.objects.filter(pk=ingestion.pk, number=ingestion.number)
    claimed = same.filter(status__in=UNFINISHED).update(
        status=Status.RUNNING,
        started_at=timezone.now(),
        error_message="",
        progress_done=0,
        progress_total=0,
        chunks_count=0,
    )
    return bool(claimed)


def complete(ingestion: Ingestion, count: int, total: int, times: Times | None = None) -> None:
    """Mark the document done, in the transaction that stores its chunks. Raises Stopped."""
    if ingestion.replaces is not None:
        # Editors of the old chunks are waited for, and then wait.
        own_database = VectorDatabase.objects.filter(pk=ingestion.vector_database_id)
        list(own_database.select_for_update(no_key=True))
    own = {"finished_at": timezone.now()}
    if times is not None:
        own = {"started_at": times.started_at, "finished_at": times.finished_at}
    same = Ingestion.objects.filter(pk=ingestion.pk, number=ingestion.number)
    completed = same.filter(status=Status.RUNNING).update(
        status=Status.COMPLETED,
        chunks_count=count,
        reading=READING,
        progress_done=total,
        progress_total=total,
        **own,
    )
    if not completed:
        raise Stopped


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
