"""How a worker looks for its jobs."""

import asyncio
import contextlib

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from config.ids import new_id
from config.threads import in_thread
from playground import tasks
from playground.worker import _Worker, ready

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_job_announced_while_the_queue_is_found_empty_is_fetched_at_once(monkeypatch):
    workers: dict[str, _Worker] = {}
    async with ready(workers) as queue, asyncio.timeout(60):
        worker = workers[tasks.QUEUE] = _Worker(
            queue,
            queues=[tasks.QUEUE],
            fetch_job_polling_interval=3600,
            delete_jobs="successful",
            install_signal_handlers=False,
            listen_notify=False,
        )
        is_announced = asyncio.Event()
        fetch, hear = queue.job_manager.fetch_job, worker.hear

        def heard(payload):
            hear(payload)
            is_announced.set()

        async def found_empty_just_before(**asked):
            found = await fetch(**asked)
            # The first may come before the worker listens, which is not what is tried here.
            while not is_announced.is_set():
                await in_thread(tasks.enqueue_independent_answer, prompt_id=new_id())
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(is_announced.wait(), 0.2)
            return found

        monkeypatch.setattr(worker, "hear", heard)
        monkeypatch.setattr(queue.job_manager, "fetch_job", found_empty_just_before)
        working = asyncio.create_task(worker.run())
        await is_announced.wait()
        while await in_thread(ProcrastinateJob.objects.exists):
            await asyncio.sleep(0.02)
        worker.stop()
        await working
