"""What a worker that ends, or was killed, leaves to the next one."""

import asyncio

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinateWorker

from config.status import Status
from config.threads import in_thread
from playground.worker import _sweep, _worker, ready
from vectordb import ingest, services
from vectordb.interruption import Interrupted
from vectordb.models import VectorDatabase
from vectordb.tasks import enqueue_ingestion

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def database(alice, use_case) -> VectorDatabase:
    """Two documents, and the job that shall bring them in."""
    dataset = services.create_dataset(user=alice, name="Handbook", use_case=use_case)
    names = ("one.md", "two.md")
    files = [SimpleUploadedFile(name, f"# {name}\n\nSome words.\n".encode()) for name in names]
    services.add_files(dataset, user=alice, files=files)
    return services.create_vector_database(user=alice, use_case=use_case, dataset=dataset)


def test_an_ingestion_ends_soon_after_it_is_told_to(database):
    asked = iter([False, False, True])

    with pytest.raises(Interrupted):
        ingest.ingest(database.pk, should_end=lambda: next(asked, True))

    database.refresh_from_db()
    assert database.status == Status.RUNNING
    assert not database.ingestions.filter(status=Status.ERROR).exists()
    ingest.ingest(database.pk)
    database.refresh_from_db()
    assert (database.status, database.chunks_count) == (Status.COMPLETED, 2)


async def swept() -> None:
    """One round of the sweep, until no job is left to a worker that is gone."""
    async with ready() as queue:
        sweep = asyncio.create_task(_sweep(queue))
        try:
            async with asyncio.timeout(30):
                while await in_thread(ProcrastinateJob.objects.filter(status="doing").exists):
                    assert not sweep.done()
                    await asyncio.sleep(0.05)
        finally:
            sweep.cancel()
            await asyncio.gather(sweep, return_exceptions=True)


def taken_by_a_dead_worker(database: VectorDatabase) -> None:
    # The queue's own models may not be written.
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'doing' WHERE lock = %s",
            [f"ingest:{database.pk}"],
        )


def jobs_of(database: VectorDatabase) -> list[str]:
    jobs = ProcrastinateJob.objects.filter(lock=f"ingest:{database.pk}")
    return sorted(jobs.values_list("status", flat=True))


def test_the_job_of_a_dead_worker_starts_over(database):
    taken_by_a_dead_worker(database)

    asyncio.run(swept())

    assert jobs_of(database) == ["todo"]


def test_no_log_tells_an_address_with_a_key_in_it(alice, caplog):
    services.create_dataset_from_url(user=alice, url="https://example.com/a.csv?key=s3cret")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing'")

    asyncio.run(swept())

    assert "vectordb.fetch_dataset" in caplog.text
    assert "s3cret" not in caplog.text


def test_a_dead_workers_job_whose_twin_waits_is_dropped(database):
    taken_by_a_dead_worker(database)
    enqueue_ingestion(database.pk)
    assert jobs_of(database) == ["doing", "todo"]

    asyncio.run(swept())

    assert jobs_of(database) == ["todo"]


async def test_a_worker_without_a_heartbeat_ends_and_begins_anew(settings):
    settings.WORKER_HEARTBEAT_SECONDS = 0.1

    def is_registered() -> bool:
        return ProcrastinateWorker.objects.exists()

    async with ready() as queue, asyncio.timeout(30):
        worker = _worker(queue, "ingest", 1)
        # Looking for jobs, the other way to notice the loss, comes much later.
        worker.fetch_job_polling_interval = 3600.0
        working = asyncio.create_task(worker.run())
        while not await in_thread(is_registered):
            await asyncio.sleep(0.05)
        await in_thread(cut_the_queues_connections)
        await asyncio.gather(working, return_exceptions=True)


def cut_the_queues_connections() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query LIKE '%procrastinate%' AND pid <> pg_backend_pid()"
        )
