"""How two versions differ: texts by words, settings and retrieval by what changed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Literal

from blueprints.models import BlueprintVersion
from playground.prompt_pages.contents import Contents, ShownMessage, contents_of
from playground.repetition import is_repetitive

Change = Literal["same", "changed", "added", "removed"]

# With the blanks behind it: by themselves they would be found everywhere.
_WORD = re.compile(r"(?:\{\{[^{}]*\}\}|\w+|[^\w\s])[^\S\n]*|\s+")
# Comparing takes the product of both: parts that are longer are told as a whole.
_MOST_WORDS = 2_000
_MOST_LINES = 1_000


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that both have, or one of them."""

    change: Change
    text: str


@dataclass(frozen=True, slots=True)
class TextDiff:
    title: str
    change: Change
    pieces: list[Piece]


@dataclass(frozen=True, slots=True)
class ChangedValue:
    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class VersionDiff:
    texts: list[TextDiff]
    settings: list[ChangedValue]
    retrieval: list[ChangedValue]

    @property
    def is_empty(self) -> bool:
        is_same = all(text.change == "same" for text in self.texts)
        return is_same and not self.settings and not self.retrieval


def diff_of(old: BlueprintVersion, new: BlueprintVersion) -> VersionDiff:
    """Reads the LLMs and vector databases of both."""
    left, right = contents_of(old), contents_of(new)
    return VersionDiff(
        texts=[*_messages(left.messages, right.messages), *_tools(left, right)],
        settings=_changed(left.settings, right.settings),
        retrieval=_changed(left.retrieval, right.retrieval),
    )


def changed_names(old: BlueprintVersion, new: BlueprintVersion) -> list[str]:
    """What differs, without how. Reads the LLMs and vector databases of both."""
    left, right = contents_of(old), contents_of(new)
    texts = {"Messages": left.messages != right.messages, "Tools": left.tools != right.tools}
    values = [*_changed(left.settings, right.settings), *_changed(left.retrieval, right.retrieval)]
    return [*(name for name, is_new in texts.items() if is_new), *(one.name for one in values)]


def words_diff(old: str, new: str) -> list[Piece]:
    """By lines, and by words inside the lines that differ."""
    left, right = old.splitlines(keepends=True), new.splitlines(keepends=True)
    if max(len(left), len(right)) > _MOST_LINES:
        return _joined(_whole(old, new))
    pieces: list[Piece] = []
    for tag, i, j, k, m in _matcher(left, right).get_opcodes():
        before, after = "".join(left[i:j]), "".join(right[k:m])
        pieces += [Piece("same", before)] if tag == "equal" else _by_words(before, after)
    return _joined(pieces)


def _by_words(old: str, new: str) -> Iterator[Piece]:
    left, right = _WORD.findall(old), _WORD.findall(new)
    if max(len(left), len(right)) > _MOST_WORDS:
        yield from _whole(old, new)
        return
    for tag, i, j, k, m in _matcher(left, right).get_opcodes():
        if tag == "equal":
            yield Piece("same", "".join(left[i:j]))
        else:
            yield from _whole("".join(left[i:j]), "".join(right[k:m]))


def _matcher(left: Sequence[str], right: Sequence[str]) -> "SequenceMatcher[str]":
    return SequenceMatcher(None, left, right, autojunk=is_repetitive(left, right))


def _whole(old: str, new: str) -> Iterator[Piece]:
    if old:
        yield Piece("removed", old)
    if new:
        yield Piece("added", new)


def _joined(pieces: Iterator[Piece] | Sequence[Piece]) -> list[Piece]:
    """Neighbours of one kind as one piece."""
    found: list[Piece] = []
    for piece in pieces:
        if found and found[-1].change == piece.change:
            found[-1] = Piece(piece.change, found[-1].text + piece.text)
        else:
            found.append(piece)
    return found


def _messages(left: list[ShownMessage], right: list[ShownMessage]) -> list[TextDiff]:
    """What stands at the same place between messages that both have is one message changed."""
    found: list[TextDiff] = []
    for tag, i, j, k, m in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag == "equal":
            found += [_text(one.role, one.text, one.text) for one in left[i:j]]
            continue
        for old, new in zip_longest(left[i:j], right[k:m]):
            found += _pair(old, new)
    return found


def _pair(old: ShownMessage | None, new: ShownMessage | None) -> Iterator[TextDiff]:
    if old and new and old.role == new.role:
        yield _text(old.role, old.text, new.text)
        return
    if old:
        yield _text(old.role, old.text, None)
    if new:
        yield _text(new.role, None, new.text)


def _tools(left: Contents, right: Contents) -> list[TextDiff]:
    if not left.tools and not right.tools:
        return []
    return [_text("tools", left.tools or None, right.tools or None)]


def _text(title: str, old: str | None, new: str | None) -> TextDiff:
    if old == new:
        return TextDiff(title, "same", [Piece("same", old or "")])
    if old is None or new is None:
        change: Change = "added" if old is None else "removed"
        return TextDiff(title, change, [Piece(change, old or new or "")])
    return TextDiff(title, "changed", words_diff(old, new))


def _changed(left: dict[str, str], right: dict[str, str]) -> list[ChangedValue]:
    """Both have the same names."""
    return [
        ChangedValue(name, old, right[name]) for name, old in left.items() if old != right[name]
    ]
