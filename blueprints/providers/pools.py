"""HTTP clients per endpoint and event loop, each lent to one call at a time.

A client keeps a single connection: one client with a large pool looks through all of its
connections at every call, which for 200 calls at once took longer than the calls.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

IDLE_SECONDS = 60.0


class Closable(Protocol):
    async def close(self) -> None: ...


C = TypeVar("C", bound=Closable)


class _Shelf(Generic[C]):
    """The idle clients of one endpoint, the longest idle first. `mark`: its address and key."""

    def __init__(self, mark: str) -> None:
        self.mark = mark
        self.idle: deque[tuple[C, float]] = deque()

    async def close(self, *, idle_since: float = float("inf")) -> None:
        while self.idle and self.idle[0][1] <= idle_since:
            await self.idle.popleft()[0].close()


class Pools(Generic[C]):
    """Shelves by name. They are closed when their event loop ends."""

    def __init__(self) -> None:
        self._loops: WeakKeyDictionary[
            asyncio.AbstractEventLoop, tuple[dict[str, _Shelf[C]], AsyncGenerator[None, None]]
        ] = WeakKeyDictionary()

    @asynccontextmanager
    async def lend(self, name: str, mark: str, make: Callable[[], C]) -> AsyncIterator[C]:
        """A client for the endpoint `name`. One made for another mark is not used again."""
        shelves = await self._of_this_loop()
        shelf = shelves.get(name)
        if shelf is None or shelf.mark != mark:
            # Held on to: by the time that the old one is closed, another call may have put its own there.
            old, shelf = shelf, _Shelf(mark)
            shelves[name] = shelf
            if old is not None:
                await old.close()
        client = shelf.idle.pop()[0] if shelf.idle else make()
        try:
            yield client
        finally:
            if shelves.get(name) is shelf:
                now = asyncio.get_running_loop().time()
                shelf.idle.append((client, now))
                await shelf.close(idle_since=now - IDLE_SECONDS)
            else:
                await client.close()

    async def _of_this_loop(self) -> dict[str, _Shelf[C]]:
        loop = asyncio.get_running_loop()
        if loop not in self._loops:
            shelves: dict[str, _Shelf[C]] = {}
            # Whoever runs a loop shuts its async generators down at the end, and so this one.
            keeper = _close_at_the_end(shelves)
            self._loops[loop] = shelves, keeper
            await anext(keeper)
        return self._loops[loop][0]


async def _close_at_the_end(shelves: dict[str, _Shelf[C]]) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        # Emptied first, so that a client that comes back later is closed, not kept.
        left = list(shelves.values())
        shelves.clear()
        for shelf in left:
            await shelf.close()
