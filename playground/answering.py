"""Making one answer: retrieve, prompt, generate. Knows no HTTP and no queue."""

import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from blueprints.llm_settings import LLMSettings
from blueprints.models import LLM
from blueprints.prompt_details import PromptDetails
from blueprints.providers import client_for
from blueprints.providers.base import (
    Completion,
    LLMRequest,
    Message,
    ProviderError,
    Source,
    TextPiece,
    text_of,
)
from config.errors import AppError
from playground.calls.messages import options_of
from playground.hooks import Watcher
from playground.prompting import Budget, Turn, build_messages, own_messages
from playground.searching import (
    Rewriting,
    Rewritten,
    Search,
    asks_first,
    rewrite,
    search_without_llm,
)
from vectordb.models import VectorDatabase
from vectordb.passages import Passage, Retrieval
from vectordb.retrieval import retrieve
from vectordb.retrieval_settings import RetrievalSettings

logger = logging.getLogger(__name__)

BLOCKED = "blocked"  # the finish reason of an answer that was withheld
_RULED_OTHERWISE = (
    "A guard of now puts another question in this one's place: it cannot be asked as it was."
)
UNEXPECTED = "Something went wrong on our side. Try again; the server's log says more."


@dataclass(frozen=True, slots=True)
class Kept:
    """What was sent for an answer before, to be sent once more: nothing is searched for or put
    together."""

    question: str
    messages: tuple[Message, ...]
    history_ids: list[str]
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """All that an answer depends on, as it was when the question was put."""

    text: str
    llm: LLM
    llm_settings: LLMSettings
    vector_database: VectorDatabase | None
    retrieval_settings: RetrievalSettings
    metadata_filter: dict[str, Any] | None
    history: tuple[Turn, ...]
    watcher: Watcher | None = None
    prompt: PromptDetails = PromptDetails()  # noqa: RUF009 - frozen
    kept: Kept | None = None


@dataclass(frozen=True, slots=True)
class Retrieved:
    retrieval: Retrieval
    citations: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Prompted:
    """What is sent to the LLM, which earlier prompts are part of it, and the question as it is put."""

    messages: tuple[Message, ...]
    history_ids: list[str]
    question: str


@dataclass(frozen=True, slots=True)
class Delta:
    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    completion: Completion


@dataclass(frozen=True, slots=True)
class Failed:
    """The message is safe to show. `guards` are the provider's own that refused the prompt."""

    message: str
    guards: tuple[dict[str, Any], ...] = ()


Event = Rewriting | Rewritten | Retrieved | Prompted | Delta | Finished | Failed


async def answer(question: Question) -> AsyncGenerator[Event, None]:
    """The events of one answer, in order; the last one is Finished or Failed.

    Nothing is raised but cancellation: what was yielded before Failed stays valid.
    """
    try:
        async with aclosing(_answer(question)) as events:
            async for event in events:
                yield event
    except ProviderError as exc:
        yield Failed(exc.message, exc.guards)
    except AppError as exc:
        yield Failed(exc.message)
    except Exception:
        logger.exception("An answer failed unexpectedly")
        yield Failed(UNEXPECTED)


async def read_for(
    question: Question, note: Callable[[Rewriting | Rewritten], None]
) -> Retrieval | None:
    """What an answer would be given to read, and nothing else of it; None without a database.

    Raises AppError. The LLM is asked only where the retriever has it asked before the search, which
    `note` is told.
    """
    async with aclosing(retrieved(question, _budget(question))) as steps:
        async for step in steps:
            if isinstance(step, Retrieved):
                return step.retrieval
            note(step)
    return None


def _budget(question: Question) -> Budget:
    own = own_messages(question.llm_settings, question.prompt)
    return Budget.of_texts(
        context_size=question.llm.context_size,
        settings=question.llm_settings,
        texts=[*map(text_of, own), question.text],
    )


async def _answer(question: Question) -> AsyncGenerator[Event, None]:
    if question.kept is not None:
        async with aclosing(_answered_again(question, question.kept)) as events:
            async for event in events:
                yield event
        return
    budget = _budget(question)
    retrieval = None
    passages: Sequence[Passage] = ()
    async with aclosing(retrieved(question, budget)) as steps:
        async for step in steps:
            yield step
            if isinstance(step, Retrieved):
                retrieval = step.retrieval
                passages = retrieval.passages

    documents = retrieval.token_count if retrieval else 0
    history = budget.fit_history(question.history, documents=documents)
    messages = build_messages(
        settings=question.llm_settings,
        prompt=question.prompt,
        question=question.text,
        passages=passages,
        history=history,
    )
    yield Prompted(messages, [turn.prompt_id for turn in history], question.text)

    sources = tuple(Source(n, passage.text) for n, passage in enumerate(passages, start=1))
    request = _request(question, messages, sources)
    async with aclosing(client_for(question.llm).stream(request)) as pieces:
        async for piece in pieces:
            if isinstance(piece, TextPiece):
                yield Delta(piece.text)
            elif isinstance(piece, Completion):
                yield Finished(piece)


async def _answered_again(question: Question, kept: Kept) -> AsyncGenerator[Event, None]:
    if question.text != kept.question:
        raise AppError(_RULED_OTHERWISE)
    yield Prompted(kept.messages, kept.history_ids, question.text)
    request = _request(question, kept.messages, kept.sources)
    async with aclosing(client_for(question.llm).stream(request)) as pieces:
        async for piece in pieces:
            if isinstance(piece, TextPiece):
                yield Delta(piece.text)
            elif isinstance(piece, Completion):
                yield Finished(piece)


async def retrieved(
    question: Question, budget: Budget
) -> AsyncGenerator[Rewriting | Rewritten | Retrieved, None]:
    """What is read for the answer; nothing without a database."""
    if question.vector_database is None:
        return
    retriever = question.retrieval_settings.retriever
    if asks_first(retriever, question.llm, question.history):
        search = Search(question.text)
        rewriting = rewrite(
            retriever, llm=question.llm, question=question.text, history=question.history
        )
        async with aclosing(rewriting) as steps:
            async for step in steps:
                yield step
                if isinstance(step, Rewritten) and step.search is not None:
                    search = step.search
    else:
        search = search_without_llm(retriever, question.text, question.history)
    retrieval = await retrieve(
        question.vector_database,
        search.text,
        question.retrieval_settings,
        searches=search.further,
        metadata_filter=question.metadata_filter,
        token_limit=budget.for_documents,
    )
    yield Retrieved(retrieval, [citation(n, p) for n, p in enumerate(retrieval.passages, start=1)])


def _request(
    question: Question, messages: tuple[Message, ...], sources: tuple[Source, ...]
) -> LLMRequest:
    settings = question.llm_settings
    return LLMRequest(
        messages=messages,
        model_name=question.llm.model_name,
        question=question.text,
        sources=sources,
        temperature=settings.temperature,
        top_p=settings.top_p,
        max_completion_length=settings.max_completion_length,
        # Nobody in a chat would do what a tool is called for.
        options=options_of(question.prompt, with_tools=False),
    )


def citation(number: int, passage: Passage) -> dict[str, Any]:
    """A passage as it is kept with the answer; the answer's text calls it [number]."""
    data = passage.to_json()
    data["source"] = data.pop("document_name")
    return {"number": number, **data}


class Stopwatch:
    """Milliseconds since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def milliseconds(self) -> float:
        return (time.perf_counter() - self._start) * 1_000
