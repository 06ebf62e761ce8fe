"""The queue's side of answers: claim, answer, store, tell."""

import asyncio
import contextlib
import logging
from contextlib import aclosing
from dataclasses import dataclass
from functools import lru_cache

from procrastinate import BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Job

from config.listener import Message
from config.notify import WORKERS_CHANNEL, hint, publish
from config.status import Status
from config.threads import in_thread
from playground import suggesting
from playground.answering import (
    UNEXPECTED,
    Delta,
    Failed,
    Finished,
    Prompted,
    Question,
    Retrieved,
)
from playground.outcome import Begun, Outcome
from playground.recording import MOST_ATTEMPTS, begin, finish
from playground.relay import AnswerText, Relay, relay
from playground.replays import replaying
from playground.rush import rush
from playground.searching import Rewriting, Rewritten
from playground.stopping import Switch, stoppable, turn_off
from playground.support import measuring
from playground.watching import events_of
from vectordb.embedding import embed_ahead
from vectordb.embedding_entries import EmbeddingKind
from vectordb.models import EmbeddingEntry, VectorDatabase

logger = logging.getLogger(__name__)

QUEUE = "chat"
# What is found out about finished answers, by one job for all.
SUPPORT_QUEUE = "support"

_SECONDS_BETWEEN_ATTEMPTS = 1


class Again(BaseRetryStrategy):
    """A worker that is shut down hands its answers back, and a lost database is waited for.

    The work itself counts the attempts and ends when they become too many, as `recording.begin` does.
    """

    def __init__(self, *, seconds: int = _SECONDS_BETWEEN_ATTEMPTS) -> None:
        self._seconds = seconds

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, asyncio.CancelledError):
            return RetryDecision(retry_in={"seconds": 0})
        if job.attempts >= MOST_ATTEMPTS:
            return None
        return RetryDecision(retry_in={"seconds": self._seconds})


@app.task(name="answer_prompt", queue=QUEUE, retry=Again())
async def answer_prompt(prompt_id: str) -> None:
    rush().enter(prompt_id)
    with stoppable(prompt_id) as switch:
        try:
            begun = await in_thread(begin, prompt_id)
            if begun is not None:
                await _work_on(begun, switch)
        finally:
            rush().leave(prompt_id)


@dataclass(slots=True)
class _Measuring:
    """Whether this process measures the support of answers at the moment, and shall look once more."""

    is_on: bool = False
    is_wanted: bool = False


_measuring = _Measuring()


@app.task(name="playground.measure_support", queue=SUPPORT_QUEUE, retry=Again())
async def measure_support() -> None:
    """For all answers that are due, until none is left."""
    _measuring.is_on = _measuring.is_wanted = True
    try:
        while _measuring.is_wanted:
            _measuring.is_wanted = False
            while await measuring.measure_some(give_way=rush().over):
                pass
    finally:
        _measuring.is_on = False


async def _have_measured() -> None:
    """One job sees to all answers; one that is at work may have looked before this was due."""
    if _measuring.is_on:
        _measuring.is_wanted = True
        return
    measure = measure_support.configure(lock=SUPPORT_QUEUE, queueing_lock=SUPPORT_QUEUE)
    with contextlib.suppress(AlreadyEnqueued):
        await in_thread(measure.defer)


async def _work_on(begun: Begun, switch: Switch) -> None:
    prompt = begun.prompt
    voice = relay()
    text = voice.begin(prompt_id=prompt.pk, chat_id=prompt.chat_id, attempt=prompt.attempt)
    outcome = Outcome()
    try:
        if prompt.attempt > 1:
            voice.tell(text, "restarted", {"attempt": prompt.attempt})
        if begun.question is None:
            outcome.ended = Failed(begun.problem)
        elif prompt.stop_requested or switch.is_off:
            outcome.stopped = True
        else:
            compared = prompt.comparison_prompt
            answering = _answer(
                begun.question,
                outcome,
                voice,
                text,
                is_blind=compared is not None and compared.chat.is_blind,
            )
            outcome.stopped = await switch.stopped(answering)
        await voice.drained()
        support_is_due = await in_thread(finish, begun, outcome, text.text())
    finally:
        voice.end(text)
    # Nobody waits for what comes after an answer, so whoever is told of its end does not either.
    if support_is_due:
        await _have_measured()
    if outcome.status == Status.COMPLETED and not outcome.stopped and suggesting.is_wanted(prompt):
        await in_thread(suggest_questions.configure(priority=-1).defer, prompt_id=prompt.pk)


