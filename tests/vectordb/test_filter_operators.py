"""Each operator of metadata filters on each type of value, against the same said in Python."""

import json
import operator
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from psycopg import sql

from config.errors import InvalidInput
from vectordb.metadata_filter import to_sql

MISSING = object()
# What a chunk may have in the field "it".
HELD = ["lamp", "Lamp oil", "", "5", 5, 5.0, -1, 2.5, 0, 1, True, False, MISSING]
SCALARS = ["lamp", "5", "", 5, 2.5, 0, 1, True, False]
NUMBERS = [5, 2.5, -1, 0]


def is_same(held: Any, given: Any) -> bool:
    """True and 1 are equal in Python, but not here."""
    return isinstance(held, bool) == isinstance(given, bool) and bool(held == given)


def compared(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def holds(held: Any, given: Any) -> bool:
        is_number = isinstance(held, int | float) and not isinstance(held, bool)
        return is_number and compare(held, given)

    return holds


def contains(held: Any, given: Any) -> bool:
    return isinstance(held, str) and given in held


OPERATORS: dict[str, tuple[Callable[[Any, Any], bool], list[Any]]] = {
    "$eq": (is_same, SCALARS),
    "$ne": (lambda held, given: not is_same(held, given), SCALARS),
    "$in": (
        lambda held, given: any(is_same(held, one) for one in given),
        [["lamp"], ["lamp", 5], [2.5, True], [False], ["nothing"]],
    ),
    "$nin": (
        lambda held, given: not any(is_same(held, one) for one in given),
        [["lamp"], ["lamp", 5], [2.5, True], [False], ["nothing"]],
    ),
    "$gt": (compared(operator.gt), NUMBERS),
    "$gte": (compared(operator.ge), NUMBERS),
    "$lt": (compared(operator.lt), NUMBERS),
    "$lte": (compared(operator.le), NUMBERS),
    "$contains": (contains, ["lamp", "amp o", "5", "AMP"]),
    "$not_contains": (
        lambda held, given: not contains(held, given),
        ["lamp", "amp o", "5", "AMP"],
    ),
}


def matching(metadata_filter: dict[str, Any]) -> list[int]:
    """The places in HELD whose chunks match."""
    rows = sql.SQL(", ").join(
        sql.SQL("({}, {}::jsonb)").format(
            place, json.dumps({} if held is MISSING else {"it": held, "other": place})
        )
        for place, held in enumerate(HELD)
    )
    statement = sql.SQL("SELECT place FROM (VALUES {}) AS t(place, metadata) WHERE {} ORDER BY 1")
    with connection.cursor() as cursor:
        cursor.execute(statement.format(rows, to_sql(metadata_filter)))
        return [row[0] for row in cursor.fetchall()]


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_means_what_it_says(db, name):
    holds, operands = OPERATORS[name]
    for given in operands:
        expected = [place for place, held in enumerate(HELD) if holds(held, given)]
        assert matching({"it": {name: given}}) == expected, given


def test_a_bare_value_is_equality(db):
    for given in SCALARS:
        assert matching({"it": given}) == matching({"it": {"$eq": given}}), given


@pytest.mark.parametrize("name", OPERATORS)
def test_without_the_field_only_what_is_negative_matches(db, name):
    given = OPERATORS[name][1][0]

    is_found = HELD.index(MISSING) in matching({"it": {name: given}})

    assert is_found == (name in {"$ne", "$nin", "$not_contains"})


POSITIVE, SMALL = {"it": {"$gt": 0}}, {"it": {"$lt": 3}}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"it": {"$gt": 0, "$lt": 3}}, [2.5, 1]),
        ({"$and": [POSITIVE, SMALL]}, [2.5, 1]),
        ({"$or": [{"it": "lamp"}, {"it": 2.5}]}, ["lamp", 2.5]),
        ({"$or": [{"it": "lamp"}, {"$and": [POSITIVE, SMALL]}]}, ["lamp", 2.5, 1]),
        ({"$and": [POSITIVE, {"$or": [{"it": 1}, {"it": -1}]}]}, [1]),
        ({"$or": [{"it": 1}], "other": {"$lt": 5}}, []),
        ({"$and": [{"$and": [{"$or": [{"it": "lamp"}]}]}]}, ["lamp"]),
        ({"$and": [POSITIVE], "$or": [{"it": 1}, {"it": -1}]}, [1]),
    ],
)
def test_conditions_combine_and_nest(db, given, expected):
    assert [HELD[place] for place in matching(given)] == expected


def nested(depth: int) -> dict[str, Any]:
    given: dict[str, Any] = {"it": "lamp"}
    for level in range(depth):
        given = {("$or", "$and")[level % 2]: [given]}
    return given


def test_eight_levels_are_taken(db):
    assert matching(nested(8)) == [0]


def test_a_hundred_conditions_are_taken(db):
    assert matching({"$or": [{"it": number} for number in range(99)]}) == [4, 5, 8, 9]


def test_values_are_counted_over_the_whole_filter():
    most = [str(number) for number in range(600)]

    for metadata_filter in (
        {"a": {"$in": most, "$nin": most}},
        {"a": {"$in": most}, "b": {"$nin": most}},
    ):
        with pytest.raises(InvalidInput, match="1,000 values at most, in a whole filter"):
            to_sql(metadata_filter)


def test_operators_of_one_field_are_conditions_too():
    conditions = {f"f{number}": {"$gt": 1, "$lt": 9} for number in range(51)}

    with pytest.raises(InvalidInput, match="100 conditions at most"):
        to_sql(conditions)
