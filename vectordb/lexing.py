"""Texts to the terms that keyword search matches: the same for chunks and for questions.

Words are folded and, where their language is known, stemmed; scripts that put no spaces between
words become overlapping pairs of characters.
"""

import re
import threading
import unicodedata
from collections.abc import Iterable
from itertools import pairwise

import regex
import Stemmer

# More tells junk apart from junk, and nobody asks for it.
_LONGEST_TERM = 64
_SOFT_HYPHEN = "\N{SOFT HYPHEN}"
_STROKES = str.maketrans("\u0142\u00f8\u0111\u0131", "lodi")

# In such scripts every two characters that stand together are a term.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u30fc"
_unspaced = regex.compile(f"[{_UNSPACED}]", regex.V1)
_token = regex.compile(
    rf"(?P<unspaced>[{_UNSPACED}]+)|[[\p{{L}}\p{{M}}\p{{N}}]--[{_UNSPACED}]]+(?:'\p{{L}}+)*",
    regex.V1,
)
# The same of texts without such scripts, and of those in plain ASCII: several times as fast.
_word = regex.compile(r"[\p{L}\p{M}\p{N}]+(?:'\p{L}+)*", regex.V1)
_ascii_word = re.compile("[a-z0-9]+(?:'[a-z]+)*")

# By ISO 639-1 code, what Snowball calls its algorithm.
_STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek",
    "en": "english", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian",
    "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian",
    "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "ne": "nepali",
    "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish",
    "yi": "yiddish",
}  # fmt: skip

# Words that say how a sentence is built and nothing of what it is about.
_FUNCTION_WORDS = {
    "en": frozenset((
        "a", "about", "above", "after", "again", "all", "am", "an", "and", "any", "are", "as", "at",
        "be", "because", "been", "before", "being", "below", "between", "both", "but", "by", "can",
        "could", "did", "do", "does", "doing", "don't", "down", "during", "each", "few", "for",
        "from", "further", "had", "has", "have", "having", "he", "her", "here", "hers", "him",
        "his", "how", "i", "if", "in", "into", "is", "it", "it's", "its", "just", "me", "more",
        "most", "my", "no", "nor", "not", "now", "of", "off", "on", "once", "only", "or", "other",
        "our", "ours", "out", "over", "own", "same", "she", "should", "so", "some", "such", "than",
        "that", "the", "their", "theirs", "them", "then", "there", "these", "they", "this", "those",
        "through", "to", "too", "under", "until", "up", "very", "was", "we", "were", "what", "when",
        "where", "which", "while", "who", "whom", "why", "will", "with", "would", "you", "your",
        "yours",
    )),
}  # fmt: skip

_stemmers = threading.local()


def terms(text: str, language: str, *, also_without: Iterable[str] = ()) -> list[str]:
    """The terms of a text, each as often as it occurs.

    `language` is an ISO 639-1 code; words of one that is unknown, or "", are not stemmed. Function
    words of that language, and of the languages `also_without`, are left out where they are known.
    """
    left_out: frozenset[str] = frozenset().union(
        *(_FUNCTION_WORDS.get(code, ()) for code in (language, *also_without))
    )
    tokens, pairs = _tokens(_folded(text))
    words = [token[:_LONGEST_TERM] for token in tokens if token not in left_out]
    stemmer = _stemmer(language)
    stems: list[str] = words if stemmer is None else stemmer.stemWords(words)
    if not "".join(stems).isascii():
        stems = [_without_accents(stem) for stem in stems]
    return stems + pairs


def _tokens(text: str) -> tuple[list[str], list[str]]:
    """Words, and pairs of characters that stand together in scripts without spaces."""
    if text.isascii():
        return _ascii_word.findall(text), []
    text = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    if _unspaced.search(text) is None:
        return _word.findall(text), []
    words: list[str] = []
    pairs: list[str] = []
    for match in _token.finditer(text):
        token = match[0]
        if match["unspaced"]:
            pairs += map("".join, pairwise(token)) if len(token) > 1 else [token]
        else:
            words.append(token)
    return words, pairs


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text.replace(_SOFT_HYPHEN, "")).casefold()


def _stemmer(language: str) -> Stemmer.Stemmer | None:
    """One for each thread: a stemmer serves a single one."""
    algorithm = _STEMMERS.get(language)
    if algorithm is None:
        return None
    stemmer = getattr(_stemmers, algorithm, None)
    if stemmer is None:
        stemmer = Stemmer.Stemmer(algorithm, 0)  # looking words up takes longer than stemming them
        setattr(_stemmers, algorithm, stemmer)
    return stemmer


def _without_accents(word: str) -> str:
    """Many leave them out. Only where they are accents, as on Latin letters; after stemming, which
    needs them."""
    if word.isascii() or "LATIN" not in unicodedata.name(word[0], ""):
        return word
    letters = unicodedata.normalize("NFD", word).translate(_STROKES)
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
