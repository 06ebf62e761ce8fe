"""Telling other processes, through PostgreSQL, that something moved: one channel for all topics.

A payload is JSON of less than 8,000 bytes, the limit of NOTIFY.
"""

import json
from typing import Any

from django.db import connection

CHANNEL = "groundwork"


def encode(*, topic: str, event: str, data: dict[str, Any]) -> str:
    return json.dumps(
        {"topic": topic, "event": event, "data": data}, ensure_ascii=False, separators=(",", ":")
    )


def publish(*, topic: str, event: str, data: dict[str, Any]) -> None:
    """Tell whoever watches `topic`, when the current transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_notify(%s, %s)", [CHANNEL, encode(topic=topic, event=event, data=data)]
        )
