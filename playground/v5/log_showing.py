"""Logs as answers tell of them, each with the version that it is of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from blueprints.kinds import FILE_VERSIONS, PROMPT_VERSIONS, AnyVersion, Kind
from blueprints.models import FileVersion
from blueprints.prompt_details import JSON
from config.api.case import moment
from playground.v5.showing import show_all
from tracing.models import ASKING_FACES, Log, LogKind, LogPayload
from tracing.surroundings import Surroundings, around, complete

_KINDS: dict[str, Kind] = {
    LogKind.ANSWER: "prompt",
    LogKind.FLOW: "flow",
    LogKind.TOOL: "tool",
    LogKind.EVALUATOR: "evaluator",
}
_NOTHING = LogPayload()


def show_log(log: Log) -> JSON | None:
    """With what is below it, where it is a flow's. None where its version is gone."""
    children = [log] if log.kind == LogKind.FLOW else []
    return next(iter(show_logs([log], with_children=children)), None)


def show_logs(
    logs: Sequence[Log], *, with_children: Sequence[Log] = (), with_judged: bool = False
) -> list[JSON]:
    """Each of them, in a number of queries that does not depend on how many there are. They must be
    `complete`. What has no version any more is left out."""
    judged = _judged(logs) if with_judged else {}
    beside = around([*logs, *judged.values()], with_children=with_children)
    everything = [
        *logs,
        *judged.values(),
        *(log for some in beside.children.values() for log in some),
        *(log for some in beside.judgments.values() for log in some),
    ]
    showing = _Showing(beside, _versions(everything), {log.pk for log in with_children}, judged)
    return showing.all_of(logs)


def _judged(logs: Sequence[Log]) -> dict[str, Log]:
    rows = complete(
        Log.objects.of_programs().filter(pk__in={log.judged_id for log in logs if log.judged_id})
    )
    return {log.pk: log for log in rows}


def _versions(logs: Iterable[Log]) -> dict[str, JSON]:
    """What is told of the version of each log, by the log's key. Where a log's is gone, or it never
    had one of its own, it is the newest of the same file."""
    logs = list(logs)
    prompts = [log for log in logs if log.kind == LogKind.ANSWER]
    others = [log for log in logs if log.kind != LogKind.ANSWER]
    keys = _prompt_versions(prompts) | _file_versions(others)
    wanted = set(keys.values())
    rows: list[AnyVersion] = []
    if prompts:
        rows += PROMPT_VERSIONS.filter(pk__in=wanted)
    if others:
        rows += FILE_VERSIONS.filter(pk__in=wanted)
    shown = dict(zip((row.pk for row in rows), show_all(rows), strict=True)) if rows else {}
    return {pk: shown[key] for pk, key in keys.items() if key in shown}


def _prompt_versions(logs: list[Log]) -> dict[str, str]:
    lost = {log.blueprint_id for log in logs if log.blueprint_id and not log.blueprint_version_id}
    newest: dict[str, str] = {}
    if lost:
        rows = PROMPT_VERSIONS.filter(blueprint__in=lost).order_by("blueprint", "number")
        newest = dict(rows.values_list("blueprint_id", "pk"))
    return {
        log.pk: log.blueprint_version_id or newest.get(log.blueprint_id or "", "") for log in logs
    }


def _file_versions(logs: list[Log]) -> dict[str, str]:
    lost = {log.file_id for log in logs if log.file_id and not log.file_version_id}
    newest: dict[str, str] = {}
    if lost:
        rows = FileVersion.objects.filter(file__in=lost).order_by("file", "number")
        newest = dict(rows.values_list("file_id", "pk"))
    return {log.pk: log.file_version_id or newest.get(log.file_id or "", "") for log in logs}


