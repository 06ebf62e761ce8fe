"""What a version says, in words for people: its messages, its settings, how it retrieves."""

import json
from dataclasses import dataclass
from typing import Any

from blueprints.kernel import joined_template
from blueprints.models import BlueprintVersion, PromptType
from blueprints.prompt_details import JSON
from playground.prompt_pages.paths import llm_of
from playground.prompting import DEFAULT_SYSTEM_PROMPT
from vectordb.retrieval_settings import RetrievalMode, RetrievalSettings, Retriever, SearchMode

OPEN = "default"
_BUILT_IN = "system · built in"


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """One message of a template, or the text of a completion."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Contents:
    """`settings` and `retrieval` are the values by their names, those that are left open too."""

    messages: list[ShownMessage]
    tools: str
    settings: dict[str, str]
    retrieval: dict[str, str]


def contents_of(version: BlueprintVersion) -> Contents:
    """Reads the version's LLM and its vector database."""
    tools = version.prompt.tools
    return Contents(
        messages=_messages(version),
        tools=pretty(tools) if tools else "",
        settings=_settings(version),
        retrieval=_retrieval(version),
    )


def pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _messages(version: BlueprintVersion) -> list[ShownMessage]:
    system = version.llm_parameters.system_prompt
    prompt = version.prompt
    template = joined_template(system, prompt.template)
    if isinstance(template, str):
        role = "completion" if prompt.endpoint == "complete" else "user"
        template = [{"role": role, "content": template}]
    shown = [ShownMessage(str(one["role"]), _text(one)) for one in template or []]
    # What is made in the pages has one though nobody wrote it.
    if system is None and not prompt.model:
        shown.insert(0, ShownMessage(_BUILT_IN, DEFAULT_SYSTEM_PROMPT))
    return shown


def _text(message: JSON) -> str:
    """What is no text is told as JSON."""
    content = message.get("content")
    parts = [content if isinstance(content, str) else pretty(content)] if content else []
    more = {name: value for name, value in message.items() if name not in {"role", "content"}}
    return "\n".join([*parts, *([pretty(more)] if more else [])])


def _settings(version: BlueprintVersion) -> dict[str, str]:
    asked, prompt = version.llm_parameters, version.prompt
    is_aware = version.prompt_type == PromptType.CHAT_HISTORY_AWARE
    return {
        "LLM": llm_of(version),
        "Temperature": _told(asked.temperature),
        "Top P": _told(asked.top_p),
        "Longest answer": _told(asked.max_completion_length),
        "Stop": _told(prompt.stop),
        "Response format": _told(prompt.response_format),
        "Presence penalty": _told(prompt.presence_penalty),
        "Frequency penalty": _told(prompt.frequency_penalty),
        "Seed": _told(prompt.seed),
        "Reasoning effort": _told(prompt.reasoning_effort),
        "Linked tools": _told(prompt.linked_tools),
        "Template language": prompt.template_language,
        "Endpoint": prompt.endpoint,
        "Further parameters": _told(prompt.other),
        "Attributes": _told(prompt.attributes),
        "Earlier turns of the chat": "sent along" if is_aware else "left out",
    }


def _retrieval(version: BlueprintVersion) -> dict[str, str]:
    settings: RetrievalSettings = version.retrieval_parameters
    database = version.vector_database
    name = database.name if database is not None else ""
    if not name and version.saved_vector_database_id:
        name = f"{version.saved_vector_database_id} (deleted)"
    return {
        "Vector database": name or "none",
        "Question": str(Retriever(settings.retriever).label),
        "Search": str(SearchMode(settings.search_mode).label),
        "Choose by": str(RetrievalMode(settings.retrieval_mode).label),
        "Relevance (λ)": _told(settings.maximal_marginal_relevance_lambda),
        "Chunks per prompt": str(settings.documents),
        "Token cap": _told(settings.max_tokens),
        "Least similarity": _told(settings.similarity_threshold),
        "Rerank": "yes" if settings.rerank else "no",
        "Neighbour chunks": "added" if settings.add_neighbor_chunks else "left out",
    }


def _told(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return OPEN
    if isinstance(value, str):
        return value
    return f"{value:g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
