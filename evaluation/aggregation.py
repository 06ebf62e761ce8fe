"""From the figures of many answers to one: averages, shares of yes, shares of classes."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.models import AggregationType

Value = str | float | bool
Classes = list[dict[str, Any]]

_YES = {"yes", "true", "1"}
_NO = {"no", "false", "0"}
_HALF = 0.5


@dataclass(frozen=True, slots=True)
class Aggregated:
    """`value` is a number, shares of classes, or None where `error_message` says why."""

    value: float | Classes | None
    error_message: str = ""


class _NotSo(Exception):
    """Values of this kind cannot be aggregated in this way; the message says so."""


def aggregate(how: str, values: Sequence[Value], *, guarded: Sequence[bool] | None) -> Aggregated:
    """One figure for `values`. `guarded` tells on which of them a guard acted; None without one."""
    if not values:
        return Aggregated(None, "No answer has a value of this metric.")
    try:
        if how == AggregationType.GUARD_CONDITION_PERCENT_YES:
            return Aggregated(_guarded(guarded))
        return Aggregated(_WAYS[how](values))
    except _NotSo as error:
        return Aggregated(None, str(error))


def natural_type(values: Sequence[Value]) -> AggregationType:
    """How values like these are aggregated unless told otherwise."""
    if all(isinstance(value, bool) for value in values) and values:
        return AggregationType.PERCENT_YES
    if any(isinstance(value, str) for value in values):
        return AggregationType.CLASS_PERCENT_COVERAGE
    return AggregationType.AVERAGE


def _average(values: Sequence[Value]) -> float:
    numbers = [float(value) for value in values if not isinstance(value, str)]
    if len(numbers) < len(values):
        raise _NotSo("The values of this metric are words: they have no average.")
    return sum(numbers) / len(numbers)


def _percent_yes(values: Sequence[Value]) -> float:
    return _percent([_is_yes(value) for value in values])


def _is_yes(value: Value) -> bool:
    """Scores from 0 to 1 are a yes from the middle on."""
    if not isinstance(value, str):
        return float(value) >= _HALF
    word = value.strip().lower()
    if word not in _YES | _NO:
        raise _NotSo("The values of this metric are neither yes nor no.")
    return word in _YES


def _classes(values: Sequence[Value]) -> Classes:
    counts = Counter(str(value) for value in values)
    shares = [
        {"item": item, "value": 100 * count / len(values)}
        for item, count in counts.items()
        if item.strip()
    ]
    return sorted(shares, key=lambda share: (-share["value"], share["item"]))


def _guarded(guarded: Sequence[bool] | None) -> float:
    if guarded is None:
        raise _NotSo("This metric has no guard condition.")
    return _percent(guarded)


def _percent(answers: Sequence[bool]) -> float:
    return 100 * sum(answers) / len(answers)


_WAYS: dict[str, Callable[[Sequence[Value]], float | Classes]] = {
    AggregationType.AVERAGE: _average,
    AggregationType.PERCENT_YES: _percent_yes,
    AggregationType.CLASS_PERCENT_COVERAGE: _classes,
}
