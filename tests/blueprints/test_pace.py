import asyncio
import contextlib
import socket
from collections.abc import Iterator

import pytest

from blueprints.providers.pace import Pace


@pytest.fixture
async def transport():
    """One that is open."""
    own, others = socket.socketpair()
    with others:
        _, writer = await asyncio.open_connection(sock=own)
        yield writer.transport
        writer.close()


@contextlib.contextmanager
def many() -> Iterator[Pace]:
    """One of many streams that are open."""
    with contextlib.ExitStack() as streams:
        paces = [streams.enter_context(Pace()) for _ in range(30)]
        yield paces[0]


async def rested(pace, transport=None):
    """Seconds that the stream rested after a read that waited for the network."""
    loop = asyncio.get_running_loop()
    pace.before_read()
    await asyncio.sleep(0.002)
    before = loop.time()
    await pace.rest(transport)
    return loop.time() - before


async def test_a_few_streams_never_rest():
    with Pace() as one, Pace():
        assert await rested(one) < 0.002


async def test_many_streams_rest_after_they_have_caught_up():
    with many() as one:
        assert await rested(one) >= 0.025


async def test_what_has_arrived_already_is_read_without_rest():
    with many() as one:
        one.before_read()
        before = asyncio.get_running_loop().time()
        await one.rest(None)
        assert asyncio.get_running_loop().time() - before < 0.02


async def test_nothing_is_read_while_a_stream_rests(transport):
    with many() as one:
        resting = asyncio.create_task(rested(one, transport))
        while transport.is_reading():
            await asyncio.sleep(0.001)
        assert not resting.done()

        await resting

        assert transport.is_reading()


async def test_a_stream_that_is_given_up_is_read_on(transport):
    with many() as one:
        resting = asyncio.create_task(rested(one, transport))
        while transport.is_reading():
            await asyncio.sleep(0.001)
        resting.cancel()
        await asyncio.wait([resting])

        assert transport.is_reading()


async def test_a_connection_may_end_while_its_stream_rests(transport):
    with many() as one:
        resting = asyncio.create_task(rested(one, transport))
        while transport.is_reading():
            await asyncio.sleep(0.001)
        transport.close()

        assert await resting >= 0.025
