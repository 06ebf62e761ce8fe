"""Guards of calls by programs: what they withhold, nobody sees."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from blueprints.providers.base import Completion, Message, Piece, TextPiece, text_of
from playground.answering import BLOCKED
from playground.calls.messages import filled_with
from playground.hooks import PASSED, Figures, Ruling, Watcher
from playground.outcome import Outcome
from playground.prompting import count_usage

if TYPE_CHECKING:
    from playground.calls.calling import Call


def figures_of(
    call: "Call", outcome: Outcome, text: str = "", completion: Completion | None = None
) -> Figures:
    """What a guard rules on."""
    citations = outcome.retrieved.citations if outcome.retrieved else []
    usage = count_usage(outcome.prompted.messages if outcome.prompted else (), completion, text)
    spent = call.watcher.spent_ms if call.watcher else 0.0
    return Figures(
        question=call.question,
        text=text,
        passages=tuple(citation["text"] for citation in citations),
        sources=tuple(citation["source"] for citation in citations),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        document_tokens=outcome.retrieved.retrieval.token_count if outcome.retrieved else 0,
        latency_ms=outcome.watch.milliseconds() - spent,
    )


async def guarded(call: "Call", watcher: Watcher) -> tuple["Call", str | None]:
    """The call with what a guard puts in the place of its texts, or what is said instead of an answer.

    All that a program sends is ruled on, for nothing of it was before: the messages but the LLM's own,
    and the inputs.
    """
    texts = [*_texts_in(call.inputs), *(text_of(one) for one in call.messages if _is_asked(one))]
    ruling = await watcher.on_question("\n\n".join(filter(None, texts)))
    if ruling.text is None:
        return call, ruling.message
    # What is replaced, is where it stands.
    messages = [await _message(one, watcher) for one in call.messages]
    inputs = None if call.inputs is None else await _replaced(call.inputs, watcher)
    if inputs != call.inputs:
        call = await filled_with(call, inputs)
    return replace(call, messages=tuple(messages)), None


def _is_asked(message: Message) -> bool:
    return message["role"] != "assistant"


def _texts_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in _texts_in(one)]


async def _message(message: Message, watcher: Watcher) -> Message:
    if not _is_asked(message):
        return message
    content = message["content"]
    if isinstance(content, list):
        parts = [
            {**part, "text": await _replaced(part["text"], watcher)} if "text" in part else part
            for part in content
        ]
        return {**message, "content": parts}
    return {**message, "content": await _replaced(content, watcher)}


async def _replaced(value: Any, watcher: Watcher) -> Any:
    if isinstance(value, str):
        ruling = await watcher.on_question(value) if value else PASSED
        return value if ruling.text is None else ruling.text
    if isinstance(value, dict):
        return {key: await _replaced(inner, watcher) for key, inner in value.items()}
    if isinstance(value, list):
        return [await _replaced(inner, watcher) for inner in value]
    return value


def _arguments(call: dict[str, Any]) -> str:
    return str(call["function"]["arguments"])


async def ruled(
    pieces: AsyncGenerator[Piece, None], call: "Call", watcher: Watcher, outcome: Outcome
) -> AsyncGenerator[Piece, None]:
    """Where the watcher withholds, nothing is shown before it has ruled on all of it."""
    text, held = "", list[Piece]()
    async with aclosing(pieces):
        async for piece in pieces:
            if isinstance(piece, Completion):
                # What tools are to be called with is said as well.
                said = "\n".join([text, *(_arguments(one) for one in piece.tool_calls)]).strip()
                ruling = await watcher.on_answer(figures_of(call, outcome, said, piece))
                for shown in _let_pass(held, piece, ruling) if watcher.withholds else (piece,):
                    yield shown
                return
            text += piece.text if isinstance(piece, TextPiece) else ""
            if watcher.withholds:
                held.append(piece)
            else:
                yield piece


def _let_pass(held: list[Piece], end: Completion, ruling: Ruling) -> list[Piece]:
    if ruling.message is not None:
        return said_instead(ruling.message)
    if ruling.text is not None:
        # Tool calls and tokens with their probabilities would tell what was replaced.
        bare = replace(end, tool_calls=[], logprobs=None, response={})
        return [TextPiece(ruling.text), bare]
    return [*held, end]


def said_instead(message: str) -> list[Piece]:
    """What a guard has said in an answer's place."""
    return [TextPiece(message), Completion(BLOCKED, input_tokens=0, output_tokens=0)]
