"""Logs as files, written as they are read: a block at a time, and nothing is kept in between. No
cursor stays open either, so that a reader may be as slow as they like."""

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import orjson
from django.db.models import QuerySet

from config.threads import give_connection_back
from tracing import log_pages
from tracing.log_filters import Wanted
from tracing.log_rows import judgments_of, thumbs_of
from tracing.models import Log, LogPayload

_AT_ONCE = 100
_RELATED = ("payload", "user", "blueprint", "file", "blueprint_version", "file_version", "session")
# Read for nothing, and long.
_UNREAD = (
    *("blueprint_version__prompt_details", "file_version__content"),
    *("payload__provider_request", "payload__provider_response", "payload__stdout"),
    *("payload__tool_choice", "payload__output"),
)
# What a spreadsheet takes for a formula, also behind white space or a quotation mark.
_FORMULA = re.compile(r"[\s\"']*[=+\-@\t\r|%]")
COLUMNS = (
    *("id", "trace_id", "parent_id", "kind", "path", "version", "environment", "face", "source"),
    *("user", "end_user", "session", "created_at", "started_at", "ended_at", "status", "error"),
    *("latency_ms", "first_token_ms", "model", "input_tokens", "output_tokens", "cost"),
    *("feedback", "metadata", "inputs", "messages", "output", "output_message"),
)


def as_csv(rows: QuerySet[Log], wanted: Wanted) -> Iterator[bytes]:
    """With a line of names. What has parts of its own is JSON; what a spreadsheet would take for a
    formula has an apostrophe before it."""
    yield csv_lines([list(COLUMNS)]).encode("utf-8")
    for logs in _records(rows, wanted.text):
        yield csv_lines([[csv_cell(log[name]) for name in COLUMNS] for log in logs]).encode("utf-8")


def as_jsonl(rows: QuerySet[Log], wanted: Wanted) -> Iterator[bytes]:
    """An object for each log, one a line."""
    for logs in _records(rows, wanted.text):
        yield b"".join(json_bytes(log) + b"\n" for log in logs)


def _records(rows: QuerySet[Log], text: str) -> Iterator[list[dict[str, Any]]]:
    for ids in log_pages.walk(rows, text, at_once=_AT_ONCE):
        found = Log.objects.filter(pk__in=ids).select_related(*_RELATED).defer(*_UNREAD)
        logs = {log.pk: log for log in found}
        judgments, thumbs = judgments_of(ids), thumbs_of(ids)
        records = [
            _record(logs[pk]) | {"feedback": _feedback(judgments[pk], thumbs[pk])}
            for pk in ids
            if pk in logs
        ]
        # Whoever reads this may take their time with it.
        give_connection_back()
        # Also where none was found: between two blocks it is seen whether anybody still reads.
        yield records


def _record(log: Log) -> dict[str, Any]:
    file = log.blueprint or log.file
    version = log.blueprint_version or log.file_version
    payload: LogPayload | None = getattr(log, "payload", None)
    return {
        "id": log.public_id,
        "trace_id": log.root_id or log.pk,
        "parent_id": log.parent_id,
        "kind": log.kind,
        "path": file.path if file else None,
        "version": version.number if version else None,
        "environment": log.environment,
        "face": log.face,
        "source": log.source,
        "user": log.user.email if log.user else None,
        "end_user": log.end_user,
        "session": str(log.session) if log.session else None,
        "created_at": log.created_at,
        "started_at": log.started_at,
        "ended_at": log.ended_at,
        "status": log.status,
        "error": log.error_message,
        "latency_ms": log.duration_ms,
        "first_token_ms": log.first_token_ms,
        "model": log.model_name,
        "input_tokens": log.input_tokens,
        "output_tokens": log.output_tokens,
        "cost": None if log.cost is None else f"{log.cost.normalize():f}",
        "metadata": log.metadata,
        "inputs": payload.inputs if payload else None,
        "messages": payload.messages if payload else None,
        "output": payload.text if payload else None,
        "output_message": payload.output_message if payload else None,
    }


def _feedback(judgments: list[tuple[str, Any]], thumbs: list[bool]) -> list[dict[str, Any]]:
    said = [{"evaluator": path, "judgment": value} for path, value in judgments]
    return said + [{"evaluator": "thumb", "judgment": "good" if up else "bad"} for up in thumbs]


def csv_cell(value: Any) -> Any:
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, dict | list):
        value = json_bytes(value).decode()
    if isinstance(value, str) and _FORMULA.match(value):
        return f"'{value}"
    return value.isoformat() if hasattr(value, "isoformat") else value


def json_bytes(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer of more than 64 bits
        return json.dumps(value, ensure_ascii=False, default=str).encode()


def csv_lines(rows: list[list[Any]]) -> str:
    lines = io.StringIO()
    csv.writer(lines).writerows(rows)
    return lines.getvalue()
