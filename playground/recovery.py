"""What is left over when a job was lost for good: nothing may look as if it still ran."""

from collections.abc import Callable
from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.db.models.fields.json import KT
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from config.notify import publish
from config.status import UNFINISHED, Status
from playground.models import ChatPrompt
from vectordb.trial_cuts import forget_old

# Longer than any moment between a row and its job, which are written together.
_GRACE = timedelta(seconds=30)

Chore = Callable[[], object]

_chores: list[Chore] = []


def look_after(chore: Chore) -> None:
    """Have the workers do this every few seconds: what an app above this one has left over."""
    _chores.append(chore)


def tidy_up() -> None:
    fail_orphans()
    forget_old()
    for chore in _chores:
        chore()


def fail_orphans() -> int:
    """End the prompts that no job will ever answer; how many there were."""
    jobs = ProcrastinateJob.objects.filter(
        status__in=["todo", "doing"], task_name="answer_prompt"
    ).annotate(prompt=KT("args__prompt_id"))
    orphans = ChatPrompt.objects.filter(
        ~Exists(jobs.filter(prompt=OuterRef("pk"))),
        status__in=UNFINISHED,
        created_at__lt=timezone.now() - _GRACE,
    )
    count = 0
    for prompt in orphans:
        count += ChatPrompt.objects.filter(pk=prompt.pk, status__in=UNFINISHED).update(
            status=Status.ERROR,
            error_message="This answer was lost when the server stopped. Try again.",
            finished_at=timezone.now(),
        )
        publish(
            topic=f"chat:{prompt.chat_id}",
            event="finished",
            data={"prompt": prompt.pk, "status": Status.ERROR},
        )
    return count
