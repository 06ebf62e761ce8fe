"""What RTF's words do."""

from collections.abc import Callable
from typing import TypeAlias

from vectordb.parsing.rtf_state import State, Target
from vectordb.parsing.rtf_tokens import encoding_of_charset, encoding_of_page

_LAST_CHARACTER, _ALL_OF_16_BITS = 0x10FFFF, 0x10000
# Counted from 0, these are of headings.
_LEVELS = range(9)

_CHARACTERS = {
    b"tab": "\t", b"line": "\n", b"emdash": "\u2014", b"endash": "\u2013", b"bullet": "\u2022",
    b"lquote": "\u2018", b"rquote": "\u2019", b"ldblquote": "\u201c", b"rdblquote": "\u201d",
    b"emspace": " ", b"enspace": " ", b"qmspace": " ", b"nestcell": " ", b"nestrow": " ",
    b"page": "\n", b"column": "\n",
}  # fmt: skip
# Groups that begin with one of these hold nothing to read, or the same once more.
_UNREAD = {
    b"colortbl", b"pict", b"objdata", b"nonshppict", b"shprslt", b"nonesttables", b"xe", b"tc",
    b"header", b"headerl", b"headerr", b"headerf", b"footer", b"footerl", b"footerr", b"footerf",
    b"ftnsep", b"ftnsepc", b"ftncn", b"aftnsep", b"aftnsepc", b"aftncn", b"listtable", b"revtbl",
}  # fmt: skip


_Action: TypeAlias = Callable[[State, int | None], None]


def obey(state: State, word: bytes, number: int | None) -> None:
    if word in _UNREAD:
        state.group.target = Target.NOWHERE
    elif word in _CHARACTERS:
        state.say(_CHARACTERS[word])
    elif word in _ACTIONS:
        _ACTIONS[word](state, number)


def _to(target: Target, within: Target = Target.BODY) -> _Action:
    def turn(state: State, number: int | None) -> None:
        if state.group.target is within:
            state.group.target = target

    return turn


def _sets(name: str, *, is_number: bool = False) -> _Action:
    """A property of the group: its number, or whether it is on."""

    def change(state: State, number: int | None) -> None:
        setattr(state.group, name, max(0, number or 0) if is_number else number != 0)

    return change


def _say_unicode(state: State, number: int | None) -> None:
    code = number or 0
    code += _ALL_OF_16_BITS if code < 0 else 0
    if 0 < code <= _LAST_CHARACTER:
        state.say(chr(code))
    state.to_skip = state.group.replaced


def _begin_footnote(state: State, _number: int | None) -> None:
    state.say(" (")
    state.group.closing = ")"


def _set_font(state: State, number: int | None) -> None:
    if state.group.target is Target.FONTS:
        state.described.number = number or 0
    state.group.font = number or 0


def _set_default_font(state: State, number: int | None) -> None:
    state.default_font = state.group.font = number or 0


def _know_font(encoding_of: Callable[[int], str | None]) -> _Action:
    def know(state: State, number: int | None) -> None:
        encoding = encoding_of(number or 0)
        if state.group.target is Target.FONTS and encoding:
            state.fonts[state.described.number] = encoding

    return know


def _set_encoding(name: str = "") -> _Action:
    def change(state: State, number: int | None) -> None:
        state.encoding = name or encoding_of_page(number or 0)

    return change


def _set_style(state: State, number: int | None) -> None:
    if state.group.target is Target.STYLES:
        state.described.number = number or 0
    state.group.style = number or 0


def _set_level(state: State, number: int | None) -> None:
    level = number + 1 if number is not None and number in _LEVELS else 0
    if state.group.target is Target.STYLES:
        state.described.level = level
    state.group.level = level


def _begin_paragraph(state: State, _number: int | None) -> None:
    group = state.group
    group.style, group.level, group.is_in_table = 0, None, False


def _make_plain(state: State, _number: int | None) -> None:
    state.group.font, state.group.is_hidden = state.default_font, False


_ACTIONS: dict[bytes, _Action] = {
    b"ansicpg": _set_encoding(),
    b"mac": _set_encoding("mac_roman"),
    b"pc": _set_encoding("cp437"),
    b"pca": _set_encoding("cp850"),
    b"fonttbl": _to(Target.FONTS),
    b"stylesheet": _to(Target.STYLES),
    b"info": _to(Target.INFO),
    b"title": _to(Target.TITLE, within=Target.INFO),
    b"shptxt": _to(Target.BODY, within=Target.SHAPE),
    b"footnote": _begin_footnote,
    b"f": _set_font,
    b"deff": _set_default_font,
    b"fcharset": _know_font(encoding_of_charset),
    b"cpg": _know_font(encoding_of_page),
    b"s": _set_style,
    b"outlinelevel": _set_level,
    b"pard": _begin_paragraph,
    b"plain": _make_plain,
    b"intbl": _sets("is_in_table"),
    b"v": _sets("is_hidden"),
    b"deleted": _sets("is_hidden"),
    b"uc": _sets("replaced", is_number=True),
    b"u": _say_unicode,
    b"par": lambda state, _number: state.end_paragraph(),
    b"sect": lambda state, _number: state.end_paragraph(),
    b"cell": lambda state, _number: state.blocks.end_cell(),
    b"row": lambda state, _number: state.blocks.end_row(),
}
