"""`/v1/chat/completions`: a blueprint is called like a model."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse, StreamingHttpResponse

from blueprints.addressing import version_called
from blueprints.providers.base import Completion
from config.threads import in_thread
from playground.call_log import Caller, recorded
from playground.call_setup import set_up
from playground.calling import Call, Sample
from playground.v1.base import caller_of, endpoint, error_of
from playground.v1.reading import CompletionRequest, messages_of, options_of, parameters_of
from playground.v1.wire import Shown, ours_of, usage_of
from playground.v5.reading import read_body
from tracing.models import Face

_STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
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


@endpoint("POST")
async def chat_completions(request: HttpRequest) -> HttpResponseBase:
    asked = await in_thread(_read, request)
    if not asked.is_stream:
        return await _whole(asked)
    events = _events(asked)
    # What fails before the first piece is answered with a status of its own.
    first = await anext(events)
    return StreamingHttpResponse(
        _chained(first, events), content_type="text/event-stream", headers=_STREAM_HEADERS
    )


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


async def _whole(asked: _Asked) -> JsonResponse:
    async with recorded(asked.call, asked.caller) as (samples, pieces):
        async for _ in pieces:
            pass
    for sample in samples:
        # All or nothing: an answer in this form has no place for what failed.
        if sample.error is not None:
            raise sample.error
    return JsonResponse(asked.shown.whole(asked.call, samples, asked.ours(samples[0])))


async def _events(asked: _Asked) -> AsyncGenerator[bytes, None]:
    """Raises, before the first event, what kept all samples from beginning."""
    begun: set[int] = set()
    async with recorded(asked.call, asked.caller) as (samples, pieces):
        async for sample, piece in pieces:
            if isinstance(piece, Completion):
                yield asked.shown.end(sample, asked.ours(sample))
            else:
                yield asked.shown.piece(sample, piece, is_first=sample.index not in begun)
            begun.add(sample.index)
        failed = [sample.error for sample in samples if sample.error is not None]
        if failed and not begun:
            raise failed[0]
    for error in failed:
        yield b"data: " + json.dumps(error_of(error)[1]).encode() + b"\n\n"
    if asked.wants_usage:
        yield asked.shown.chunk([], usage=usage_of(asked.call, samples))
    yield _DONE


async def _chained(first: bytes, events: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    async with aclosing(events):
        yield first
        async for event in events:
            yield event
