"""Confidence scores: how far an answer is the sources' own words."""

import subprocess
import sys

import pytest
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu import sentence_bleu

from evaluation.scores import confidence_scores

SOURCES = ["The lamps of the north burn rapeseed oil in winter.", "Wicks are cut every evening."]
ANSWER = "In the north, lamps burn rapeseed oil; a wick is cut in the evenings."


def scored(answer: str, sources: list[str]) -> dict[str, float]:
    scores = confidence_scores(answer, sources)
    assert scores is not None
    return scores


def test_rouge_and_bleu_are_those_of_their_packages():
    scores = scored(ANSWER, SOURCES)

    context = "\n".join(SOURCES)
    rouge = RougeScorer(["rouge1"]).score(context, ANSWER)["rouge1"].fmeasure
    assert scores["rouge"] == pytest.approx(rouge)
    assert scores["bleu"] == pytest.approx(sentence_bleu(ANSWER, [context]).score / 100)


def test_meteor_counts_words_then_stems_and_how_scattered_they_are():
    # Banerjee and Lavie 2005: 10PR / (R + 9P), less half of the cube of chunks per match.
    scores = scored("the cats sat", ["The cat sat"])
    assert scores["meteor"] == pytest.approx(1 - 0.5 * (1 / 3) ** 3)

    scattered = scored("sat the cat", ["The cat sat"])
    assert scattered["meteor"] == pytest.approx(1 - 0.5 * (2 / 3) ** 3)

    precision, recall = 1.0, 2 / 5
    half = scored("the cat", ["The cat sat down today"])
    mean = 10 * precision * recall / (recall + 9 * precision)
    assert half["meteor"] == pytest.approx(mean * (1 - 0.5 * (1 / 2) ** 3))


def test_a_quote_is_close_to_one_and_other_words_are_zero():
    same = scored(SOURCES[0], SOURCES[:1])
    assert same["rouge"] == same["bleu"] == 1.0
    assert same["meteor"] == pytest.approx(1 - 0.5 / 10**3)

    other = scored("Xylophone!", SOURCES)
    assert (other["rouge"], other["meteor"]) == (0.0, 0.0)
    assert 0 <= other["bleu"] < 0.001


@pytest.mark.parametrize(
    ("answer", "sources"),
    [("", SOURCES), ("…!", SOURCES), (ANSWER, []), (ANSWER, ["", " - "])],
)
def test_without_words_there_is_no_score(answer, sources):
    assert confidence_scores(answer, sources) is None


@pytest.mark.parametrize("text", ["Größe und Öl", "масло для лампы", "λάδι και φως"])
def test_words_of_other_alphabets_count(text):
    scores = scored(text, [text])
    assert scores["rouge"] == 1.0
    assert scores["meteor"] > 0.8


def test_the_web_never_loads_what_scores(tmp_path):
    program = (
        "import sys, config.asgi, config.urls\n"
        "print(sorted({'nltk', 'rouge_score', 'sacrebleu', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.django_db(transaction=True)
def test_answers_from_documents_have_scores(answered, reading_chat, chat, llm_server):
    from_documents = answered(reading_chat)
    without = answered(chat)

    [passage] = [citation["text"] for citation in from_documents.citations]
    expected = scored(from_documents.result_text, [passage])
    assert from_documents.confidence_scores == pytest.approx(expected)
    assert without.confidence_scores is None
