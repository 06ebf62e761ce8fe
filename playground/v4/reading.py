"""Bodies that hold one thing, or a list of such."""

from functools import cache
from typing import Any

from rest_framework.exceptions import ValidationError

from config.api.errors import Unprocessable, problems_of
from playground.v5.reading import Shape, read_json, validated


def read_one_or_more(raw: bytes, shape: type[Shape]) -> tuple[list[dict[str, Any]], bool]:
    """The things, and whether they came as a list. Raises as `read_body`, with the place in the list."""
    data = read_json(raw)
    if not isinstance(data, list):
        return [validated(data, shape, where="body")], False
    try:
        return [dict(one) for one in _several(shape).run_validation(data)], True
    except ValidationError as error:
        raise Unprocessable(problems_of(error, where="body")) from error


@cache
def _several(shape: type[Shape]) -> Any:
    return shape(many=True)
