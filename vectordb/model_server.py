"""The workers' side: whoever may not load models has its texts embedded and reranked here.

A small HTTP server in the worker's event loop. Each worker notes its address in the database for as
long as it lives, so that web processes find those that there are, on whatever host.
"""

import asyncio
import contextlib
import hmac
import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import uvicorn
from django.conf import settings
from django.db import connections
from django.utils import timezone

from config.errors import AppError
from config.threads import in_thread
from vectordb import embedding, reranking
from vectordb.model_wire import EMBED, RERANK, credentials, error_to_json, pack
from vectordb.models import ModelServer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

logger = logging.getLogger(__name__)

_texts = ThreadPoolExecutor(2, thread_name_prefix="embed-texts")

_BACKLOG = 256
_LARGEST_REQUEST = 64 * 1024 * 1024  # bytes

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[None]:
    """Answer, and be found, for the time of the context."""
    with socket.socket() as door:
        door.bind((settings.WORKER_HOST, 0))
        door.listen(_BACKLOG)
        server = _Server(
            uvicorn.Config(
                _answer,
                lifespan="off",
                ws="none",
                log_config=None,
                log_level="warning",
                access_log=False,
            )
        )
        async with asyncio.TaskGroup() as group:
            work = group.create_task(server.serve(sockets=[door]), name="model-server")
            row = ModelServer(url=f"http://{settings.WORKER_HOST}:{door.getsockname()[1]}")
            beat = group.create_task(_be_found(row), name="model-server-heartbeat")
            try:
                yield
            finally:
                beat.cancel()
                server.should_exit = server.force_exit = True
                await asyncio.wait([work])


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # They are the worker's.
        yield


async def _be_found(row: ModelServer) -> None:
    try:
        while True:
            row.seen_at = timezone.now()
            await in_thread(row.save)
            await asyncio.sleep(settings.WORKER_HEARTBEAT_SECONDS)
    finally:
        # A row that stays is passed over as soon as it is old, or nobody answers there.
        with contextlib.suppress(Exception):
            await asyncio.shield(in_thread(row.delete))


async def _answer(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    status, body = await _status_and_body(scope, receive)
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def _status_and_body(scope: dict[str, Any], receive: Receive) -> tuple[int, bytes]:
    sent = dict(scope["headers"]).get(b"authorization", b"")
    if not hmac.compare_digest(sent, credentials().encode()):
        return 401, b""
    work = _WORK.get(scope["path"])
    if work is None or scope["method"] != "POST":
        return 404, b""
    request = await _read(receive)
    if request is None:
        return 413, b""
    try:
        return 200, await work(request)
    except AppError as error:
        return 422, json.dumps(error_to_json(error)).encode()
    except Exception:
        logger.exception("A request of a web process for %s failed", scope["path"])
        return 500, b""


async def _read(receive: Receive) -> dict[str, Any] | None:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > _LARGEST_REQUEST:
            return None
        if not message.get("more_body"):
            request: dict[str, Any] = json.loads(body)
            return request


async def _embed(request: dict[str, Any]) -> bytes:
    model_id, texts = request["model"], request["texts"]
    if request["is_query"]:
        return pack(await embedding.embed_here(model_id, texts, is_query=True))
    # Many texts take long, and answers need the threads that they share.
    loop = asyncio.get_running_loop()
    return pack(await loop.run_in_executor(_texts, _embedded, model_id, texts))


def _embedded(model_id: str, texts: list[str]) -> "Vectors":
    try:
        return embedding.get_embedder(model_id).embed(texts)
    finally:
        connections.close_all()


async def _rerank(request: dict[str, Any]) -> bytes:
    reranking.require_reranker()
    return json.dumps(await reranking.scores_here(request["question"], request["texts"])).encode()


_WORK: dict[str, Callable[[dict[str, Any]], Awaitable[bytes]]] = {EMBED: _embed, RERANK: _rerank}
