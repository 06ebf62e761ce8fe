"""The web processes' side of `vectordb.model_server`: asks a worker, whichever there is."""

import asyncio
import random
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import httpx2
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
_CONNECTIONS = 128


class NoWorker(Unavailable):
    """Nobody embeds at present; later somebody may."""


async def embed(model_id: str, texts: Sequence[str], *, is_query: bool) -> "Vectors":
    """A float32 array of shape (texts, dimensions). Raises what the worker raises, and NoWorker."""
    body = {"model": model_id, "texts": list(texts), "is_query": is_query}
    return unpack(await _workers().ask(EMBED, body), len(texts))


async def rerank(question: str, texts: Sequence[str]) -> list[float]:
    """A score for each text. Raises what the worker raises, and NoWorker."""
    response = await _workers().ask(RERANK, {"question": question, "texts": list(texts)})
    scores: list[float] = httpx2.Response(200, content=response).json()
    return scores


class _Workers:
    """Those that answer, and the connections to them. Lives in one event loop."""

    def __init__(self) -> None:
        self._urls: list[str] = []
        self._looked_at = -_FRESH_SECONDS
        self._client = httpx2.AsyncClient(
            headers={"Authorization": credentials()},
            follow_redirects=False,
            trust_env=False,
            timeout=httpx2.Timeout(_LONGEST_SECONDS, connect=2.0),
            limits=httpx2.Limits(max_connections=_CONNECTIONS),
        )

    async def ask(self, path: str, body: dict[str, Any]) -> bytes:
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        while True:
            for url in await self._found():
                try:
                    response = await self._client.post(url + path, json=body)
                except httpx2.ReadTimeout:
                    raise Unavailable(
                        f"The worker was not done within {_LONGEST_SECONDS:g} seconds: send less at once, "
                        "or try again later."
                    ) from None
                except httpx2.TransportError:
                    # It ended meanwhile. To embed a text twice does no harm.
                    self._urls = [other for other in self._urls if other != url]
                    continue
                if response.status_code == 422:
                    raise error_from_json(response.json())
                if response.status_code == 200:
                    return response.content
                raise Unavailable("The worker could not do this: its log says why. Try again.")
            if time.monotonic() > give_up_at:
                raise NoWorker(
                    "No worker is running, and without one nothing can be retrieved or embedded: start "
                    "one with `manage.py worker`, or try again in a moment."
                )
            self._looked_at = -_FRESH_SECONDS
            await asyncio.sleep(_PAUSE_SECONDS)

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


def _workers() -> _Workers:
    loop = asyncio.get_running_loop()
    if loop not in _by_loop:
        _by_loop[loop] = _Workers()
    return _by_loop[loop]
