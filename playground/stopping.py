"""Ending work of this process from outside, wherever in it it is."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager


class Switch:
    """Stops one piece of work, whether it has begun already or not."""

    def __init__(self) -> None:
        self.is_off = False
        self._work: asyncio.Task[None] | None = None

    def turn_off(self) -> None:
        self.is_off = True
        if self._work is not None:
            self._work.cancel()

    async def stopped(self, work: Coroutine[None, None, None]) -> bool:
        """Do it, in a task of its own, so that it ends at whatever it waits for. Whether it was
        stopped; what it raises is raised."""
        self._work = task = asyncio.create_task(work)
        try:
            await asyncio.wait([task])
        finally:
            self._work = None
            task.cancel()
        if not task.cancelled():
            task.result()
        return task.cancelled()


# What this process is working on, by the id of the prompt or replay, while it may still be stopped.
_switches: dict[str, Switch] = {}


@contextmanager
def stoppable(work_id: str) -> Iterator[Switch]:
    """To be entered before the work's row is read: a stop is either in the row or reaches the switch."""
    switch = _switches[work_id] = Switch()
    try:
        yield switch
    finally:
        if _switches.get(work_id) is switch:
            del _switches[work_id]


def turn_off(work_id: str) -> None:
    switch = _switches.get(work_id)
    if switch is not None:
        switch.turn_off()
