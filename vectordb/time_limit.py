"""How long the database may work on one search. What takes longer is cancelled there.

The client does it, with a connection that is opened for the cancelling alone: a limit of the server's
would have to be set anew for each search, one round trip more on the way to every answer, since
searches and ingestions, which may take hours, share their connections.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

import psycopg
from django.conf import settings
from django.db import OperationalError, connection
from psycopg import errors

from config.errors import AppError
from config.threads import in_thread

logger = logging.getLogger(__name__)

# What computes between two statements does not notice that it was cancelled, so it is again.
_AGAIN_SECONDS = 1.0
_CANCEL_SECONDS = 5.0
# Their own: those of the event loop may all be busy with jobs of hours.
_cancellers = ThreadPoolExecutor(2, "cancel")

Params = ParamSpec("Params")
Result = TypeVar("Result")


async def search_in_thread(
    function: Callable[Params, Result], *args: Params.args, **kwargs: Params.kwargs
) -> Result:
    """Run `function`, which searches, in one of the threads for the database.

    Raises AppError when it takes longer than SEARCH_SECONDS, not counting the wait for a thread.
    Whoever stops waiting ends the search, too.
    """
    watch = _Watch(settings.SEARCH_SECONDS)
    watch.look()
    try:
        return await in_thread(watch.run, partial(function, *args, **kwargs))
    except asyncio.CancelledError:
        watch.is_unwanted = True
        raise
    finally:
        watch.look()


class _Watch:
    """Over one search: it runs in a thread, and the event loop looks after it."""

    def __init__(self, seconds: float) -> None:
        self.is_unwanted = False
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._link: psycopg.Connection[Any] | None = None
        self._until = 0.0
        self._is_late = self._is_done = False
        # The connection goes to somebody else once the search is done, not while it is cancelled.
        self._cancelling = threading.Lock()

    def run(self, search: Callable[[], Result]) -> Result:
        """In the search's thread."""
        try:
            connection.ensure_connection()
            self._until = time.monotonic() + self._seconds
            self._link = connection.connection
            # Asked after the connection is told, as `look` asks for them the other way round.
            if self.is_unwanted:
                raise AppError("Nobody waits for this search any more.")
            return search()
        except OperationalError as error:
            if isinstance(error.__cause__, errors.QueryCanceled):
                raise AppError(self._why()) from error
            raise
        finally:
            with self._cancelling:
                self._is_done = True

    def look(self) -> None:
        """On the event loop: cancel what takes too long, and come back while there is need."""
        if self._timer is not None:
            self._timer.cancel()
        if self._is_done or (self.is_unwanted and self._link is None):
            return
        left = self._seconds if self._link is None else self._until - time.monotonic()
        if left > 0 and not self.is_unwanted:
            self._come_back_in(left)
        else:
            cancelled = self._loop.run_in_executor(_cancellers, self._cancel)
            cancelled.add_done_callback(lambda _: self._come_back_in(_AGAIN_SECONDS))

    def _come_back_in(self, seconds: float) -> None:
        self._timer = self._loop.call_later(seconds, self.look)

    def _cancel(self) -> None:
        with self._cancelling:
            if self._is_done or self._link is None:
                return
            self._is_late = not self.is_unwanted
            try:
                self._link.cancel_safe(timeout=_CANCEL_SECONDS)
            except psycopg.Error:
                logger.warning("A search could not be cancelled", exc_info=True)

    def _why(self) -> str:
        if not self._is_late:
            return "The database cancelled the search. Try again."
        return (
            f"The search took longer than {self._seconds:g} s: narrow the metadata filter, search by "
            "meaning or by words alone, or try again when less is going on."
        )
