"""What people and their own programs think of an answer."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.services import require_editor, role_of
from config.errors import Conflict, Forbidden, InvalidInput
from playground.models import ChatPrompt, Feedback
from tracing.announcing import announce

# With those that are measured here.
MOST_METRICS = 300


def set_feedback(prompt: ChatPrompt, *, user: User, is_positive: bool | None) -> None:
    """One user's thumb up, thumb down, or (None) neither. Every member may judge."""
    if role_of(prompt.chat.playground.use_case, user) is None:
        raise Forbidden("Only members of the use case may judge its answers.")
    if not prompt.is_finished:
        raise InvalidInput("There is no answer to judge yet.", field="feedback")
    if is_positive is None:
        Feedback.objects.filter(prompt=prompt, user=user).delete()
    else:
        Feedback.objects.update_or_create(
            prompt=prompt, user=user, defaults={"is_positive": is_positive}
        )
    if prompt.log_id is not None:
        announce(prompt.chat.playground.use_case_id)


@transaction.atomic
def add_metrics(prompt: ChatPrompt, *, user: User, metrics: Sequence[dict[str, Any]]) -> None:
    """Keep metrics that were measured elsewhere with an answer; see serializers.MetricSerializer.

    One of the same name is replaced. Raises InvalidInput where there is no answer yet.
    """
    require_editor(prompt.chat.playground.use_case, user)
    locked = (
        ChatPrompt.objects.select_for_update(no_key=True).order_by().filter(pk=prompt.pk).first()
    )
    if locked is None:
        raise Conflict("This answer was deleted.")
    if not locked.is_finished:
        raise InvalidInput("There is no answer to measure yet.", field="custom_metrics")
    added = {metric["name"]: metric for metric in metrics}
    kept = [metric for metric in locked.metrics if metric["name"] not in added]
    if len(kept) + len(added) > MOST_METRICS:
        raise InvalidInput(
            f"An answer keeps at most {MOST_METRICS} metrics: use fewer names.",
            field="custom_metrics",
        )
    locked.metrics = [*kept, *added.values()]
    locked.save(update_fields=["metrics"])
