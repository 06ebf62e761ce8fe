"""How far texts have the same words, without regard to case, punctuation and order."""

import re
from collections import Counter
from collections.abc import Sequence

from evaluation.scores import words

_CITATION = re.compile(r"\[\d{1,3}(?:\s*,\s*\d{1,3})*\]")


def plain_words(text: str) -> list[str]:
    """Without the numbers of what an answer cites: they say nothing."""
    return words(_CITATION.sub(" ", text))


def word_f1(answer: str, expected: str) -> float:
    """The F1 of the answer's words against those of the right answer, 0 to 1.

    As Rajpurkar et al. measure it ("SQuAD: 100,000+ Questions for Machine Comprehension of Text",
    EMNLP 2016), articles kept. A long answer that says the right thing has a low one: it compares
    answers to the same question, and is no mark.
    """
    said, right = Counter(plain_words(answer)), Counter(plain_words(expected))
    common = (said & right).total()
    total = said.total() + right.total()
    return 2 * common / total if total else 0.0


def agreement(texts: Sequence[str]) -> float | None:
    """How much of their words the texts share: what two of them have in common on average, as a share
    of the words that one has. For two texts it is their Dice coefficient. None for fewer than two.

    It counts in how many texts each word is, so that fifty texts cost no more than two of them each.
    """
    if len(texts) < 2:
        return None
    vocabularies = [frozenset(plain_words(text)) for text in texts]
    size = sum(map(len, vocabularies)) / len(vocabularies)
    if not size:
        return 1.0
    holders = Counter(word for vocabulary in vocabularies for word in vocabulary)
    pairs = len(texts) * (len(texts) - 1) / 2
    common = sum(count * (count - 1) / 2 for count in holders.values()) / pairs
    return common / size


def same_words(texts: Sequence[str]) -> bool:
    """Whether all texts are the same words in the same order."""
    return len({tuple(plain_words(text)) for text in texts}) < 2
