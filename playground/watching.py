"""An answer under the eyes of a watcher: what it rules is done here, whatever its reasons."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from blueprints.providers.base import Completion
from playground.answering import (
    BLOCKED,
    Delta,
    Event,
    Finished,
    Prompted,
    Question,
    Retrieved,
    Stopwatch,
    answer,
)
from playground.hooks import PASSED, Figures, Ruling, Watcher
from playground.prompting import Usage, count_usage
from playground.searching import Rewritten


def events_of(question: Question) -> AsyncGenerator[Event, None]:
    """The events of one answer, watched where somebody is there to do it."""
    watcher = question.watcher
    return answer(question) if watcher is None else watched(question, watcher)


@dataclass(slots=True)
class _Seen:
    """What has come of an answer so far. `question` is what is asked in fact: whoever judges the
    answer learns no more than the LLM that gives it."""

    question: str
    watch: Stopwatch
    retrieved: Retrieved | None = None
    prompted: Prompted | None = None
    # Of the calls that asked what to search for.
    rewrites: list[Usage] = field(default_factory=list)
    text: str = ""
    asked_instead: str = ""

    def figures(self, watcher: Watcher, completion: Completion | None = None) -> Figures:
        citations = self.retrieved.citations if self.retrieved else []
        answer = count_usage(self.prompted.messages if self.prompted else (), completion, self.text)
        calls = [*self.rewrites, answer]
        return Figures(
            question=self.question,
            text=self.text,
            passages=tuple(citation["text"] for citation in citations),
            sources=tuple(citation["source"] for citation in citations),
            input_tokens=sum(call.input_tokens for call in calls),
            output_tokens=sum(call.output_tokens for call in calls),
            document_tokens=self.retrieved.retrieval.token_count if self.retrieved else 0,
            latency_ms=self.watch.milliseconds() - watcher.spent_ms,
        )


async def watched(question: Question, watcher: Watcher) -> AsyncGenerator[Event, None]:
    """The events of an answer, as far as the watcher lets them pass.

    Where it withholds, the text comes in one piece once it has ruled; a text that was never ruled
    on is not shown.
    """
    seen = _Seen(question.text, Stopwatch())
    ruling = await watcher.on_question(question.text)
    if ruling.message is not None:
        for event in _instead(ruling.message):
            yield event
        return
    if ruling.text is not None:
        seen.question = ruling.text
        question = replace(question, text=ruling.text)
    async with aclosing(_asked(question, watcher, seen)) as events:
        async for event in events:
            yield event
    if seen.asked_instead:
        instead = replace(question, text=seen.asked_instead)
        async with aclosing(_asked(instead, watcher, seen)) as events:
            async for event in events:
                yield event


async def _asked(question: Question, watcher: Watcher, seen: _Seen) -> AsyncGenerator[Event, None]:
    """One round: it ends early when the watcher lets it go no further."""
    async with aclosing(answer(question)) as events:
        async for event in events:
            match event:
                case Rewritten():
                    seen.rewrites.append(count_usage(event.messages, event.completion, event.said))
                    yield event
                case Retrieved():
                    seen.retrieved = event
                    yield event
                case Prompted():
                    yield event
                    ruling = await _on_prompted(event, watcher, seen)
                    for instead in _instead(ruling.message) if ruling.message is not None else ():
                        yield instead
                    if ruling != PASSED:
                        return
                case _:
                    async for shown in _written(event, watcher, seen):
                        yield shown


async def _on_prompted(event: Prompted, watcher: Watcher, seen: _Seen) -> Ruling:
    """Once only: what is asked in a question's place is not ruled on again."""
    is_first = seen.prompted is None
    seen.prompted = event
    ruling = await watcher.on_prompt(seen.figures(watcher)) if is_first else PASSED
    if ruling.text is not None:
        seen.question = seen.asked_instead = ruling.text
    return ruling


async def _written(event: Event, watcher: Watcher, seen: _Seen) -> AsyncGenerator[Event, None]:
    match event:
        case Delta():
            seen.text += event.text
            if not watcher.withholds:
                yield event
        case Finished() if watcher.withholds:
            for shown in await _ruled(event.completion, watcher, seen):
                yield shown
        case Finished():
            # First: whoever stops the rest has a whole answer.
            yield event
            await watcher.on_answer(seen.figures(watcher, event.completion))
        case _:
            yield event


async def _ruled(completion: Completion, watcher: Watcher, seen: _Seen) -> tuple[Event, ...]:
    ruling = await watcher.on_answer(seen.figures(watcher, completion))
    if ruling.message is not None:
        return Delta(ruling.message), Finished(replace(completion, finish_reason=BLOCKED))
    text = seen.text if ruling.text is None else ruling.text
    return (*((Delta(text),) if text else ()), Finished(completion))


def _instead(message: str) -> tuple[Event, ...]:
    return Delta(message), Finished(Completion(BLOCKED, input_tokens=0, output_tokens=0))
