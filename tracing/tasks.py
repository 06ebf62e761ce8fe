"""The queue's side of retention."""

from django.db import connections
from procrastinate import JobContext
from procrastinate.contrib.django import app

from tracing import retention

QUEUE = "evaluate"
# In the night of those who are near Greenwich. A worker that is not there then does it the next day.
_DAILY = "17 3 * * *"


@app.periodic(cron=_DAILY)
@app.task(name="tracing.delete_old_logs", queue=QUEUE, pass_context=True, queueing_lock="retention")
def delete_old_logs(context: JobContext, timestamp: int) -> None:
    """Whatever fails or is broken off, the next day's run does."""
    try:
        retention.run(should_end=context.should_abort)
    finally:
        connections.close_all()
