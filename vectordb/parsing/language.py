"""In which language a text is written."""

import re

# Enough to tell.
_LOOKED_AT = 2_000
# Most English sentences hold some of these, and sentences of other languages hardly any.
_ENGLISH = frozenset((
    "and", "are", "been", "for", "from", "has", "have", "his", "is", "it", "of", "that", "the",
    "their", "there", "they", "this", "to", "was", "were", "what", "which", "with", "would",
))  # fmt: skip
_ENGLISH_SHARE = 0.12
_word = re.compile(r"[^\W\d_]+")
# Latin letters tell less than those of other scripts.
_FEWEST_LETTERS, _FEWEST_ASCII = 8, 24
# What the library tells apart, and nobody who searches.
_SAME = {"nn": "no", "nb": "no"}
_CODE_LENGTH = 2  # ISO 639-1 has no longer ones


def language_of(text: str) -> str:
    """An ISO 639-1 code, or "" where there is too little to tell by."""
    # Single letters are of any language.
    words = [word for word in _word.findall(text[:_LOOKED_AT].lower()) if len(word) > 1]
    letters = "".join(words)
    if len(letters) < (_FEWEST_ASCII if letters.isascii() else _FEWEST_LETTERS):
        return ""
    # The library takes a second to load, and most documents need no look by it.
    if sum(word in _ENGLISH for word in words) > _ENGLISH_SHARE * len(words):
        return "en"
    from py3langid import classify

    code = str(classify(text[:_LOOKED_AT])[0])
    return _SAME.get(code, code) if len(code) == _CODE_LENGTH else ""
