"""The sentences of an answer: where one ends, what it cites, and how its support is marked."""

import re

import pytest

from playground.rendering import render_answer, sentences_of
from playground.support.scores import Support, tally_of

NUMBERS = {1, 2, 3}
URL = "/prompts/x/sources/"


def said(text: str) -> list[tuple[str, tuple[int, ...]]]:
    return [(one.text, one.numbers) for one in sentences_of(text, numbers=NUMBERS)]


def marked(text: str, *support: Support) -> str:
    return str(render_answer(text, numbers=NUMBERS, url=URL, support=support))


@pytest.mark.parametrize(
    "text",
    [
        "Opened items get credit [1]. Gifts do not [2].",
        "Opened items get credit.[1] Gifts do not.[2]",
        "Opened items get credit. [1] Gifts do not. [2]",
        "Opened items get credit. [1]\n\nGifts do not. [2]",
        "- Opened items get credit. [1]\n- Gifts do not. [2]",
        "> Opened items get credit. [1]\n> Gifts do not. [2]",
        "**Opened** items get credit. [1] *Gifts* do not. [2]",
    ],
)
def test_a_citation_belongs_to_the_sentence_that_it_ends(text):
    found = sentences_of(text, numbers=NUMBERS)

    assert [one.numbers for one in found] == [(1,), (2,)]
    assert found[0].text.startswith("Opened items get credit")
    assert found[1].text.startswith("Gifts do not")


def test_several_citations_are_told_once_each_in_their_order():
    assert said("Opened items get credit [2][1, 2].") == [("Opened items get credit.", (2, 1))]


def test_a_number_that_is_no_passage_is_no_citation():
    assert said("Opened items get credit [9].") == [("Opened items get credit [9].", ())]


@pytest.mark.parametrize(
    "text",
    [
        "# Opened items get credit",
        "| Opened items | get credit |\n|---|---|\n| until day sixty | at once |",
        "```\nOpened items get credit.\n```",
        "$$\nx = credit of items\n$$",
        "Are opened items credited?",
        "These items are credited:",
        "Yes.",
        "",
    ],
)
def test_what_states_nothing_is_left_out(text):
    assert said(text) == []


def test_an_abbreviation_ends_no_sentence():
    assert len(said("Parcels leave at approx. Ten o'clock on Mr. Smith's cart.")) == 1


def test_what_is_emphasised_as_a_whole_is_never_cut():
    [one, other] = said("**Credit is given. Money is not.** That is the rule.")

    assert one[0] == "Credit is given. Money is not."
    assert other[0] == "That is the rule."


def test_a_supported_sentence_that_cites_has_no_mark_behind_it():
    html = marked("Opened items get credit [1].", Support(0.9, 1, is_cited=True))

    assert '<span class="said" data-support="supported" data-by="1" title="Supported by' in html
    assert "data-found" not in html
    assert "(90%)" in html


@pytest.mark.parametrize(
    ("support", "level", "hidden", "shown"),
    [
        (Support(0.9, 2, is_cited=False), "supported", "supported, without a citation,", "2"),
        (Support(0.5, 2, is_cited=True), "weak", "weakly supported by passage 2", "~"),
        (Support(0.1, 2, is_cited=True), "none", "not supported; the closest is passage 2", "?"),
    ],
)
def test_other_sentences_have_a_link_to_their_passage_which_says_why(support, level, hidden, shown):
    html = marked("Opened items get credit [2]. ", support)

    assert f'data-support="{level}" data-by="2"' in html
    link = re.search(r'<a class="cite is-found"[^>]*>(.*?)</a>', html)
    assert link is not None
    assert f'href="{URL}2/"' in link[0]
    assert hidden in link[1]
    assert link[1].endswith(f"</span>{shown}")


def test_a_figure_that_the_passage_lacks_is_told():
    html = marked("Credit until day 90 [1].", Support(0.9, 1, is_cited=True, missing="90"))

    assert 'data-support="weak"' in html
    assert "the passage does not have 90" in html


def test_marks_leave_every_word_and_citation_where_it_was():
    text = "**Opened** items: _credit_. [1] Gifts do `not`. [2]\nMore of it, see [here](https://a.example)."
    support = [Support(0.9, 1, is_cited=True), *[Support(0.2, 2, is_cited=False)] * 2]

    html = marked(text, *support)

    bare = re.sub(r'<a class="cite is-found".*?</a>', "", html)
    bare = re.sub(r'<span class="said"[^>]*>|</span>', "", bare)
    plain = str(render_answer(text, numbers=NUMBERS, url=URL))
    assert bare == plain
    assert html.count('<span class="said"') == 3


def test_a_support_of_other_sentences_marks_nothing():
    html = marked("Opened items get credit [1].", *[Support(0.9, 1, is_cited=True)] * 2)

    assert "said" not in html


def test_an_answer_cannot_bring_marks_of_its_own():
    html = marked('<span class="said" data-by="1">Trust me in this.</span>')

    assert "<span" not in html


def test_an_answers_support_is_counted_by_level():
    tally = tally_of([Support(score, 1, is_cited=True) for score in (0.9, 0.8, 0.5, 0.1)])

    assert tally is not None
    assert (tally.supported, tally.weak, tally.unsupported) == (2, 1, 1)
    assert tally.share == 0.5
    assert tally_of([]) is None
