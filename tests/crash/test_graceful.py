"""SIGTERM: the worker leaves within seconds, whatever it is at, and the next one goes on."""

import logging
import time

from tests.crash.conftest import parsers
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