@dataclass(frozen=True, slots=True)
class _Showing:
    beside: Surroundings
    versions: dict[str, JSON]
    # The keys of the logs whose trees are shown.
    tops: set[str]
    judged: dict[str, Log]

    def all_of(self, logs: Iterable[Log]) -> list[JSON]:
        return [
            self.one(log, log.pk in self.tops) | self._judged(log)
            for log in logs
            if log.pk in self.versions
        ]

    def one(self, log: Log, with_children: bool) -> JSON:
        payload: LogPayload = getattr(log, "payload", _NOTHING)
        kind = _KINDS[log.kind]
        shown = _common(log, payload) | self._places(log) | _own(log, payload, kind)
        shown[kind] = self.versions[log.pk]
        judgments = self.beside.judgments.get(log.pk, [])
        shown["evaluator_logs"] = [
            self.one(judgment, False) for judgment in judgments if judgment.pk in self.versions
        ]
        shown["trace_children"] = self._children(log) if with_children else None
        if kind == "evaluator":
            about = self.beside.names.get(log.judged_id or "")
            shown |= {"parent_id": about.public_id if about else None, "parent": None}
        return shown

    def _children(self, log: Log) -> list[JSON]:
        below = self.beside.children.get(log.pk, [])
        return [self.one(child, True) for child in below if child.pk in self.versions]

    def _places(self, log: Log) -> JSON:
        trace = self.beside.trace_of(log)
        parent = self.beside.parent_of(log)
        is_flow = trace is not None and trace.kind == LogKind.FLOW
        return {
            "trace_id": trace.public_id if trace else None,
            "trace_flow_id": trace.public_id if trace and is_flow else None,
            "trace_parent_id": parent.public_id if parent else None,
        }

    def _judged(self, log: Log) -> JSON:
        judged = self.judged.get(log.judged_id or "")
        if judged is None or judged.pk not in self.versions:
            return {}
        return {"parent": self.one(judged, False)}


def _common(log: Log, payload: LogPayload) -> JSON:
    return {
        "id": log.public_id,
        "log_id": log.public_id,
        "start_time": _time(log.started_at),
        "end_time": _time(log.ended_at),
        "created_at": _time(log.created_at),
        "output": payload.text,
        "error": log.error_message or None,
        "provider_latency": None if log.latency_ms is None else round(log.latency_ms / 1000, 9),
        "stdout": payload.stdout,
        "provider_request": payload.provider_request,
        "provider_response": payload.provider_response,
        "inputs": {} if log.face in ASKING_FACES else payload.inputs,
        "source": log.source or None,
        "metadata": log.metadata,
        "log_status": log.log_status,
        "source_datapoint_id": log.source_datapoint_id or None,
        "user": log.end_user or None,
        "environment": log.environment or None,
        "save": log.is_payload_kept,
        "batches": log.batches,
    }


def _own(log: Log, payload: LogPayload, kind: Kind) -> JSON:
    """What only logs of this kind have."""
    shown: JSON = {"output_message": payload.output_message}
    if kind == "evaluator":
        return shown | {"judgment": log.judgment, "marked_completed": log.is_marked_completed}
    if kind == "tool":
        return shown
    shown["messages"] = payload.messages
    if kind == "prompt":
        shown |= {
            "tool_choice": payload.tool_choice,
            "prompt_tokens": log.input_tokens,
            "reasoning_tokens": log.reasoning_tokens,
            "output_tokens": log.output_tokens,
            "prompt_cost": _dollars(log.input_cost),
            "output_cost": _dollars(log.output_cost),
            "finish_reason": log.finish_reason or payload.output.get("finish_reason") or None,
        }
    return shown | _asked(log, payload)


def _asked(log: Log, payload: LogPayload) -> JSON:
    """Of an answer in a chat: its question and its text, as messages."""
    if log.face not in ASKING_FACES:
        return {}
    question, text = payload.inputs.get("question"), payload.text
    asked = [{"role": "user", "content": question}] if question is not None else None
    said = {"role": "assistant", "content": text} if text is not None else None
    return {
        "messages": payload.messages or asked,
        "output_message": payload.output_message or said,
    }


def _time(value: datetime | None) -> str | None:
    return None if value is None else moment(value)


def _dollars(value: Any) -> float | None:
    return None if value is None else float(value)
