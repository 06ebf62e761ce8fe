"""Making a replay: as an answer is made, outside of any chat. Knows no queue."""

from contextlib import aclosing

from django.db import transaction

from blueprints.llm_settings import LLMSettings
from blueprints.models import LLM
from blueprints.prompt_details import PromptDetails
from blueprints.providers.base import Source
from config.errors import AppError
from config.notify import publish
from config.status import UNFINISHED, Status
from config.threads import in_thread
from playground.answer_log import trace_of
from playground.answering import (
    Delta,
    Failed,
    Finished,
    Kept,
    Prompted,
    Question,
    Retrieved,
)
from playground.hooks import oversight
from playground.models import ChatPrompt, Replay
from playground.outcome import STOPPED_EARLY, Outcome
from playground.prompting import Turn
from playground.searching import Rewriting, Rewritten
from playground.spending import Spending, spending
from playground.stopping import Switch
from playground.watching import events_of
from tracing.models import Log
from vectordb.models import VectorDatabase
from vectordb.retrieval_settings import RetrievalSettings

UNREACHED = "This answer never reached the LLM, so there is nothing that could be sent again."
_WITHHELD = "A guard withheld this answer: what was sent for it is not sent again."
_NO_DATABASE = "This answer read no documents: nothing is searched for it."
_DATABASE_GONE = "The vector database was deleted or is not ready: it cannot be searched today."
_HISTORY_GONE = (
    "Earlier questions that it was asked after were deleted: only the exact replay is left."
)


def obstacle(prompt: ChatPrompt, *, is_exact: bool) -> str:
    """Why the answer cannot be replayed, for people; "" where it can."""
    try:
        _question(prompt, is_exact=is_exact)
    except AppError as error:
        return error.message
    return ""


async def run(replay_id: str, switch: Switch) -> None:
    """Ask, keep what came back until `switch` was turned off, and tell who watches the chat. Only what
    is unexpected is raised."""
    replay = await in_thread(_begin, replay_id)
    if replay is None:
        return
    outcome, llm = Outcome(), None
    pieces: list[str] = []
    try:
        question = await in_thread(_question, replay.prompt, is_exact=replay.is_exact)
    except AppError as error:
        outcome.ended = Failed(error.message)
    else:
        llm = question.llm
        outcome.stopped = switch.is_off or await switch.stopped(_answer(question, outcome, pieces))
    await in_thread(_finish, replay, outcome, "".join(pieces), llm)


def fail(replay_id: str, message: str) -> None:
    replay = Replay.objects.unfinished().select_related("prompt").filter(pk=replay_id).first()
    if replay is not None:
        _end(replay, status=Status.ERROR, error_message=message)


def end_before_it_begins(replay: Replay) -> None:
    """One that runs is left to its worker."""
    if Replay.objects.select_for_update().filter(pk=replay.pk, status=Status.NEW).exists():
        _end(replay, status=Status.SKIPPED, error_message=STOPPED_EARLY)


def _begin(replay_id: str) -> Replay | None:
    replays = Replay.objects.unfinished().filter(pk=replay_id)
    replays.update(status=Status.RUNNING)
    return replays.select_related("prompt__chat__playground", "prompt__chat__blueprint").first()


async def _answer(question: Question, outcome: Outcome, pieces: list[str]) -> None:
    async with aclosing(events_of(question)) as events:
        async for event in events:
            match event:
                case Delta():
                    if outcome.first_token_ms is None:
                        outcome.first_token_ms = outcome.watch.milliseconds()
                    pieces.append(event.text)
                case Retrieved():
                    outcome.retrieved = event
                case Rewriting() | Rewritten():
                    outcome.note_rewrite(event)
                case Prompted():
                    outcome.prompted = event
                    outcome.prompted_ms = outcome.watch.milliseconds()
                case Finished() | Failed():
                    outcome.ended = event


