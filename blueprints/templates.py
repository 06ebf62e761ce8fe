"""Templates of prompts: texts with variables, `{{name}}`, that a call's inputs fill; or jinja."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from blueprints import jinja
from blueprints.prompt_details import JSON
from config.errors import InvalidInput

# A completion's text, or a chat's messages.
Template = str | list[JSON] | None

JINJA = "jinja"

_VARIABLE = re.compile(r"\{\{\s*([a-zA-Z_\d.\[\]]+)\s*\}\}")
_STEP = re.compile(r"[^.\[\]]+")
_INDEX = re.compile(r"[0-9]{1,9}")
_MISSING = object()


def variables(template: Template, language: str = "default") -> list[str]:
    """Their names in the order of their first use."""
    if language == JINJA:
        return jinja.variables(_texts(template))
    return list(
        dict.fromkeys(name for text in _texts(template) for name in _VARIABLE.findall(text))
    )


def fill(template: Template, inputs: JSON, language: str) -> Any:
    """The template with the inputs in their places; what they hold is not looked through again.

    In the default language a name is looked up as it is, then as a path into objects and lists.
    Raises InvalidInput with all the names that have no value. For jinja see `jinja.fill`, which blocks.
    """
    if language == JINJA:
        filled = iter(jinja.fill(list(_texts(template)), inputs))
        return _changed(template, lambda _: next(filled))
    values = {name: _value(inputs, name) for name in variables(template)}
    missing = sorted(name for name, value in values.items() if value is _MISSING)
    if missing:
        raise InvalidInput(f"Prompt requires inputs for the following variables: {missing}")
    shown = {name: _shown(value) for name, value in values.items()}
    return _changed(template, lambda text: _VARIABLE.sub(lambda found: shown[found[1]], text))


def _texts(template: Template) -> Iterator[str]:
    if isinstance(template, str):
        yield template
    for message in template if isinstance(template, list) else ():
        content = message.get("content")
        if isinstance(content, str):
            yield content
        for part in content if isinstance(content, list) else ():
            if part["type"] == "text":
                yield part["text"]


def _changed(template: Template, change: Callable[[str], str]) -> Template:
    if isinstance(template, list):
        return [_message(message, change) for message in template]
    return change(template) if template is not None else None


def _message(message: JSON, change: Callable[[str], str]) -> JSON:
    content = message.get("content")
    if isinstance(content, str):
        return message | {"content": change(content)}
    if isinstance(content, list):
        return message | {"content": [_part(part, change) for part in content]}
    return message


def _part(part: JSON, change: Callable[[str], str]) -> JSON:
    return part | {"text": change(part["text"])} if part["type"] == "text" else part


def _value(inputs: JSON, name: str) -> Any:
    """_MISSING where there is none, or it is null."""
    if name in inputs:
        found = inputs[name]
    else:
        found = inputs
        for step in _STEP.findall(name):
            found = _inside(found, step)
    return _MISSING if found is None else found


def _inside(value: Any, step: str) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and _INDEX.fullmatch(step) and int(step) < len(value):
        return value[int(step)]
    return None


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
