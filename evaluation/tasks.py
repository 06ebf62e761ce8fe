"""Jobs of the `evaluate` queue. Each is a short step that may be done again at any time."""

import asyncio
import logging

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.fields.json import KT
from procrastinate import BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Job
from procrastinate.types import TimeDeltaParams

from config.status import UNFINISHED
from config.threads import in_thread
from evaluation import run_steps
from evaluation.models import EvaluationRun

logger = logging.getLogger(__name__)

QUEUE = "evaluate"

# PostgreSQL may be restarted while a job runs; it is back within seconds.
_MOST_ATTEMPTS = 6
_MILLISECONDS_BETWEEN_STEPS = 250


class _Again(BaseRetryStrategy):
    """A worker that is shut down hands its step back, and a lost database is waited for."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, asyncio.CancelledError):
            return RetryDecision(retry_in={"seconds": 0})
        if job.attempts >= _MOST_ATTEMPTS:
            return None
        return RetryDecision(retry_in={"seconds": 2**job.attempts})


@app.task(name="evaluation.advance_run", queue=QUEUE, retry=_Again(), pass_context=True)
async def advance_run(context: JobContext, run_id: str) -> None:
    try:
        if await in_thread(run_steps.advance, run_id):
            await in_thread(enqueue_step, run_id, milliseconds=_MILLISECONDS_BETWEEN_STEPS)
    except Exception:
        if context.job.attempts < _MOST_ATTEMPTS:
            raise
        logger.exception("The evaluation run %s failed", run_id)
        message = "Something went wrong on our side; the server's log says more. Run it again."
        await in_thread(run_steps.fail, run_id, message)


def enqueue_step(run_id: str, *, milliseconds: int = 0) -> None:
    """Have the run moved on once the current transaction commits, after some time."""
    lock = f"evaluation:{run_id}"
    later: TimeDeltaParams | None = {"milliseconds": milliseconds} if milliseconds else None
    try:
        # In a savepoint: that a step is waiting already must not spoil the caller's transaction.
        with transaction.atomic():
            advance_run.configure(lock=lock, queueing_lock=lock, schedule_in=later).defer(
                run_id=run_id
            )
    except AlreadyEnqueued:
        logger.info("A step of %s is waiting already", run_id)


def resume_orphans() -> None:
    """Move runs on whose job was lost; where they stand is in their rows."""
    jobs = ProcrastinateJob.objects.filter(
        status__in=["todo", "doing"], task_name=advance_run.name
    ).annotate(run=KT("args__run_id"))
    orphans = EvaluationRun.objects.filter(
        ~Exists(jobs.filter(run=OuterRef("pk"))), status__in=UNFINISHED
    )
    for run in orphans:
        logger.warning("The evaluation run %s lost its job and goes on", run.pk)
        enqueue_step(run.pk)
