"""An answer as a trace: a root for the whole, a child for each step."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from config.status import Status
from playground.models import ChatPrompt
from playground.outcome import Outcome, Rewrite
from playground.spending import Spending, Spent
from tracing import services as tracing
from tracing.models import Log, LogKind
from tracing.services import Step


def trace_of(
    prompt: ChatPrompt,
    outcome: Outcome,
    text: str,
    spent: Spending,
    *,
    user_id: str | None = None,
    searches: bool = True,
    inputs: Mapping[str, Any] | None = None,
) -> Log:
    """The trace of an answer to the prompt; by default that of whoever asked it. With `searches` false
    the prompt's database was not looked at; `inputs` stand beside the prompt's own."""
    total = spent.total
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
        input_tokens=total.input_tokens,
        output_tokens=total.output_tokens,
        cost=total.cost,
        error_message=outcome.error_message,
        inputs={
            "question": prompt.text,
            "llm_id": prompt.llm_id,
            "llm_settings": prompt.llm_settings,
            "vector_database_id": prompt.vector_database_id,
            "retrieval_settings": prompt.retrieval_settings,
            "metadata_filter": prompt.metadata_filter,
            "prompt_type": prompt.prompt_type,
            **(inputs or {}),
        },
        output={"finish_reason": completion.finish_reason if completion else ""},
        text=text,
    )
    steps = [
        *rewrite_steps(outcome, spent, ended),
        retrieve_step(
            outcome,
            ended,
            question=prompt.text,
            settings=prompt.retrieval_settings,
            has_database=searches and prompt.vector_database_id is not None,
        ),
        generate_step(outcome, text, spent.answer, ended),
    ]
    return tracing.record(
        use_case_id=prompt.chat.playground.use_case_id,
        user_id=user_id or prompt.created_by_id,
        blueprint_id=prompt.chat.blueprint_id,
        blueprint_version_id=prompt.blueprint_version_id,
        root=root,
        children=[step for step in steps if step is not None],
    )


def record_rewrites(
    outcome: Outcome, spent: Spending, *, question: str, use_case_id: str, user_id: str
) -> None:
    """The calls that asked what to search for, where no answer follows: each is a trace of its own."""
    for step in rewrite_steps(outcome, spent, timezone.now()):
        tracing.record(
            use_case_id=use_case_id,
            user_id=user_id,
            blueprint_id=None,
            blueprint_version_id=None,
            root=replace(step, inputs={"question": question, **step.inputs}),
            children=[],
        )


def rewrite_steps(outcome: Outcome, spent: Spending, ended: datetime) -> list[Step]:
    rewrites = zip(outcome.rewrites, spent.rewrites, strict=True)
    return [_rewrite_step(outcome, rewrite, own, ended) for rewrite, own in rewrites]


def _rewrite_step(outcome: Outcome, rewrite: Rewrite, spent: Spent, ended: datetime) -> Step:
    back = rewrite.came_back
    until = outcome.watch.milliseconds() if rewrite.ended_ms is None else rewrite.ended_ms
    output: dict[str, Any] = {}
    if back is not None:
        output = {
            "finish_reason": back.completion.finish_reason,
            "tokens_estimated": spent.is_estimated,
        }
    return Step(
        kind=LogKind.REWRITE,
        status=outcome.status if rewrite.search is None else Status.COMPLETED,
        started_at=_at(outcome, rewrite.began_ms),
        ended_at=ended if back is None else _at(outcome, until),
        latency_ms=until - rewrite.began_ms,
        model_name=back.completion.model_name if back else "",
        input_tokens=spent.input_tokens,
        output_tokens=spent.output_tokens,
        cost=spent.cost,
        error_message=outcome.error_message if rewrite.search is None else "",
        inputs={"messages": list(rewrite.sent.messages)},
        output=output,
        text=back.said if back else None,
    )


def _at(outcome: Outcome, milliseconds: float) -> datetime:
    return outcome.started_at + timedelta(milliseconds=milliseconds)


def retrieve_step(
    outcome: Outcome, ended: datetime, *, question: str, settings: Any, has_database: bool
) -> Step | None:
    if not has_database:
        return None
    last = outcome.rewrites[-1] if outcome.rewrites else None
    search = last.search if last else None
    began = _at(outcome, last.ended_ms or 0.0 if last else 0.0)
    query = search.text if search else question
    inputs: dict[str, Any] = {"query": query, "settings": settings}
    if outcome.retrieved is None:
        never_began = last is not None and search is None
        if never_began or outcome.prompted is not None or not outcome.error_message:
            return None
        return Step(
            kind=LogKind.RETRIEVE,
            status=Status.ERROR,
            started_at=began,
            ended_at=ended,
            error_message=outcome.error_message,
            inputs=inputs,
        )
    retrieval = outcome.retrieved.retrieval
    return Step(
        kind=LogKind.RETRIEVE,
        status=Status.COMPLETED,
        started_at=began,
        ended_at=began + timedelta(milliseconds=retrieval.milliseconds),
        latency_ms=retrieval.milliseconds,
        inputs=inputs | {"query": retrieval.query},
        output={"explain": retrieval.explain(), "citations": outcome.retrieved.citations},
    )


def generate_step(outcome: Outcome, text: str, spent: Spent | None, ended: datetime) -> Step | None:
    if outcome.prompted is None or outcome.prompted_ms is None or spent is None:
        return None
    completion = outcome.completion
    began = _at(outcome, outcome.prompted_ms)
    first = outcome.first_token_ms
    return Step(
        kind=LogKind.GENERATE,
        status=outcome.status,
        started_at=began,
        ended_at=ended,
        latency_ms=outcome.watch.milliseconds() - outcome.prompted_ms,
        first_token_ms=None if first is None else first - outcome.prompted_ms,
        model_name=completion.model_name if completion else "",
        input_tokens=spent.input_tokens,
        output_tokens=spent.output_tokens,
        cost=spent.cost,
        error_message=outcome.error_message,
        inputs={"messages": list(outcome.prompted.messages)},
        output={
            "finish_reason": completion.finish_reason if completion else "",
            "tokens_estimated": spent.is_estimated,
        },
        text=text,
    )
