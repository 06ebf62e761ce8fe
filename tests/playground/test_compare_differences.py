"""How two answers differ, in words and in what they read."""

import pytest

from playground.compare.differences import differences
from playground.models import ChatPrompt


def passage(number, chunk=None, *, document="a" * 24, start=0, end=100):
    return {
        "number": number,
        "chunk_id": number if chunk is None else chunk,
        "document_id": document,
        "source": "returns.md",
        "start": start,
        "end": end,
        "text": f"Passage {number}.",
    }


def prompt(text="", *citations, database="d" * 24):
    return ChatPrompt(result_text=text, citations=list(citations), vector_database_id=database)


def runs(left, right):
    found = differences(prompt(left), prompt(right)).words
    return [(run.kind, run.text) for run in found or []]


def test_words_that_only_one_side_has_are_told_apart():
    assert runs("Store credit until day 60.", "Store credit for gifts until day 60, no cash.") == [
        ("same", "Store credit"),
        ("only right", "for gifts"),
        ("same", "until day"),
        ("only left", "60."),
        ("only right", "60, no cash."),
    ]


def test_white_space_alone_is_no_difference():
    assert runs("One two\nthree", "One  two three\n") == [("same", "One two\nthree")]


@pytest.mark.parametrize(
    ("left", "right", "kinds"),
    [("", "", []), ("", "All new", ["only right"]), ("All gone", "", ["only left"])],
)
def test_an_empty_answer_is_no_exception(left, right, kinds):
    assert [kind for kind, _ in runs(left, right)] == kinds


def test_answers_that_are_too_long_are_not_compared_word_by_word():
    long = "word " * 4_001

    assert differences(prompt(long), prompt("word")).words is None
    assert differences(prompt("word " * 4_000), prompt("word")).words is not None


def test_passages_are_paired_with_the_shift_of_their_rank():
    found = differences(
        prompt("", passage(1, 11), passage(2, 12), passage(3, 13)),
        prompt("", passage(1, 12), passage(2, 99), passage(3, 13)),
    )

    assert [(row.left, row.right, row.shift) for row in found.passages] == [
        (1, None, ""),
        (2, 1, "1 up"),
        (3, 3, "same rank"),
        (None, 2, ""),
    ]
    assert (found.shared, found.only_left, found.only_right) == (2, 1, 1)


def test_passages_of_two_databases_are_the_same_where_half_of_the_shorter_is_common():
    left = prompt("", passage(1, start=0, end=100), passage(2, start=200, end=300))
    right = prompt(
        "",
        passage(1, start=51, end=400, document="b" * 24),
        passage(2, start=40, end=150),
        passage(3, start=251, end=500),
        database="e" * 24,
    )

    found = differences(left, right)

    assert [(row.left, row.right) for row in found.passages] == [
        (1, 2),
        (2, None),
        (None, 1),
        (None, 3),
    ]


def test_one_passage_is_paired_once():
    found = differences(
        prompt("", passage(1, 5), passage(2, 5)), prompt("", passage(1, 5), database="d" * 24)
    )

    assert [(row.left, row.right) for row in found.passages] == [(1, 1), (2, None)]
