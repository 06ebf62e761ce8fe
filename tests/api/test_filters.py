"""Metadata filters that are refused: each operator with each operand that does not suit it."""

from typing import Any

import pytest

from playground.models import ChatPrompt
from tests.api.conftest import problems

URL = "genai/chatPrompts/"
TEXT, NUMBER, TRUE, LIST, OBJECT = "a", 1.5, True, ["a"], {"a": 1}
# (operators, operands that do not suit them, operands that do)
OPERATORS: list[tuple[list[str], list[Any], list[Any]]] = [
    (["$eq", "$ne"], [LIST, OBJECT, None], [TEXT, "", NUMBER, 5, TRUE]),
    (
        ["$in", "$nin"],
        [TEXT, NUMBER, TRUE, OBJECT, None, [], [LIST], [None]],
        [LIST, [TEXT, NUMBER, 5, TRUE]],
    ),
    (["$gt", "$gte", "$lt", "$lte"], [TEXT, TRUE, LIST, OBJECT, None], [NUMBER, 5]),
    (["$contains", "$not_contains"], [NUMBER, TRUE, LIST, OBJECT, None, ""], [TEXT]),
]
UNKNOWN = ["$regex", "$EQ", "eq", "", "$and", "$not"]


@pytest.fixture
def ask(api, chat):
    def send(metadata_filter: Any) -> Any:
        body = {"text": "a", "chatId": chat.pk, "metadataFilter": metadata_filter}
        return api.post(URL, body)

    return send


def refused(response: Any) -> bool:
    found = problems(response)
    return found == [(["body", "metadataFilter"], "value_error")]


@pytest.mark.parametrize(
    ("operator", "unfit", "fit"),
    [(operator, unfit, fit) for names, unfit, fit in OPERATORS for operator in names],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_operand_suits_its_operator(ask, operator, unfit, fit):
    for operand in unfit:
        assert refused(ask({"year": {operator: operand}})), operand
    assert not ChatPrompt.objects.exists()
    for operand in fit:
        given = {"File Name": {operator: operand}}
        assert ask(given).json()["metadataFilter"] == given, operand


@pytest.mark.parametrize("operator", UNKNOWN)
def test_other_operators_are_refused(ask, operator):
    assert refused(ask({"year": {operator: 1}}))
    assert refused(ask({"$and": [{"year": {"$eq": 1, operator: 1}}]}))


@pytest.mark.parametrize("word", ["$and", "$or"])
@pytest.mark.parametrize("value", [{}, [], [{}], [1], [[]], {"a": 1}, "a", None])
def test_conditions_are_combined_in_lists(ask, word, value):
    assert refused(ask({word: value}))
    assert refused(ask({"$or": [{"a": 1}, {word: value}]}))


@pytest.mark.parametrize("value", [None, [], ["a"], {}])
def test_a_field_is_equal_to_a_value(ask, value):
    assert refused(ask({"year": value}))


def test_filters_have_an_end(ask):
    deepest: dict[str, Any] = {"a": 1}
    for _ in range(8):
        deepest = {"$or": [deepest]}
    most = {str(number): number for number in range(100)}

    for given in (deepest, most):
        assert ask(given).json()["metadataFilter"] == given
    assert refused(ask({"$or": [deepest]}))
    assert refused(ask(most | {"x": 1}))
