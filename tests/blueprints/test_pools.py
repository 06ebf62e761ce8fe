"""Connections are lent to those who have the same key, whoever else comes at the same moment."""

import asyncio

from blueprints.providers.pools import Pools


class Client:
    """Closing it takes a moment, as closing connections does."""

    def __init__(self, key: str) -> None:
        self.key = key

    async def close(self) -> None:
        await asyncio.sleep(0)


async def test_two_new_keys_at_once_are_not_mixed_up():
    pools: Pools[Client] = Pools()
    async with pools.lend("endpoint", "old", lambda: Client("old")):
        pass

    async def call(key: str) -> str:
        async with pools.lend("endpoint", key, lambda: Client(key)) as client:
            await asyncio.sleep(0)
            return client.key

    keys = ["a", "b"] * 5
    assert await asyncio.gather(*map(call, keys)) == keys
    assert [await call(key) for key in keys] == keys
