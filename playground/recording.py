"""The beginning and the end of an answer in the database. Sync: runs in threads of the worker."""

from functools import cache
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from blueprints.llm_settings import LLMSettings
from blueprints.models import PromptType
from blueprints.prompt_details import PromptDetails
from config.compiled import Compiled, given
from config.errors import AppError
from config.notify import publish
from config.status import UNFINISHED, Status
from playground.answer_log import trace_of
from playground.answering import BLOCKED, Failed, Question
from playground.hooks import Figures, Oversight, oversight
from playground.models import ChatPrompt
from playground.outcome import Begun, Outcome
from playground.prompting import Turn
from playground.spending import spending
from playground.support.scores import can_be_measured
from vectordb.retrieval_settings import RetrievalSettings

MOST_ATTEMPTS = 3
# A crash that loses the claim loses nothing, so its commit does not wait for the disk.
_CLAIM = """
UPDATE playground_chatprompt SET status = 'RUNNING', attempt = attempt + 1, result_text = ''
WHERE id = %s AND status = ANY(%s) AND set_config('synchronous_commit', 'off', true) = 'off'
"""


def begin(prompt_id: str) -> Begun | None:
    """Claim the prompt and read what its answer depends on; None when there is nothing to do.

    A prompt that an earlier worker left RUNNING is claimed too: its queue job is handed out again
    only when that worker is gone, and whatever it might still write carries an older attempt.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [prompt_id, list(UNFINISHED)])
        if not cursor.rowcount:
            return None
    prompt = _prompts(oversight()).first(id=prompt_id)
    if prompt is None:
        return None
    if prompt.attempt > MOST_ATTEMPTS:
        return Begun(prompt, None, "The server stopped several times while answering this.")
    try:
        return Begun(prompt, _question(prompt))
    except AppError as exc:
        return Begun(prompt, None, exc.message)


@cache
def _prompts(overseer: Oversight) -> Compiled[ChatPrompt]:
    """Prompts with what answers them, where it is there, and what oversight wants to know of them."""
    return Compiled(
        lambda: (
            ChatPrompt.objects.select_related(
                "chat__playground", "comparison_prompt__chat", "llm__endpoint", "vector_database"
            )
            .annotate(**overseer.annotations())
            .filter(pk=given("id"))
            .order_by()
        )
    )


def _question(prompt: ChatPrompt) -> Question:
    llm, database = prompt.llm, prompt.vector_database
    if llm is None or not llm.is_usable:
        raise AppError(f"The LLM “{prompt.llm_id}” is gone or switched off: choose another one.")
    is_built = database is not None and database.status == Status.COMPLETED
    if prompt.vector_database_id is not None and not is_built:
        raise AppError("The vector database was deleted or is not ready: choose another one.")
    return Question(
        text=prompt.text,
        llm=llm,
        llm_settings=LLMSettings.from_json(prompt.llm_settings),
        vector_database=database,
        retrieval_settings=RetrievalSettings.from_json(prompt.retrieval_settings or {}),
        metadata_filter=prompt.metadata_filter,
        history=_history(prompt),
        watcher=oversight().watcher(prompt),
        prompt=PromptDetails.from_json(prompt.prompt_details),
    )


def _history(prompt: ChatPrompt) -> tuple[Turn, ...]:
    if prompt.prompt_type == PromptType.ONE_TIME_PROMPT:
        return ()
    earlier = ChatPrompt.objects.filter(
        chat_id=prompt.chat_id,
        context_id=prompt.context_id,
        status=Status.COMPLETED,
        blocked_text="",
        is_superseded=False,
    )
    if prompt.comparison_prompt is None:
        earlier = earlier.filter(created_at__lt=prompt.created_at).order_by("created_at", "id")
    else:
        # A blueprint may be added to a comparison late: what was compared later is no history.
        earlier = earlier.filter(
            comparison_prompt__created_at__lt=prompt.comparison_prompt.created_at
        ).order_by("comparison_prompt__created_at", "id")
    rows = earlier.values_list("id", "text", "asked_text", "result_text")
    return tuple(Turn(pk, asked or text, result) for pk, text, asked, result in rows if result)


def finish(begun: Begun, outcome: Outcome, text: str) -> bool:
    """Store the answer, its figures and its trace, and tell that it is done, all or nothing.

    Does nothing when the prompt was deleted, or a later attempt has taken over. Whether the support of
    the answer's sentences is due now.
    """
    prompt = begun.prompt
    spent = spending(begun.llm, outcome, text)
    usage = spent.total.to_fields()
    fields = _result_fields(outcome, text) | _judgement(begun, outcome, text, usage)
    fields["support_due"] = _support_is_due(begun, outcome, text)
    with transaction.atomic():
        mine = ChatPrompt.objects.filter(
            pk=prompt.pk, attempt=prompt.attempt, status=Status.RUNNING
        )
        root = trace_of(prompt, outcome, text, spent)
        if not mine.update(log=root, **fields, **usage):
            transaction.set_rollback(True)
            return False
        publish(
            topic=f"chat:{prompt.chat_id}",
            event="finished",
            data={"prompt": prompt.pk, "status": outcome.status},
        )
    return bool(fields["support_due"])


def _result_fields(outcome: Outcome, text: str) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "status": outcome.status,
        "result_text": text,
        "error_message": outcome.error_message,
        "latency_ms": outcome.watch.milliseconds(),
        "first_token_ms": outcome.first_token_ms,
        "finish_reason": outcome.finish_reason,
        "provider_guards": _guards(outcome),
        "finished_at": timezone.now(),
    }
    if outcome.retrieved is not None:
        fields["citations"] = outcome.retrieved.citations
        fields["docs_tokens"] = outcome.retrieved.retrieval.token_count
        fields["retrieval_ms"] = outcome.retrieved.retrieval.milliseconds
    if outcome.prompted is not None:
        fields["final_prompt"] = list(outcome.prompted.messages)
        fields["history_ids"] = outcome.prompted.history_ids
    return fields


def _support_is_due(begun: Begun, outcome: Outcome, text: str) -> bool:
    prompt, completion = begun.prompt, outcome.completion
    is_blocked = completion is not None and completion.finish_reason == BLOCKED
    if outcome.status != Status.COMPLETED or is_blocked or outcome.retrieved is None:
        return False
    return can_be_measured(
        llm_id=prompt.llm_id,
        is_frozen=prompt.chat.is_frozen,
        text=text,
        citations=outcome.retrieved.citations,
    )


def _guards(outcome: Outcome) -> list[dict[str, Any]] | None:
    if isinstance(outcome.ended, Failed):
        return list(outcome.ended.guards) or None
    completion = outcome.completion
    return (completion.guards or None) if completion else None


def _judgement(begun: Begun, outcome: Outcome, text: str, usage: dict[str, Any]) -> dict[str, Any]:
    """What those who watch and score make of the answer."""
    completion = outcome.completion
    is_blocked = completion is not None and completion.finish_reason == BLOCKED
    citations = outcome.retrieved.citations if outcome.retrieved else []
    passages = tuple(citation["text"] for citation in citations)
    scores = None
    if outcome.status == Status.COMPLETED and passages and text and not is_blocked:
        scores = oversight().scores(text, passages)
    fields: dict[str, Any] = {
        "confidence_scores": scores,
        "sentence_support": None,
        "suggested_questions": None,
        "asked_text": "",
        "blocked_text": text if is_blocked else "",
        "metrics": [],
    }
    watcher = begun.question.watcher if begun.question else None
    if watcher is None:
        return fields
    latency = outcome.watch.milliseconds() - watcher.spent_ms
    asked = outcome.prompted.question if outcome.prompted else begun.prompt.text
    figures = Figures(
        question=asked,
        text=text,
        passages=passages,
        sources=tuple(citation["source"] for citation in citations),
        input_tokens=usage["input_tokens"],
        output_tokens=usage["output_tokens"],
        document_tokens=outcome.retrieved.retrieval.token_count if outcome.retrieved else 0,
        latency_ms=latency,
        scores=scores,
    )
    is_answered = outcome.status == Status.COMPLETED
    return fields | {
        "asked_text": asked if asked != begun.prompt.text else "",
        "latency_ms": latency,
        "metrics": watcher.metrics(figures if is_answered else None),
    }
