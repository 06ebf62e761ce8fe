"""The beginning and the end of an answer in the database. Sync: runs in threads of the worker."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from blueprints.costs import price
from blueprints.llm_settings import LLMSettings
from blueprints.models import LLM, PromptType
from blueprints.providers.base import Completion
from config.errors import AppError
from config.notify import publish
from config.status import UNFINISHED, Status
from playground.answering import Failed, Finished, Prompted, Question, Retrieved, Stopwatch
from playground.models import ChatPrompt
from playground.prompting import Turn, estimate_tokens
from tracing import services as tracing
from tracing.models import LogKind
from tracing.services import Step
from vectordb.models import VectorDatabase
from vectordb.retrieval_settings import RetrievalSettings

MOST_ATTEMPTS = 3
_STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Begun:
    """A prompt that this worker now answers. `question` is None when it cannot be answered."""

    prompt: ChatPrompt
    question: Question | None
    problem: str = ""

    @property
    def llm(self) -> LLM | None:
        return self.question.llm if self.question else None


@dataclass(slots=True)
class Outcome:
    """What came of an answer, filled in as its events arrive. Milliseconds since it began."""

    started_at: datetime = field(default_factory=timezone.now)
    watch: Stopwatch = field(default_factory=Stopwatch)
    retrieved: Retrieved | None = None
    prompted: Prompted | None = None
    prompted_ms: float | None = None
    first_token_ms: float | None = None
    ended: Finished | Failed | None = None
    stopped: bool = False

    @property
    def status(self) -> Status:
        if isinstance(self.ended, Finished) or (self.stopped and self.first_token_ms is not None):
            return Status.COMPLETED
        return Status.SKIPPED if self.stopped else Status.ERROR

    @property
    def error_message(self) -> str:
        if isinstance(self.ended, Failed):
            return self.ended.message
        return "Stopped before the answer began." if self.status == Status.SKIPPED else ""


def begin(prompt_id: str) -> Begun | None:
    """Claim the prompt and read what its answer depends on; None when there is nothing to do.

    A prompt that an earlier worker left RUNNING is claimed too: its queue job is handed out again
    only when that worker is gone, and whatever it might still write carries an older attempt.
    """
    claimed = ChatPrompt.objects.filter(pk=prompt_id, status__in=UNFINISHED).update(
        status=Status.RUNNING, attempt=F("attempt") + 1, result_text=""
    )
    if not claimed:
        return None
    prompt = (
        ChatPrompt.objects.select_related("chat__playground")
        .filter(pk=prompt_id)
        .order_by()
        .first()
    )
    if prompt is None:
        return None
    if prompt.attempt > MOST_ATTEMPTS:
        return Begun(prompt, None, "The server stopped several times while answering this.")
    try:
        return Begun(prompt, _question(prompt))
    except AppError as exc:
        return Begun(prompt, None, exc.message)


def _question(prompt: ChatPrompt) -> Question:
    llm = LLM.objects.usable().select_related("endpoint").filter(pk=prompt.llm_id).first()
    if llm is None:
        raise AppError(f"The LLM “{prompt.llm_id}” is gone or switched off: choose another one.")
    database = None
    if prompt.vector_database_id is not None:
        database = VectorDatabase.objects.filter(
            pk=prompt.vector_database_id, status=Status.COMPLETED
        ).first()
        if database is None:
            raise AppError("The vector database was deleted or is not ready: choose another one.")
    return Question(
        text=prompt.text,
        llm=llm,
        llm_settings=LLMSettings.from_json(prompt.llm_settings),
        vector_database=database,
        retrieval_settings=RetrievalSettings.from_json(prompt.retrieval_settings or {}),
        metadata_filter=prompt.metadata_filter,
        history=_history(prompt),
    )


def _history(prompt: ChatPrompt) -> tuple[Turn, ...]:
    if prompt.prompt_type == PromptType.ONE_TIME_PROMPT:
        return ()
    earlier = ChatPrompt.objects.filter(
        chat_id=prompt.chat_id,
        context_id=prompt.context_id,
        status=Status.COMPLETED,
        created_at__lt=prompt.created_at,
    ).order_by("created_at", "id")
    rows = earlier.values_list("id", "text", "result_text")
    return tuple(Turn(*row) for row in rows if row[2])


def finish(begun: Begun, outcome: Outcome, text: str) -> None:
    """Store the answer, its figures and its trace, and tell that it is done, all or nothing.

    Does nothing when the prompt was deleted, or a later attempt has taken over.
    """
    prompt = begun.prompt
    usage = _usage(begun.llm, outcome, text)
    with transaction.atomic():
        mine = ChatPrompt.objects.filter(
            pk=prompt.pk, attempt=prompt.attempt, status=Status.RUNNING
        )
        if not mine.select_for_update(no_key=True).exists():
            return
        root = _trace(prompt, outcome, text, usage)
        mine.update(log=root, **_result_fields(outcome, text), **usage)
        publish(
            topic=f"chat:{prompt.chat_id}",
            event="finished",
            data={"prompt": prompt.pk, "status": outcome.status},
        )


def _result_fields(outcome: Outcome, text: str) -> dict[str, Any]:
    completion = _completion(outcome)
    fields: dict[str, Any] = {
        "status": outcome.status,
        "result_text": text,
        "error_message": outcome.error_message,
        "latency_ms": outcome.watch.milliseconds(),
        "first_token_ms": outcome.first_token_ms,
        "finish_reason": completion.finish_reason if completion else "",
        "provider_guards": (completion.guards or None) if completion else None,
        "finished_at": timezone.now(),
    }
    if outcome.stopped:
        fields["finish_reason"] = _STOPPED
    if outcome.retrieved is not None:
        fields["citations"] = outcome.retrieved.citations
        fields["docs_tokens"] = outcome.retrieved.retrieval.token_count
        fields["retrieval_ms"] = outcome.retrieved.retrieval.milliseconds
    if outcome.prompted is not None:
        fields["final_prompt"] = list(outcome.prompted.messages)
        fields["history_ids"] = outcome.prompted.history_ids
    return fields


def _completion(outcome: Outcome) -> Completion | None:
    return outcome.ended.completion if isinstance(outcome.ended, Finished) else None


def _usage(llm: LLM | None, outcome: Outcome, text: str) -> dict[str, Any]:
    """Tokens as the provider counted them, else an estimate that is marked as one; and the cost."""
    if outcome.prompted is None:
        return {"input_tokens": 0, "output_tokens": 0, "tokens_estimated": False, "cost": None}
    completion = _completion(outcome)
    read = completion.input_tokens if completion else None
    written = completion.output_tokens if completion else None
    estimated = read is None or written is None
    if read is None:
        read = sum(estimate_tokens(m["content"]) for m in outcome.prompted.messages)
    if written is None:
        written = estimate_tokens(text) if text else 0
    model_name = completion.model_name if completion else ""
    cost = price(llm, model_name, read, written) if llm else None
    return {
        "input_tokens": read,
        "output_tokens": written,
        "tokens_estimated": estimated,
        "cost": cost,
    }


def _trace(prompt: ChatPrompt, outcome: Outcome, text: str, usage: dict[str, Any]) -> Any:
    ended = timezone.now()
    completion = _completion(outcome)
    root = Step(
        kind=LogKind.ANSWER,
        status=outcome.status,
        started_at=outcome.started_at,
        ended_at=ended,
        latency_ms=outcome.watch.milliseconds(),
        first_token_ms=outcome.first_token_ms,
        model_name=prompt.llm_id,
        input_tokens=usage["input_tokens"],
        output_tokens=usage["output_tokens"],
        cost=usage["cost"],
        error_message=outcome.error_message,
        inputs={
            "question": prompt.text,
            "llm_id": prompt.llm_id,
            "llm_settings": prompt.llm_settings,
            "vector_database_id": prompt.vector_database_id,
            "retrieval_settings": prompt.retrieval_settings,
            "metadata_filter": prompt.metadata_filter,
            "prompt_type": prompt.prompt_type,
        },
        output={"text": text, "finish_reason": completion.finish_reason if completion else ""},
    )
    steps = [_retrieve_step(prompt, outcome, ended), _generate_step(outcome, text, usage, ended)]
    return tracing.record(
        use_case_id=prompt.chat.playground.use_case_id,
        user_id=prompt.created_by_id,
        blueprint_version_id=prompt.blueprint_version_id,
        root=root,
        children=[step for step in steps if step is not None],
    )


def _retrieve_step(prompt: ChatPrompt, outcome: Outcome, ended: datetime) -> Step | None:
    if prompt.vector_database_id is None:
        return None
    inputs = {"query": prompt.text, "settings": prompt.retrieval_settings}
    if outcome.retrieved is None:
        if outcome.prompted is not None or not outcome.error_message:
            return None
        return Step(
            kind=LogKind.RETRIEVE,
            status=Status.ERROR,
            started_at=outcome.started_at,
            ended_at=ended,
            error_message=outcome.error_message,
            inputs=inputs,
        )
    retrieval = outcome.retrieved.retrieval
    return Step(
        kind=LogKind.RETRIEVE,
        status=Status.COMPLETED,
        started_at=outcome.started_at,
        ended_at=outcome.started_at + timedelta(milliseconds=retrieval.milliseconds),
        latency_ms=retrieval.milliseconds,
        inputs=inputs,
        output={"explain": retrieval.explain(), "citations": outcome.retrieved.citations},
    )


def _generate_step(
    outcome: Outcome, text: str, usage: dict[str, Any], ended: datetime
) -> Step | None:
    if outcome.prompted is None or outcome.prompted_ms is None:
        return None
    completion = _completion(outcome)
    began = outcome.started_at + timedelta(milliseconds=outcome.prompted_ms)
    first = outcome.first_token_ms
    return Step(
        kind=LogKind.GENERATE,
        status=outcome.status,
        started_at=began,
        ended_at=ended,
        latency_ms=outcome.watch.milliseconds() - outcome.prompted_ms,
        first_token_ms=None if first is None else first - outcome.prompted_ms,
        model_name=completion.model_name if completion else "",
        input_tokens=usage["input_tokens"],
        output_tokens=usage["output_tokens"],
        cost=usage["cost"],
        error_message=outcome.error_message,
        inputs={"messages": list(outcome.prompted.messages)},
        output={
            "text": text,
            "finish_reason": completion.finish_reason if completion else "",
            "tokens_estimated": usage["tokens_estimated"],
        },
    )
