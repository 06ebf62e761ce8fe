"""JSON that people write into forms."""

import json
from typing import Any, NoReturn

from rest_framework.exceptions import APIException

from config.errors import InvalidInput
from playground.v5.reading import check_json


def read_json(text: str) -> Any:
    """Raises InvalidInput for what is no JSON, and for what the database could not take."""
    try:
        value = json.loads(text, parse_constant=_refuse)
        check_json(value)
    except ValueError as error:
        raise InvalidInput(f"This is no JSON: {error}.") from None
    except (APIException, RecursionError):
        raise InvalidInput(
            "This JSON cannot be kept: it is nested too deep, or holds a number that is too large or a "
            "character that is none."
        ) from None
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def first_problem(detail: Any, place: str = "") -> str:
    """What a shape says first, with where: `2.name: This field is required.`"""
    if isinstance(detail, dict):
        name, inner = next(iter(detail.items()))
        # Of a list, its places.
        told = name + 1 if isinstance(name, int) else name
        return first_problem(inner, f"{place}.{told}".lstrip("."))
    if isinstance(detail, list):
        number, inner = next((at, one) for at, one in enumerate(detail, start=1) if one)
        deeper = isinstance(inner, dict | list)
        return first_problem(inner, f"{place}.{number}".lstrip(".") if deeper else place)
    return f"{place}: {detail}" if place else str(detail)
