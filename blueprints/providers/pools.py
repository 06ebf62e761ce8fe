"""One HTTP client per endpoint and event loop, closed when its loop ends."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary


class Closable(Protocol):
    async def close(self) -> None: ...


C = TypeVar("C", bound=Closable)


class _Lent(Generic[C]):
    def __init__(self, client: C, mark: str) -> None:
        self.client = client
        self.mark = mark
        self.users = 0
        self.is_retired = False


class Pools(Generic[C]):
    """Clients by name. A client whose `mark` (address and key) is out of date is replaced, and
    closed when its last user is done."""

    def __init__(self) -> None:
        self._loops: WeakKeyDictionary[
            asyncio.AbstractEventLoop, tuple[dict[str, _Lent[C]], AsyncGenerator[None, None]]
        ] = WeakKeyDictionary()

    @asynccontextmanager
    async def lend(self, name: str, mark: str, make: Callable[[], C]) -> AsyncIterator[C]:
        lent = await self._get(name, mark, make)
        lent.users += 1
        try:
            yield lent.client
        finally:
            lent.users -= 1
            if lent.is_retired and not lent.users:
                await lent.client.close()

    async def _get(self, name: str, mark: str, make: Callable[[], C]) -> _Lent[C]:
        clients = await self._of_this_loop()
        lent = clients.get(name)
        if lent is not None and lent.mark == mark:
            return lent
        clients[name] = new = _Lent(make(), mark)
        if lent is not None:
            lent.is_retired = True
            if not lent.users:
                await lent.client.close()
        return new

    async def _of_this_loop(self) -> dict[str, _Lent[C]]:
        loop = asyncio.get_running_loop()
        if loop not in self._loops:
            clients: dict[str, _Lent[C]] = {}
            # Whoever runs a loop shuts its async generators down at the end, and so this one.
            keeper = _close_at_the_end(clients)
            self._loops[loop] = clients, keeper
            await anext(keeper)
        return self._loops[loop][0]


async def _close_at_the_end(clients: dict[str, _Lent[C]]) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        for lent in clients.values():
            await lent.client.close()
