"""RTF's signs, one by one, and the code pages that its bytes are in."""

import codecs
import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

DEFAULT_ENCODING = "cp1252"
_token = re.compile(
    rb"""
      \\(?P<word>[a-zA-Z]{1,32})(?P<number>-?[0-9]{1,10})?[ ]?
    | \\(?:'(?P<byte>[0-9a-fA-F]{2})|(?P<literal>[\\{}]))
    | \\(?P<symbol>[^a-zA-Z]|\Z)
    | (?P<open>\{)
    | (?P<close>\})
    | (?P<text>[^\\{}]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_line_ends = b"\r\n"
# The code page of a font's character set. 0 and 1 are those of the document.
_CHARSETS = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gbk", 136: "cp950",
    161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257",
    204: "cp1251", 222: "cp874", 238: "cp1250", 254: "cp437", 255: "cp850",
}  # fmt: skip
_PAGES = {936: "gbk", 1361: "johab", 10000: "mac_roman", 10007: "mac_cyrillic", 65001: "utf-8"}


class Sign(Enum):
    WORD = auto()
    SYMBOL = auto()
    BYTE = auto()
    OPEN = auto()
    CLOSE = auto()
    TEXT = auto()


class Token(NamedTuple):
    """`value` is the word, the symbol, or what is written; `number` what a word is told. `end` is
    where the next one begins."""

    sign: Sign
    value: bytes
    number: int | None
    end: int


_SIGNS = {sign.name.lower(): sign for sign in Sign}
_SIGNS |= {"number": Sign.WORD, "literal": Sign.BYTE}


def tokens(data: bytes) -> Iterator[Token]:
    """All of them in order. What \\bin announces is jumped over."""
    end = 0
    while found := _token.match(data, end):
        sign = _SIGNS[found.lastgroup or ""]
        end, number = found.end(), None
        if sign is Sign.WORD:
            value = found["word"]
            number = int(found["number"]) if found["number"] else None
            end += max(0, number or 0) if value == b"bin" else 0
        elif found["byte"]:
            value = bytes.fromhex(found["byte"].decode())
        elif sign is Sign.TEXT:
            value = found["text"].translate(None, _line_ends)
        else:
            value = found[0].removeprefix(b"\\")
        yield Token(sign, value, number, end)


def encoding_of_charset(number: int) -> str | None:
    return _CHARSETS.get(number)


def encoding_of_page(number: int) -> str:
    name = _PAGES.get(number, f"cp{number}")
    try:
        codecs.lookup(name)
    except LookupError:
        return DEFAULT_ENCODING
    return name
