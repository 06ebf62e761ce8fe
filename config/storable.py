"""Text from elsewhere, made fit for PostgreSQL."""

import json
from typing import Any


def storable(text: str) -> str:
    """Without NUL and halves of surrogate pairs, which PostgreSQL takes neither in rows nor in
    notifications."""
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\x00", "")


def storable_json(value: Any) -> Any:
    """The same of each text in a JSON value, keys included."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict | list) and value and not _is_clean(value):
        return _cleaned(value)
    return value


def _is_clean(value: Any) -> bool:
    """Most values are, and the encoder sees that much sooner than a walk through all of them."""
    try:
        return b"\\u0000" not in json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return storable(value)
        case dict():
            return {storable(str(key)): _cleaned(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_cleaned(inner) for inner in value]
    return value
