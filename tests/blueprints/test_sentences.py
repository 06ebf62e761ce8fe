# ruff: noqa: RUF001 - other scripts have other marks
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.providers.sentences import Sentence, split_sentences


def texts(text: str) -> list[str]:
    return [sentence.text for sentence in split_sentences(text)]


@pytest.mark.parametrize(
    "sentences",
    [
        ["Returns take 30 days.", "Refunds take five."],
        ["It costs 3.50 euros at most.", "That is e.g. a stamp."],
        ["Dr. Smith met J. R. Jones in the U.S. in Jan. 1990.", "Both left."],
        ["See Fig. 3 and No. 4.", "Then stop!", "Why?", "“Because.”", "(So it is.)"],
        ["He said “Stop.”", "Then he left."],
        ["Version 2.0.1 is out.", "2024 was good."],
        ["¿Cuánto tarda?", "Cinco días."],
        ["Это долго.", "Очень."],
    ],
)
def test_sentences_end_where_they_end(sentences):
    assert texts(" ".join(sentences)) == sentences


def test_scripts_without_spaces():
    assert texts("退货需要三十天。退款需要五天！好吗？") == [
        "退货需要三十天。",
        "退款需要五天！",
        "好吗？",
    ]


def test_hard_line_breaks_are_joined_and_divided_words_mended():
    assert texts("A return is pos-\nsible within\n30 days. Then\nnot.") == [
        "A return is possible within 30 days.",
        "Then not.",
    ]


def test_headings_are_told_from_sentences():
    assert split_sentences("# Returns\n\nReturns and refunds\n\nThey take 30 days.") == [
        Sentence("Returns", is_heading=True),
        Sentence("Returns and refunds", is_heading=True),
        Sentence("They take 30 days."),
    ]


def test_list_items_and_table_rows_stand_alone():
    text = (
        "Bring:\n- the receipt\n- the goods,\n  unused\n1. first\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    )
    assert split_sentences(text) == [
        Sentence("Bring:"),
        Sentence("the receipt"),
        Sentence("the goods, unused"),
        Sentence("first"),
        Sentence("| a | b |"),
        Sentence("| 1 | 2 |"),
    ]


def test_a_line_of_name_and_value_is_no_heading():
    assert split_sentences("Opening hours: 9 to 5") == [Sentence("Opening hours: 9 to 5")]


@given(st.text(max_size=300))
def test_no_letter_is_lost(text):
    def letters(value):
        return [c for c in value if c.isalpha()]

    kept = letters("".join(texts(text)))
    # List markers such as "a)" are marks, not text.
    assert len(kept) >= len(letters(text)) - text.count(")")
