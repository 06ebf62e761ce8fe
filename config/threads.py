"""Blocking work for async code: database queries and computing leave the event loop alone."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import close_old_connections, connection, connections

_THREADS = 8
_executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="groundwork")
# Kept from request to request, with what Django keeps for a thread. Some wait for others' servers.
_requests = ThreadPoolExecutor(40, thread_name_prefix="request")
# Templates that may take seconds each, and whoever sends them may send many.
_templates = ThreadPoolExecutor(4, thread_name_prefix="template")
# Of their own, so that a download does not wait its turn among all requests for every block.
_downloads = ThreadPoolExecutor(4, thread_name_prefix="download")

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
    """Answer a request in one of the threads for this. `function` gives its database connection
    back by itself."""
    call = partial(function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_requests, call)


async def in_download_thread(
    function: Callable[Params, Result], *args: Params.args, **kwargs: Params.kwargs
) -> Result:
    """Read a file, without the database."""
    call = partial(function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_downloads, call)


async def in_template_thread(
    function: Callable[Params, Result], *args: Params.args, **kwargs: Params.kwargs
) -> Result:
    """Fill a template, without the database: however long the others take, nobody else waits."""
    call = partial(function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_templates, call)


def give_connection_back() -> None:
    """Before something long that needs no database; a transaction keeps its connection."""
    if not connection.in_atomic_block:
        connection.close()


def _with_own_connection(
    function: Callable[Params, Result], *args: Params.args, **kwargs: Params.kwargs
) -> Result:
    close_old_connections()
    try:
        return function(*args, **kwargs)
    finally:
        # Closing gives the connection back to the pool; a thread that kept it would starve others.
        connections.close_all()
