"""The worker keeps sums true beside those who write logs."""

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection

from config.database import connection_parameters
from config.ids import new_id
from config.threads import in_thread
from playground import worker
from tracing import summing
from tracing.sum_models import LogSum, StaleHour, Step

DAY = datetime(2024, 5, 1, tzinfo=UTC)
NOW = DAY + timedelta(days=6)


def stale_hours() -> int:
    return StaleHour.objects.count()


@pytest.mark.django_db(transaction=True)
def test_a_log_that_is_written_meanwhile_is_not_forgotten(use_case, tool, log_of):
    """It is committed after its hour was summed: its own note stays for the next run."""
    log_of(tool, created_at=DAY)

    with psycopg.connect(**connection_parameters()) as other:
        other.execute(
            "INSERT INTO tracing_log"
            " SELECT (jsonb_populate_record(log, jsonb_build_object('id', %s::text))).*"
            " FROM tracing_log AS log",
            [new_id()],
        )
        summing.sum_up(NOW)
        assert LogSum.objects.get(step=Step.DAY).count == 1
        other.commit()

    assert stale_hours() == 1
    summing.sum_up(NOW)
    assert LogSum.objects.get(step=Step.DAY).count == 2


@pytest.mark.django_db(transaction=True)
def test_the_worker_keeps_the_sums_true(log_of, tool, monkeypatch):
    monkeypatch.setattr(worker, "_SUM_SECONDS", 0.05)

    async def work() -> None:
        chore = asyncio.create_task(worker._sum_up(lambda: False))
        for day in range(2):
            await in_thread(log_of, tool, created_at=DAY + timedelta(days=day))
            while await in_thread(stale_hours):
                await asyncio.sleep(0.02)
        chore.cancel()

    asyncio.run(asyncio.wait_for(work(), 30))

    assert LogSum.objects.filter(step=Step.HOUR).count() == 2


def test_a_worker_that_cannot_sum_goes_on(log_of, tool, caplog):
    log_of(tool, created_at=DAY)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tracing_logsum ADD CHECK (false) NOT VALID")

    summing.keep_up(should_end=lambda: False)

    assert "could not be summed" in caplog.text
    assert stale_hours()
