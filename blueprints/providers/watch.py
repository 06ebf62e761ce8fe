"""A deadline that moves with every token, at no cost per token."""

import asyncio
from types import TracebackType
from typing import Self


class Watch:
    """Ends the wait inside `with watch:` by TimeoutError when the limit or the total is over.

    `asyncio.timeout` would set and cancel a timer for every token. Here one timer looks at the
    limit when it fires, and sleeps on when that has moved. Time spent outside of `with`, in
    whoever consumes the tokens, is not interrupted.
    """

    def __init__(self, total: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.time() + total
        self._limit = self._end
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None
        self._fired = False
        self._cancelling = 0

    @property
    def left(self) -> float:
        """Seconds until the total is over."""
        return self._end - self._loop.time()

    @property
    def is_over(self) -> bool:
        """Whether it is the total that is over, and not only the limit."""
        return self.left <= 0

    def limit(self, seconds: float) -> None:
        """The wait may last this long from now, and never beyond the total."""
        self._limit = min(self._loop.time() + seconds, self._end)
        if self._timer is not None and self._timer.when() > self._limit:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - we are in a coroutine
        self._task = task
        self._cancelling = task.cancelling()
        if self._timer is None:
            self._timer = self._loop.call_at(self._limit, self._look)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        task, self._task = self._task, None
        if not self._fired or task is None:
            return
        self._fired = False
        if task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _look(self) -> None:
        self._timer = None
        if self._task is None:
            return
        if self._loop.time() < self._limit:
            self._timer = self._loop.call_at(self._limit, self._look)
            return
        self._fired = True
        self._task.cancel()
