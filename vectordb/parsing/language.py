"""In which language a text is written."""

import re

# Enough to tell; the rest of a document is in the same one.
_LOOKED_AT = 2_000
# Most English sentences hold some of these, and sentences of other languages hardly any.
_ENGLISH = frozenset((
    "and", "are", "been", "for", "from", "has", "have", "his", "is", "it", "of", "that", "the",
    "their", "there", "they", "this", "to", "was", "were", "what", "which", "with", "would",
))  # fmt: skip
_ENGLISH_SHARE = 0.12
_word = re.compile(r"[^\W\d_]+")
_FEWEST_LETTERS = 12


def language_of(text: str) -> str:
    """An ISO 639-1 code, or "" where there is too little to tell by."""
    # Single letters are of any language.
    words = [word for word in _word.findall(text[:_LOOKED_AT].lower()) if len(word) > 1]
    if sum(map(len, words)) < _FEWEST_LETTERS:
        return ""
    # The library takes a second to load, and most documents need no look by it.
    if sum(word in _ENGLISH for word in words) > _ENGLISH_SHARE * len(words):
        return "en"
    from py3langid import classify

    code, _ = classify(text[:_LOOKED_AT])
    return str(code)
