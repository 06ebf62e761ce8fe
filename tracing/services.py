"""Recording calls. An answer is a root log with a child for each step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from config.inserting import insert
from tracing import sessions, traces
from tracing.announcing import announce
from tracing.models import Log, LogKind, LogPayload


@dataclass(frozen=True, slots=True)
class Step:
    """One retriever or LLM call inside an answer. Times in milliseconds, tokens, US dollars."""

    kind: LogKind
    status: str
    started_at: datetime
    ended_at: datetime
    latency_ms: float | None = None
    first_token_ms: float | None = None
    model_name: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: Decimal | None = None
    error_message: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    output: dict[str, Any] = field(default_factory=dict)
    # What an LLM wrote.
    text: str | None = None


_COLUMNS = (
    "kind",
    "status",
    "started_at",
    "ended_at",
    "latency_ms",
    "first_token_ms",
    "model_name",
    "input_tokens",
    "output_tokens",
    "cost",
    "error_message",
)


def record(
    *,
    use_case_id: str,
    user_id: str,
    blueprint_id: str | None,
    blueprint_version_id: str | None,
    root: Step,
    children: list[Step],
    fields: Mapping[str, Any] | None = None,
    payload: Mapping[str, Any] | None = None,
    keeps_payload: bool = True,
    parent: Log | None = None,
) -> Log:
    """Write the tree in one statement, and return its root, which may hang below a `parent`. Within
    a transaction.

    `fields` and `payload` are further ones of the root. Where no payload is to be kept, none is ever
    written, of the root or of a child.
    """
    common: dict[str, Any] = {
        "use_case_id": use_case_id,
        "user_id": user_id,
        "blueprint_id": blueprint_id,
        "blueprint_version_id": blueprint_version_id,
    }
    root_log = _log(root, **common, **(fields or {}), is_payload_kept=keeps_payload)
    trunk = traces.hang(root_log, parent, is_late=True) if parent is not None else None
    place = {"parent": root_log, "root": trunk or root_log}
    common["is_payload_kept"] = keeps_payload
    logs = [root_log, *(_log(child, **place, **common) for child in children)]
    payloads: list[LogPayload] = []
    if keeps_payload:
        payloads = [
            LogPayload(log=log, inputs=step.inputs, output=step.output, text=step.text)
            for log, step in zip(logs, [root, *children], strict=True)
        ]
        for name, value in (payload or {}).items():
            setattr(payloads[0], name, value)
    insert(*logs, *payloads)
    if trunk is not None:
        traces.widen(trunk, root_log)
    if root_log.session is not None:
        sessions.note_change(root_log.session)
    announce(use_case_id)
    return root_log


def _log(step: Step, **fields: Any) -> Log:
    """What a caller says counts more than what was measured."""
    measured = {name: getattr(step, name) for name in _COLUMNS}
    return Log(**measured | fields)
