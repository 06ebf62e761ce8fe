"""Answers and their pieces as OpenAI's clients read them."""

import json
import time
from dataclasses import dataclass, field
from typing import Any

from blueprints.providers.base import Piece, TextPiece, ToolCallPiece
from playground.answering import BLOCKED
from playground.calls.calling import Call, Sample
from playground.spending import spending

# Kept: `json.dumps` makes an encoder for each piece.
_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Shown:
    """What all pieces of one answer have in common."""

    id: str
    model: str
    created: int = field(default_factory=lambda: int(time.time()))

    def chunk(self, choices: list[dict[str, Any]], **more: Any) -> bytes:
        body = {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": choices,
            **more,
        }
        return b"data: " + _encode(body).encode() + b"\n\n"

    def piece(self, sample: Sample, piece: Piece, *, is_first: bool) -> bytes:
        """A piece of text, or of the calls that are asked for."""
        delta: dict[str, Any] = {"role": "assistant"} if is_first else {}
        if isinstance(piece, TextPiece):
            delta["content"] = piece.text
        elif isinstance(piece, ToolCallPiece):
            delta["tool_calls"] = piece.deltas
        return self.chunk([_choice(sample, delta=delta)])

    def end(self, sample: Sample, ours: dict[str, Any]) -> bytes:
        """The last piece of a sample, with what Groundwork has to say beside it."""
        return self.chunk([_choice(sample, delta={}, is_over=True)], groundwork=ours)

    def whole(self, call: Call, samples: list[Sample], ours: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [_choice(one, message=_message(one), is_over=True) for one in samples],
            "usage": usage_of(call, samples),
            "groundwork": ours,
        }


def usage_of(call: Call, samples: list[Sample]) -> dict[str, int]:
    """Of all samples together, what was asked before the search included."""
    spent = [spending(call.llm, one.outcome, one.text).total for one in samples]
    read = sum(one.input_tokens for one in spent)
    written = sum(one.output_tokens for one in spent)
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
    }


def ours_of(call: Call, log_id: str, sample: Sample) -> dict[str, Any]:
    """What other servers have no field for: where the answer is recorded, and its sources."""
    return {
        "log_id": log_id,
        "blueprint": call.blueprint.path,
        "version": call.version.number if call.version else None,
        "citations": [_citation(one) for one in sample.citations],
    }


def _citation(citation: dict[str, Any]) -> dict[str, Any]:
    names = ("number", "source", "page", "text", "similarity", "document_id", "chunk_id")
    return {name: citation[name] for name in names}


def _choice(sample: Sample, *, is_over: bool = False, **what: Any) -> dict[str, Any]:
    completion = sample.outcome.completion
    reason = completion.finish_reason if is_over and completion else None
    reason = "content_filter" if reason == BLOCKED else reason
    logprobs = completion.logprobs if is_over and completion else None
    return {
        "index": sample.index,
        **what,
        "logprobs": {"content": logprobs, "refusal": None} if logprobs else None,
        "finish_reason": reason,
    }


def _message(sample: Sample) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": sample.text, "refusal": None}
    if sample.tool_calls:
        message |= {"content": sample.text or None, "tool_calls": sample.tool_calls}
    return message
