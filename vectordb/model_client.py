"""The web processes' side of `vectordb.model_server`: asks a worker, whichever there is."""

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import aiohttp
from django.conf import settings
from django.utils import timezone

from config.errors import Unavailable
from config.threads import in_thread
from vectordb.model_wire import EMBED, RERANK, credentials, error_from_json, unpack
from vectordb.models import ModelServer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

# So long workers are taken to be where they were.
_FRESH_SECONDS = 5.0
# A worker that ends is followed by another one soon.
_PATIENCE_SECONDS = 10.0
_PAUSE_SECONDS = 0.1
# A model may have to be loaded first.
_LONGEST_SECONDS = 120.0
_CONNECT_SECONDS = 2.0
_CONNECTIONS = 128


class NoWorker(Unavailable):
    """Nobody embeds at present; later somebody may."""


async def embed(model_id: str, texts: Sequence[str], *, is_query: bool) -> "Vectors":
    """A float32 array of shape (texts, dimensions). Raises what the worker raises, and NoWorker."""
    body = {"model": model_id, "texts": list(texts), "is_query": is_query}
    workers = await _workers()
    return unpack(await workers.ask(EMBED, body), len(texts))


async def rerank(question: str, texts: Sequence[str]) -> list[float]:
    """A score for each text. Raises what the worker raises, and NoWorker."""
    workers = await _workers()
    response = await workers.ask(RERANK, {"question": question, "texts": list(texts)})
    scores: list[float] = json.loads(response)
    return scores


class _Workers:
    """Those that answer, and the connections to them. Lives in one event loop."""

    def __init__(self) -> None:
        self._urls: list[str] = []
        self._looked_at = -_FRESH_SECONDS
        # For each question that is embedded: other clients take longer for the way than the model does.
        self._client = aiohttp.ClientSession(
            headers={"Authorization": credentials()},
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(_LONGEST_SECONDS, sock_connect=_CONNECT_SECONDS),
            connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
        )
        self._keeper = self._closing()

    async def start(self) -> None:
        await anext(self._keeper)

    async def _closing(self) -> AsyncGenerator[None, None]:
        """Whoever runs a loop shuts its async generators down at the end, and so the connections."""
        try:
            yield
        finally:
            await self._client.close()

    async def ask(self, path: str, body: dict[str, Any]) -> bytes:
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        while True:
            for url in await self._found():
                try:
                    return await self._asked(url + path, body)
                except aiohttp.ClientError:
                    # It ended meanwhile. To embed a text twice does no harm.
                    self._urls = [other for other in self._urls if other != url]
                except TimeoutError:
                    raise Unavailable(
                        f"The worker was not done within {_LONGEST_SECONDS:g} seconds: send less at once, "
                        "or try again later."
                    ) from None
            if time.monotonic() > give_up_at:
                raise NoWorker(
                    "No worker is running, and without one nothing can be retrieved or embedded: start "
                    "one with `manage.py worker`, or try again in a moment."
                )
            self._looked_at = -_FRESH_SECONDS
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _asked(self, url: str, body: dict[str, Any]) -> bytes:
        async with self._client.post(url, json=body, allow_redirects=False) as response:
            content = await response.read()
        if response.status == 200:
            return content
        if response.status == 422:
            raise error_from_json(json.loads(content))
        raise Unavailable("The worker could not do this: its log says why. Try again.")

    async def _found(self) -> list[str]:
        """In an order by chance, so that all of them get their share."""
        if time.monotonic() - self._looked_at > _FRESH_SECONDS:
            self._urls = await in_thread(_alive)
            self._looked_at = time.monotonic()
        return random.sample(self._urls, len(self._urls))


def _alive() -> list[str]:
    since = timezone.now() - timedelta(seconds=settings.WORKER_STALLED_SECONDS)
    return list(ModelServer.objects.filter(seen_at__gt=since).values_list("url", flat=True))


_by_loop: "WeakKeyDictionary[asyncio.AbstractEventLoop, _Workers]" = WeakKeyDictionary()


async def _workers() -> _Workers:
    loop = asyncio.get_running_loop()
    if loop not in _by_loop:
        _by_loop[loop] = workers = _Workers()
        await workers.start()
    return _by_loop[loop]
