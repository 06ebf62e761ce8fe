# ruff: noqa: RUF001 - quotes and end marks of other scripts are what this is about
"""Cutting texts into sentences, list items and headings, and these into words."""

import re
from dataclasses import dataclass

_LIST_ITEM = re.compile(r"\s*(?:[-*•‣▪]|\(?\d{1,3}[.)]|\(?[a-z]\))\s+(?=\S)")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(.+?)\s*#*\s*$")
_RULE = re.compile(r"[\s|:+=_*-]+$")
# An end mark with closing quotes, then white space before what can begin a sentence; scripts
# without capitals or spaces have end marks of their own.
_END = re.compile(r"(?<=[.!?…])[\"'”’»)\]]*\s+(?=[\"'“‘«(\[¿¡]*[^\W_a-zß-öø-ÿ])|(?<=[。！？।؟])\s*")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[\"'“])(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|Gen|Col|Lt|Sen|Rep|Rev|Gov|No|Nos|Fig|Figs|Eq"
    r"|Sec|Ch|Art|Vol|pp?|ed|eds|cf|vs|al|ca|approx|e\.g|i\.e|z\.B|d\.h|bzw|Nr|Abs|Inc|Ltd|Co|Corp"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|U\.S|U\.K)\.$"
)
_LONGEST_HEADING = 80  # characters
_WORD = re.compile(r"\w+")
_STEM = 6  # characters; enough to bring "deliver" and "delivery" together
_EMPTY_WORDS = frozenset(
    """what when where which whom whose does many much that this these those with from have were
    been about into than then there their they your would could should will""".split()  # noqa: SIM905 - a list literal would be a column of words
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """`is_heading`: it names what follows and says nothing by itself."""

    text: str
    is_heading: bool = False


def split_sentences(text: str) -> list[Sentence]:
    """The text's sentences in order. Hard line breaks within a paragraph are joined; a list item
    or a table row is a paragraph of its own."""
    sentences = []
    for block in _blocks(text):
        if heading := _HEADING.match(block):
            sentences.append(Sentence(heading.group(1), is_heading=True))
            continue
        item = _LIST_ITEM.match(block)
        parts = _sentences(block[item.end() :] if item else block)
        for part in parts:
            is_heading = len(parts) == 1 and not item and _looks_like_heading(part)
            sentences.append(Sentence(part, is_heading))
    return sentences


def _blocks(text: str) -> list[str]:
    """Paragraphs, list items, table rows and headings, each on one line."""
    blocks: list[str] = []
    is_open = False  # whether the next line may go on with the last block
    for line in text.splitlines():
        if not line.strip() or _RULE.match(line):
            is_open = False
            continue
        is_alone = _HEADING.match(line) is not None or line.lstrip().startswith("|")
        starts = is_alone or _LIST_ITEM.match(line) is not None
        if is_open and not starts:
            blocks[-1] = _joined(blocks[-1], line.strip())
        else:
            blocks.append(line.strip())
        is_open = not is_alone
    return blocks


def _joined(head: str, tail: str) -> str:
    # A word that was divided at the end of the line.
    if re.search(r"[a-zß-öø-ÿ]-$", head) and tail[:1].islower():
        return head[:-1] + tail
    return f"{head} {tail}"


def sentence_ends(paragraph: str) -> list[int]:
    """The offsets at which its sentences end, each with the white space behind it; the last one is the
    paragraph's own end."""
    ends: list[int] = []
    start = 0
    for end in _END.finditer(paragraph):
        if not _ABBREVIATION.search(paragraph[start : end.end()].strip()):
            start = end.end()
            ends.append(start)
    return [*ends, len(paragraph)]


def _sentences(paragraph: str) -> list[str]:
    ends = sentence_ends(paragraph)
    pieces = (paragraph[start:end].strip() for start, end in zip([0, *ends], ends, strict=False))
    return [piece for piece in pieces if piece]


def content_words(text: str) -> set[str]:
    """The stems of the words that carry meaning, by length rather than by a list per language."""
    words = {word for word in _WORD.findall(text.casefold()) if len(word) > 3 or word.isdigit()}
    return {word[:_STEM] for word in words - _EMPTY_WORDS}


def _looks_like_heading(part: str) -> bool:
    """A short line without an end mark; a table's row or a "Name: value" line is no heading."""
    return (
        len(part) <= _LONGEST_HEADING
        and part[-1] not in ".!?…:;,。！？।؟\"'”’)"
        and "|" not in part
        and ": " not in part
        and len(part.split()) <= 10
    )
