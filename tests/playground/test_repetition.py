import time

import pytest

from playground.compare.differences import _words
from playground.repetition import is_repetitive

LIST = " ".join(f"- a{number} -" for number in range(1_300))
OTHER = " ".join(f"- b{number} -" for number in range(1_300))


@pytest.mark.parametrize(
    ("left", "right", "is_it"),
    [("", "", False), ("a b c" * 100, "a b c" * 100, False), ("- " * 500, "- " * 500, True)],
)
def test_what_is_frequent_in_both_is_told(left, right, is_it):
    assert is_repetitive(left.split(), right.split()) is is_it


def test_lists_are_compared_within_a_second_or_so():
    before = time.process_time()

    words = _words(LIST, OTHER)

    assert words
    assert time.process_time() - before < 5  # with all words it is minutes
