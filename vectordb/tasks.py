"""Jobs that bring documents in. A job that is killed is run again: each may start over at any time."""

import logging
import time
from collections.abc import Callable
from functools import partial

from django.db import connections, transaction
from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued, JobAborted

from vectordb import (
    edit_work,
    edited_chunks,
    fetch_job,
    ingest,
    ingestion_rows,
    keyword_index,
    model_reading,
    outages,
    partitions,
    trial_cuts,
)
from vectordb.interruption import Interrupted

logger = logging.getLogger(__name__)

QUEUE = "ingest"
# Fetching waits for servers elsewhere: it must not stand in the way of ingestion, of which there is
# one at a time.
WAITING_QUEUE = "evaluate"
# PostgreSQL may be restarted while a job runs; it is back within seconds.
_ATTEMPTS = 6
_LOOK_UP_SECONDS = 0.25


class _NotOver(Exception):
    """That the job failed could not be written down."""


# A worker that ends hands its job back.
_BY_THE_NEXT_WORKER = RetryStrategy(wait=0, retry_exceptions=[JobAborted])
_UNTIL_IT_IS_OVER = RetryStrategy(wait=0, retry_exceptions=[JobAborted, _NotOver])


@app.task(name="vectordb.ingest_database", queue=QUEUE, pass_context=True, retry=_UNTIL_IT_IS_OVER)
def ingest_database(context: JobContext, database_id: str) -> None:
    """Bring the unfinished documents of a vector database in."""
    should_end = context.should_abort
    try:
        _patiently(lambda: ingest.ingest(database_id, should_end=should_end), should_end)
    except Interrupted:
        raise JobAborted from None
    except Exception as error:
        logger.exception("Ingesting into %s failed", database_id)
        _write_down(ingest.fail, database_id, outages.what_to_do(error), should_end)
    finally:
        connections.close_all()


def _write_down(
    fail: Callable[[str, str], None],
    database_id: str,
    message: str,
    should_end: Callable[[], bool],
) -> None:
    try:
        _patiently(partial(fail, database_id, message), should_end, is_for_room=True)
    except Interrupted:
        raise JobAborted from None
    except outages.AWAY as error:
        raise _NotOver from error


@app.task(
    name="vectordb.apply_edits",
    queue=WAITING_QUEUE,
    pass_context=True,
    retry=_UNTIL_IT_IS_OVER,
)
def apply_edits(context: JobContext, database_id: str) -> None:
    """Embed what editors made of chunks. It need not wait for documents that are brought in."""
    should_end = context.should_abort

    def check() -> None:
        if should_end():
            raise Interrupted

    def work() -> None:
        edit_work.apply_edits(database_id, check)
        # That job counts, and looks words up anew.
        enqueue_ingestion(database_id)
        ingestion_rows.announce(database_id)

    try:
        _patiently(work, should_end)
    except Interrupted:
        raise JobAborted from None
    except Exception as error:
        logger.exception("Editing chunks of %s failed", database_id)
        _write_down(edit_work.fail_edits, database_id, outages.what_to_do(error), should_end)
    finally:
        connections.close_all()


@app.task(
    name="vectordb.fetch_dataset",
    queue=WAITING_QUEUE,
    pass_context=True,
    retry=_BY_THE_NEXT_WORKER,
)
def fetch_dataset(context: JobContext, dataset_id: str, url: str) -> None:
    """Fetch the file of a dataset from elsewhere."""
    should_end = context.should_abort
    try:
        _patiently(lambda: fetch_job.run(dataset_id, url, should_end=should_end), should_end)
    except Interrupted:
        raise JobAborted from None
    except Exception:
        logger.exception("Fetching dataset %s failed", dataset_id)
        _patiently(lambda: fetch_job.fail(dataset_id), should_end)
    finally:
        connections.close_all()


