"""What is done about a metric's value: conditions on it, and the intervention when one holds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models

from config.errors import InvalidInput

Comparand = str | float | bool | list[str]


class Comparator(models.TextChoices):
    GREATER_THAN = "greaterThan"
    LESS_THAN = "lessThan"
    EQUALS = "equals"
    NOT_EQUALS = "notEquals"
    IS = "is"
    IS_NOT = "isNot"
    MATCHES = "matches"
    DOES_NOT_MATCH = "doesNotMatch"
    CONTAINS = "contains"
    DOES_NOT_CONTAIN = "doesNotContain"


class Action(models.TextChoices):
    BLOCK = "block"
    REPORT = "report"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric's value, and the words it stands for: kinds of personal data, names of documents."""

    value: float
    words: Sequence[str] = ()

    @property
    def texts(self) -> set[str]:
        return {word.casefold() for word in self.words} or {f"{self.value:g}"}


def holds(condition: dict[str, Any], measured: Measured) -> bool:
    """Whether a condition holds for a value.

    `greaterThan`, `lessThan`, `equals` and `notEquals` compare numbers; `is` and `isNot` ask
    whether the value is a yes, from 0.5 on. `matches` holds when one of the value's words is one
    of the comparand's, `contains` when all of the comparand's are among them; case is ignored. A
    value without words of its own has its number for a word.
    """
    test, expected = _TESTS[Comparator(condition["comparator"])]
    return test(measured, condition["comparand"]) is expected


def guards(moderation: dict[str, Any] | None, measured: Measured) -> bool:
    """Whether the intervention is due: one condition is enough."""
    return moderation is not None and any(
        holds(condition, measured) for condition in moderation["guard_conditions"]
    )


def check_condition(comparator: str, comparand: Comparand, *, field: str) -> None:
    """Raises InvalidInput for a comparand that the comparator cannot use."""
    match Comparator(comparator):
        case Comparator.GREATER_THAN | Comparator.LESS_THAN:
            kind, is_fine = "a number", _is_number(comparand)
        case Comparator.EQUALS | Comparator.NOT_EQUALS:
            kind, is_fine = "one value, no list", not isinstance(comparand, list)
        case Comparator.IS | Comparator.IS_NOT:
            kind, is_fine = "true or false", isinstance(comparand, bool)
        case _:
            kind, is_fine = "text or a list of texts", isinstance(comparand, str | list)
    if not is_fine:
        raise InvalidInput(f"For {comparator} the comparand must be {kind}.", field=field)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_greater(measured: Measured, comparand: Any) -> bool:
    return bool(measured.value > comparand)


def _is_less(measured: Measured, comparand: Any) -> bool:
    return bool(measured.value < comparand)


def _is_equal(measured: Measured, comparand: Any) -> bool:
    if isinstance(comparand, str):
        return _matches(measured, comparand)
    return bool(measured.value == comparand)


def _is(measured: Measured, comparand: Any) -> bool:
    return (measured.value >= _YES_FROM) is comparand


def _matches(measured: Measured, comparand: Any) -> bool:
    return bool(measured.texts & _texts(comparand))


def _contains(measured: Measured, comparand: Any) -> bool:
    return _texts(comparand) <= measured.texts


def _texts(comparand: str | list[str]) -> set[str]:
    return {text.casefold() for text in ([comparand] if isinstance(comparand, str) else comparand)}


_YES_FROM = 0.5
_TESTS: dict[Comparator, tuple[Callable[[Measured, Any], bool], bool]] = {
    Comparator.GREATER_THAN: (_is_greater, True),
    Comparator.LESS_THAN: (_is_less, True),
    Comparator.EQUALS: (_is_equal, True),
    Comparator.NOT_EQUALS: (_is_equal, False),
    Comparator.IS: (_is, True),
    Comparator.IS_NOT: (_is, False),
    Comparator.MATCHES: (_matches, True),
    Comparator.DOES_NOT_MATCH: (_matches, False),
    Comparator.CONTAINS: (_contains, True),
    Comparator.DOES_NOT_CONTAIN: (_contains, False),
}
