"""Telling other processes, through PostgreSQL, that something moved.

A message is `topic event json` on one line. The JSON comes last, so that whoever only passes it on
need not parse it. A payload holds one or more messages, in less than 8,000 bytes, PostgreSQL's limit.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import psycopg
from django.db import connection

from config.database import connection_parameters

logger = logging.getLogger(__name__)

CHANNEL = "groundwork"
# For what only workers need to hear; they would have to read every piece of every answer else.
WORKERS_CHANNEL = "groundwork_workers"


def encode(*, topic: str, event: str, data: dict[str, Any]) -> str:
    """Neither `topic` nor `event` may contain a space."""
    return f"{topic} {event} {orjson.dumps(data).decode()}"


_MOST_BYTES = 7_999


def pack(messages: Iterable[str]) -> Iterator[str]:
    """As few payloads as hold the messages, in their order: each one costs server and listeners
    more than what is in it. A message alone must fit."""
    payload: list[str] = []
    size = 0
    for message in messages:
        length = len(message.encode()) + 1
        if payload and size + length > _MOST_BYTES:
            yield "\n".join(payload)
            payload, size = [], 0
        payload.append(message)
        size += length
    if payload:
        yield "\n".join(payload)


def publish(*, topic: str, event: str, data: dict[str, Any], channel: str = CHANNEL) -> None:
    """Tell whoever watches `topic`, when the current transaction commits."""
    payload = encode(topic=topic, event=event, data=data)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [channel, payload])


class _Hints:
    """Sends in a thread and on a connection of its own, beside the transactions of the process."""

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._connection: psycopg.Connection[Any] | None = None
        self._waiting: set[tuple[str, str]] = set()

    def send(self, channel: str, payload: str) -> None:
        with self._starting:
            self._submit(self._send, channel, payload)

    def send_soon(self, channel: str, payload: str) -> None:
        """The same said again before it was sent is sent once."""
        with self._starting:
            if (channel, payload) not in self._waiting:
                self._waiting.add((channel, payload))
                self._submit(self._send_waiting, channel, payload)

    def _submit(self, work: Callable[[str, str], None], channel: str, payload: str) -> None:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="hints")
        self._thread.submit(work, channel, payload)

    def _send_waiting(self, channel: str, payload: str) -> None:
        # Before it is sent: what is said from now on may not be part of what its readers find.
        with self._starting:
            self._waiting.discard((channel, payload))
        self._send(channel, payload)

    def _send(self, channel: str, payload: str) -> None:
        try:
            if self._connection is None or self._connection.closed:
                self._connection = psycopg.connect(
                    **connection_parameters() | {"autocommit": True},
                    application_name="groundwork hints",
                )
            self._connection.execute("SELECT pg_notify(%s, %s)", [channel, payload])
        except psycopg.OperationalError as error:
            logger.warning("A hint was not sent: %s", error)
            if self._connection is not None:
                self._connection.close()

    def close(self) -> None:
        with self._starting:
            thread, self._thread = self._thread, None
        # Not under the lock, which what is still to be sent takes as well.
        if thread is not None:
            thread.shutdown()
        with self._starting:
            if self._connection is not None:
                self._connection.close()
            self._connection = None


_hints = _Hints()


def hint(*, topic: str, event: str, data: dict[str, Any], channel: str) -> None:
    """Tell at once, without waiting for the current transaction, what is useful but not needed.

    Whatever is too long, or finds no connection, is not told.
    """
    payload = encode(topic=topic, event=event, data=data)
    if len(payload.encode()) > _MOST_BYTES:
        return
    _hints.send(channel, payload)


def hint_soon(*, topic: str, event: str, data: dict[str, Any], channel: str) -> None:
    """Likewise; of what is told many times in a row, some is told once."""
    _hints.send_soon(channel, encode(topic=topic, event=event, data=data))


def close_hints() -> None:
    """Wait until all hints are sent and give up their connection; the next one opens another."""
    _hints.close()
