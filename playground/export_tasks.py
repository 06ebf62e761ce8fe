"""The queue's side of exports."""

import logging

from django.db import connections
from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app

from playground import exporting

logger = logging.getLogger(__name__)

QUEUE = "evaluate"

_MOST_ATTEMPTS = 4
# PostgreSQL may be restarted while a job runs; it is back within seconds.
_AGAIN = RetryStrategy(max_attempts=_MOST_ATTEMPTS, wait=3)


@app.task(name="playground.export_traces", queue=QUEUE, pass_context=True, retry=_AGAIN)
def export_traces(context: JobContext, export_id: str) -> None:
    try:
        exporting.export(export_id)
    except Exception:
        if context.job.attempts < _MOST_ATTEMPTS:
            raise
        logger.exception("The export %s failed", export_id)
        exporting.fail(export_id, "Something went wrong on our side. Export once more.")
    finally:
        connections.close_all()


def enqueue_export(export_id: str) -> None:
    """Once the current transaction commits."""
    export_traces.configure(lock=f"trace_export:{export_id}").defer(export_id=export_id)
