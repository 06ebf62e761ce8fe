"""Jobs of the `ingest` queue. A job that is killed is run again: each may start over at any time."""

import logging
import time
from collections.abc import Callable

from django.db import InterfaceError, OperationalError, connections, transaction
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from vectordb import ingest, partitions

logger = logging.getLogger(__name__)

QUEUE = "ingest"
# PostgreSQL may be restarted while a job runs; it is back within seconds.
_ATTEMPTS = 6


@app.task(name="vectordb.ingest_database", queue=QUEUE)
def ingest_database(database_id: str) -> None:
    """Bring the unfinished documents of a vector database in."""
    try:
        _patiently(lambda: ingest.ingest(database_id))
    except Exception:
        logger.exception("Ingesting into %s failed", database_id)
        _patiently(lambda: ingest.fail(database_id, "Something went wrong on our side. Retry it."))
    finally:
        connections.close_all()


@app.task(name="vectordb.drop_chunks", queue=QUEUE, retry=RetryStrategy(max_attempts=20, wait=3))
def drop_chunks(database_id: str) -> None:
    """Drop what a deleted vector database held."""
    try:
        partitions.drop(database_id)
    finally:
        connections.close_all()


def _patiently(work: Callable[[], None]) -> None:
    """Do the work again while the database server is away."""
    for attempt in range(_ATTEMPTS):
        try:
            work()
            return
        except (OperationalError, InterfaceError):
            if attempt == _ATTEMPTS - 1:
                raise
            logger.warning("The database is away, trying again", exc_info=True)
            connections.close_all()
            time.sleep(2**attempt)


def enqueue_ingestion(database_id: str) -> None:
    """Have the database's documents brought in, once the current transaction commits."""
    lock = f"ingest:{database_id}"
    try:
        # In a savepoint: that a job is waiting already must not spoil the caller's transaction.
        with transaction.atomic():
            ingest_database.configure(lock=lock, queueing_lock=lock).defer(database_id=database_id)
    except AlreadyEnqueued:
        logger.info("A job for %s is waiting already", database_id)


def enqueue_drop(database_id: str) -> None:
    """Have the chunks dropped once the current transaction commits and no job fills them."""
    drop_chunks.configure(lock=f"ingest:{database_id}", priority=1).defer(database_id=database_id)
