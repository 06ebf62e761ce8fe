"""Runs the jobs that a test has put into the queue, in this process, with everything real."""

import asyncio

import pytest
import uvloop
from django.conf import settings

from playground.worker import ready


@pytest.fixture
def run_jobs(transactional_db):
    """Call it to work off all queues until they are empty."""

    def run() -> None:
        uvloop.run(_work_off())

    return run


async def _work_off() -> None:
    async with ready() as queue, asyncio.timeout(120):
        # A job that waits for another one of its chat is not there to be fetched at first.
        while await queue.job_manager.list_jobs_async(status="todo"):
            await queue.run_worker_async(
                queues=list(settings.QUEUES),
                wait=False,
                concurrency=10,
                install_signal_handlers=False,
                delete_jobs="successful",
            )
