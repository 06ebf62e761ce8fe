"""Everything that was asked in a playground: in chats, in comparisons and by evaluations."""

import csv
import json
from collections.abc import Iterator
from typing import Any, Protocol

from django.db.models import F, QuerySet

from accounts.models import User
from blueprints.models import LLM
from config.status import Status
from playground.models import Chat, ChatPrompt, ComparisonChat, Playground

_UNNAMED = "Unnamed"
_COLUMNS = [
    "timestamp",
    "userId",
    "userName",
    "useCaseId",
    "chatPromptId",
    "comparisonPromptId",
    "chatId",
    "chatName",
    "llmBlueprintId",
    "llmBlueprintName",
    "llmId",
    "llmName",
    "llmSettings",
    "vectorDatabaseId",
    "vectorDatabaseSettings",
    "promptType",
    "evaluationDatasetConfigurationId",
    "text",
    "resultText",
    "executionStatus",
    "errorMessage",
    "latencyMilliseconds",
    "inputTokenCount",
    "outputTokenCount",
    "estimatedDocsTokenCount",
    "cost",
    "metrics",
    "confidenceScores",
    "citations",
    "positiveFeedback",
    "negativeFeedback",
]


class _Writable(Protocol):
    def write(self, text: str, /) -> Any: ...


def traces_in(playground: Playground) -> QuerySet[ChatPrompt]:
    """The prompts, newest first, with all that a trace shows; of what branches copied, the original.

    Evaluations are made above this app, so they are known by the name of the relation only.
    """
    return (
        ChatPrompt.objects.filter(chat__playground=playground, copy_of="")
        .select_related(
            "chat__playground", "chat__blueprint", "comparison_prompt__chat", "created_by"
        )
        .prefetch_related("feedback")
        .annotate(evaluation_dataset_configuration_id=F("chat__evaluation__run__configuration"))
        .order_by("-created_at", "-pk")
    )


def place_of(prompt: ChatPrompt) -> tuple[str, str] | None:
    """Id and name of the chat, or comparison chat, in which it was asked; None for a comparison
    that stands alone."""
    if prompt.comparison_prompt is None:
        return prompt.chat_id, prompt.chat.name or _UNNAMED
    chat = prompt.comparison_prompt.chat
    return None if chat.is_hidden else (chat.pk, chat.name or _UNNAMED)


def people_and_places(playground: Playground) -> dict[str, list[dict[str, str]]]:
    """Who asked in the playground, and where: `users` and `chats`, each with id and name."""
    asked = ChatPrompt.objects.filter(chat__playground=playground, copy_of="")
    users = User.objects.filter(pk__in=asked.values("created_by")).order_by("name", "pk")
    chats: list[Chat | ComparisonChat] = [
        *Chat.objects.conversations().filter(pk__in=asked.values("chat")),
        *playground.comparison_chats.filter(is_hidden=False, prompts__results__isnull=False)
        .order_by("-created_at", "-pk")
        .distinct(),
    ]
    return {
        "users": [{"id": user.pk, "name": user.display_name} for user in users],
        "chats": [{"id": chat.pk, "name": chat.name or _UNNAMED} for chat in chats],
    }


def write_csv(playground: Playground, file: _Writable) -> int:
    """Write a row for each prompt below one of names; how many there were. What has parts of its
    own is JSON."""
    writer = csv.writer(file)
    writer.writerow(_COLUMNS)
    count = 0
    for row in _rows(playground):
        writer.writerow(row)
        count += 1
    return count


def _rows(playground: Playground) -> Iterator[list[Any]]:
    names = dict(LLM.objects.values_list("pk", "label"))
    for prompt in traces_in(playground).iterator(chunk_size=200):
        marks = [mark.is_positive for mark in prompt.feedback.all()]
        place = place_of(prompt) or ("", "")
        row = [*_question(prompt, place, names.get(prompt.llm_id, "")), *_answer(prompt)]
        yield [*row, marks.count(True), marks.count(False)]


def _question(prompt: ChatPrompt, place: tuple[str, str], llm_name: str) -> list[Any]:
    is_compared = prompt.comparison_prompt is not None
    return [
        prompt.created_at.isoformat(),
        prompt.created_by_id,
        prompt.created_by.display_name,
        prompt.chat.playground.use_case_id,
        "" if is_compared else prompt.pk,
        prompt.comparison_prompt_id or "",
        *place,
        prompt.chat.blueprint_id,
        prompt.chat.blueprint.name,
        prompt.llm_id,
        llm_name,
        _json(prompt.llm_settings),
        prompt.vector_database_id or "",
        _json(prompt.retrieval_settings),
        prompt.prompt_type,
        getattr(prompt, "evaluation_dataset_configuration_id", None) or "",
        prompt.text,
    ]


def _answer(prompt: ChatPrompt) -> list[Any]:
    figures = [
        prompt.latency_ms and round(prompt.latency_ms),
        prompt.input_tokens,
        prompt.output_tokens,
        prompt.docs_tokens,
        prompt.cost,
    ]
    return [
        prompt.result_text if prompt.status == Status.COMPLETED else "",
        prompt.status,
        prompt.error_message,
        *("" if figure is None else figure for figure in figures),
        _json(prompt.metrics),
        _json(prompt.confidence_scores),
        _json(prompt.citations if prompt.is_finished else []),
    ]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if value else ""