async def _answer(
    question: Question, outcome: Outcome, voice: Relay, text: AnswerText, *, is_blind: bool
) -> None:
    async with aclosing(events_of(question)) as events:
        async for event in events:
            match event:
                case Delta():
                    voice.add(text, event.text)
                    if outcome.first_token_ms is None:
                        outcome.first_token_ms = outcome.watch.milliseconds()
                        rush().leave(text.prompt_id)
                case Retrieved():
                    outcome.retrieved = event
                    _tell_retrieved(voice, text, event, is_blind=is_blind)
                case Rewriting() | Rewritten():
                    outcome.note_rewrite(event)
                case Prompted():
                    outcome.prompted = event
                    outcome.prompted_ms = outcome.watch.milliseconds()
                case Finished() | Failed():
                    outcome.ended = event


def _tell_retrieved(voice: Relay, text: AnswerText, event: Retrieved, *, is_blind: bool) -> None:
    """How many passages a blind answer reads tells who gives it, so that is not told."""
    if is_blind:
        return
    milliseconds = round(event.retrieval.milliseconds, 1)
    figures = {"milliseconds": milliseconds, "count": len(event.citations)}
    voice.tell(text, "retrieved", figures)


def enqueue_answer(*, prompt_id: str, chat_id: str) -> None:
    """Within the caller's transaction. The lock keeps a chat's answers in order, one at a time."""
    answer_prompt.configure(lock=f"chat:{chat_id}").defer(prompt_id=prompt_id)


def enqueue_independent_answer(*, prompt_id: str) -> None:
    """Likewise, in no order, and after the questions that people wait for."""
    answer_prompt.configure(lock=f"prompt:{prompt_id}", priority=-1).defer(prompt_id=prompt_id)


@app.task(name="playground.suggest_questions", queue=QUEUE)
async def suggest_questions(prompt_id: str) -> None:
    # Not tried again: it may have been paid for already.
    await suggesting.suggest(prompt_id)


@app.task(name="playground.replay", queue=QUEUE, pass_context=True, retry=Again())
async def answer_replay(context: JobContext, replay_id: str) -> None:
    attempts = context.job.attempts
    if attempts > MOST_ATTEMPTS:
        message = "The server stopped several times while answering this. Replay once more."
        await in_thread(replaying.fail, replay_id, message)
        return
    try:
        with stoppable(replay_id) as switch:
            await replaying.run(replay_id, switch)
    except Exception:
        if attempts < MOST_ATTEMPTS:
            raise
        logger.exception("The replay %s failed", replay_id)
        await in_thread(replaying.fail, replay_id, UNEXPECTED)


def enqueue_replay(replay_id: str) -> None:
    """Within the caller's transaction; after the questions that people ask in chats."""
    answer_replay.configure(priority=-1).defer(replay_id=replay_id)


def tell_workers_to_stop(work_id: str) -> None:
    """End the answer or replay, whichever worker is at it, when the caller's transaction commits."""
    publish(topic="answers", event="stop", data={"work": work_id}, channel=WORKERS_CHANNEL)


def announce_question(text: str, database_id: str | None) -> None:
    """Let workers embed the question while it is still being checked and recorded."""
    if database_id is None or (model_id := _model_of(database_id)) is None:
        return
    hint(
        topic="questions",
        event="embed",
        data={"model": model_id, "text": text},
        channel=WORKERS_CHANNEL,
    )


@lru_cache(maxsize=1_000)
def _model_of(database_id: str) -> str | None:
    """The embedding model of a vector database, which never changes; None for one of a server
    elsewhere, which must see no question before the guards have ruled."""
    elsewhere = EmbeddingEntry.objects.filter(kind=EmbeddingKind.ENDPOINT).values("name")
    databases = VectorDatabase.objects.filter(pk=database_id)
    here = databases.exclude(embedding_model__in=elsewhere)
    return here.values_list("embedding_model", flat=True).first()


def obey(message: Message) -> None:
    """What the worker's listener calls with every message."""
    if message.event == "stop":
        turn_off(message.data["work"])
    elif message.event == "embed":
        # What is wrong with the model, the answer itself will say.
        embed_ahead(message.data["model"], message.data["text"])