@app.task(
    name="vectordb.cut_on_trial",
    queue=WAITING_QUEUE,
    pass_context=True,
    retry=_BY_THE_NEXT_WORKER,
)
def cut_on_trial(context: JobContext, trial_id: str) -> None:
    """Cut a document for the chunking lab."""
    should_end = context.should_abort
    try:
        _patiently(lambda: trial_cuts.run(trial_id, should_end=should_end), should_end)
    except Interrupted:
        raise JobAborted from None
    except Exception:
        logger.exception("Trial %s failed", trial_id)
        message = "Something went wrong on our side. Press Compare to try again."
        _patiently(lambda: trial_cuts.fail(trial_id, message), should_end)
    finally:
        connections.close_all()


@app.task(name="vectordb.drop_chunks", queue=QUEUE, retry=RetryStrategy(max_attempts=20, wait=3))
def drop_chunks(database_id: str) -> None:
    """Drop what a deleted vector database held."""
    try:
        partitions.drop(database_id)
        keyword_index.drop(database_id)
        edited_chunks.drop(database_id)
    finally:
        connections.close_all()


@app.task(
    name="vectordb.read_embedding_model",
    queue=WAITING_QUEUE,
    pass_context=True,
    retry=_BY_THE_NEXT_WORKER,
)
def read_embedding_model(context: JobContext, entry_id: str) -> None:
    """Load a model that staff added, and ask it what it can do."""
    should_end = context.should_abort
    try:
        _patiently(lambda: model_reading.read(entry_id), should_end)
    except Interrupted:
        raise JobAborted from None
    except Exception:
        logger.exception("Reading embedding model %s failed", entry_id)
        _patiently(lambda: model_reading.fail(entry_id), should_end)
    finally:
        connections.close_all()


def _patiently(
    work: Callable[[], None], should_end: Callable[[], bool], *, is_for_room: bool = False
) -> None:
    """Do the work again while the database server is away, or while its disk is full where it is
    told to. Raises Interrupted."""
    for attempt in range(_ATTEMPTS):
        try:
            work()
            return
        except outages.AWAY as error:
            is_vain = outages.is_full(error) and not is_for_room
            if is_vain or attempt == _ATTEMPTS - 1:
                raise
            logger.warning("The database cannot do it, trying again", exc_info=True)
            connections.close_all()
            _sleep(2.0**attempt, should_end)


def _sleep(seconds: float, should_end: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if should_end():
            raise Interrupted
        time.sleep(_LOOK_UP_SECONDS)


def enqueue_ingestion(database_id: str) -> None:
    """Have the database's documents brought in, once the current transaction commits."""
    lock = f"ingest:{database_id}"
    try:
        # In a savepoint: that a job is waiting already must not spoil the caller's transaction.
        with transaction.atomic():
            ingest_database.configure(lock=lock, queueing_lock=lock).defer(database_id=database_id)
    except AlreadyEnqueued:
        logger.info("A job for %s is waiting already", database_id)


def enqueue_edits(database_id: str) -> None:
    """Have the edits of the database's chunks embedded, once the current transaction commits."""
    lock = f"edit:{database_id}"
    try:
        with transaction.atomic():
            apply_edits.configure(lock=lock, queueing_lock=lock).defer(database_id=database_id)
    except AlreadyEnqueued:
        logger.info("A job for the edits of %s is waiting already", database_id)


def enqueue_drop(database_id: str) -> None:
    """Have the chunks dropped once the current transaction commits and no job fills them."""
    drop_chunks.configure(lock=f"ingest:{database_id}", priority=1).defer(database_id=database_id)


def enqueue_fetch(dataset_id: str, url: str, *, user_id: str) -> None:
    """Have the dataset's file fetched once the current transaction commits. Those of one user come
    one after the other: slow servers hold up nobody else."""
    fetch_dataset.configure(lock=f"fetch:{user_id}").defer(dataset_id=dataset_id, url=url)


def enqueue_trial(trial_id: str, *, side: int) -> None:
    """Have the document cut once the current transaction commits. Each side of the lab takes one at
    a time, so that two are cut at once at most, whoever asks: each keeps a parser's process busy."""
    cut_on_trial.configure(lock=f"trial:{side}").defer(trial_id=trial_id)


def enqueue_reading(entry_id: str) -> None:
    """Have an embedding model read once the current transaction commits; one at a time, for each
    takes memory."""
    read_embedding_model.configure(lock="read-embedding-model").defer(entry_id=entry_id)
