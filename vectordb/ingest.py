"""Documents into a vector database: read, cut, embed, store, one after the other.

It may be killed at any moment and run again from the start: finished documents are left alone, the
interrupted one starts over, and no chunk is ever there twice.
"""

from collections.abc import Callable, Iterator

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from config.status import UNFINISHED, Status
from vectordb import edit_work, keyword_index, partitions, vector_index, versions
from vectordb.ingest_run import Run
from vectordb.ingestion_rows import announce, fail_unfinished
from vectordb.models import Ingestion, VectorDatabase

_ALL_DISABLED = "All of its chunks are disabled: enable some."
_LOOKED_UP_AT_ONCE = 100


def ingest(database_id: str, *, should_end: Callable[[], bool] = lambda: False) -> None:
    """Work off the unfinished documents of a database, then complete it.

    Raises Interrupted soon after `should_end` says so.
    """
    database = _start(database_id)
    if database is None:
        return
    with Run(database, should_end) as run:
        for some in _waiting(database):
            run.ingest(some)
    _finish(database, run.check)


@transaction.atomic
def fail(database_id: str, message: str) -> None:
    """Leave nothing unfinished behind when the job itself broke."""
    fail_unfinished(database_id, message)
    databases = VectorDatabase.objects.filter(pk=database_id)
    if not databases.filter(status__in=UNFINISHED).update(
        status=Status.ERROR, error_message=message
    ):
        # It is in use already, and stays so.
        databases.filter(status=Status.COMPLETED).update(error_message=message)
    announce(database_id)


def _start(database_id: str) -> VectorDatabase | None:
    databases = VectorDatabase.objects.filter(pk=database_id)
    if databases.filter(status__in=UNFINISHED).update(status=Status.RUNNING, error_message=""):
        announce(database_id)
    database = databases.first()
    if database is None or not partitions.create(database):
        return None
    if database.status == Status.RUNNING and _unfinished(database).exists():
        # Nobody searches it yet, and loading without an index is faster.
        vector_index.drop_index(database)
    return database


def _unfinished(database: VectorDatabase) -> QuerySet[Ingestion]:
    return database.ingestions.filter(status__in=UNFINISHED).select_related("document")


def _waiting(database: VectorDatabase) -> Iterator[list[Ingestion]]:
    """The unfinished documents in their order, also those that come while others are worked on."""
    while some := list(_unfinished(database)[:_LOOKED_UP_AT_ONCE]):
        yield some


def _finish(database: VectorDatabase, check: Callable[[], None]) -> None:
    """Count, index, and say how it ended."""
    if not VectorDatabase.objects.filter(pk=database.pk).exists():
        return
    edit_work.apply_edits(database.pk, check)
    count, _ = partitions.measure(database.pk)
    database.refresh_from_db()
    partitions.analyze(database.pk)
    keyword_index.bring_up_to_date(database, check)
    vector_index.index(database, count)
    _, size = partitions.measure(database.pk)
    databases = VectorDatabase.objects.filter(pk=database.pk)
    with transaction.atomic():
        whole = size + keyword_index.size(database.pk)
        databases.update(chunks_count=count, size=whole, updated_at=timezone.now())
        ended = databases.filter(status__in=(Status.RUNNING, Status.COMPLETED)).update(
            status=Status.COMPLETED if count else Status.ERROR,
            error_message=_summary(database, count),
        )
        if ended and count:
            versions.tell_complete(database)
        announce(database.pk)


def _summary(database: VectorDatabase, count: int) -> str:
    failed = database.ingestions.filter(status=Status.ERROR)
    if not count:
        reason = failed.values_list("error_message", flat=True).first()
        if reason:
            return f"None of the documents could be read. {reason}"
        is_switched_off = database.chunk_edits.filter(is_enabled=False).exists()
        return _ALL_DISABLED if is_switched_off else "There is no document in it any more."
    total = database.ingestions.count()
    return f"{len(failed)} of {total} documents could not be read." if failed else ""
