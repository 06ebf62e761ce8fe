"""Logs as rows of a table: what each was asked, what it answered, and what was said of it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Left

from tracing.messages import shown_content, text_of
from tracing.models import Log, LogPayload
from tracing.reading import question_of

_SHOWN_TEXT = 300
_HEAVY = (
    "metadata",
    "batches",
    "payload__text",
    "payload__tool_choice",
    "payload__stdout",
    "payload__provider_request",
    "payload__provider_response",
)
_RELATED = ("payload", "user", "blueprint", "file", "blueprint_version", "file_version")
_OF_VERSIONS = (
    *(f"blueprint_version__{name}" for name in ("llm_settings", "prompt_details", "description")),
    *("blueprint_version__retrieval_settings", "file_version__content"),
    *("file_version__description", "blueprint__readme", "file__readme"),
)


@dataclass(frozen=True, slots=True)
class LogRow:
    """`judgments` by the evaluators' paths, as (path, what they said)."""

    log: Log
    asked: str
    answered: str
    judgments: list[tuple[str, Any]]
    thumbs_up: int
    thumbs_down: int

    @property
    def path(self) -> str:
        file = self.log.blueprint or self.log.file
        return file.path if file else ""

    @property
    def version(self) -> int | None:
        version = self.log.blueprint_version or self.log.file_version
        return version.number if version else None


def rows_of(ids: Sequence[str]) -> list[LogRow]:
    """In this order; without those that were deleted meanwhile."""
    logs: QuerySet[Log] = Log.objects.filter(pk__in=ids).select_related(*_RELATED)
    found = {log.pk: log for log in logs.defer(*_HEAVY, *_OF_VERSIONS)}
    heads = dict(LogPayload.objects.filter(pk__in=ids).values_list("pk", Left("text", _SHOWN_TEXT)))
    judgments, thumbs = judgments_of(ids), thumbs_of(ids)
    return [_row(found[pk], heads.get(pk), judgments[pk], thumbs[pk]) for pk in ids if pk in found]


def _row(
    log: Log, head: str | None, judgments: list[tuple[str, Any]], thumbs: list[bool]
) -> LogRow:
    said = [value for path, value in judgments if path == "rating"]
    return LogRow(
        log=log,
        asked=asked_of(log),
        answered=_line(head or _answer(log)),
        judgments=[one for one in judgments if one not in (("rating", "good"), ("rating", "bad"))],
        thumbs_up=said.count("good") + thumbs.count(True),
        thumbs_down=said.count("bad") + thumbs.count(False),
    )


def asked_of(log: Log) -> str:
    """On one line: the question, the last message, or else what the inputs say."""
    question = question_of(log)
    payload: LogPayload | None = getattr(log, "payload", None)
    path = log.file or log.blueprint
    if payload is None or not path or question != path.path:
        return "" if path and question == path.path else _line(question)
    return _line(" · ".join(f"{name}: {_text(value)}" for name, value in payload.inputs.items()))


def _answer(log: Log) -> str:
    payload: LogPayload | None = getattr(log, "payload", None)
    message = payload.output_message if payload else None
    if not message:
        return ""
    return text_of(message) or shown_content(message.get("content")) or _calls(message)


def _calls(message: dict[str, Any]) -> str:
    calls = message.get("tool_calls")
    names = [
        str((call.get("function") or {}).get("name", ""))
        for call in (calls if isinstance(calls, list) else [])
        if isinstance(call, dict)
    ]
    return "calls " + ", ".join(names) if names else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def _line(text: str) -> str:
    line = " ".join(text[:_SHOWN_TEXT].split())
    return f"{line} …" if len(text) > _SHOWN_TEXT else line


def judgments_of(ids: Sequence[str]) -> dict[str, list[tuple[str, Any]]]:
    """By the judged log's key: (path of the evaluator, what it says)."""
    found: dict[str, list[tuple[str, Any]]] = defaultdict(list)
    rows = Log.objects.filter(judged__in=ids, judgment__isnull=False).order_by("created_at", "pk")
    for judged, path, judgment in rows.values_list("judged_id", "file__path", "judgment"):
        found[judged or ""].append((path or "", judgment))
    return found


def thumbs_of(ids: Sequence[str]) -> dict[str, list[bool]]:
    """Of answers in chats, which are above this app: only the relation's name is known here."""
    found: dict[str, list[bool]] = defaultdict(list)
    rows = Log.objects.filter(pk__in=ids, chat_prompt__feedback__isnull=False)
    for pk, is_positive in rows.values_list("pk", "chat_prompt__feedback__is_positive"):
        found[pk].append(is_positive)
    return found
