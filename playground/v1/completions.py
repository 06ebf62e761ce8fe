"""`/v1/chat/completions`: a blueprint is called like a model."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse

from blueprints.addressing import version_called
from blueprints.providers.base import Completion, Piece
from config.threads import in_thread
from playground.calls.calling import Call, Sample
from playground.calls.log import Caller
from playground.calls.setup import set_up
from playground.calls.streams import answered, streamed
from playground.v1 import ahead
from playground.v1.base import caller_of, endpoint, error_of
from playground.v1.reading import CompletionRequest, messages_of, options_of, parameters_of
from playground.v1.wire import Shown, ours_of, usage_of
from playground.v5.reading import read_body
from tracing.models import Face

_DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class _Asked:
    call: Call
    caller: Caller
    shown: Shown
    is_stream: bool
    wants_usage: bool

    def ours(self, sample: Sample) -> dict[str, Any]:
        return ours_of(self.call, self.caller.public_id(sample), sample)


@dataclass(frozen=True, slots=True)
class _Pieces:
    """The events of a stream."""

    asked: _Asked
    begun: set[int] = field(default_factory=set)

    def piece(self, sample: Sample, piece: Piece) -> bytes:
        is_first = sample.index not in self.begun
        self.begun.add(sample.index)
        if isinstance(piece, Completion):
            return self.asked.shown.end(sample, self.asked.ours(sample))
        return self.asked.shown.piece(sample, piece, is_first=is_first)

    def failure(self, sample: Sample) -> bytes:
        assert sample.error is not None  # noqa: S101 - it failed
        return b"data: " + json.dumps(error_of(sample.error)[1]).encode() + b"\n\n"

    def end(self, samples: list[Sample]) -> bytes:
        if not self.asked.wants_usage:
            return _DONE
        return self.asked.shown.chunk([], usage=usage_of(self.asked.call, samples)) + _DONE


@endpoint("POST")
async def chat_completions(request: HttpRequest) -> HttpResponseBase:
    ahead.embed_question(request)
    asked = await in_thread(_read, request)
    if asked.is_stream:
        return await streamed(asked.call, asked.caller, _Pieces(asked))
    samples = await answered(asked.call, asked.caller)
    for sample in samples:
        # All or nothing: an answer in this form has no place for what failed.
        if sample.error is not None:
            raise sample.error
    return JsonResponse(asked.shown.whole(asked.call, samples, asked.ours(samples[0])))


def _read(request: HttpRequest) -> _Asked:
    user, use_case = caller_of(request)
    given = read_body(request.body, CompletionRequest)
    version = version_called(given["model"], use_case)
    call = set_up(
        version,
        user=user,
        messages=messages_of(given),
        # Who writes a prompt in the pages may write of braces.
        inputs=given.get("inputs", {} if version.prompt.model else None),
        parameters=parameters_of(given),
        options=options_of(given),
        metadata_filter=given.get("metadata_filter"),
    )
    ahead.remember(request, given["model"], call)
    fields = {"end_user": given.get("user", ""), "metadata": given.get("metadata")}
    caller = Caller.of(
        user, Face.COMPLETIONS, count=given["n"], keeps_payload=given["store"], fields=fields
    )
    return _Asked(
        call=call,
        caller=caller,
        shown=Shown(id=f"chatcmpl-{caller.log_ids[0]}", model=given["model"]),
        is_stream=given["stream"],
        wants_usage=given.get("stream_options", {}).get("include_usage", False),
    )
