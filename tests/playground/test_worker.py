"""How a worker looks for its jobs."""

import asyncio
import contextlib

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from config import listener
from config.ids import new_id
from config.listener import Listener
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


async def test_workers_look_again_after_nobody_listened_for_a_moment():
    class Looked(_Worker):
        times = 0

        def look(self) -> None:
            self.times += 1

    workers: dict[str, _Worker] = {}
    async with ready(workers) as queue, asyncio.timeout(60):
        looked = workers["ingest"] = Looked(queue, queues=["ingest"])
        await in_thread(cut_listeners)
        while not looked.times:
            await asyncio.sleep(0.02)


def cut_listeners() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'groundwork listener'"
        )


async def test_a_connection_that_is_looked_after_goes_on_listening(monkeypatch):
    monkeypatch.setattr(listener, "_CHECK_SECONDS", 0.01)
    heard: list[str] = []
    ears = Listener("unused", {"a queue's": heard.append})
    await ears.start()
    try:
        async with asyncio.timeout(60):
            for number in range(5):
                await in_thread(told, f"{number}")
                while len(heard) <= number:
                    await asyncio.sleep(0.02)
    finally:
        await ears.stop()
    assert heard == ["0", "1", "2", "3", "4"]


def told(payload: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", ["a queue's", payload])


async def test_a_job_is_aborted_when_its_queue_says_so(monkeypatch):
    aborted: list[int] = []
    async with ready() as queue:
        worker = _Worker(queue, queues=["ingest"])
        monkeypatch.setattr(worker, "_handle_abort_jobs_requested", aborted.extend)
        worker.hear('{"type": "abort_job_requested", "job_id": 7}')
    assert aborted == [7]
