import asyncio

from blueprints.providers.pace import Pace


async def rested(pace):
    """Seconds that the stream rested after a read that waited for the network."""
    loop = asyncio.get_running_loop()
    pace.before_read()
    await asyncio.sleep(0.002)
    before = loop.time()
    await pace.rest()
    return loop.time() - before


async def test_a_few_streams_never_rest():
    with Pace() as one, Pace():
        assert await rested(one) < 0.002


async def test_many_streams_rest_after_they_have_caught_up():
    paces = [Pace() for _ in range(30)]
    for pace in paces:
        pace.__enter__()
    try:
        assert await rested(paces[0]) >= 0.025
    finally:
        for pace in paces:
            pace.__exit__(None, None, None)


async def test_what_has_arrived_already_is_read_without_rest():
    paces = [Pace() for _ in range(30)]
    for pace in paces:
        pace.__enter__()
    try:
        paces[0].before_read()
        before = asyncio.get_running_loop().time()
        await paces[0].rest()
        assert asyncio.get_running_loop().time() - before < 0.02
    finally:
        for pace in paces:
            pace.__exit__(None, None, None)
