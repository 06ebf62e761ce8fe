"""OTLP's JSON as the SDK's decorators send it: what is nested comes as dotted names, and every value as
a text."""

import ast
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from blueprints.prompt_details import JSON

_NANOSECONDS = 1_000_000_000
_WORDS = {"True": True, "False": False}


def spans_in(data: Any) -> Iterator[JSON]:
    """Whatever is not as it should be is left out."""
    for resource in _objects(data, "resourceSpans"):
        for scope in _objects(resource, "scopeSpans"):
            yield from _objects(scope, "spans")


def attributes_of(span: JSON) -> JSON:
    """The span's attributes, nested again."""
    found: JSON = {}
    for attribute in _objects(span, "attributes"):
        key, value = attribute.get("key"), attribute.get("value")
        text = value.get("stringValue") if isinstance(value, dict) else None
        if isinstance(key, str) and isinstance(text, str):
            _put(found, key.split("."), text)
    nested = _with_lists(found)
    return nested if isinstance(nested, dict) else {}


def time_of(span: JSON, name: str) -> str | None:
    """ISO 8601 of a time in nanoseconds."""
    try:
        return datetime.fromtimestamp(int(span[name]) / _NANOSECONDS, UTC).isoformat()
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None


def typed(value: Any) -> Any:
    """A value whose texts stand for what Python would write so: words of logic, and lists."""
    if isinstance(value, Mapping):
        return {name: typed(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [typed(inner) for inner in value]
    if isinstance(value, str) and value in _WORDS:
        return _WORDS[value]
    if isinstance(value, str) and value[:1] + value[-1:] in {"()", "[]"}:
        return _listed(value)
    return value


def _listed(text: str) -> Any:
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return list(found) if isinstance(found, tuple | list) else text


def _objects(parent: Any, name: str) -> Iterator[JSON]:
    inner = parent.get(name) if isinstance(parent, dict) else None
    if isinstance(inner, list):
        yield from (one for one in inner if isinstance(one, dict))


def _put(found: JSON, steps: list[str], text: str) -> None:
    for step in steps[:-1]:
        inner = found.setdefault(step, {})
        if not isinstance(inner, dict):
            return
        found = inner
    found.setdefault(steps[-1], text)


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _with_lists(one) for name, one in value.items()}
    if inner and all(name.isdecimal() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner
