"""Texts to vectors, whatever model makes them and wherever it runs.

Workers load the models. The functions for event loops also work elsewhere, by asking a worker; to
embed the texts of documents is theirs alone.
"""

import asyncio
import queue
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple, Protocol
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import connections

from config.threads import in_thread
from vectordb import model_client
from vectordb.embedding_models import EmbeddingModel, get_model
from vectordb.endpoint_embedding import EndpointEmbedder
from vectordb.endpoint_failures import Refused
from vectordb.local_embedding import LocalEmbedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

_MOST_QUERIES = 64
# Models on this server that are kept in memory.
_MOST_LOADED = 4


class Embedder(Protocol):
    """A model, ready for use from several threads. `step`: so many texts are worth handing over."""

    dimensions: int
    step: int

    def embed(
        self, texts: Sequence[str], *, is_query: bool = ..., check: Callable[[], None] = ...
    ) -> "Vectors":
        """A float32 array of shape (texts, dimensions); each row has length 1. `check` is called
        every now and then; what it raises ends the work."""
        ...

    def begin(self, queries: Sequence[str]) -> "Future[Vectors]":
        """The same of questions, for a thread of their own."""
        ...


class _Place:
    """Where a model of this server is loaded: whoever comes meanwhile waits, and those of other models do not."""

    def __init__(self, model: EmbeddingModel) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._embedder: LocalEmbedder | None = None

    def embedder(self) -> LocalEmbedder:
        with self._lock:
            if self._embedder is None:
                self._embedder = LocalEmbedder(self._model)
            return self._embedder


