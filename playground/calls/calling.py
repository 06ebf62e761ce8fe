"""Calls by programs: a blueprint's version is asked with messages, in no chat and by no job.

They run where they arrive, so that what a caller wants kept nowhere is nowhere, and a caller who
leaves ends the LLM's work. Knows no HTTP.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from blueprints.models import LLM, Blueprint, BlueprintVersion
from blueprints.providers import client_for
from blueprints.providers.base import (
    Completion,
    LLMRequest,
    Message,
    Piece,
    ProviderError,
    Source,
    TextPiece,
    ToolCallPiece,
    text_of,
)
from blueprints.settings import AnswerSettings
from config.errors import AppError, Crashed, InvalidInput
from playground.answering import (
    UNEXPECTED,
    Failed,
    Finished,
    Prompted,
    Question,
    Retrieved,
    retrieved,
)
from playground.calls.guards import figures_of, guarded, ruled, said_instead
from playground.calls.messages import (
    filled_with,
    history_in,
    options_of,
    with_passages,
    with_question,
)
from playground.hooks import Watcher
from playground.outcome import Outcome
from playground.prompting import Budget
from vectordb.models import VectorDatabase
from vectordb.passages import Passage

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """All that an answer depends on. `settings` are the version's, with what the caller set for this
    call; so are `options` of the LLM. `llm.endpoint` must be loaded."""

    blueprint: Blueprint
    version: BlueprintVersion | None
    llm: LLM
    settings: AnswerSettings
    vector_database: VectorDatabase | None
    messages: tuple[Message, ...]
    # Of the template's variables; None where these are not filled.
    inputs: dict[str, Any] | None = None
    # The version's own messages, filled with them as soon as `is_filled`.
    own: tuple[Message, ...] = ()
    is_filled: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)
    metadata_filter: dict[str, Any] | None = None
    api_key: str = field(default="", repr=False)
    watcher: Watcher | None = None

    @property
    def question(self) -> str:
        """What is searched for: the last message of the user, or else the template's."""
        asked = [text_of(one) for one in self.messages if one["role"] == "user"]
        if not asked:
            asked = [text_of(one) for one in self.own if one["role"] == "user"]
        return asked[-1].strip() if asked else ""


@dataclass(slots=True)
class Sample:
    """One answer to a call, as far as it has come."""

    index: int
    outcome: Outcome
    parts: list[str] = field(default_factory=list)
    error: AppError | None = None

    @property
    def text(self) -> str:
        return "".join(self.parts)

    @property
    def citations(self) -> list[dict[str, Any]]:
        return self.outcome.retrieved.citations if self.outcome.retrieved else []

    @property
    def tool_calls(self) -> list[dict[str, Any]]:
        completion = self.outcome.completion
        return completion.tool_calls if completion else []


async def prepare(call: Call, outcome: Outcome) -> tuple[Call, str | None]:
    """Retrieve and put the messages together: what all samples share. Raises AppError.

    Returns the call as it is asked in fact, since a guard may have put another question in the place
    of the one that was asked, and what is said in the answer's place where a guard lets none be asked.
    """
    if not call.is_filled:
        call = await filled_with(call, call.inputs)
    watcher = call.watcher
    if watcher is None:
        await _prepare(call, outcome)
        return call, None
    call, instead = await guarded(call, watcher)
    if instead is not None:
        return call, instead
    await _prepare(call, outcome)
    ruling = await watcher.on_prompt(figures_of(call, outcome))
    if ruling.text is not None:
        call = asked_instead(call, ruling.text)
        await _prepare(call, outcome)
    return call, ruling.message


async def _prepare(call: Call, outcome: Outcome) -> None:
    base = (*call.own, *call.messages)
    if not base:
        raise InvalidInput("Send messages: the prompt has none of its own.", field="messages")
    passages: Sequence[Passage] = ()
    if call.vector_database is not None and call.question:
        passages = await _passages(call, base, outcome)
    messages = tuple(with_passages(base, passages))
    outcome.prompted = Prompted(messages, [], call.question)
    outcome.prompted_ms = outcome.watch.milliseconds()


def asked_instead(call: Call, question: str | None) -> Call:
    """The call with this as its last question; None leaves it as it is."""
    if question is None:
        return call
    if not any(one["role"] == "user" for one in call.messages):
        return replace(call, messages=(*call.messages, {"role": "user", "content": question}))
    return replace(call, messages=tuple(with_question(call.messages, question)))


