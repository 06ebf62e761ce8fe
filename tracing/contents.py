"""What programs write into a log: which fields there are, and what absent and null mean."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from config.errors import InvalidInput
from config.status import Status
from config.storable import storable_json
from tracing.messages import text_of
from tracing.models import Log, LogKind, LogPayload, LogStatus

# In a row of its own, which is not there without `save`.
PAYLOAD = (
    "inputs",
    "messages",
    "tool_choice",
    "text",
    "output_message",
    "stdout",
    "provider_request",
    "provider_response",
)
COLUMNS = (
    "created_at",
    "started_at",
    "ended_at",
    "latency_ms",
    "error_message",
    "log_status",
    "source",
    "end_user",
    "environment",
    "source_datapoint_id",
    "metadata",
    "batches",
    "sample_index",
    "judgment",
    "is_marked_completed",
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "input_cost",
    "output_cost",
    "finish_reason",
    "model_name",
    "first_token_ms",
)
# What is there where nothing was said, of those that are never null.
_EMPTY: dict[str, Any] = {
    "error_message": "",
    "source": "",
    "end_user": "",
    "environment": "",
    "source_datapoint_id": "",
    "finish_reason": "",
    "model_name": "",
}


def of_new(kind: LogKind, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a new log of these fields: null is as good as absent."""
    given = {name: fields[name] for name in COLUMNS if fields.get(name) is not None}
    columns = {name: storable_json(value) for name, value in given.items()}
    now = timezone.now()
    columns.setdefault("created_at", now)
    columns.setdefault("log_status", _first_status(kind))
    if "started_at" not in columns:
        columns["started_at"] = _began(columns["created_at"], columns.get("ended_at"))
    if kind == LogKind.FLOW and columns["log_status"] == LogStatus.COMPLETE:
        columns.setdefault("ended_at", max(now, columns["started_at"]))
    columns["cost"] = _sum(columns.get("input_cost"), columns.get("output_cost"))
    columns["status"] = _status(columns.get("error_message"), columns["log_status"])
    return columns


def payload_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What of the fields belongs into the payload; the text is the message's, where only that is
    given."""
    payload = {name: storable_json(fields[name]) for name in PAYLOAD if name in fields}
    if payload.get("text") is None and (text := text_of(payload.get("output_message"))):
        payload["text"] = text
    if "inputs" in payload and payload["inputs"] is None:
        payload["inputs"] = {}
    return payload


def apply(log: Log, payload: LogPayload, changes: Mapping[str, Any]) -> None:
    """Change what is given, of both; None clears. Nothing is written.

    Raises InvalidInput for a flow that is completed without a word of how it ended.
    """
    was_complete = log.log_status == LogStatus.COMPLETE
    for name in COLUMNS:
        if name in changes:
            setattr(log, name, storable_json(_of_null(log, name, changes[name])))
    new = payload_of(changes)
    if "text" in new and "text" not in changes and payload.text is not None:
        del new["text"]  # only the message was given, and there is a text already
    for name, value in new.items():
        setattr(payload, name, value)
    if log.kind == LogKind.FLOW and log.log_status == LogStatus.COMPLETE and not was_complete:
        check_complete(log, {name: getattr(payload, name) for name in PAYLOAD})
        log.ended_at = max(timezone.now(), log.ended_at or log.started_at)
    if {"input_cost", "output_cost"} & set(changes):
        log.cost = _sum(log.input_cost, log.output_cost)
    if {"error_message", "log_status"} & set(changes):
        log.status = _status(log.error_message, log.log_status)


def check_complete(log: Log, payload: Mapping[str, Any]) -> None:
    """Raises InvalidInput for a complete flow that says nothing of how it ended. Of one whose payload
    is not kept nobody knows."""
    if log.kind != LogKind.FLOW or log.log_status != LogStatus.COMPLETE or log.error_message:
        return
    if not log.is_payload_kept:
        return
    if payload.get("text") is None and payload.get("output_message") is None:
        raise InvalidInput(
            "A flow is complete with an output, an output_message or an error: give one of them.",
            field="log_status",
        )


def _of_null(log: Log, name: str, value: Any) -> Any:
    if value is not None:
        return value
    if name in ("created_at", "sample_index"):
        return getattr(log, name)
    if name == "log_status":
        # A flow's is never nothing, and nothing said of it reopens none.
        return log.log_status if log.kind == LogKind.FLOW else LogStatus.COMPLETE
    if name == "started_at":
        return _began(log.created_at, log.ended_at)
    return [] if name == "batches" else _EMPTY.get(name)


def _first_status(kind: LogKind) -> LogStatus:
    return LogStatus.INCOMPLETE if kind == LogKind.FLOW else LogStatus.COMPLETE


def _began(created: datetime, ended: datetime | None) -> datetime:
    """Where nobody said when a call began, it did not begin after its end."""
    return created if ended is None else min(created, ended)


def _sum(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    known = [cost for cost in (one, other) if cost is not None]
    return sum(known, Decimal()) if known else None


def _status(error: str | None, log_status: str) -> Status:
    if error:
        return Status.ERROR
    return Status.RUNNING if log_status == LogStatus.INCOMPLETE else Status.COMPLETED
