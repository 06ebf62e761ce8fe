"""Answers to calls over HTTP, whole or in pieces; what each API says in its own words is its `Told`."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Protocol

from django.http import StreamingHttpResponse

from blueprints.providers.base import Piece
from playground.calls.calling import Call, Sample
from playground.calls.log import Caller, recorded

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Told(Protocol):
    """The events of a stream."""

    def piece(self, sample: Sample, piece: Piece) -> bytes: ...

    def failure(self, sample: Sample) -> bytes: ...

    def end(self, samples: list[Sample]) -> bytes:
        """Empty where nothing is said behind the last sample."""


async def answered(call: Call, caller: Caller) -> list[Sample]:
    """All samples, once they are recorded. Raises what went wrong where each of them failed."""
    async with recorded(call, caller) as (samples, pieces):
        async for _ in pieces:
            pass
    errors = [sample.error for sample in samples if sample.error is not None]
    if len(errors) == len(samples):
        raise errors[0]
    return samples


async def streamed(call: Call, caller: Caller, told: Told) -> StreamingHttpResponse:
    """Raises what kept all samples from beginning: that is answered with a status of its own."""
    events = _events(call, caller, told)
    first = await anext(events)
    return StreamingHttpResponse(
        _chained(first, events), content_type="text/event-stream", headers=_HEADERS
    )


async def _events(call: Call, caller: Caller, told: Told) -> AsyncGenerator[bytes, None]:
    is_begun = False
    async with recorded(call, caller) as (samples, pieces):
        async for sample, piece in pieces:
            is_begun = True
            yield told.piece(sample, piece)
        failed = [sample for sample in samples if sample.error is not None]
        if failed and not is_begun:
            assert failed[0].error is not None  # noqa: S101 - selected for it
            raise failed[0].error
    for sample in failed:
        yield told.failure(sample)
    if last := told.end(samples):
        yield last


async def _chained(first: bytes, events: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    async with aclosing(events):
        yield first
        async for event in events:
            yield event
