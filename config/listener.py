"""Hearing what `config.notify` tells: one LISTEN connection a process, shared by all who watch. Each
that listens is woken by whatever is told in the database, also by every piece of an answer."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import sql

from config.database import connection_parameters
from config.notify import CHANNEL

logger = logging.getLogger(__name__)

_RECONNECT_SECONDS = 0.5
_CHECK_SECONDS = 30.0
_ANSWER_SECONDS = 10.0
# Someone who reads slower than this many messages is told to start over instead of filling memory.
_LONGEST_QUEUE = 20_000


@dataclass(frozen=True, slots=True)
class Message:
    """What was told. `raw` is the JSON as it came, on one line."""

    topic: str
    event: str
    raw: str

    @property
    def data(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.raw)
        return parsed


# The connection was lost for a moment, or the reader was too slow: what came meanwhile is unknown.
GAP = Message(topic="", event="gap", raw="{}")

Observer = Callable[[Message], None]
PayloadObserver = Callable[[str], None]


class Listener:
    """Relays a channel's notifications to subscribers by topic, and what others than `config.notify`
    tell on channels of their own, as it is. Lives in one event loop."""

    def __init__(
        self, channel: str = CHANNEL, others: Mapping[str, PayloadObserver] | None = None
    ) -> None:
        self._channel = channel
        self._others = others or {}
        self._subscribers: dict[str, set[asyncio.Queue[Message]]] = {}
        self._observers: list[Observer] = []
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    def observe(self, observer: Observer) -> None:
        """Call `observer` with every message, before subscribers see it."""
        if observer not in self._observers:
            self._observers.append(observer)

    async def start(self) -> None:
        """Begin to listen; returns once nothing sent from now on can be missed."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="listener")
        await self._listening.wait()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    @contextlib.asynccontextmanager
    async def subscribe(self, *topics: str) -> AsyncIterator[asyncio.Queue[Message]]:
        """A queue that receives the messages of `topics`, and GAP after a lost connection."""
        await self.start()
        queue: asyncio.Queue[Message] = asyncio.Queue()
        for topic in topics:
            self._subscribers.setdefault(topic, set()).add(queue)
        try:
            yield queue
        finally:
            for topic in topics:
                self._subscribers[topic].discard(queue)
                if not self._subscribers[topic]:
                    del self._subscribers[topic]

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except (psycopg.Error, TimeoutError) as exc:
                logger.warning("The database connection for events was lost: %s", exc)
            self._listening.clear()
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(
            **connection_parameters() | {"autocommit": True}, application_name="groundwork listener"
        )
        async with connection:
            for channel in (self._channel, *self._others):
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            self._dispatch(GAP)
            self._listening.set()
            while True:
                async for told in connection.notifies(timeout=_CHECK_SECONDS):
                    self._hear(told)
                # Of a connection that was cut off in silence, nothing else would be noticed.
                async with asyncio.timeout(_ANSWER_SECONDS):
                    await connection.execute("SELECT 1")

    def _hear(self, told: psycopg.Notify) -> None:
        if told.channel in self._others:
            self._others[told.channel](told.payload)
            return
        for line in told.payload.split("\n"):
            self._dispatch(Message(*line.split(" ", 2)))

    def _dispatch(self, message: Message) -> None:
        for observer in self._observers:
            observer(message)
        if message is GAP:
            queues = {queue for group in self._subscribers.values() for queue in group}
        else:
            queues = self._subscribers.get(message.topic, set())
        for queue in queues:
            if queue.qsize() >= _LONGEST_QUEUE:
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(GAP)
            else:
                queue.put_nowait(message)


_listeners: WeakKeyDictionary[asyncio.AbstractEventLoop, Listener] = WeakKeyDictionary()


def listener() -> Listener:
    """The running loop's listener. It connects on its first subscription."""
    return _listeners.setdefault(asyncio.get_running_loop(), Listener())
