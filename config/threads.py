"""Blocking work for async code: database queries and computing leave the event loop alone."""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import close_old_connections, connections

_THREADS = 8
_SWITCH_SECONDS = 0.0005
_executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="groundwork")
# Kept from request to request, with what Django keeps for a thread. Some wait for others' servers.
_REQUEST_THREADS = 40
_request_executor = ThreadPoolExecutor(_REQUEST_THREADS, thread_name_prefix="request")

Params = ParamSpec("Params")
Result = TypeVar("Result")


async def in_thread(
    function: Callable[Params, Result], *args: Params.args, **kwargs: Params.kwargs
) -> Result:
    """Run `function` in one of a few threads, with a database connection of the pool for its time.

    Unlike asgiref's `sync_to_async` no two calls wait for each other, up to the number of threads.
    """
    call = partial(_with_own_connection, function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_executor, call)


async def in_request_thread(
    function: Callable[Params, Result], *args: Params.args, **kwargs: Params.kwargs
) -> Result:
    """Run a part of answering a request in one of the threads for this. `function` gives its
    database connection back by itself."""
    call = partial(function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_request_executor, call)


def _with_own_connection(
    function: Callable[Params, Result], *args: Params.args, **kwargs: Params.kwargs
) -> Result:
    close_old_connections()
    try:
        return function(*args, **kwargs)
    finally:
        # Closing gives the connection back to the pool; a thread that kept it would starve others.
        connections.close_all()


def share_fairly() -> None:
    """Let threads take turns ten times as often as Python does by itself.

    For the worker: the event loop, and the embedding model between any two of its steps, wait for a
    turn whenever another thread computes. With 16 questions at once on a busy machine the first
    token came after 140 ms instead of 230. Not for the web process, where threads that only take
    turns more often spent a quarter more time on lists.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
