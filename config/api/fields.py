"""Strict fields: nothing is trimmed, nothing is turned into another type.

The error codes are the names that pydantic 2 uses.
"""

import math
from collections.abc import Sequence
from typing import Any, ClassVar, NoReturn

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config.api.case import camel
from config.status import Status

PROMPT_STATUSES = [str(status) for status in Status if status != Status.CANCELLED]
_LARGEST_INT = 2**31 - 1
_DEEPEST = 20
# More than any list of ids or words has, and fewer than a query may have parameters.
_LONGEST_LIST = 1_000


class _Typed(serializers.Field[Any, Any, Any, Any]):
    codes: ClassVar[dict[str, str]] = {}

    def fail(self, key: str, **values: Any) -> NoReturn:
        message = self.error_messages[key].format(**values)
        raise serializers.ValidationError(message, code=self.codes.get(key, key))


class Str(_Typed, serializers.CharField):
    codes = {"invalid": "string_type", "null": "string_type", "blank": "string_too_short"}
    default_error_messages = {
        "invalid": "Input should be a valid string",
        "null": "Input should be a valid string",
        "blank": "String should have at least 1 character",
        "max_length": "String should have at most {max_length} characters",
    }

    def __init__(self, **options: Any) -> None:
        options.setdefault("allow_blank", True)
        super().__init__(trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data


class Int(_Typed, serializers.IntegerField):
    codes = {"invalid": "int_type", "null": "int_type", "fraction": "int_from_float"}
    default_error_messages = {
        "invalid": "Input should be a valid integer",
        "null": "Input should be a valid integer",
        "fraction": "Input should be a valid integer, got a number with a fractional part",
        "min_value": "Input should be greater than or equal to {min_value}",
        "max_value": "Input should be less than or equal to {max_value}",
    }

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_value", _LARGEST_INT)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> int:
        # JSON has one kind of number: 4.0 is a whole one.
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        if isinstance(data, float) and not data.is_integer():
            self.fail("fraction")
        return int(data)


class Float(_Typed, serializers.FloatField):
    codes = {"invalid": "float_type", "null": "float_type"}
    default_error_messages = {
        "invalid": "Input should be a valid number",
        "null": "Input should be a valid number",
        "min_value": "Input should be greater than or equal to {min_value}",
        "max_value": "Input should be less than or equal to {max_value}",
    }

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float) or not is_finite(data):
            self.fail("invalid")
        return float(data)


class Bool(_Typed, serializers.BooleanField):
    codes = {"invalid": "bool_type", "null": "bool_type"}
    default_error_messages = {
        "invalid": "Input should be a valid boolean",
        "null": "Input should be a valid boolean",
    }

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class Choice(_Typed, serializers.ChoiceField):
    codes = {"invalid_choice": "enum", "null": "enum", "blank": "enum"}

    def __init__(self, choices: Any, **options: Any) -> None:
        super().__init__(choices, **options)
        words = [f"'{word}'" for word in self.choices]
        message = "Input should be " + " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
        for key in self.codes:
            self.error_messages[key] = message

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice")
        return data


class StrList(_Typed, serializers.ListField):
    codes = {
        "not_a_list": "list_type",
        "null": "list_type",
        "empty": "too_short",
        "min_length": "too_short",
        "max_length": "too_long",
    }
    default_error_messages = {
        "not_a_list": "Input should be a valid list",
        "null": "Input should be a valid list",
    }

    def __init__(self, **options: Any) -> None:
        defaults: dict[str, Any] = {"child": Str(), "max_length": _LONGEST_LIST}
        super().__init__(**(defaults | options))
        validators: list[Any] = self.validators
        for validator in validators:
            validator.code = self.codes.get(validator.code, validator.code)


