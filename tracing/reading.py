"""A recorded call as its page shows it. What is missing in a payload is left out, not guessed."""

import json
from dataclasses import dataclass
from typing import Any

from blueprints.prompt_details import JSON
from tracing.messages import shown_content
from tracing.models import ASKING_FACES, FILE_KINDS, Log, LogPayload

# What has a part of the page of its own is not repeated among the raw values.
_SHOWN = {"messages", "citations", "explain", "question", "query"}


@dataclass(slots=True)
class Span:
    """What a call was given and what it gave."""

    question: str
    text: str
    messages: list[dict[str, str]]
    inputs: str
    searches: list[str]
    stages: list[dict[str, Any]]
    search: str
    passages: list[dict[str, Any]]
    request: str
    response: str
    raw: str
    database_id: str
    is_kept: bool
    # A step below it tells what came back.
    is_told_below: bool = False


def asked_of(payload: LogPayload) -> dict[str, Any]:
    """Question and settings of an answer. Where `inputs` are a template's, they are in `output`."""
    if payload.log.face in ASKING_FACES or payload.log.kind not in FILE_KINDS:
        told: dict[str, Any] = payload.inputs
    else:
        told = payload.output.get("asked") or {}
    return told


def read_span(log: Log) -> Span:
    """The payload must be selected."""
    payload: LogPayload | None = getattr(log, "payload", None)
    asked = asked_of(payload) if payload else {}
    output = payload.output if payload else {}
    explain = output.get("explain") or {}
    return Span(
        question=question_of(log),
        text=(payload and payload.text) or "",
        messages=_messages(payload),
        inputs=_json(payload.inputs) if payload and _has_own_inputs(log) else "",
        searches=explain.get("searches") or list(filter(None, [explain.get("query")])),
        stages=explain.get("stages") or [],
        search=explain.get("search") or "",
        passages=_passages(explain, output.get("citations") or []),
        request=_json(payload.provider_request) if payload else "",
        response=_json(payload.provider_response) if payload else "",
        raw=_raw(log, payload),
        database_id=str(asked.get("vector_database_id") or ""),
        is_kept=payload is not None,
    )


def _has_own_inputs(log: Log) -> bool:
    """Those of a template, or of a program's own code; of other logs the inputs are ours."""
    return log.kind in FILE_KINDS and log.face not in ASKING_FACES


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
            **({} if _has_own_inputs(log) else payload.inputs),
            **payload.output,
            "output_message": payload.output_message,
            "stdout": payload.stdout,
        }
    return _json({key: value for key, value in values.items() if key not in _SHOWN})


def _json(value: Any) -> str:
    """For a reader; what says nothing is left out."""
    if isinstance(value, dict):
        value = {key: one for key, one in value.items() if one not in (None, "", [], {})}
    return json.dumps(value, indent=2, ensure_ascii=False) if value else ""
