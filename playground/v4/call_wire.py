"""Calls in the words of version 4: an item for each sample, which has an id of its own."""

import json
from dataclasses import dataclass
from typing import Any

from blueprints.models import BlueprintVersion
from blueprints.prompt_details import JSON
from blueprints.providers.base import Completion, Piece
from config.api.error_bodies import told
from playground.calls.calling import Call, Sample
from playground.calls.log import Caller
from playground.spending import spending
from playground.v4.call_shapes import Given
from playground.v5 import ids
from playground.v5.call_wire import tool_choice
from tracing import sessions


@dataclass(frozen=True, slots=True)
class Shown:
    call: Call
    version: BlueprintVersion
    caller: Caller
    body: Given
    is_chat: bool

    def frame(self) -> JSON:
        """What whole answers and pieces of streams have around their items."""
        place = self.caller.place
        session = sessions.session_of(place.parent, place.session)
        return {
            "project_id": ids.file_id("prompt", self.version.blueprint_id),
            "session_id": f"{sessions.PREFIX}{session.pk}" if session else None,
        }

    def whole(self, samples: list[Sample]) -> JSON:
        spent = [spending(self.call.llm, one.outcome, one.text).total for one in samples]
        read = sum(one.input_tokens for one in spent)
        written = sum(one.output_tokens for one in spent)
        completions = [one.outcome.completion for one in samples]
        return {
            "data": [self.item(one, one.text, is_over=True) for one in samples],
            "provider_responses": [one.response if one else {} for one in completions],
            **self.frame(),
            "num_samples": self.body["num_samples"],
            "usage": {
                "prompt_tokens": read,
                "generation_tokens": written,
                "total_tokens": read + written,
            },
            "metadata": self.body.get("metadata"),
            "provider_request": completions[0].request if completions[0] else None,
            "tool_choice": tool_choice(self.call),
            "user": self.body.get("end_user"),
        }

    def event(self, frame: JSON, sample: Sample, text: str, *, is_over: bool) -> bytes:
        item = self.item(sample, text, is_over=is_over)
        if is_over:
            item |= {"output": "", "raw_output": ""}
        line = json.dumps({"data": [item], "provider_responses": [], **frame})
        return b"data: " + line.encode() + b"\n\n"

    def item(self, sample: Sample, text: str, *, is_over: bool) -> JSON:
        completion = sample.outcome.completion
        shown: JSON = {
            "id": self.caller.public_id(sample),
            "index": sample.index,
            "output": text.strip() if is_over else text,
            "raw_output": text,
            "model_config_id": ids.version_id("prompt", self.version.pk),
            "inputs": self.call.inputs if self.body["return_inputs"] else {},
            "finish_reason": completion.finish_reason if completion and is_over else None,
            "tool_results": None,
            "tool_calls": (sample.tool_calls or None) if is_over else None,
        }
        if not self.is_chat:
            return shown
        message: dict[str, Any] = {"role": "assistant", "content": text or None}
        if is_over and sample.tool_calls:
            message["tool_calls"] = sample.tool_calls
        return shown | {"messages": self.body.get("messages"), "output_message": message}


@dataclass(frozen=True, slots=True)
class Pieces:
    """The events of a stream; `frame` is theirs all."""

    shown: Shown
    frame: JSON

    def piece(self, sample: Sample, piece: Piece) -> bytes:
        is_over = isinstance(piece, Completion)
        return self.shown.event(self.frame, sample, getattr(piece, "text", ""), is_over=is_over)

    def failure(self, sample: Sample) -> bytes:
        message = sample.error.message if sample.error is not None else ""
        detail = told(503, message, self.shown.call.settings.prompt.provider or "openai")
        return b"data: " + json.dumps({"error": detail}).encode() + b"\n\n"

    def end(self, samples: list[Sample]) -> bytes:
        return b""
