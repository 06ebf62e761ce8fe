"""Telling other processes, through PostgreSQL, that something moved: one channel for all topics.

A payload is `topic event json`, less than 8,000 bytes, the limit of NOTIFY. The JSON comes last, so
that whoever only passes it on need not parse it.
"""

import json
from typing import Any

from django.db import connection

CHANNEL = "groundwork"


def encode(*, topic: str, event: str, data: dict[str, Any]) -> str:
    """Neither `topic` nor `event` may contain a space."""
    return f"{topic} {event} {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}"


def publish(*, topic: str, event: str, data: dict[str, Any]) -> None:
    """Tell whoever watches `topic`, when the current transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_notify(%s, %s)", [CHANNEL, encode(topic=topic, event=event, data=data)]
        )