def _question(prompt: ChatPrompt, *, is_exact: bool) -> Question:
    """What the answer depended on. Raises AppError where some of it is gone."""
    if prompt.status != Status.COMPLETED or not prompt.final_prompt:
        raise AppError(UNREACHED)
    if prompt.blocked_text:
        raise AppError(_WITHHELD)
    llm = LLM.objects.usable().select_related("endpoint").filter(pk=prompt.llm_id).first()
    if llm is None:
        raise AppError(f"The LLM “{prompt.llm_id}” is gone or switched off: ask another one anew.")
    asked = prompt.asked_text or prompt.text
    return Question(
        text=asked,
        llm=llm,
        llm_settings=LLMSettings.from_json(prompt.llm_settings),
        vector_database=None if is_exact else _database(prompt),
        retrieval_settings=RetrievalSettings.from_json(prompt.retrieval_settings or {}),
        metadata_filter=prompt.metadata_filter,
        history=() if is_exact else _history(prompt),
        # Guards of now stand before it, as before any call; what only measures does not.
        watcher=oversight().watcher_of_call(prompt.chat.blueprint, prompt.llm_id),
        prompt=PromptDetails.from_json(prompt.prompt_details),
        kept=_kept(prompt, asked) if is_exact else None,
    )


def _kept(prompt: ChatPrompt, asked: str) -> Kept:
    return Kept(
        question=asked,
        messages=tuple(prompt.final_prompt or ()),
        history_ids=prompt.history_ids,
        sources=tuple(Source(one["number"], one["text"]) for one in prompt.citations),
    )


def _database(prompt: ChatPrompt) -> VectorDatabase:
    if prompt.vector_database_id is None:
        raise AppError(_NO_DATABASE)
    databases = VectorDatabase.objects.filter(status=Status.COMPLETED)
    database = databases.filter(pk=prompt.vector_database_id).first()
    if database is None:
        raise AppError(_DATABASE_GONE)
    return database


def _history(prompt: ChatPrompt) -> tuple[Turn, ...]:
    """The very turns that were sent along."""
    rows = ChatPrompt.objects.filter(pk__in=prompt.history_ids)
    turns = {
        pk: Turn(pk, asked or text, result)
        for pk, text, asked, result in rows.values_list("pk", "text", "asked_text", "result_text")
    }
    if len(turns) < len(prompt.history_ids):
        raise AppError(_HISTORY_GONE)
    return tuple(turns[pk] for pk in prompt.history_ids)


def _finish(replay: Replay, outcome: Outcome, text: str, llm: LLM | None) -> None:
    spent = spending(llm, outcome, text)
    with transaction.atomic():
        mine = Replay.objects.unfinished().select_for_update(no_key=True)
        # Its answer may have been deleted, or a worker that was taken for dead may have been first.
        if not mine.filter(pk=replay.pk).exists():
            return
        fields = spent.total.to_fields()
        if outcome.retrieved is not None:
            fields["citations"] = outcome.retrieved.citations
        _end(
            replay,
            status=outcome.status,
            error_message=outcome.error_message,
            result_text=text,
            finish_reason=outcome.finish_reason,
            latency_ms=outcome.took_ms,
            first_token_ms=outcome.first_token_ms,
            log=_trace(replay, outcome, text, spent),
            **fields,
        )


def _trace(replay: Replay, outcome: Outcome, text: str, spent: Spending) -> Log:
    """As that of an answer; its input names the prompt that was replayed."""
    return trace_of(
        replay.prompt,
        outcome,
        text,
        spent,
        user_id=replay.created_by_id,
        searches=not replay.is_exact,
        inputs={"replay_of": replay.prompt_id, "is_exact": replay.is_exact},
    )


def _end(replay: Replay, **fields: object) -> None:
    with transaction.atomic():
        Replay.objects.filter(pk=replay.pk, status__in=UNFINISHED).update(**fields)
        publish(topic=f"chat:{replay.prompt.chat_id}", event="replayed", data={"replay": replay.pk})
