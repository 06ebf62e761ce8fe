"""kill -9 of each part in the middle of an answer and of an ingestion: all of it recovers alone."""

import logging
import time

import pytest

from tests.crash.conftest import TEXT, Asker, parsers
from tests.stack import Stack
from tests.visitors import PATIENCE_SECONDS, wait_for

logger = logging.getLogger(__name__)

# What is left of a worker that is gone is handed out again after this, see WORKER_STALLED_SECONDS;
# the rest is for the start of another one.
RECOVERY_SECONDS = 10 + 25


def chats_of(stack: Stack, count: int) -> list[str]:
    return [stack.chat() for _ in range(count)]


def test_of_the_worker(stack, work):
    worker = stack.process("worker")
    readers = parsers(worker)

    worker.kill()
    killed_at = time.monotonic()

    wait_for(
        lambda: "restarted" in work.watcher.names(work.prompt), "the answer's second beginning"
    )
    took = time.monotonic() - killed_at
    logger.info("recovered after %.1f s", took)
    work.is_finished_as_if_nothing_had_happened(attempts={2})
    assert took < RECOVERY_SECONDS
    assert work.watcher.names(work.prompt).count("restarted") == 1
    wait_for(lambda: not any(one.is_running() for one in readers), "the end of the parser")


@pytest.mark.parametrize("work", [200], indirect=True)
def test_of_the_web_process(stack, work):
    chats = chats_of(stack, 30)
    with Asker(stack.alice, chats) as asker:
        wait_for(lambda: len(asker.acknowledged) > 3, "acknowledged questions")
        stack.process("web").kill()
        before = len(asker.acknowledged)
        wait_for(lambda: len(asker.acknowledged) > before + 3, "questions after the restart")

    work.is_finished_as_if_nothing_had_happened(attempts={1})
    assert work.watcher.statuses.count(200) >= 2
    assert "snapshot" in work.watcher.names(work.prompt)
    for prompt in asker.acknowledged:
        assert stack.finished(prompt) == ("COMPLETED", TEXT, 1)


@pytest.mark.parametrize("victim", ["postmaster", "backend"])
def test_of_postgresql(stack, work, victim):
    chats = chats_of(stack, 60)
    with Asker(stack.alice, chats) as asker:
        wait_for(lambda: len(asker.acknowledged) > 3, "acknowledged questions")
        if victim == "postmaster":
            stack.postmaster().kill()
        else:
            [(pid, *_)] = stack.sql(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'groundwork relay'"
            )
            next(one for one in stack.postmaster().children() if one.pid == pid).kill()
        wait_for(lambda: not stack.running.is_ready(), "the loss to be noticed", 10)
        killed_at = time.monotonic()
        stack.running.wait_until_ready()
        took = time.monotonic() - killed_at
        logger.info("ready after %.1f s", took)
        assert took < RECOVERY_SECONDS

    # A database that is back soon is not even noticed by an answer.
    work.is_finished_as_if_nothing_had_happened(attempts={1, 2})
    for prompt in asker.acknowledged:
        status, text, _ = stack.finished(prompt)
        assert (status, text) == ("COMPLETED", TEXT)


def test_of_everything_at_once(stack, work):
    """As when the machine loses its power: nothing but the launcher's keeper is left to say so."""
    family = [stack.process("worker"), stack.process("web"), stack.postmaster()]
    for one in family:
        one.kill()

    wait_for(lambda: stack.running.is_ready(), "everything to be back", PATIENCE_SECONDS)
    work.is_finished_as_if_nothing_had_happened(attempts={2})