class _Loaded:
    """The models in memory; the one that nobody used for longest makes room."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: OrderedDict[str, _Place] = OrderedDict()

    def get(self, model: EmbeddingModel) -> LocalEmbedder:
        with self._lock:
            place = self._places.setdefault(model.id, _Place(model))
            self._places.move_to_end(model.id)
            if len(self._places) > _MOST_LOADED:
                self._places.popitem(last=False)
        return place.embedder()


_loaded = _Loaded()
_elsewhere = cache(EndpointEmbedder)


def get_embedder(model_id: str) -> Embedder:
    """The model, loaded at its first use and kept. Raises InvalidInput for an unknown id, and
    EmbeddingFailed for a model that cannot be loaded."""
    model = get_model(model_id)
    return _loaded.get(model) if model.path else _elsewhere(model)


async def embed_texts(model_id: str, texts: Sequence[str]) -> "Vectors":
    """As `Embedder.embed`, off the event loop."""
    if not settings.LOADS_MODELS:
        return await model_client.embed(model_id, texts, is_query=False)
    return await embed_here(model_id, texts, is_query=False)


# One for all: what nobody waits for takes one core at most, however much of it there is.
_background = ThreadPoolExecutor(1, thread_name_prefix="embed-background")


async def embed_in_background(
    model_id: str, texts: Sequence[str], *, give_way: Callable[[], Awaitable[None]]
) -> "Vectors":
    """As `embed_texts`, in a worker, for what nobody waits for: a few texts at a time, with `give_way`
    awaited before each of these steps."""
    import numpy as np

    embedder = await in_thread(get_embedder, model_id)
    loop = asyncio.get_running_loop()
    parts = []
    for start in range(0, len(texts), embedder.step):
        await give_way()
        step = texts[start : start + embedder.step]
        parts.append(await loop.run_in_executor(_background, _begun, embedder, step))
    return np.concatenate(parts) if parts else np.empty((0, embedder.dimensions), np.float32)


def _begun(embedder: Embedder, texts: Sequence[str]) -> "Vectors":
    return embedder.begin(texts).result()


class _Query(NamedTuple):
    text: str
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[list[float]]"
    is_alone: bool = False


class _QueryThread:
    """Questions that arrive while one is embedded share the next pass through the model. Where a
    server refuses them together, each is asked alone: they are of several users, and only the one
    whose question it is hears of the refusal."""

    def __init__(self, model_id: str) -> None:
        self._model_id = model_id
        self._queue: queue.SimpleQueue[_Query] = queue.SimpleQueue()
        threading.Thread(target=self._serve, name="embed-queries", daemon=True).start()

    def put(self, query: _Query) -> None:
        self._queue.put(query)

    def _serve(self) -> None:
        while True:
            batch = [self._queue.get()]
            while len(batch) < _MOST_QUERIES and not self._queue.empty():
                batch.append(self._queue.get())
            shared = [query for query in batch if not query.is_alone]
            for part in (shared, *([query] for query in batch if query.is_alone)):
                if part:
                    self._answer(part)

    def _answer(self, batch: list[_Query]) -> None:
        try:
            answer = self._start([query.text for query in batch])
        except BaseException as error:
            for query in batch:
                _call_back(query, error=error)
        else:
            answer.add_done_callback(partial(self._hand_out, batch))

    def _start(self, texts: list[str]) -> "Future[Vectors]":
        try:
            return get_embedder(self._model_id).begin(texts)
        finally:
            # A model that was added has been looked up.
            connections.close_all()

    def _hand_out(self, batch: list[_Query], answer: "Future[Vectors]") -> None:
        error = answer.exception()
        if isinstance(error, Refused) and len(batch) > 1:
            for query in batch:
                self.put(query._replace(is_alone=True))
        elif error is not None:
            for query in batch:
                _call_back(query, error=error)
        else:
            for query, vector in zip(batch, answer.result().tolist(), strict=True):
                _call_back(query, vector=vector)


def _call_back(
    query: _Query, *, vector: list[float] | None = None, error: BaseException | None = None
) -> None:
    def settle() -> None:
        if query.future.done():  # whoever asked was cancelled
            return
        if error is not None:
            query.future.set_exception(error)
        else:
            query.future.set_result(vector or [])

    try:
        query.loop.call_soon_threadsafe(settle)
    except RuntimeError:
        pass  # the loop has ended, and with it whoever asked


_query_thread = cache(_QueryThread)


# The vectors of the last questions: several blueprints are asked the same one, and a question is
# announced to the worker before it may read it.
_MOST_REMEMBERED = 256
_LONGEST_REMEMBERED = 8_000

_Vector = asyncio.Future[list[float]]
_remembered: "WeakKeyDictionary[asyncio.AbstractEventLoop, OrderedDict[tuple[str, str], _Vector]]" = WeakKeyDictionary()


async def embed_query(model_id: str, text: str) -> list[float]:
    """The vector of a question, of length 1. Raises InvalidInput for an unknown model."""
    # Shielded: somebody else may wait for the same one.
    return await asyncio.shield(embed_ahead(model_id, text))


def embed_ahead(model_id: str, text: str) -> _Vector:
    """Begin to embed a question, unless that was begun already."""
    loop = asyncio.get_running_loop()
    recent = _remembered.setdefault(loop, OrderedDict())
    key = (model_id, text)
    if (known := recent.get(key)) is not None:
        recent.move_to_end(key)
        return known
    future: _Vector = loop.create_future()
    if len(text) <= _LONGEST_REMEMBERED:
        recent[key] = future
        if len(recent) > _MOST_REMEMBERED:
            recent.popitem(last=False)
        future.add_done_callback(partial(_forget_failed, recent, key))
    if settings.LOADS_MODELS:
        _begin(model_id, text, future)
    else:
        asking = loop.create_task(model_client.embed(model_id, [text], is_query=True))
        asking.add_done_callback(partial(_pass_on, future))
    return future


async def embed_here(model_id: str, texts: Sequence[str], *, is_query: bool) -> "Vectors":
    """For those who ask this process: a float32 array of shape (texts, dimensions). Questions share
    passes through the model with all others."""
    import numpy as np

    if not is_query:
        return await in_thread(lambda: get_embedder(model_id).embed(texts))
    loop = asyncio.get_running_loop()
    futures: list[_Vector] = [loop.create_future() for _ in texts]
    for text, future in zip(texts, futures, strict=True):
        _begin(model_id, text, future)
    return np.array(await asyncio.gather(*futures), dtype=np.float32)


def _begin(model_id: str, text: str, future: _Vector) -> None:
    _query_thread(model_id).put(_Query(text, future.get_loop(), future))


def _pass_on(future: _Vector, asking: "asyncio.Task[Vectors]") -> None:
    if future.done():
        return
    error = asking.exception()
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(asking.result()[0].tolist())


def _forget_failed(
    recent: OrderedDict[tuple[str, str], _Vector], key: tuple[str, str], future: _Vector
) -> None:
    # Asked for its exception, so that asyncio does not miss a reader when nobody waits.
    if (future.cancelled() or future.exception() is not None) and recent.get(key) is future:
        del recent[key]
