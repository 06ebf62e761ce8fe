"""The queue's side of retrieval tests. Somebody waits for each, but less than for an answer."""

import logging

from procrastinate import JobContext
from procrastinate.contrib.django import app

from config.threads import in_thread
from playground import retrieving
from playground.recording import MOST_ATTEMPTS
from playground.tasks import QUEUE, Again

logger = logging.getLogger(__name__)


@app.task(name="playground.test_retrieval", queue=QUEUE, pass_context=True, retry=Again())
async def test_retrieval(context: JobContext, test_id: str) -> None:
    attempts = context.job.attempts
    if attempts > MOST_ATTEMPTS:
        message = "The server stopped several times while searching. Test again."
        await in_thread(retrieving.fail, test_id, message)
        return
    try:
        await retrieving.run(test_id)
    except Exception:
        if attempts < MOST_ATTEMPTS:
            raise
        logger.exception("The retrieval test %s failed", test_id)
        await in_thread(retrieving.fail, test_id, "Something went wrong on our side. Test again.")


def enqueue_test(test_id: str) -> None:
    """Within the caller's transaction; after the questions that people ask in chats."""
    test_retrieval.configure(priority=-1).defer(test_id=test_id)
