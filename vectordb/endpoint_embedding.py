"""Models behind an OpenAI-compatible API, on a server elsewhere. Needs no torch.

Calls are made on an event loop in a thread of its own: ingestions wait for it as long as they like
and can be told to stop, and questions do not wait for one another.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future, wait
from contextlib import aclosing
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

import httpx2
from django.conf import settings

from config.server_failures import LARGEST_REFUSAL, connection_problem
from vectordb import endpoint_failures
from vectordb.embedding_entries import MOST_DIMENSIONS, Connection, connection_of
from vectordb.embedding_models import EmbeddingModel
from vectordb.endpoint_answers import read_vectors
from vectordb.endpoint_failures import EndpointFailed
from vectordb.tokens import count_tokens, cut_to_tokens

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

T = TypeVar("T")

# Calls of one ingestion at the same time.
_AT_ONCE = 4
# A question is asked by somebody who waits.
_QUESTION_SECONDS, _QUESTION_PATIENCE = 20.0, 5.0
# Pages wait for 30 seconds, and adding a model takes two calls.
_STAFF_SECONDS = 12.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
# Bytes of a number in an answer, with a comma, and blanks where it is laid out.
_LARGEST_NUMBER = 32
_LOOK_UP_SECONDS = 0.25
# So long a changed key or address may stay unnoticed.
_FRESH_SECONDS = 10.0


class EndpointEmbedder:
    """Asks a server. Safe to use from several threads."""

    # Several batches, which the server gets at once.
    step = 128

    def __init__(self, model: EmbeddingModel) -> None:
        self._model = model
        self._read: tuple[float, Connection] | None = None
        self.dimensions = model.dimensions

    def embed(
        self,
        texts: Sequence[str],
        *,
        is_query: bool = False,
        check: Callable[[], None] = lambda: None,
    ) -> "Vectors":
        """A float32 array of shape (texts, dimensions); each row has length 1. `check` is called
        several times a second; what it raises ends the work. Raises EndpointFailed, which may quote
        the texts."""
        work = self._begin(
            texts,
            self._model.query_prefix if is_query else self._model.document_prefix,
            seconds=settings.EMBEDDING_SECONDS,
            patience=settings.EMBEDDING_PATIENCE_SECONDS,
        )
        try:
            vectors = _wait(work, check)
        except EndpointFailed as error:
            raise type(error)(error.quoting or error.message) from error
        check()
        return vectors

    def begin(self, queries: Sequence[str]) -> "Future[Vectors]":
        """The vectors of questions; of a long one, of its beginning."""
        return self._begin(
            [self._cut(query) for query in queries],
            self._model.query_prefix,
            seconds=min(_QUESTION_SECONDS, settings.EMBEDDING_SECONDS),
            patience=_QUESTION_PATIENCE,
        )

    def _begin(
        self, texts: Sequence[str], prefix: str, *, seconds: float, patience: float
    ) -> "Future[Vectors]":
        sent = [prefix + text for text in texts]
        return _run(
            fetch(
                self._connection(),
                sent,
                dimensions=self.dimensions,
                seconds=seconds,
                patience=patience,
            )
        )

    def _cut(self, text: str) -> str:
        limit = self._model.content_tokens
        if count_tokens(text, self._model.id) <= limit:
            return text
        return cut_to_tokens(text, limit, self._model.id)

    def _connection(self) -> Connection:
        now = time.monotonic()
        if self._read is None or now - self._read[0] > _FRESH_SECONDS:
            self._read = now, connection_of(self._model.id)
        return self._read[1]


def ask(connection: Connection, texts: Sequence[str]) -> "Vectors":
    """The vectors of a few texts for staff who wait for them, whatever their dimensions, without a
    second try. Raises EndpointFailed."""
    seconds = min(_STAFF_SECONDS, settings.EMBEDDING_SECONDS)
    try:
        return _run(fetch(connection, texts, dimensions=None, seconds=seconds, patience=0)).result()
    except EndpointFailed as error:
        told = error.for_staff or error.quoting or error.message
        raise type(error)(told) from error


async def fetch(
    connection: Connection,
    texts: Sequence[str],
    *,
    dimensions: int | None,
    seconds: float,
    patience: float,
) -> "Vectors":
    """In batches, a few of them at once; each is tried again for `patience` seconds."""
    import numpy as np

    size = connection.batch_size
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(batch: Sequence[str]) -> "Vectors":
        async with turns:
            return await _patiently(connection, batch, dimensions, seconds, patience)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(one(texts[start : start + size]))
                for start in range(0, len(texts), size)
            ]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    parts = [task.result() for task in tasks]
    return np.concatenate(parts) if parts else np.empty((0, dimensions or 0), dtype=np.float32)


async def _patiently(
    connection: Connection,
    batch: Sequence[str],
    dimensions: int | None,
    seconds: float,
    patience: float,
) -> "Vectors":
    loop = asyncio.get_running_loop()
    end = loop.time() + patience
    for attempt in count():
        try:
            content = await _once(connection, batch, seconds)
            return read_vectors(content, connection.name, batch, dimensions)
        except EndpointFailed as error:
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)
            pause = pause if error.retry_after is None else error.retry_after
            if not error.may_retry or loop.time() + pause > end:
                raise
            await asyncio.sleep(pause)
    raise AssertionError("not reached")


async def _once(connection: Connection, batch: Sequence[str], seconds: float) -> bytes:
    body: dict[str, Any] = {"model": connection.model_name, "input": list(batch)}
    if connection.asked_dimensions:
        body["dimensions"] = connection.asked_dimensions
    headers = {"Authorization": f"Bearer {connection.key}"} if connection.key else {}
    url = f"{connection.base_url}/embeddings"
    try:
        async with (
            asyncio.timeout(seconds),
            _client().stream("POST", url, json=body, headers=headers) as response,
        ):
            is_good = response.status_code == httpx2.codes.OK
            most = len(batch) * MOST_DIMENSIONS * _LARGEST_NUMBER if is_good else LARGEST_REFUSAL
            content = await _content(response, most)
    except TimeoutError:
        raise endpoint_failures.took_too_long(connection.name, seconds) from None
    except httpx2.HTTPError as error:
        why = connection_problem(connection.base_url, error)
        raise endpoint_failures.no_connection(connection.name, why) from None
    if not is_good:
        raise endpoint_failures.of_status(
            response.status_code,
            content,
            response.headers,
            name=connection.name,
            model=connection.model_name,
            key=connection.key,
        )
    if len(content) > most:
        what = f"more than vectors of up to {MOST_DIMENSIONS:,} dimensions take"
        raise endpoint_failures.not_vectors(connection.name, what)
    return content


async def _content(response: httpx2.Response, most: int) -> bytes:
    """The body; of one of more than so many bytes, little more than those."""
    parts, size = [], 0
    async with aclosing(response.aiter_bytes()) as received:
        async for part in received:
            parts.append(part)
            size += len(part)
            if size > most:
                break
    return b"".join(parts)


def _wait(future: "Future[T]", check: Callable[[], None]) -> T:
    while not wait([future], timeout=_LOOK_UP_SECONDS).done:
        try:
            check()
        except BaseException:
            future.cancel()
            raise
    return future.result()


def _run(work: Coroutine[Any, Any, T]) -> "Future[T]":
    return asyncio.run_coroutine_threadsafe(work, _loop())


_starting = threading.Lock()


def _loop() -> asyncio.AbstractEventLoop:
    with _starting:
        return _running_loop()


@cache
def _running_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="embedding-servers", daemon=True).start()
    return loop


@cache
def _client() -> httpx2.AsyncClient:
    """One for all servers, made on the loop where it is used."""
    return httpx2.AsyncClient(
        # A redirect could lead the key, or us, to an address that nobody entered.
        follow_redirects=False,
        # The whole call has a time-out of its own.
        timeout=httpx2.Timeout(None, connect=settings.LLM_CONNECT_SECONDS),
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=16),
    )
