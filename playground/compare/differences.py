"""How two answers to one question differ: in their words, and in what they read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Protocol

from playground.repetition import is_repetitive

# Beyond, finding what is common takes seconds.
_MOST_WORDS = 4_000
_WORD = re.compile(r"\S+\s*")

_Passage = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Words:
    """A run of words: `same` in both, `only left` or `only right`; `space` follows it."""

    kind: str
    text: str
    space: str


@dataclass(frozen=True, slots=True)
class PassageRow:
    """A passage with its rank at either side, where it has one. Of one that both have, `shift` says
    where it went from left to right."""

    passage: _Passage
    left: int | None
    right: int | None

    @property
    def shift(self) -> str:
        if self.left is None or self.right is None:
            return ""
        moved = self.left - self.right
        if not moved:
            return "same rank"
        return f"{abs(moved)} {'up' if moved > 0 else 'down'}"


@dataclass(frozen=True, slots=True)
class Differences:
    """`words` is None where the answers are too long."""

    words: list[Words] | None
    passages: list[PassageRow]

    @property
    def shared(self) -> int:
        return sum(bool(row.shift) for row in self.passages)

    @property
    def only_left(self) -> int:
        return sum(row.right is None for row in self.passages)

    @property
    def only_right(self) -> int:
        return sum(row.left is None for row in self.passages)


class Answer(Protocol):
    """What is read of an answer, of a chat or replayed."""

    @property
    def result_text(self) -> str: ...

    @property
    def citations(self) -> list[_Passage]: ...

    @property
    def vector_database_id(self) -> str | None: ...


def differences(left: Answer, right: Answer) -> Differences:
    is_one = left.vector_database_id == right.vector_database_id
    return Differences(
        words=_words(left.result_text, right.result_text),
        passages=_passages(left.citations, right.citations, is_one=is_one),
    )


def _words(left: str, right: str) -> list[Words] | None:
    """Word by word, without regard to white space."""
    ours, theirs = _WORD.findall(left), _WORD.findall(right)
    if max(len(ours), len(theirs)) > _MOST_WORDS:
        return None
    left_words, right_words = [[word.rstrip() for word in one] for one in (ours, theirs)]
    matcher = SequenceMatcher(
        None, left_words, right_words, autojunk=is_repetitive(left_words, right_words)
    )
    return list(_runs(matcher, ours, theirs))


def _runs(matcher: "SequenceMatcher[str]", ours: list[str], theirs: list[str]) -> Iterator[Words]:
    for kind, start, end, their_start, their_end in matcher.get_opcodes():
        if kind == "equal":
            yield _run("same", ours[start:end])
            continue
        if end > start:
            yield _run("only left", ours[start:end])
        if their_end > their_start:
            yield _run("only right", theirs[their_start:their_end])


def _run(kind: str, words: list[str]) -> Words:
    whole = "".join(words)
    text = whole.rstrip()
    return Words(kind, text, whole[len(text) :] or " ")


def _passages(left: list[_Passage], right: list[_Passage], *, is_one: bool) -> list[PassageRow]:
    """In the order of the left side, then what only the right one has. The numbers that the answers
    gave their passages are their ranks."""
    is_same = _is_same_chunk if is_one else _is_same_text
    free = list(right)
    rows = []
    for passage in left:
        other = next((one for one in free if is_same(passage, one)), None)
        if other is not None:
            free.remove(other)
        rows.append(PassageRow(passage, passage["number"], other["number"] if other else None))
    return rows + [PassageRow(passage, None, passage["number"]) for passage in free]


def _is_same_chunk(one: _Passage, other: _Passage) -> bool:
    return bool(one["chunk_id"] == other["chunk_id"])


def _is_same_text(one: _Passage, other: _Passage) -> bool:
    """Each database cuts documents in its own way: half of the shorter passage is to be common."""
    if (one["document_id"], one["source"]) != (other["document_id"], other["source"]):
        return False
    common = min(one["end"], other["end"]) - max(one["start"], other["start"])
    shorter = min(one["end"] - one["start"], other["end"] - other["start"])
    return bool(common > 0 and 2 * common >= shorter)