class JsonObject(_Typed, serializers.DictField):
    """An object with free keys, kept exactly as it was sent."""

    codes = {"invalid": "dict_type", "null": "dict_type"}
    default_error_messages = {
        "invalid": "Input should be a valid dictionary",
        "null": "Input should be a valid dictionary",
        "deep": "Input is nested too deeply",
        "unstorable": "Text must not contain NUL characters or halves of surrogate pairs",
        "infinite": "Numbers must not be larger than a double can be",
    }
    codes |= dict.fromkeys(("deep", "unstorable", "infinite"), "value_error")

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("invalid")
        self._check(data, depth=1)
        return data

    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        return value

    def _check(self, value: Any, *, depth: int) -> None:
        if depth > _DEEPEST:
            self.fail("deep")
        if isinstance(value, str) and not is_storable(value):
            self.fail("unstorable")
        if isinstance(value, int | float) and not is_finite(value):
            self.fail("infinite")
        if isinstance(value, dict):
            for key, inner in value.items():
                self._check(key, depth=depth)
                self._check(inner, depth=depth + 1)
        elif isinstance(value, list):
            for inner in value:
                self._check(inner, depth=depth + 1)


def is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number that no float reaches
        return False


def is_storable(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


class QueryInt(Int):
    """A whole number in a query string."""

    codes = {**Int.codes, "invalid": "int_parsing"}
    default_error_messages = {
        "invalid": "Input should be a valid integer, unable to parse string as an integer",
    }

    def to_internal_value(self, data: Any) -> int:
        text = str(data).strip()
        if not text.removeprefix("-").isdecimal() or len(text) > _LONGEST_INT:
            self.fail("invalid")
        return int(text)


_LONGEST_INT = 20


class QueryBool(Bool):
    """`true`, `False`, `1`, `0`: clients write their language's words into query strings."""

    codes = {"invalid": "bool_parsing", "null": "bool_parsing"}
    default_error_messages = {
        "invalid": "Input should be a valid boolean, unable to interpret input",
    }
    _words: ClassVar[dict[str, bool]] = {"true": True, "1": True, "false": False, "0": False}

    def to_internal_value(self, data: Any) -> bool:
        word = str(data).lower()
        if word not in self._words:
            self.fail("invalid")
        return self._words[word]


class Sort(Choice):
    """A field name, with `-` in front for descending. Yields the ORDER BY of the query.

    `columns` maps the names, in snake_case, to what they mean in the database. With `either_case`
    they may be sent so, too.
    """

    def __init__(
        self, columns: dict[str, str], *, either_case: bool = False, **options: Any
    ) -> None:
        self.columns = {camel(name): column for name, column in columns.items()}
        if either_case:
            self.columns |= columns
        names = [prefix + name for name in self.columns for prefix in ("", "-")]
        super().__init__(choices=names, required=False, **options)

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        sign = "-" if name.startswith("-") else ""
        return sign + self.columns[name.removeprefix("-")]


class TextOrNull(serializers.CharField):
    """Optional text in an answer: null where there is none, because clients refuse ""."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, allow_null=True, **options)

    def to_representation(self, value: Any) -> str | None:  # type: ignore[override]
        return str(value) if value else None


class NoneHere(serializers.CharField):
    """What the GenAI API has and Groundwork never does: always null."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, allow_null=True, **options)

    def get_attribute(self, instance: Any) -> None:
        return None


class WireStatus(serializers.ChoiceField):
    """A status in the words of the GenAI API, which knows no "cancelled"."""

    def __init__(self, **options: Any) -> None:
        words = [Status.NEW, Status.RUNNING, Status.COMPLETED, Status.ERROR]
        super().__init__([str(word) for word in words], read_only=True, **options)

    def to_representation(self, value: Any) -> str:
        return str(Status.ERROR if value == Status.CANCELLED else value)


def order_by(sort: str | None, default: Sequence[str]) -> list[str]:
    """A total order: what was asked for, or the default, and the id to decide between equals."""
    if sort is None:
        return list(default)
    return [sort, "-pk" if sort.startswith("-") else "pk"]


@extend_schema_field(OpenApiTypes.ANY)
class NotBuilt(serializers.Field[Any, Any, Any, Any]):
    """What the GenAI API has and Groundwork does not have yet: said, rather than ignored."""

    default_error_messages = {"not_built": "This is not available here yet; leave it out"}

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, allow_null=True, write_only=True, **options)

    def to_internal_value(self, data: Any) -> None:
        if data not in (False, [], {}):
            raise serializers.ValidationError(self.error_messages["not_built"], code="value_error")
