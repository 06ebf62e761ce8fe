"""Telling other processes, through PostgreSQL, that something moved.

A payload is `topic event json`, less than 8,000 bytes, the limit of NOTIFY. The JSON comes last, so
that whoever only passes it on need not parse it.
"""

import json
from typing import Any

from django.db import connection

CHANNEL = "groundwork"
# For what only workers need to hear; they would have to read every piece of every answer else.
WORKERS_CHANNEL = "groundwork_workers"


def encode(*, topic: str, event: str, data: dict[str, Any]) -> str:
    """Neither `topic` nor `event` may contain a space."""
    return f"{topic} {event} {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}"


def publish(*, topic: str, event: str, data: dict[str, Any], channel: str = CHANNEL) -> None:
    """Tell whoever watches `topic`, when the current transaction commits."""
    payload = encode(topic=topic, event=event, data=data)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [channel, payload])
