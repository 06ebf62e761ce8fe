"""What can be done with evaluation runs."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from accounts.models import User
from accounts.services import require_editor
from blueprints.models import Blueprint
from config.errors import InvalidInput
from config.status import UNFINISHED, Status
from evaluation import run_steps, tasks
from evaluation.datasets import QuestionRow, questions
from evaluation.figures import resolve
from evaluation.models import (
    EvaluationChat,
    EvaluationDatasetConfiguration,
    EvaluationRow,
    EvaluationRun,
    MetricAggregation,
)
from playground import services as playground_services
from playground.independent import create_frozen_chat
from playground.models import ChatPrompt

# Each is a call to an LLM that somebody pays for.
MOST_QUESTIONS = 20_000
_BATCH = 1_000


@transaction.atomic
def start_run(
    *,
    user: User,
    configuration: EvaluationDatasetConfiguration,
    blueprints: Sequence[Blueprint],
    chat_name: str,
    insights: Sequence[dict[str, Any]],
) -> EvaluationRun:
    """Ask blueprints every question of a dataset, each in a new frozen chat, and aggregate.

    The questions are taken now: what becomes of dataset and configuration later changes nothing,
    and each blueprint answers as it is now. Raises InvalidInput and Conflict.
    """
    playground = configuration.playground
    require_editor(playground.use_case, user)
    asked = questions(configuration)
    _check_size(len(asked), len(blueprints))
    run = EvaluationRun.objects.create(
        playground=playground,
        configuration=configuration,
        dataset_id=configuration.dataset_id,
        dataset_name=configuration.dataset_name,
        insights=resolve(insights, playground),
        created_by=user,
    )
    for blueprint in blueprints:
        add_chat(run, blueprint, chat_name, asked)
    tasks.enqueue_step(run.pk)
    return run


def progress(run: EvaluationRun) -> str:
    """How far a run has come, in words."""
    rows = EvaluationRow.objects.filter(evaluation_chat__in=run.chats.filter(is_cancelled=False))
    answered = Count("pk", filter=Q(prompt__isnull=False) & ~Q(prompt__status__in=UNFINISHED))
    counts = rows.aggregate(all=Count("pk"), answered=answered)
    return f"{counts['answered']} of {counts['all']} questions answered."


def _check_size(rows: int, blueprints: int) -> None:
    if not blueprints:
        raise InvalidInput("Name at least one blueprint.", field="llm_blueprint_ids")
    if rows * blueprints > MOST_QUESTIONS:
        raise InvalidInput(
            f"{rows:,} questions to {blueprints:,} blueprints are more than {MOST_QUESTIONS:,}, "
            "the most that one run may ask: evaluate fewer blueprints at once.",
            field="llm_blueprint_ids",
        )


def add_chat(
    run: EvaluationRun, blueprint: Blueprint, name: str, asked: Sequence[QuestionRow]
) -> None:
    """Have the run put these questions to the blueprint, as it is now, in a new frozen chat. Raises
    InvalidInput where it cannot answer."""
    try:
        chat = create_frozen_chat(
            user=run.created_by, playground=run.playground, blueprint=blueprint, name=name
        )
    except InvalidInput as error:
        message = f"{blueprint.name}: {error.message}"
        raise InvalidInput(message, field="llm_blueprint_ids") from None
    evaluated = EvaluationChat.objects.create(
        run=run, chat=chat, blueprint_version=blueprint.current
    )
    rows = (
        EvaluationRow(
            evaluation_chat=evaluated, number=number, text=row.text, reference=row.reference
        )
        for number, row in enumerate(asked, start=1)
    )
    while batch := list(islice(rows, _BATCH)):
        EvaluationRow.objects.bulk_create(batch)


@transaction.atomic
def cancel_run(run: EvaluationRun, *, user: User) -> None:
    """End a run where it is: what was answered stays, and there are no figures. One that has ended
    stays as it is."""
    require_editor(run.playground.use_case, user)
    _cancel(run, run.chats.all(), user)


@transaction.atomic
def delete_aggregations(chats: QuerySet[EvaluationChat], *, user: User) -> None:
    """Delete the figures of these chats; a run that is still going on ends for them. The chats and
    their answers stay. Raises Forbidden when any of them may only be looked at."""
    runs = EvaluationRun.objects.filter(chats__in=chats).distinct()
    for run in runs.select_related("playground__use_case").order_by("pk"):
        require_editor(run.playground.use_case, user)
        mine = chats.filter(run=run)
        _cancel(run, mine, user)
        MetricAggregation.objects.filter(evaluation_chat__in=mine).delete()


def _cancel(run: EvaluationRun, chats: QuerySet[EvaluationChat], user: User) -> None:
    locked = EvaluationRun.objects.select_for_update(no_key=True).filter(
        pk=run.pk, status__in=UNFINISHED
    )
    if not locked.exists():
        return
    ids = list(chats.values_list("pk", flat=True))
    EvaluationChat.objects.filter(pk__in=ids).update(is_cancelled=True)
    waiting = ChatPrompt.objects.filter(
        evaluation_row__evaluation_chat__in=ids, status__in=UNFINISHED
    )
    for prompt in waiting.select_related("chat__playground__use_case"):
        playground_services.stop(prompt, user=user)
    if not run.chats.filter(is_cancelled=False).exists():
        run_steps.end(run, Status.CANCELLED, "Cancelled.")
