"""A worker that is shut down in the middle of a measurement leaves it to the next one."""

import asyncio

import psycopg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.jobs import Job

from config.database import connection_parameters
from config.status import Status
from playground import gold_tasks
from playground.models import GoldLabel, GoldMeasurement, GoldQuestion
from playground.recording import MOST_ATTEMPTS
from playground.worker import _worker, ready
from vectordb import ingest, services
from vectordb.models import VectorDatabase

pytestmark = pytest.mark.django_db(transaction=True)

_IS_SEARCHING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


@pytest.fixture
def measurement(alice, use_case) -> GoldMeasurement:
    """Of one question; its job waits in the queue."""
    dataset = services.create_dataset(user=alice, name="Handbook", use_case=use_case)
    file = SimpleUploadedFile("lamps.md", b"# Lamps\n\nThe lamps burn rapeseed oil.\n")
    [added] = services.add_files(dataset, user=alice, files=[file])
    assert added.document is not None
    database = services.create_vector_database(user=alice, use_case=use_case, dataset=dataset)
    ingest.ingest(database.pk)
    database = VectorDatabase.objects.get(pk=database.pk)
    question = GoldQuestion.objects.create(
        use_case=use_case,
        family_id=database.family_id,
        text="What do the lamps burn?",
        created_by=alice,
    )
    place = {"document_name": "lamps.md", "start": 0, "end": 30, "text": "The lamps"}
    GoldLabel.objects.create(
        question=question, document_id=added.document.pk, user=alice, is_relevant=True, **place
    )
    gold_tasks.enqueue_measurement(database)
    return GoldMeasurement.objects.get()


async def shut_down_in_the_middle(link: psycopg.Connection) -> None:
    async with ready() as queue, asyncio.timeout(60):
        worker = asyncio.create_task(_worker(queue, "evaluate", 1).run())
        while link.execute(_IS_SEARCHING).fetchone() != (1,):
            assert not worker.done()
            await asyncio.sleep(0.05)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


def test_a_measurement_in_its_last_attempt_is_handed_back(measurement):
    with connection.cursor() as cursor:
        # The queue's own models may not be written.
        cursor.execute(
            "UPDATE procrastinate_jobs SET attempts = %s WHERE task_name = %s",
            [MOST_ATTEMPTS, gold_tasks.measure_gold.name],
        )
    with psycopg.connect(**connection_parameters()) as link:
        # The search waits for this lock when the worker is shut down.
        link.execute("LOCK TABLE vectordb_chunk IN ACCESS EXCLUSIVE MODE")
        asyncio.run(shut_down_in_the_middle(link))

    # What ends it, should this go on and on, is the task's own count.
    [job] = ProcrastinateJob.objects.filter(task_name=gold_tasks.measure_gold.name)
    assert (job.status, job.attempts) == ("todo", MOST_ATTEMPTS + 1)


@pytest.mark.parametrize(("attempts", "is_done"), [(1, True), (MOST_ATTEMPTS, True), (4, False)])
def test_a_measurement_is_done_after_some_attempts_and_not_after_many(
    measurement, attempts, is_done
):
    job = Job(
        id=1,
        queue="evaluate",
        lock=None,
        queueing_lock=None,
        task_name=gold_tasks.measure_gold.name,
        attempts=attempts,
    )
    context = JobContext(app=app, job=job, start_timestamp=0, abort_reason=lambda: None)
    asyncio.run(gold_tasks.measure_gold.func(context, measurement.pk))

    measurement.refresh_from_db()
    assert measurement.status == (Status.COMPLETED if is_done else Status.ERROR)
    assert measurement.results.count() == (1 if is_done else 0)
