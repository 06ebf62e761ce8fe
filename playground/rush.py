"""The answers of this process whose first word is still awaited: what nobody waits for gives way."""

import asyncio
from weakref import WeakKeyDictionary

# Under a load that never ends, it goes on all the same.
_LONGEST_SECONDS = 10.0
# Among many answers there is always a moment in which the next is about to be asked.
_CALM_SECONDS = 0.05


class Rush:
    """Lives in one event loop."""

    def __init__(self) -> None:
        self._prompts: set[str] = set()
        self._entered = 0
        self._over = asyncio.Event()
        self._over.set()

    def enter(self, prompt_id: str) -> None:
        self._prompts.add(prompt_id)
        self._entered += 1
        self._over.clear()

    def leave(self, prompt_id: str) -> None:
        """Once the first word is there, or will not come; a second time does no harm."""
        self._prompts.discard(prompt_id)
        if not self._prompts:
            self._over.set()

    async def over(self) -> None:
        """Wait until for a moment no answer is awaited, but not for ever."""
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                while not await self._is_calm():
                    pass
        except TimeoutError:
            return

    async def _is_calm(self) -> bool:
        await self._over.wait()
        entered = self._entered
        await asyncio.sleep(_CALM_SECONDS)
        return self._over.is_set() and self._entered == entered


_rushes: WeakKeyDictionary[asyncio.AbstractEventLoop, Rush] = WeakKeyDictionary()


def rush() -> Rush:
    """The running loop's."""
    return _rushes.setdefault(asyncio.get_running_loop(), Rush())
