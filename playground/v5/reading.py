"""What programs send: strict JSON and query strings, told apart from what they leave out.

Shapes are serializers whose fields are named as on the wire. What they do not name is ignored.
"""

import json
from functools import cache
from typing import Any, NoReturn

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from config.api.errors import Unprocessable, problems_of
from config.api.fields import JsonObject, is_finite, is_storable
from playground.v5.errors import Malformed

Shape = serializers.Serializer[Any]

_DEEPEST = 100


class FreeObject(JsonObject):
    """An object with free keys. The body was checked as a whole already."""

    def _check(self, value: Any, *, depth: int) -> None:
        return


def read_body(raw: bytes, shape: type[Shape], *, keep_null: bool = False) -> dict[str, Any]:
    """The fields of a JSON body; no body at all is an empty object.

    What was sent as null is as absent as what was not sent; with `keep_null` it is None, where the
    field allows it. Raises Malformed (400), or Unprocessable with all that is wrong.
    """
    data = read_json(raw)
    if isinstance(data, dict) and not keep_null:
        data = {name: value for name, value in data.items() if value is not None}
    return validated(data, shape, where="body")


def read_query(sent: QueryDict, shape: type[Shape]) -> dict[str, Any]:
    """The fields of a query string, likewise: repeated keys as lists where one is expected."""
    data = {
        name: sent.getlist(name) if isinstance(field, serializers.ListField) else sent[name]
        for name, field in _shared(shape).fields.items()
        if name in sent
    }
    return validated(data, shape, where="query")


def validated(data: Any, shape: type[Shape], *, where: str) -> dict[str, Any]:
    try:
        return dict(_shared(shape).run_validation(data))
    except ValidationError as error:
        raise Unprocessable(problems_of(error, where=where)) from error


def read_json(raw: bytes) -> Any:
    """JSON as the standard has it, and nothing that the database cannot take."""
    if not raw.strip():
        return {}
    try:
        data = json.loads(raw.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"The body is not JSON: {error}") from error
    _check(data, ["body"])
    return data


def check_json(data: Any) -> None:
    """What was not read from JSON, as a .prompt file's header, must be such nevertheless. Raises
    Malformed, and Unprocessable for what the database cannot take."""
    try:
        again = json.loads(json.dumps(data, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise Malformed(f"The header holds what is no JSON: {error}") from error
    if again != data:
        raise Malformed("The header holds what is no JSON: keys are texts.")
    _check(data, ["body", "prompt"])


@cache
def _shared(shape: type[Shape]) -> Shape:
    """One instance for all requests: making one copies each of its fields."""
    return shape()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check(value: Any, loc: list[str | int]) -> None:
    if len(loc) > _DEEPEST:
        raise Unprocessable.at(*loc[:3], msg="Input is nested too deeply")
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_text(key, loc)
            _check(inner, [*loc, key])
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _check(inner, [*loc, index])
    elif isinstance(value, str):
        _check_text(value, loc)
    elif isinstance(value, int | float) and not is_finite(value):
        raise Unprocessable.at(*loc, msg="Numbers must not be larger than a double can be")


def _check_text(text: str, loc: list[str | int]) -> None:
    if not is_storable(text):
        message = "Text must not contain NUL characters or halves of surrogate pairs"
        raise Unprocessable.at(*loc, msg=message)
