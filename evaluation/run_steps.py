"""Moving a run on, one step after the other. All it knows is in rows, so any worker may do the next
step, and a step that was cut off was never made."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from config.notify import publish
from config.status import UNFINISHED, Status
from evaluation.aggregation import aggregate, natural_type
from evaluation.figures import figure_of
from evaluation.models import EvaluationChat, EvaluationRow, EvaluationRun, MetricAggregation
from evaluation.overlap import word_f1
from playground.independent import ask_independently
from playground.models import ChatPrompt


@transaction.atomic
def advance(run_id: str) -> bool:
    """Ask as many questions as may wait for answers at once, or end the run; whether it goes on."""
    run = _locked(run_id)
    if run is None:
        return False
    if run.status == Status.NEW:
        EvaluationRun.objects.filter(pk=run.pk).update(status=Status.RUNNING)
    rows = EvaluationRow.objects.filter(evaluation_chat__run=run)
    waiting = rows.filter(prompt__status__in=UNFINISHED).count()
    _measure(rows)
    asked = _ask(run, rows.filter(prompt=None), settings.EVALUATION_CONCURRENCY - waiting)
    if waiting or asked:
        return True
    _end(run)
    return False


def _locked(run_id: str) -> EvaluationRun | None:
    """The run for this transaction alone, while it is not ended."""
    return (
        EvaluationRun.objects.select_for_update(of=("self",), no_key=True)
        .select_related("created_by")
        .filter(pk=run_id, status__in=UNFINISHED)
        .first()
    )


def _ask(run: EvaluationRun, unasked: Any, most: int) -> int:
    rows = (
        unasked.filter(evaluation_chat__is_cancelled=False)
        .select_related("evaluation_chat__chat", "evaluation_chat__blueprint_version")
        .order_by("number", "evaluation_chat")[: max(0, most)]
    )
    for row in rows:
        row.prompt = ask_independently(
            user=run.created_by,
            chat=row.evaluation_chat.chat,
            version=row.evaluation_chat.blueprint_version,
            text=row.text,
        )
        row.save(update_fields=["prompt"])
    return len(rows)


def _measure(rows: Any) -> None:
    """Hold the new answers against the right ones, where these are known."""
    answered = rows.filter(word_f1=None, prompt__status=Status.COMPLETED).exclude(reference="")
    measured = [
        EvaluationRow(pk=pk, word_f1=word_f1(answer, right))
        for pk, answer, right in answered.values_list("pk", "prompt__result_text", "reference")
    ]
    EvaluationRow.objects.bulk_update(measured, ["word_f1"])


def _end(run: EvaluationRun) -> None:
    chats = list(run.chats.filter(is_cancelled=False).order_by("pk"))
    if not chats:
        why = "Cancelled." if run.chats.exists() else "Its chats were deleted."
        return end(run, Status.CANCELLED, why)
    for chat in chats:
        _aggregate(run, chat)
    return end(run, Status.COMPLETED, _failures(run))


def end(run: EvaluationRun, status: Status, message: str) -> None:
    """Within the caller's transaction, which holds the run."""
    EvaluationRun.objects.filter(pk=run.pk).update(
        status=status, message=message, finished_at=timezone.now()
    )
    publish(topic=topic(run.pk), event="ended", data={"status": status})
    tell_pages(run)


def topic(run_id: str) -> str:
    return f"evaluation:{run_id}"


def tell_pages(run: EvaluationRun) -> None:
    """That the run moved. Its pages watch its chats: one of them is enough."""
    chat = run.chats.order_by("pk").first()
    if chat is not None:
        publish(topic=f"chat:{chat.chat_id}", event="evaluated", data={"run": run.pk})


@transaction.atomic
def fail(run_id: str, message: str) -> None:
    run = _locked(run_id)
    if run is not None:
        end(run, Status.ERROR, message)


def _failures(run: EvaluationRun) -> str:
    """What to say of questions without an answer; "" when there are none."""
    chats = run.chats.filter(is_cancelled=False)
    prompts = ChatPrompt.objects.filter(evaluation_row__evaluation_chat__in=chats)
    failed = Count("pk", filter=~Q(status=Status.COMPLETED))
    counts = prompts.aggregate(all=Count("pk"), failed=failed)
    if not counts["failed"]:
        return ""
    first = prompts.exclude(status=Status.COMPLETED).order_by("created_at", "pk").first()
    why = f": {first.error_message}" if first is not None and first.error_message else "."
    return f"{counts['failed']} of {counts['all']} questions could not be answered{why}"


def _aggregate(run: EvaluationRun, chat: EvaluationChat) -> None:
    prompts = list(
        ChatPrompt.objects.filter(evaluation_row__evaluation_chat=chat, status=Status.COMPLETED)
        .defer("final_prompt", "result_text")
        .order_by("evaluation_row__number")
    )
    MetricAggregation.objects.bulk_create(
        aggregation for insight in run.insights for aggregation in _of(chat, insight, prompts)
    )


def _of(
    chat: EvaluationChat, insight: dict[str, Any], prompts: Sequence[ChatPrompt]
) -> list[MetricAggregation]:
    figures = [figure for prompt in prompts if (figure := figure_of(insight, prompt))]
    values = [figure.value for figure in figures]
    guarded = [figure.is_guarded for figure in figures] if insight["has_guard"] else None
    made = []
    for how in insight["aggregation_types"] or [natural_type(values)]:
        aggregated = aggregate(how, values, guarded=guarded)
        made.append(
            MetricAggregation(
                evaluation_chat=chat,
                metric_name=insight["name"],
                aggregation_type=how,
                value=aggregated.value,
                error_message=aggregated.error_message,
            )
        )
    return made
