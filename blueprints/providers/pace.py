"""Reading many streams without waking up for every token of each."""

import asyncio
from types import TracebackType
from typing import Self

_PAUSE_PER_STREAM = 0.002
_LONGEST_PAUSE = 0.1
# Up to so many streams every token is passed on as it comes.
_FEW = 4
# A read that took longer has waited for the network: whatever had arrived is read.
_WAITED = 0.0005


class Pace:
    """One stream's. With many open at once, it rests after it has caught up, so that several tokens
    arrive for each time that it wakes; the first one is never held up."""

    _open = 0

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._before = 0.0

    def __enter__(self) -> Self:
        Pace._open += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        Pace._open -= 1

    def before_read(self) -> None:
        self._before = self._loop.time()

    async def rest(self, transport: asyncio.ReadTransport | None) -> None:
        """Meanwhile what comes stays with the system, where it can, and is given out in one piece."""
        if Pace._open <= _FEW or self._loop.time() - self._before <= _WAITED:
            return
        if transport is None or transport.get_extra_info("sslcontext") is not None:
            # Encrypted, what was not read when the other side hangs up would be lost with uvloop.
            await self._sleep()
            return
        transport.pause_reading()
        try:
            await self._sleep()
        finally:
            transport.resume_reading()

    @staticmethod
    async def _sleep() -> None:
        await asyncio.sleep(min(Pace._open * _PAUSE_PER_STREAM, _LONGEST_PAUSE))
