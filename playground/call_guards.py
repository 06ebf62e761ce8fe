"""Guards of calls by programs: what they withhold, nobody sees."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from blueprints.providers.base import Completion, Piece, TextPiece
from playground.answering import BLOCKED
from playground.hooks import Figures, Ruling, Watcher
from playground.outcome import Outcome
from playground.prompting import count_usage

if TYPE_CHECKING:
    from playground.calling import Call


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


async def ruled(
    pieces: AsyncGenerator[Piece, None], call: "Call", watcher: Watcher, outcome: Outcome
) -> AsyncGenerator[Piece, None]:
    """Where the watcher withholds, nothing is shown before it has ruled on all of it."""
    text, held = "", list[Piece]()
    async with aclosing(pieces):
        async for piece in pieces:
            if isinstance(piece, Completion):
                ruling = await watcher.on_answer(figures_of(call, outcome, text, piece))
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
        return [TextPiece(ruling.text), end]
    return [*held, end]


def said_instead(message: str) -> list[Piece]:
    """What a guard has said in an answer's place."""
    return [TextPiece(message), Completion(BLOCKED, input_tokens=0, output_tokens=0)]
