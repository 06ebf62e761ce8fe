"""Telling other processes, through PostgreSQL, that something moved.

A message is `topic event json` on one line. The JSON comes last, so that whoever only passes it on
need not parse it. A payload holds one or more messages, in less than 8,000 bytes, PostgreSQL's limit.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection

CHANNEL = "groundwork"
# For what only workers need to hear; they would have to read every piece of every answer else.
WORKERS_CHANNEL = "groundwork_workers"


def encode(*, topic: str, event: str, data: dict[str, Any]) -> str:
    """Neither `topic` nor `event` may contain a space."""
    return f"{topic} {event} {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}"


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
