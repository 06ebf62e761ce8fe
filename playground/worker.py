"""One worker process: all queues, the relay of answers, and the care for what others left behind."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import MappingProxyType
from typing import Any

import psycopg
import psycopg_pool
from django import db
from django.conf import settings
from procrastinate import App, PsycopgConnector
from procrastinate.contrib.django import app as django_app
from procrastinate.exceptions import ConnectorException, ProcrastinateException, UniqueViolation
from procrastinate.jobs import Job, Notification, Status
from procrastinate.manager import JobManager, get_channel_for_queues
from procrastinate.worker import Worker

from config.database import connection_parameters
from config.listener import GAP, Listener, Message
from config.notify import WORKERS_CHANNEL
from config.threads import in_thread
from playground import tasks
from playground.recovery import tidy_up
from playground.relay import relay
from tracing import summing
from tracing import tasks as retention_tasks
from vectordb import model_server

logger = logging.getLogger(__name__)

_SWEEP_SECONDS = 2.0
_SUM_SECONDS = 20.0
_RESTART_SECONDS = 1.0
_GRACE_SECONDS = 2.0
_QUEUE_CONNECTIONS = 6
_FETCHED_AT_ONCE = 4
_MORE_THREADS = 8
_OPTIONS: dict[str, dict[str, Any]] = {
    tasks.QUEUE: {
        # A question that waits for an earlier one of its chat is not announced when that is done.
        "fetch_job_polling_interval": 0.2,
        # Answers use threads of their own for the database, which clean up after themselves.
        "task_middleware": [],
    },
    # Steps of evaluations are put off until some answers are there; that too is not announced.
    "evaluate": {"fetch_job_polling_interval": 0.5},
}


def queue_connector() -> PsycopgConnector:
    """The queue's own connections.

    Losing the last commits of a crash is safe here: a job that was not noted as taken or done is
    done again, and an answer that was finished is not begun anew. So they do not wait for the disk.
    """
    return PsycopgConnector(
        kwargs=connection_parameters() | {"options": "-c synchronous_commit=off"},
        configure=_one_statement_one_transaction,
        min_size=2,
        max_size=_QUEUE_CONNECTIONS,
        pool_factory=_pool_without_checks,
    )


async def _one_statement_one_transaction(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.set_autocommit(True)


def _pool_without_checks(**options: Any) -> psycopg_pool.AsyncConnectionPool:
    # A check is one more round trip for each statement; a broken connection ends the run instead,
    # and `run_forever` opens a new pool.
    return psycopg_pool.AsyncConnectionPool(**(options | {"check": None}))


@contextlib.asynccontextmanager
async def ready(workers: "Mapping[str, _Worker]" = MappingProxyType({})) -> AsyncIterator[App]:
    """The queue opened, with relay and listener running: what answering needs around it. `workers`, by
    their queues, hear of new jobs; they may join later."""
    queues = {
        channel: partial(_tell, workers, name)
        for name in settings.QUEUES
        for channel in get_channel_for_queues([name])
    }
    ears = Listener(WORKERS_CHANNEL, queues)
    ears.observe(tasks.obey)
    ears.observe(partial(_look_after_gap, workers))
    # A second app on the same tasks: what jobs themselves enqueue still goes through Django's
    # connection, in their transaction.
    queue = django_app.with_connector(queue_connector())
    async with queue.open_async(), relay().running(), model_server.serving():
        await ears.start()
        try:
            yield queue
        finally:
            await ears.stop()


def _tell(workers: "Mapping[str, _Worker]", name: str, payload: str) -> None:
    if name in workers:
        workers[name].hear(payload)


def _look_after_gap(workers: "Mapping[str, _Worker]", message: Message) -> None:
    """What came while nobody listened was not heard."""
    if message is GAP:
        for worker in workers.values():
            worker.look()


async def run_forever(is_asked_to_end: Callable[[], bool]) -> None:
    """Work until cancelled; a lost database connection is waited for, not died of."""
    # Jobs that block are given asyncio's own threads, which by default are hardly more than the
    # machine's cores: files that come slowly would keep documents from being brought in.
    jobs = sum(count for name, count in settings.QUEUES.items() if name != tasks.QUEUE)
    # Names of servers are looked up there, too.
    threads = ThreadPoolExecutor(jobs + _MORE_THREADS, "job")
    asyncio.get_running_loop().set_default_executor(threads)
    # A cancellation that comes together with other trouble is lost in it, hence the question.
    while not is_asked_to_end():
        try:
            await _run(is_asked_to_end)
        except* (psycopg.Error, db.Error, ProcrastinateException) as lost:
            logger.warning("The worker lost the database and connects again: %s", _first(lost))
        await asyncio.sleep(_RESTART_SECONDS)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    # The queue's own exceptions say no more than "Database error".
    return error.__cause__ or error


async def _run(is_asked_to_end: Callable[[], bool]) -> None:
    workers: dict[str, _Worker] = {}
    async with ready(workers) as queue, asyncio.TaskGroup() as group:
        chores = [
            group.create_task(_sweep(queue), name="sweep"),
            group.create_task(_sum_up(is_asked_to_end), name="sums"),
        ]
        # Answers wait for LLMs, hundreds at a time; ingestion computes, and one at a time is best.
        queue.perform_import_paths()  # type: ignore[no-untyped-call]
        for name, concurrency in settings.QUEUES.items():
            workers[name] = _worker(queue, name, concurrency)
        running = [
            group.create_task(worker.run())  # type: ignore[no-untyped-call]
            for worker in workers.values()
        ]
        await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task in [*chores, *running]:
            task.cancel()


class _Worker(Worker):
    _announced = 0

    def hear(self, payload: str) -> None:
        """What the queue tells of itself."""
        told: Notification = json.loads(payload)
        if told["type"] == "job_inserted":
            self.look()
        else:
            self._handle_abort_jobs_requested([told["job_id"]])

    def look(self) -> None:
        """There may be a job."""
        self._announced += 1
        self._new_job_event.set()

    async def _fetch_and_process_jobs(self) -> None:
        """Until none is left. Questions that come together are fetched together, and what is announced
        while the queue is just found empty does not wait for the next look."""
        self._announced = max(1, self._announced)
        while self._announced and not self._stop_event.is_set():
            at_once, self._announced = min(self._announced, _FETCHED_AT_ONCE), 0
            async with asyncio.TaskGroup() as group:
                for _ in range(at_once):
                    group.create_task(super()._fetch_and_process_jobs())  # type: ignore[no-untyped-call]

    async def _periodic_deferrer(self) -> None:
        # What is due daily is told once a process: the workers of its queues share a clock that each
        # of them sets. And none may return: whoever watches over the heartbeat takes the first end for
        # the only one, and a worker would go on without it after the database was away for a moment.
        if self.queues == [retention_tasks.QUEUE]:
            await super()._periodic_deferrer()  # type: ignore[no-untyped-call]
        await asyncio.Event().wait()


def _worker(queue: App, name: str, concurrency: int) -> _Worker:
    everything: dict[str, Any] = {
        **queue.worker_defaults,
        "queues": [name],
        "name": f"worker-{name}",
        "concurrency": concurrency,
        "delete_jobs": "successful",
        "install_signal_handlers": False,
        "shutdown_graceful_timeout": _GRACE_SECONDS,
        "update_heartbeat_interval": settings.WORKER_HEARTBEAT_SECONDS,
        "stalled_worker_timeout": settings.WORKER_STALLED_SECONDS,
        "listen_notify": False,
        **_OPTIONS.get(name, {}),
    }
    return _Worker(queue, **everything)


async def _sweep(queue: App) -> None:
    """Hand out again the jobs of workers that are gone."""
    manager = queue.job_manager
    while True:
        for job in await manager.get_stalled_jobs(
            seconds_since_heartbeat=settings.WORKER_STALLED_SECONDS
        ):
            # Not with its arguments: an address to fetch from may hold a key.
            logger.warning("A worker is gone; its job %s [%s] starts over", job.task_name, job.id)
            await _start_over(manager, job)
        await in_thread(tidy_up)
        await asyncio.sleep(_SWEEP_SECONDS)


async def _sum_up(is_asked_to_end: Callable[[], bool]) -> None:
    """Keep the sums of logs true. No job, for there would be one each time."""
    while True:
        await in_thread(summing.keep_up, should_end=is_asked_to_end)
        await asyncio.sleep(_SUM_SECONDS)


async def _start_over(manager: JobManager, job: Job) -> None:
    try:
        await manager.retry_job(job)
    except UniqueViolation:
        # The same work is waiting in the queue already.
        await manager.finish_job(job, status=Status.FAILED, delete_job=True)
    except ConnectorException:
        logger.info("Another worker was first to hand job %s out again", job.id, exc_info=True)
