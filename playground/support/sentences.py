"""The sentences of an answer, found in its parsed markdown: to be measured, and to be marked.

Both find the same ones, so that what was measured belongs to them by its order. Headings, tables,
code and math make no statements of their own and are left out, as are questions and the lines that
announce a list.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from blueprints.providers.sentences import sentence_ends
from playground.support.scores import Level, Support

_LEFT_OUT = {"heading_open", "th_open", "td_open"}
_BREAKS = {"softbreak", "hardbreak"}
_NO_STATEMENT = ("?", ":", "？", "：")  # noqa: RUF001 - the marks of other scripts
# Letters and digits: "Yes." and "See above:" state nothing that a passage could support.
_SHORTEST = 8
# What a citation leaves behind before the end of its sentence.
_GAP = re.compile(r"\s+(?=[.,;!?])")


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of an answer, and the numbers of the passages that it cites."""

    text: str
    numbers: tuple[int, ...]


def find_sentences(state: StateCore) -> None:
    """A rule behind the one that finds citations. Fills the list `sentences` of the environment, where
    there is one, and marks the sentences by its `support`, if that has one for each of them."""
    found: list[Said] | None = state.env.get("sentences")
    support: Sequence[Support] = state.env.get("support") or ()
    if found is None and not support:
        return
    blocks = [(block, _stretches(block.children or [])) for block in _statements(state.tokens)]
    said = [one for _, stretches in blocks for one in map(_said, stretches) if one is not None]
    if found is not None:
        found.extend(said)
    # Cut in another way since: what belongs to which sentence nobody knows any more.
    if len(support) != len(said):
        return
    left = iter(support)
    for block, stretches in blocks:
        block.children = [
            token
            for stretch in stretches
            for token in (_marked(stretch, next(left)) if _said(stretch) else stretch)
        ]


def _statements(tokens: Sequence[Token]) -> Iterator[Token]:
    before = ""
    for token in tokens:
        if token.type == "inline" and before not in _LEFT_OUT:
            yield token
        before = token.type


def _stretches(tokens: Sequence[Token]) -> list[list[Token]]:
    """The tokens of each sentence. What is emphasised or linked as a whole is never cut; a citation
    behind a sentence's end belongs to it."""
    cuts = set(sentence_ends("".join(map(_plain, tokens)))[:-1])
    stretches: list[list[Token]] = [[]]
    at = depth = 0
    for token in tokens:
        text = _plain(token)
        if at in cuts and not depth and (text or token.nesting > 0):
            stretches.append([])
        if token.type == "text" and not depth:
            first, *others = _pieces(text, [cut - at for cut in cuts])
            stretches[-1].append(_text(first))
            stretches.extend([_text(piece)] for piece in others)
        else:
            stretches[-1].append(token)
        depth += token.nesting
        at += len(text)
    return stretches


def _pieces(text: str, cuts: Sequence[int]) -> list[str]:
    inside = sorted(cut for cut in cuts if 0 < cut < len(text))
    return [text[start:end] for start, end in zip([0, *inside], [*inside, len(text)], strict=True)]


def _plain(token: Token) -> str:
    """What a reader reads of it, without the numbers of citations."""
    if token.type in _BREAKS:
        return "\n"
    return "" if token.type == "citation" else token.content


def _said(stretch: Sequence[Token]) -> Said | None:
    text = _GAP.sub("", "".join(map(_plain, stretch))).strip()
    if sum(map(str.isalnum, text)) < _SHORTEST or text.endswith(_NO_STATEMENT):
        return None
    numbers = [token.meta["number"] for token in stretch if token.type == "citation"]
    return Said(text, tuple(dict.fromkeys(numbers)))


def _marked(stretch: list[Token], support: Support) -> list[Token]:
    """In a span that tells the support, with a link behind it where there is something to say."""
    body, rest = _without_end(stretch)
    attributes: dict[str, str | int | float] = {
        "class": "said",
        "data-support": support.level.value,
        "data-by": support.number,
        "title": _title(support),
    }
    marks = []
    if support.level != Level.SUPPORTED or not support.is_cited:
        marks = [Token("support_mark", "a", 0, meta={"support": support})]
    opening = Token("sentence_open", "span", 1, attrs=attributes)
    return [opening, *body, *marks, Token("sentence_close", "span", -1), *rest]


def _without_end(stretch: list[Token]) -> tuple[list[Token], list[Token]]:
    """The white space at the end is not part of what is marked."""
    body = list(stretch)
    rest: list[Token] = []
    while body and (body[-1].type in _BREAKS or _is_blank(body[-1])):
        rest.insert(0, body.pop())
    if body and body[-1].type == "text":
        content = body[-1].content
        kept = content.rstrip()
        body[-1] = _text(kept)
        rest.insert(0, _text(content[len(kept) :]))
    return body, rest


def _is_blank(token: Token) -> bool:
    return token.type == "text" and not token.content.strip()


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _title(support: Support) -> str:
    how = {
        Level.SUPPORTED: "Supported by passage",
        Level.WEAK: "Weakly supported by passage",
        Level.NONE: "Not supported; the closest is passage",
    }[support.level]
    cites = "" if support.is_cited else ", which it does not cite"
    lacks = f"; the passage does not have {support.missing}" if support.missing else ""
    return f"{how} {support.number}{cites} ({support.score:.0%}){lacks}"
