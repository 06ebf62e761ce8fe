"""A chat as a file to keep: Markdown to read, JSON to work with."""

import json
from typing import Any

from django.utils.text import slugify

from playground.chat.filters import chips_of
from playground.models import Chat, ChatPrompt

_LONGEST_NAME = 60


def file_name(chat: Chat, ending: str) -> str:
    return f"{slugify(chat.name)[:_LONGEST_NAME] or 'chat'}.{ending}"


def as_markdown(chat: Chat) -> str:
    """Each question as a heading, its answer, and the sources by the numbers that the answer has."""
    head = f"# {chat.name}\n\n{chat.playground.name} · {chat.blueprint.name} · {chat.created_at:%Y-%m-%d}\n"
    return "\n".join([head, *map(_turn, _prompts(chat))])


def _turn(prompt: ChatPrompt) -> str:
    question = " ".join(prompt.text.split())
    parts = [f"## {question}", prompt.result_text.strip() or f"*{_outcome(prompt)}*"]
    if prompt.result_text and prompt.error_message:
        parts.append(f"*{prompt.error_message}*")
    if chips := chips_of(prompt.metadata_filter):
        parts.append(f"Searched where {', '.join(chip.label for chip in chips)}.")
    if prompt.citations:
        parts.append("\n".join(map(_source, prompt.citations)))
    return "\n\n".join(parts) + "\n"


def _outcome(prompt: ChatPrompt) -> str:
    return prompt.error_message or ("No answer." if prompt.is_finished else "Not answered yet.")


def _source(citation: dict[str, Any]) -> str:
    page = f", p. {citation['page']}" if citation["page"] else ""
    text = " ".join(citation["text"].split())
    return f"- [{citation['number']}] **{citation['source']}**{page}: {text}"


def as_json(chat: Chat) -> str:
    prompts = [_data(prompt) for prompt in _prompts(chat)]
    data = {
        "id": chat.pk,
        "name": chat.name,
        "playground": chat.playground.name,
        "blueprint": chat.blueprint.name,
        "createdAt": chat.created_at.isoformat(),
        "prompts": prompts,
    }
    return json.dumps(data, ensure_ascii=False, indent=2)


def _data(prompt: ChatPrompt) -> dict[str, Any]:
    return {
        "id": prompt.pk,
        "question": prompt.text,
        "answer": prompt.result_text,
        "status": prompt.status,
        "errorMessage": prompt.error_message,
        "askedAt": prompt.created_at.isoformat(),
        "llmId": prompt.llm_id,
        "vectorDatabaseId": prompt.vector_database_id,
        "metadataFilter": prompt.metadata_filter,
        "citations": prompt.citations,
        "latencyMilliseconds": prompt.latency_ms,
        "inputTokens": prompt.input_tokens,
        "outputTokens": prompt.output_tokens,
        "cost": None if prompt.cost is None else str(prompt.cost),
    }


def _prompts(chat: Chat) -> list[ChatPrompt]:
    """Of each question the newest version of its answer."""
    return list(chat.prompts.current().order_by("created_at", "id"))
