"""A recorded call as its page shows it. What is missing in a payload is left out, not guessed."""

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from blueprints.prompt_details import JSON
from tracing.messages import shown_content
from tracing.models import ASKING_FACES, FILE_KINDS, Log, LogKind, LogPayload

# What has a part of the page of its own is not repeated among the raw values.
_SHOWN = {"messages", "citations", "explain", "question", "query"}
_HUES = {
    LogKind.ANSWER: 1,
    LogKind.REWRITE: 4,
    LogKind.RETRIEVE: 3,
    LogKind.GENERATE: 2,
    LogKind.FLOW: 5,
    LogKind.TOOL: 6,
    LogKind.EVALUATOR: 7,
}
# Whatever is deeper stands below those of this depth, so that a page can be read and parsed.
_DEEPEST = 8


@dataclass(slots=True)
class Span:
    """One call, with what it was given and what it gave. `opens` says that it begins a level of the
    tree; `closes` has a letter for each level that ends before it."""

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
    # A step below it tells what came back.
    is_told_below: bool = False
    opens: bool = False
    closes: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """The root, and every other log of its tree in the order in which a reader comes to it. `closes`
    is as a span's, of the levels that are open at the end."""

    root: Span
    spans: list[Span]
    closes: str


def read_trace(root_id: str) -> Trace:
    """A whole tree in one query, however deep."""
    logs = Log.objects.select_related(
        "payload", "user", "blueprint__version", "blueprint_version__blueprint", "file"
    )
    below: dict[str | None, list[Log]] = defaultdict(list)
    for log in logs.filter(Q(pk=root_id) | Q(root=root_id)).order_by("started_at", "pk"):
        below[log.parent_id].append(log)
    [root] = below[None]
    spans: list[Span] = []
    waiting = [(root, 0)]
    depth = 0
    while waiting:
        log, deeper = waiting.pop()
        children = below[log.pk]
        waiting += [(child, min(deeper + 1, _DEEPEST)) for child in reversed(children)]
        spans.append(_span(log))
        spans[-1].is_told_below = any(child.kind == LogKind.GENERATE for child in children)
        spans[-1].opens, spans[-1].closes = deeper > depth, "x" * (depth - deeper)
        depth = deeper
    return Trace(root=spans[0], spans=spans[1:], closes="x" * depth)


def asked_of(payload: LogPayload) -> dict[str, Any]:
    """Question and settings of an answer. Where `inputs` are a template's, they are in `output`."""
    if payload.log.face in ASKING_FACES or payload.log.kind not in FILE_KINDS:
        told: dict[str, Any] = payload.inputs
    else:
        told = payload.output.get("asked") or {}
    return told


def _span(log: Log) -> Span:
    payload: LogPayload | None = getattr(log, "payload", None)
    asked = asked_of(payload) if payload else {}
    output = payload.output if payload else {}
    explain = output.get("explain") or {}
    return Span(
        log=log,
        hue=_HUES[LogKind(log.kind)],
        question=question_of(log),
        text=(payload and payload.text) or "",
        messages=_messages(payload),
        searches=explain.get("searches") or list(filter(None, [explain.get("query")])),
        stages=explain.get("stages") or [],
        search=explain.get("search") or "",
        passages=_passages(explain, output.get("citations") or []),
        raw=_raw(log, payload),
        database_id=str(asked.get("vector_database_id") or ""),
    )


def question_of(log: Log) -> str:
    """What was asked, or else the path of what was called. The payload must be selected."""
    payload: LogPayload | None = getattr(log, "payload", None)
    if payload is not None:
        told = asked_of(payload)
        asked = told.get("question") or told.get("query")
        if asked:
            return str(asked)
        if payload.messages:
            return shown_content(payload.messages[-1].get("content"))
    file = log.file or log.blueprint
    return file.path if file else ""


def _messages(payload: LogPayload | None) -> list[dict[str, str]]:
    if payload is None:
        return []
    sent = payload.messages or payload.inputs.get("messages")
    if not isinstance(sent, list):
        return []
    return [
        {"role": str(message.get("role", "")), "content": shown_content(message.get("content"))}
        for message in sent
        if isinstance(message, dict)
    ]


def _passages(explain: dict[str, Any], citations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each passage that was used, with the name and the text that its citation keeps."""
    known = {citation["chunk_id"]: citation for citation in citations}
    return [
        {**known.get(passage["chunk_id"], {}), **passage}
        for passage in explain.get("passages") or []
    ]


def _raw(log: Log, payload: LogPayload | None) -> str:
    values: JSON = {"judgment": log.judgment, "metadata": log.metadata}
    if payload is not None:
        values |= {
            **payload.inputs,
            **payload.output,
            "output_message": payload.output_message,
            "stdout": payload.stdout,
            "provider_request": payload.provider_request,
            "provider_response": payload.provider_response,
        }
    rest = {
        key: value
        for key, value in values.items()
        if key not in _SHOWN and value not in (None, "", [], {})
    }
    return json.dumps(rest, indent=2, ensure_ascii=False) if rest else ""
