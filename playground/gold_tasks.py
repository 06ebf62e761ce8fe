"""The queue's side of measuring vector databases by gold questions."""

import logging

from procrastinate import JobContext
from procrastinate.contrib.django import app

from config.status import Status
from config.threads import in_thread
from playground import gold_measuring
from playground.models import GoldMeasurement
from playground.recording import MOST_ATTEMPTS
from playground.tasks import Again
from vectordb.models import VectorDatabase

logger = logging.getLogger(__name__)

QUEUE = "evaluate"

# PostgreSQL may be restarted while a job runs; it is back within seconds.
_SECONDS_BETWEEN_ATTEMPTS = 3


@app.task(
    name="playground.measure_gold",
    queue=QUEUE,
    pass_context=True,
    retry=Again(seconds=_SECONDS_BETWEEN_ATTEMPTS),
)
async def measure_gold(context: JobContext, measurement_id: str) -> None:
    attempts = context.job.attempts
    if attempts > MOST_ATTEMPTS:
        message = "The server stopped several times while measuring. Measure once more."
        await in_thread(gold_measuring.fail, measurement_id, message)
        return
    try:
        await gold_measuring.measure(measurement_id)
    except Exception:
        if attempts < MOST_ATTEMPTS:
            raise
        logger.exception("The measurement %s failed", measurement_id)
        message = "Something went wrong on our side. Measure once more."
        await in_thread(gold_measuring.fail, measurement_id, message)


def enqueue_measurement(database: VectorDatabase) -> None:
    """Once the current transaction commits."""
    measurement, _ = GoldMeasurement.objects.update_or_create(
        vector_database=database, defaults={"status": Status.NEW, "error_message": ""}
    )
    lock = f"gold:{measurement.pk}"
    measure_gold.configure(lock=lock).defer(measurement_id=measurement.pk)
