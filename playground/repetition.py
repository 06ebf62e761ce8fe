"""Texts that take too long to compare word by word."""

from collections import Counter
from collections.abc import Hashable, Iterable

# Pairs of equal words; `difflib` looks each of them through, for every run that two texts share.
_MOST_PAIRS = 200_000


def is_repetitive(left: Iterable[Hashable], right: Iterable[Hashable]) -> bool:
    """Whether what is frequent must be left out of account, for the comparison to end soon. What it
    takes grows with the equal pairs, and for lists or tables with their square."""
    counted = Counter(right)
    return sum(count * counted[word] for word, count in Counter(left).items()) > _MOST_PAIRS
