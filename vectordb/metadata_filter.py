"""Conditions on chunks' metadata: {"year": {"$gte": 2020}, "$or": [...]} to SQL.

Names and values are always bound as parameters, never written into the statement.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from config.errors import InvalidInput

_DEEPEST = 8
_MOST_CONDITIONS = 100
# In all lists together.
_MOST_VALUES = 1_000
_COMBINATIONS = {"$and": sql.SQL(" AND "), "$or": sql.SQL(" OR ")}

# A chunk without the field matches only the negative operators.
_VALUE = sql.SQL("(metadata -> {name})")
# Contained, not equal: of large partitions an index knows what their metadata contain.
_EQUAL = sql.SQL("metadata @> {part}::jsonb")
# Long lists are hashed, so that a chunk is not compared with each value; the index is for the rest.
_AMONG = sql.SQL("coalesce({field} = ANY (ARRAY[{values}]::jsonb[]), false)")
_AMONG_AND_INDEXED = sql.SQL("({among} AND metadata @> ANY (ARRAY[{parts}]::jsonb[]))")
_COMPARED = sql.SQL("(jsonb_typeof({field}) = 'number' AND {field} {operator} {value}::jsonb)")
_CONTAINED = sql.SQL(
    "coalesce(jsonb_typeof({field}) = 'string' AND strpos(metadata ->> {name}, {value}) > 0, false)"
)
_NOT = sql.SQL("NOT {}")


def to_sql(metadata_filter: Mapping[str, Any] | None) -> sql.Composable | None:
    """A condition on a chunk's columns; None when everything matches.

    Raises InvalidInput for an operator that is not known or an operand that does not suit it.
    """
    if metadata_filter is None or metadata_filter == {}:
        return None
    return _Translation().conditions(metadata_filter, depth=0)


def validate_metadata_filter(metadata_filter: Mapping[str, Any] | None) -> None:
    """Raise InvalidInput as `to_sql` would."""
    to_sql(metadata_filter)


def _refuse(message: str) -> InvalidInput:
    return InvalidInput(message, field="metadata_filter")


@dataclass
class _Translation:
    count: int = 0
    values: int = 0

    def conditions(self, value: Any, *, depth: int) -> sql.Composable:
        if not isinstance(value, Mapping) or not value:
            raise _refuse("A metadata filter is an object that names at least one field.")
        if depth > _DEEPEST:
            raise _refuse(f"A metadata filter may nest {_DEEPEST} deep at most.")
        return _join(
            sql.SQL(" AND "), [self._condition(name, item, depth) for name, item in value.items()]
        )

    def _count(self, conditions: int) -> None:
        self.count += conditions
        if self.count > _MOST_CONDITIONS:
            raise _refuse(f"A metadata filter may have {_MOST_CONDITIONS} conditions at most.")

    def _condition(self, name: Any, value: Any, depth: int) -> sql.Composable:
        self._count(1)
        if not isinstance(name, str) or not name or "\0" in name:
            raise _refuse("A field's name in a metadata filter is a text.")
        if name in _COMBINATIONS:
            if not isinstance(value, list) or not value:
                raise _refuse(f"{name} takes a list of conditions.")
            parts = [self.conditions(item, depth=depth + 1) for item in value]
            return _join(_COMBINATIONS[name], parts)
        if name.startswith("$"):
            raise _refuse(f"{name} is not known: $and and $or combine conditions.")
        if isinstance(value, Mapping):
            return self._operators(name, value)
        return _equal(name, value)

    def _operators(self, name: str, operators: Mapping[str, Any]) -> sql.Composable:
        if not operators:
            raise _refuse(f"Give an operator for {name}: {', '.join(OPERATORS)}.")
        unknown = [operator for operator in operators if operator not in OPERATORS]
        if unknown:
            raise _refuse(
                f"The operator {unknown[0]} is not known: use one of {', '.join(OPERATORS)}."
            )
        self._count(len(operators) - 1)
        self.values += sum(len(one) for one in operators.values() if isinstance(one, list))
        if self.values > _MOST_VALUES:
            raise _refuse(
                f"$in and $nin take {_MOST_VALUES:,} values at most, in a whole filter; {name} has too "
                "many."
            )
        parts = [OPERATORS[operator](name, operand) for operator, operand in operators.items()]
        return _join(sql.SQL(" AND "), parts)


def _join(separator: sql.SQL, parts: list[sql.Composable]) -> sql.Composable:
    return sql.SQL("({})").format(separator.join(parts))


def _field(name: str) -> sql.Composable:
    return _VALUE.format(name=sql.Literal(name))


def _scalar(name: str, value: Any) -> sql.Literal:
    _check_scalar(name, value)
    return sql.Literal(json.dumps(value))


def _part(name: str, value: Any) -> sql.Literal:
    """The part of the metadata that says so."""
    _check_scalar(name, value)
    return sql.Literal(json.dumps({name: value}))


def _check_scalar(name: str, value: Any) -> None:
    is_text = isinstance(value, str) and "\0" not in value
    is_number = isinstance(value, (bool, int, float)) and _is_finite(value)
    if not is_text and not is_number:
        raise _refuse(f"{name} can be compared with a text, a number, true or false.")


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number that no float reaches
        return False


def _equal(name: str, operand: Any) -> sql.Composable:
    return _EQUAL.format(part=_part(name, operand))


def _among(name: str, operand: Any) -> sql.Composable:
    if not isinstance(operand, list) or not operand:
        raise _refuse(f"$in and $nin take a list of values for {name}.")
    values = sql.SQL(", ").join([_scalar(name, value) for value in operand])
    return _AMONG.format(field=_field(name), values=values)


def _among_and_indexed(name: str, operand: Any) -> sql.Composable:
    among = _among(name, operand)
    parts = sql.SQL(", ").join([_part(name, value) for value in operand])
    return _AMONG_AND_INDEXED.format(among=among, parts=parts)


def _contained(name: str, operand: Any) -> sql.Composable:
    if not isinstance(operand, str) or not operand or "\0" in operand:
        raise _refuse(f"$contains and $not_contains take a text for {name}.")
    return _CONTAINED.format(field=_field(name), name=sql.Literal(name), value=sql.Literal(operand))


_Operator = Callable[[str, Any], sql.Composable]


def _compared(symbol: str) -> _Operator:
    def compare(name: str, operand: Any) -> sql.Composable:
        is_number = isinstance(operand, (int, float)) and not isinstance(operand, bool)
        if not is_number or not _is_finite(operand):
            raise _refuse(f"$gt, $gte, $lt and $lte take a number for {name}.")
        return _COMPARED.format(
            field=_field(name), operator=sql.SQL(symbol), value=sql.Literal(json.dumps(operand))
        )

    return compare


def _negated(operator: _Operator) -> _Operator:
    return lambda name, operand: _NOT.format(operator(name, operand))


OPERATORS: dict[str, _Operator] = {
    "$eq": _equal,
    "$ne": _negated(_equal),
    "$in": _among_and_indexed,
    "$nin": _negated(_among),
    "$gt": _compared(">"),
    "$gte": _compared(">="),
    "$lt": _compared("<"),
    "$lte": _compared("<="),
    "$contains": _contained,
    "$not_contains": _negated(_contained),
}
