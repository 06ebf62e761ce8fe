"""Messages as the prompt API has them: plain text, or parts of several kinds."""

import json
from typing import Any


def text_of(message: dict[str, Any] | None) -> str | None:
    """The text of a message, its parts joined; None where it has none."""
    content = (message or {}).get("content")
    if isinstance(content, str):
        return content
    texts = [str(part.get("text", "")) for part in _parts(content) if part.get("type") == "text"]
    return "".join(texts) if texts else None


def shown_content(content: Any) -> str:
    """What a reader sees of a message's content, pictures as their addresses."""
    if content is None or isinstance(content, str):
        return content or ""
    shown = [
        str(part["text"]) if part.get("type") == "text" and "text" in part else json.dumps(part)
        for part in _parts(content)
    ]
    return "\n".join(shown)


def _parts(content: Any) -> list[dict[str, Any]]:
    if not isinstance(content, list):
        return []
    return [part for part in content if isinstance(part, dict)]
