"""RTF as Word, TextEdit and LibreOffice write it: paragraphs and tables in the order in which they
stand. What is not text for the reader (pictures, headers, hidden text) is left out."""

import re
from collections.abc import Callable, Iterator
from copy import copy
from pathlib import Path

from vectordb.parsing.base import Heading, ParseError, Segment, clean, one_line
from vectordb.parsing.rtf_state import Described, Group, State, Target
from vectordb.parsing.rtf_text import Block
from vectordb.parsing.rtf_tokens import Sign, Token, tokens
from vectordb.parsing.rtf_words import obey
from vectordb.parsing.titles import told_title

MOST_NESTED = 1_000
_BROKEN_OFF = "This RTF document breaks off before its end: save or download it again."
_SYMBOLS = {b"~": "\u00a0", b"_": "-", b"\t": "\t"}
_heading_style = re.compile(r"heading ([1-9])", re.IGNORECASE)


def parse(path: Path) -> Iterator[Segment]:
    data = path.read_bytes()
    reader, is_after_row = _Reader(), False
    for token in tokens(data):
        for block in reader.take(token):
            gap = "\n" if is_after_row and not block.is_row else ""
            is_after_row = block.is_row
            text = clean(gap + block.text)
            yield Segment(
                text,
                done=token.end,
                total=len(data),
                title=reader.title,
                headings=tuple(_headings(text, block)),
            )
        if reader.is_at_end:
            return
    raise ParseError(_BROKEN_OFF)


def _headings(text: str, block: Block) -> Iterator[Heading]:
    shown = one_line(text) if block.level else ""
    if shown:
        yield Heading(text.index(shown[0]), len(text.rstrip()), block.level, shown)


class _Reader:
    def __init__(self) -> None:
        self.is_at_end = False
        self._state = State()
        self._bytes = bytearray()
        self._is_optional = False  # the group that just began
        self._taken: dict[Sign, Callable[[Token], None]] = {
            Sign.OPEN: self._open,
            Sign.CLOSE: self._close,
            Sign.SYMBOL: self._symbol,
            Sign.WORD: self._word,
        }

    @property
    def title(self) -> str:
        return self._state.title

    def take(self, token: Token) -> list[Block]:
        """What it completes. Raises ParseError."""
        if not self._state.groups and token.sign is not Sign.OPEN:
            return []
        if self._state.to_skip and token.sign not in (Sign.OPEN, Sign.CLOSE):
            token = self._rest_of(token)
        if token.sign in (Sign.TEXT, Sign.BYTE):
            # A character may be some of both.
            self._bytes += token.value
            return []
        self._flush()
        self._taken[token.sign](token)
        return self._state.blocks.take()

    def _rest_of(self, token: Token) -> Token:
        is_text = token.sign is Sign.TEXT
        skipped = min(self._state.to_skip, len(token.value)) if is_text else 1
        self._state.to_skip -= skipped
        return token._replace(sign=Sign.TEXT, value=token.value[skipped:] if is_text else b"")

    def _flush(self) -> None:
        if self._bytes:
            state = self._state
            encoding = state.fonts.get(state.group.font, state.encoding)
            text = self._bytes.decode(encoding, "replace")
            self._bytes.clear()
            state.say(text)

    def _open(self, token: Token) -> None:
        state = self._state
        if len(state.groups) >= MOST_NESTED:
            raise ParseError(
                f"In this RTF document more than {MOST_NESTED:,} groups stand in each other: save "
                "it again in the program that made it."
            )
        state.groups.append(copy(state.group) if state.groups else Group())
        state.group.closing, state.to_skip = "", 0
        self._is_optional = False

    def _close(self, token: Token) -> None:
        state = self._state
        group, state.to_skip = state.group, 0
        if group.target is Target.TITLE:
            state.title = state.title or told_title("".join(state.described.words))
        elif group.target is Target.STYLES:
            self._learn_style()
        if group.target in (Target.TITLE, Target.STYLES, Target.FONTS):
            state.described = Described()
        if len(state.groups) == 1:
            state.blocks.end_paragraph(0)
            self.is_at_end = True
        state.groups.pop()
        if state.groups:
            state.say(group.closing)

    def _learn_style(self) -> None:
        told = self._state.described
        name = "".join(told.words).strip(" ;")
        named = _heading_style.fullmatch(name)
        if name:
            self._state.levels[told.number] = int(named[1]) if named else told.level

    def _symbol(self, token: Token) -> None:
        if token.value == b"*":
            self._is_optional = True
        elif token.value in (b"\r", b"\n"):
            self._state.end_paragraph()
        else:
            self._state.say(_SYMBOLS.get(token.value, ""))

    def _word(self, token: Token) -> None:
        group = self._state.group
        is_optional, self._is_optional = self._is_optional, False
        if group.target is Target.NOWHERE:
            return
        if is_optional:
            group.target = Target.SHAPE if token.value == b"shpinst" else Target.NOWHERE
        else:
            obey(self._state, token.value, token.number)
