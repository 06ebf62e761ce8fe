"""The queue's side of joining a comparison in which much was asked."""

import logging

from django.db import transaction
from procrastinate.contrib.django import app

from accounts.models import User
from config.errors import AppError
from config.threads import in_thread
from playground import comparisons
from playground.compare.joining import ask_missing
from playground.models import ComparisonChat
from playground.tasks import QUEUE, Again

logger = logging.getLogger(__name__)


@app.task(name="playground.ask_missing", queue=QUEUE, retry=Again())
async def ask_what_is_missing(comparison_id: str, user_id: str) -> None:
    try:
        await in_thread(_ask_some, comparison_id, user_id)
    except AppError as error:
        # Its columns offer to ask it again, and say there what stands in the way.
        logger.info("Who joined %s was not asked all: %s", comparison_id, error.message)


@transaction.atomic
def _ask_some(comparison_id: str, user_id: str) -> None:
    comparison = ComparisonChat.objects.select_related("playground__use_case").filter(
        pk=comparison_id
    )
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None or not (found := comparison.first()) or not comparisons.lock(found):
        return
    if ask_missing(found, user=user):
        enqueue_missing(found, user=user)


def enqueue_missing(comparison: ComparisonChat, *, user: User) -> None:
    """Within the caller's transaction: what is left is asked once it commits, some at a time."""
    job = ask_what_is_missing.configure(lock=f"joining:{comparison.pk}", priority=-1)
    job.defer(comparison_id=comparison.pk, user_id=user.pk)
