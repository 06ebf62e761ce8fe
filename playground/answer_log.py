"""An answer as a trace: a root for the whole, a child for each step."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from config.status import Status
from playground.models import ChatPrompt
from playground.outcome import Outcome
from tracing import services as tracing
from tracing.models import Log, LogKind
from tracing.services import Step


def trace_of(prompt: ChatPrompt, outcome: Outcome, text: str, usage: dict[str, Any]) -> Log:
    ended = timezone.now()
    completion = outcome.completion
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
    query = outcome.prompted.question if outcome.prompted else prompt.text
    inputs = {"query": query, "settings": prompt.retrieval_settings}
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
    completion = outcome.completion
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