def samples_of(outcome: Outcome, count: int) -> list[Sample]:
    """What was asked before the search was asked once: it is the first one's."""
    first = Sample(0, replace(outcome))
    others = (Sample(index, replace(outcome, rewrites=[])) for index in range(1, count))
    return [first, *others]


def pieces_of(call: Call, samples: list[Sample]) -> AsyncGenerator[tuple[Sample, Piece], None]:
    """Independent answers, as their pieces come; those of several samples mix freely.

    Nothing is raised but cancellation: a sample that fails has its `error` and ends, and the others
    go on. Closing the generator ends what still runs.
    """
    return _one(call, samples[0]) if len(samples) == 1 else _mixed(call, samples)


async def _passages(call: Call, base: Sequence[Message], outcome: Outcome) -> Sequence[Passage]:
    question = Question(
        text=call.question,
        llm=call.llm,
        llm_settings=call.settings.llm_settings,
        vector_database=call.vector_database,
        retrieval_settings=call.settings.retrieval_settings,
        metadata_filter=call.metadata_filter,
        history=history_in(call.messages),
    )
    budget = Budget.of_texts(
        context_size=call.llm.context_size,
        settings=call.settings.llm_settings,
        texts=[text_of(message) for message in base],
    )
    async with aclosing(retrieved(question, budget)) as steps:
        async for step in steps:
            if isinstance(step, Retrieved):
                outcome.retrieved = step
            else:
                outcome.note_rewrite(step)
    return outcome.retrieved.retrieval.passages if outcome.retrieved else ()


async def _one(call: Call, sample: Sample) -> AsyncGenerator[tuple[Sample, Piece], None]:
    generated = _generated(call, sample.outcome)
    if call.watcher is not None:
        generated = ruled(generated, call, call.watcher, sample.outcome)
    try:
        async with aclosing(generated) as pieces:
            async for piece in pieces:
                _note(sample, piece)
                yield sample, piece
    except AppError as error:
        note_failure(sample, error)
    except Exception:
        logger.exception("A call failed unexpectedly")
        note_failure(sample, Crashed(UNEXPECTED))


async def only(message: str, samples: list[Sample]) -> AsyncGenerator[tuple[Sample, Piece], None]:
    """Each sample says this and nothing else."""
    for sample in samples:
        for piece in said_instead(message):
            _note(sample, piece)
            yield sample, piece


async def _mixed(call: Call, samples: list[Sample]) -> AsyncGenerator[tuple[Sample, Piece], None]:
    arrived: asyncio.Queue[tuple[Sample, Piece] | None] = asyncio.Queue()

    async def gather_from(sample: Sample) -> None:
        try:
            async with aclosing(_one(call, sample)) as pieces:
                async for piece in pieces:
                    arrived.put_nowait(piece)
        finally:
            arrived.put_nowait(None)

    tasks = [asyncio.create_task(gather_from(sample)) for sample in samples]
    try:
        running = len(tasks)
        while running:
            piece = await arrived.get()
            if piece is None:
                running -= 1
            else:
                yield piece
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _generated(call: Call, outcome: Outcome) -> AsyncGenerator[Piece, None]:
    assert outcome.prompted is not None  # noqa: S101 - of `prepare`
    passages = outcome.retrieved.retrieval.passages if outcome.retrieved else ()
    settings = call.settings.llm_settings
    request = LLMRequest(
        messages=outcome.prompted.messages,
        model_name=call.llm.model_name,
        question=call.question,
        sources=tuple(Source(n, passage.text) for n, passage in enumerate(passages, start=1)),
        temperature=settings.temperature,
        top_p=settings.top_p,
        max_completion_length=settings.max_completion_length,
        options=options_of(call.settings.prompt) | dict(call.options),
        api_key=call.api_key,
    )
    async with aclosing(client_for(call.llm).stream(request)) as pieces:
        async for piece in pieces:
            yield piece


def _note(sample: Sample, piece: Piece) -> None:
    outcome = sample.outcome
    if isinstance(piece, Completion):
        outcome.ended = Finished(piece)
        outcome.ended_ms = outcome.watch.milliseconds()
        return
    if outcome.first_token_ms is None:
        outcome.first_token_ms = outcome.watch.milliseconds()
    if isinstance(piece, TextPiece):
        sample.parts.append(piece.text)
    else:
        assert isinstance(piece, ToolCallPiece)  # noqa: S101 - there are three kinds


def note_failure(sample: Sample, error: AppError) -> None:
    sample.error = error
    guards = error.guards if isinstance(error, ProviderError) else ()
    sample.outcome.ended = Failed(error.message, guards)
    sample.outcome.ended_ms = sample.outcome.watch.milliseconds()
