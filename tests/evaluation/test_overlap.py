import pytest

from evaluation.overlap import agreement, same_words, word_f1


@pytest.mark.parametrize(
    ("answer", "expected", "value"),
    [
        ("Thirty days.", "thirty DAYS", 1.0),
        ("Thirty days [1, 2].", "Thirty days", 1.0),
        # Two of four words said, and both of two words right.
        ("it is thirty days", "thirty days", 2 * (2 / 4) * 1 / (2 / 4 + 1)),
        # A word said twice is right once.
        ("days days", "thirty days", 0.5),
        ("never", "thirty days", 0.0),
        ("", "thirty days", 0.0),
        ("", "…", 0.0),
    ],
)
def test_the_f1_of_words(answer, expected, value):
    assert word_f1(answer, expected) == pytest.approx(value)


def test_the_agreement_of_two_is_their_dice_coefficient():
    # Two words of three and of five are common.
    assert agreement(["a b c", "b c d e f"]) == pytest.approx(2 * 2 / (3 + 5))


def test_the_agreement_of_more_is_what_two_of_them_share_on_average():
    texts = ["a b", "a c", "a b c d"]
    common = (1 + 2 + 2) / 3
    assert agreement(texts) == pytest.approx(common / ((2 + 2 + 4) / 3))


def test_agreement_ends_at_nothing_and_at_all():
    assert agreement(["a", "b"]) == 0
    assert agreement(["A b.", "b a", "a, b"]) == 1
    assert agreement(["", "…"]) == 1
    assert agreement(["alone"]) is None


def test_the_same_words_may_be_written_differently():
    assert same_words(["Yes, 30 days [1].", "yes 30 days"])
    assert not same_words(["yes 30 days", "30 days yes"])
    assert not same_words(["yes", ""])
    assert same_words(["yes"])
