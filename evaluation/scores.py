"""How far an answer is the sources' own words: ROUGE, METEOR and BLEU. For the worker only.

The packages take a second to load, so that nothing is imported before it is needed.
"""

import re
import threading
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, Protocol

_WORD = re.compile(r"[^\W_]+")
_STEMS = 50_000

_loading = threading.Lock()


class _Synonyms(Protocol):
    def synsets(self, word: str) -> list[Any]: ...


def confidence_scores(answer: str, passages: Sequence[str]) -> dict[str, float] | None:
    """`rouge`, `meteor` and `bleu` of the answer against the passages as one text, each 0 to 1.

    - `rouge`: ROUGE-1 F (rouge-score), the words that both have, with no regard to their order.
    - `meteor`: as Banerjee and Lavie 2005 ("METEOR: An Automatic Metric for MT Evaluation with
      Improved Correlation with Human Judgments"): words are matched exactly, then by their
      English (Porter) stem. The third stage, synonyms, runs only where NLTK's WordNet data is
      installed; Groundwork neither brings nor fetches it. The weights are those of NLTK.
    - `bleu`: BLEU of the sentence (sacrebleu, smoothed, up to the order that the answer has),
      which is small by nature where a short answer is held against long sources.

    None where either side has no words.
    """
    context = "\n".join(passages)
    expected, said = words(context), words(answer)
    if not expected or not said:
        return None
    return {
        "rouge": _rouge(context, answer),
        "meteor": _meteor(expected, said),
        "bleu": _bleu(context, answer),
    }


def words(text: str) -> list[str]:
    """In lower case, of any language that parts words with spaces."""
    return _WORD.findall(text.lower())


def load() -> None:
    """Import what scoring needs, so that no answer waits for it."""
    confidence_scores("once", ["upon"])


class _Words:
    """The packages' own ways of finding words drop all letters beyond a to z."""

    def tokenize(self, text: str) -> list[str]:
        return words(text)


class _NoSynonyms:
    def synsets(self, word: str) -> list[Any]:
        return []


class _Stemmer:
    """NLTK's, which is slow, with a memory."""

    def __init__(self) -> None:
        from nltk.stem.porter import PorterStemmer

        self.stem = lru_cache(_STEMS)(PorterStemmer().stem)


@cache
def _rouge_scorer() -> Any:
    with _loading:
        from rouge_score.rouge_scorer import RougeScorer

        return RougeScorer(["rouge1"], tokenizer=_Words())


@cache
def _meteor_parts() -> tuple[Any, _Stemmer, _Synonyms]:
    with _loading:
        from nltk.translate.meteor_score import single_meteor_score

        return single_meteor_score, _Stemmer(), _synonyms()


def _synonyms() -> _Synonyms:
    from nltk.corpus import wordnet

    try:
        wordnet.ensure_loaded()
    except LookupError:
        return _NoSynonyms()
    found: _Synonyms = wordnet
    return found


def _rouge(context: str, answer: str) -> float:
    return float(_rouge_scorer().score(context, answer)["rouge1"].fmeasure)


def _meteor(expected: list[str], said: list[str]) -> float:
    meteor, stemmer, synonyms = _meteor_parts()
    return float(meteor(expected, said, stemmer=stemmer, wordnet=synonyms))


def _bleu(context: str, answer: str) -> float:
    with _loading:
        from sacrebleu import sentence_bleu
    # Sums of floats can go a little beyond 100.
    return min(1.0, sentence_bleu(answer, [context]).score / 100)
