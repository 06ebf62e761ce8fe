"""A recorded call as its page shows it. What is missing in a payload is left out, not guessed."""

import json
from dataclasses import dataclass
from typing import Any

from tracing.models import Log, LogKind, LogPayload

# What has a part of the page of its own is not repeated among the raw values.
_SHOWN = {"messages", "citations", "explain", "text", "question", "query"}
_HUES = {LogKind.ANSWER: 1, LogKind.REWRITE: 4, LogKind.RETRIEVE: 3, LogKind.GENERATE: 2}


@dataclass(frozen=True, slots=True)
class Span:
    """One call, with what it was given and what it gave."""

    log: Log
    hue: int
    question: str
    text: str
    messages: list[dict[str, str]]
    searches: list[str]
    stages: list[dict[str, Any]]
    search: str
    passages: list[dict[str, Any]]
    raw: str
    database_id: str
    children: "list[Span]"


def read_trace(root: Log) -> Span:
    """The root with its children, in two queries."""
    logs = Log.objects.select_related("payload", "user", "blueprint_version__blueprint")
    children = [_span(log, children=[]) for log in logs.filter(parent=root)]
    return _span(logs.get(pk=root.pk), children=children)


def _span(log: Log, *, children: list[Span]) -> Span:
    payload: LogPayload | None = getattr(log, "payload", None)
    inputs = payload.inputs if payload else {}
    output = payload.output if payload else {}
    explain = output.get("explain") or {}
    return Span(
        log=log,
        hue=_HUES.get(LogKind(log.kind), 8),
        question=inputs.get("question") or inputs.get("query") or "",
        text=output.get("text") or "",
        messages=inputs.get("messages") or [],
        searches=explain.get("searches") or list(filter(None, [explain.get("query")])),
        stages=explain.get("stages") or [],
        search=explain.get("search") or "",
        passages=_passages(explain, output.get("citations") or []),
        raw=_raw(inputs, output),
        database_id=inputs.get("vector_database_id") or "",
        children=children,
    )


def _passages(explain: dict[str, Any], citations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each passage that was used, with the name and the text that its citation keeps."""
    known = {citation["chunk_id"]: citation for citation in citations}
    return [
        {**known.get(passage["chunk_id"], {}), **passage}
        for passage in explain.get("passages") or []
    ]


def _raw(inputs: dict[str, Any], output: dict[str, Any]) -> str:
    rest = {
        key: value
        for key, value in {**inputs, **output}.items()
        if key not in _SHOWN and value not in (None, "", [], {})
    }
    return json.dumps(rest, indent=2, ensure_ascii=False) if rest else ""
