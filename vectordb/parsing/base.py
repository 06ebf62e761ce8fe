"""What every parser yields, and the kinds of file there are."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from config.errors import AppError


class Kind(StrEnum):
    """What a file is, as its content says. Values are media types."""

    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    HTML = "text/html"
    MARKDOWN = "text/markdown"
    EPUB = "application/epub+zip"
    RTF = "application/rtf"
    EML = "message/rfc822"
    JSON = "application/json"
    CSV = "text/csv"
    TEXT = "text/plain"
    ZIP = "application/zip"
    # Source code; in languages that are not here, it is plain text.
    PYTHON = "text/x-python"
    JAVASCRIPT = "text/javascript"
    TYPESCRIPT = "text/x-typescript"
    JAVA = "text/x-java"
    KOTLIN = "text/x-kotlin"
    SCALA = "text/x-scala"
    SWIFT = "text/x-swift"
    GO = "text/x-go"
    RUST = "text/x-rust"
    C = "text/x-c"
    CPP = "text/x-c++"
    CSHARP = "text/x-csharp"
    RUBY = "text/x-ruby"
    PHP = "text/x-php"
    LUA = "text/x-lua"
    POWERSHELL = "text/x-powershell"
    PROTO = "text/x-protobuf"


# Of a heading or a title, more is running text.
LONGEST_HEADING = 200

# A page that is an image may take so long to read.
RECOGNITION_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a file that holds one document a row: its number there, from 1, and what it says of
    its document. Rows with the same source are parts of one document."""

    number: int
    source: str
    metadata: dict[str, str | int | float | bool]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading, from `start` to `end` in the text of its segment. Level 1 is the highest."""

    start: int
    end: int
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Segment:
    """The next portion of a document's text. `done` of `total` of the file has been read so far.

    With a `row` the text is all of that row's. `is_recognized`: it was found in an image, which
    takes its time. `title` is the document's, where the file tells it: with its first segment.
    """

    text: str
    page: int | None = None
    done: int = 0
    total: int = 0
    row: Row | None = None
    is_recognized: bool = False
    title: str = ""
    headings: tuple[Heading, ...] = ()


Parser = Callable[[Path], Iterator[Segment]]


class ParseError(AppError):
    """The file cannot be read; the message says why and what to do."""


def size_within(path: Path, most: int, what: str, advice: str) -> int:
    """Bytes of a file that is read as a whole. Raises ParseError, with the advice, for too many."""
    size = path.stat().st_size
    if size > most:
        raise ParseError(
            f"This {what} has {size >> 20} MB; {most >> 20} MB is the most that can be read: {advice}."
        )
    return size


_noise = re.compile(
    # Control characters but tab and newline, lone surrogates, and what stands for no character.
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]"
)
_line_ends = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_long_gaps = re.compile("[^\\S\n]{17,}")
_blank_lines = re.compile("\n(?:[^\\S\n]*\n){3,}")


def clean(text: str) -> str:
    """The text without what cannot be stored or read: control characters, endless blank space."""
    text = _noise.sub("", _line_ends.sub("\n", text))
    return _blank_lines.sub("\n\n\n", _long_gaps.sub(" " * 16, text))


def one_line(text: str) -> str:
    """A heading or a title as it is shown: its words in one line, not too many."""
    line = " ".join(clean(text).split())
    return line if len(line) <= LONGEST_HEADING else f"{line[: LONGEST_HEADING - 1].rstrip()}…"
