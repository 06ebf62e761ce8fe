"""A chat's metadata filter as the chips of its composer: one for each field, all of which must hold."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models

from accounts.models import User
from accounts.services import require_editor
from config.errors import InvalidInput
from playground.models import Chat
from vectordb.metadata_values import Field
from vectordb.retrieval import validate_metadata_filter

_LONGEST_LABEL = 80


class Comparison(models.TextChoices):
    EQUAL = "$in", "is"
    NOT_EQUAL = "$nin", "is not"
    AT_LEAST = "$gte", "is at least"
    AT_MOST = "$lte", "is at most"
    CONTAINS = "$contains", "contains"


_SIGNS = {
    "$in": "=",
    "$nin": "≠",
    "$eq": "=",
    "$ne": "≠",
    "$gt": ">",
    "$gte": "≥",
    "$lt": "<",
    "$lte": "≤",
    "$contains": "contains",
    "$not_contains": "does not contain",
}
_LISTS = (Comparison.EQUAL, Comparison.NOT_EQUAL)
_NUMBERS = (Comparison.AT_LEAST, Comparison.AT_MOST)


@dataclass(frozen=True, slots=True)
class Chip:
    """What the filter says of one field; it is taken out by the field's name."""

    name: str
    label: str


def chips_of(metadata_filter: Mapping[str, Any] | None) -> list[Chip]:
    return [Chip(name, _label(name, value)) for name, value in (metadata_filter or {}).items()]


def _label(name: str, value: Any) -> str:
    if name.startswith("$"):
        text = json.dumps({name: value}, ensure_ascii=False)
    elif isinstance(value, Mapping):
        text = " and ".join(_condition(name, sign, operand) for sign, operand in value.items())
    else:
        text = f"{name} = {_shown(value)}"
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"


def _condition(name: str, operator: str, operand: Any) -> str:
    values = operand if isinstance(operand, list) else [operand]
    return f"{name} {_SIGNS.get(operator, operator)} {' or '.join(map(_shown, values))}"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def read_value(text: str, *, name: str, comparison: str, fields: Sequence[Field]) -> Any:
    """What somebody wrote as JSON has it: as the data have it where they say the same, else a text.

    Raises InvalidInput where a number is needed and it is none.
    """
    if comparison in _NUMBERS:
        return _number(text)
    if comparison == Comparison.CONTAINS:
        return text
    known = next((field.values for field in fields if field.name == name), ())
    return next((value for value in known if _shown(value) == text), text)


def values_of(name: str, fields: Sequence[Field]) -> list[str]:
    """Those that are known of a field, as people write them."""
    known = next((field.values for field in fields if field.name == name), ())
    return [_shown(value) for value in known]


def _number(text: str) -> float:
    try:
        number = json.loads(text)
    except ValueError:
        number = None
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise InvalidInput("Write a number, such as 2020 or 3.5.", field="value")
    return number


def with_condition(
    metadata_filter: Mapping[str, Any] | None, *, name: str, comparison: str, value: Any
) -> dict[str, Any]:
    """The filter with one condition more. Several values that a field may be, or may not, are
    alternatives; all else must hold at once, and a second bound takes the first one's place."""
    changed = dict(metadata_filter or {})
    conditions = _operators(changed.get(name))
    if comparison in _LISTS:
        values = conditions.get(comparison, [])
        conditions[comparison] = values if value in values else [*values, value]
    else:
        conditions[comparison] = value
    changed[name] = conditions
    return changed


def _operators(value: Any) -> dict[str, Any]:
    """The conditions on one field, with lists for single values."""
    if value is None:
        return {}
    given = dict(value) if isinstance(value, Mapping) else {"$eq": value}
    for one, many in (("$eq", "$in"), ("$ne", "$nin")):
        if one in given:
            given[many] = [*given.get(many, []), given.pop(one)]
    return given


def add_condition(
    chat: Chat, *, user: User, name: str, comparison: str, text: str, fields: Sequence[Field]
) -> None:
    """Narrow what the chat's next questions search. Raises InvalidInput; then all stays as it was."""
    require_editor(chat.playground.use_case, user)
    value = read_value(text, name=name, comparison=comparison, fields=fields)
    changed = with_condition(chat.metadata_filter, name=name, comparison=comparison, value=value)
    validate_metadata_filter(changed)
    chat.metadata_filter = changed
    chat.save(update_fields=["metadata_filter"])


def remove_field(chat: Chat, *, user: User, name: str) -> None:
    """Nothing happens where the filter says nothing of the field."""
    require_editor(chat.playground.use_case, user)
    rest = {key: value for key, value in (chat.metadata_filter or {}).items() if key != name}
    chat.metadata_filter = rest or None
    chat.save(update_fields=["metadata_filter"])
