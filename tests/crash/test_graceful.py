"""SIGTERM: the worker leaves within seconds, whatever it is at, and the next one goes on."""

import logging
import time

from tests.crash.conftest import document, parsers
from tests.visitors import wait_for

logger = logging.getLogger(__name__)

# Two seconds are given to answers that are nearly done, the rest is for a batch of embeddings.
LEAVING_SECONDS = 8


def test_a_worker_leaves_in_the_middle_and_the_next_one_goes_on(stack, work):
    worker = stack.process("worker")
    readers = parsers(worker)
    assert readers

    worker.terminate()
    asked_at = time.monotonic()
    wait_for(lambda: not worker.is_running() or worker.status() == "zombie", "the worker's end")
    took = time.monotonic() - asked_at

    logger.info("left after %.1f s", took)
    assert took < LEAVING_SECONDS
    wait_for(lambda: not any(one.is_running() for one in readers), "the end of the parser", 5)
    wait_for(lambda: "(exit status 0)" in stack.running.said(), "the launcher's notice")
    work.is_finished_as_if_nothing_had_happened(attempts={2})
    assert work.watcher.names(work.prompt).count("restarted") == 1


def test_a_worker_leaves_in_the_middle_of_a_long_document(stack):
    worker = stack.process("worker")
    dataset = stack.alice.upload({"long.md": document(99) * 60})
    database = stack.alice.make(
        "genai/vectorDatabases/", datasetId=dataset, useCaseId=stack.use_case
    )["id"]
    progress = (
        "SELECT status, progress_done > 0 FROM vectordb_ingestion WHERE vector_database_id = %s"
    )
    wait_for(lambda: stack.sql(progress, database) == [("RUNNING", True)], "progress")
    (reader,) = parsers(worker)

    worker.terminate()
    asked_at = time.monotonic()
    wait_for(lambda: not worker.is_running() or worker.status() == "zombie", "the worker's end")
    took = time.monotonic() - asked_at
    logger.info("left a long document after %.1f s", took)

    assert took < LEAVING_SECONDS
    assert not reader.is_running()
    assert stack.sql(progress, database)[0][0] == "RUNNING"
    # Deleted, the next worker leaves it alone.
    path = f"/api/v2/genai/vectorDatabases/{database}/"
    assert stack.alice.send("DELETE", path).status == 204
