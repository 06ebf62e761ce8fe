"""Rows that are documents: a text, the path of the file that it came from, and metadata.

A metadata column holds numbers, or true and false, when all that stands in it does; else texts. So
all its values can be compared with each other.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from vectordb.parsing.base import ParseError, Row, clean

TEXT_COLUMN, PATH_COLUMN = "document", "document_file_path"
# What the path is called in metadata.
SOURCE = "source"
MOST_COLUMNS = 50
LONGEST_VALUE = 5_000

_Value = str | int | float | bool
# A leading zero makes a code of it, not a number; so do more digits than can be told apart.
_whole = re.compile(r"-?(0|[1-9]\d{0,14})")
_fraction = re.compile(r"-?(0|[1-9]\d{0,14})\.\d{1,15}([eE][+-]?\d{1,2})?")
_TRUTHS = {"true": True, "false": False}


def is_header(names: list[str]) -> bool:
    return TEXT_COLUMN in names and PATH_COLUMN in names


@dataclass(frozen=True)
class Header:
    """Where the columns stand. Columns without a name are left out, as an exported index is."""

    names: list[str]
    metadata: dict[int, str] = field(init=False)

    def __post_init__(self) -> None:
        own = (TEXT_COLUMN, PATH_COLUMN, "")
        found = {place: name for place, name in enumerate(self.names) if name not in own}
        object.__setattr__(self, "metadata", found)
        check_columns(self.names)

    @property
    def text(self) -> int:
        return self.names.index(TEXT_COLUMN)

    @property
    def path(self) -> int:
        return self.names.index(PATH_COLUMN)


def check_columns(names: list[str]) -> None:
    """Raise ParseError when these are no columns for documents and their metadata."""
    named = [name for name in names if name]
    if len(named) - 2 > MOST_COLUMNS:
        raise ParseError(
            f"This CSV file has {len(named) - 2} columns of metadata; {MOST_COLUMNS} is the most. "
            "Leave some out."
        )
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice is not None:
        raise ParseError(f"Two columns of this CSV file are called “{twice}”: rename one.")
    if SOURCE in named:
        raise ParseError(
            f"A metadata column cannot be called “{SOURCE}”: that is what the path of a document "
            "is called. Rename it."
        )
    if any(name.startswith("$") or len(name) > 200 for name in named):
        raise ParseError("A column's name has 200 characters at most and does not begin with $.")


Kinds = dict[int, Callable[[str], _Value]]


def kinds_of(rows: Iterator[list[str]], header: Header) -> Kinds:
    """How to read the values of each metadata column; looks at all of them."""
    possible = {place: [_truth, _number] for place in header.metadata}
    for row in rows:
        for place, readers in possible.items():
            cell = row[place].strip() if place < len(row) else ""
            if cell and readers:
                readers[:] = [reader for reader in readers if reader(cell) is not None]
    return {place: _reader(readers) for place, readers in possible.items()}


def _reader(readers: Sequence[Callable[[str], _Value | None]]) -> Callable[[str], _Value]:
    if not readers:
        return str
    reader = readers[0]

    def read_value(cell: str) -> _Value:
        value = reader(cell)
        return cell if value is None else value

    return read_value


def _truth(cell: str) -> bool | None:
    return _TRUTHS.get(cell.lower())


def _number(cell: str) -> int | float | None:
    if _whole.fullmatch(cell):
        return int(cell)
    return float(cell) if _fraction.fullmatch(cell) else None


@dataclass(frozen=True, slots=True)
class DocumentRow:
    text: str
    row: Row


def read(rows: Iterator[list[str]], header: Header, kinds: Kinds) -> Iterator[DocumentRow]:
    """The rows that have a text. A value that is missing is missing in the metadata too."""
    for number, row in enumerate(rows, 1):
        cells = row + [""] * (len(header.names) - len(row))
        text = clean(cells[header.text])
        if not text.strip():
            continue
        source = _checked(cells[header.path], PATH_COLUMN, number)
        metadata = {
            name: kinds[place](value)
            for place, name in header.metadata.items()
            if (value := _checked(cells[place], name, number))
        }
        yield DocumentRow(text, Row(number, source, metadata))


def _checked(cell: str, name: str, number: int) -> str:
    value = clean(cell).strip()
    if len(value) > LONGEST_VALUE:
        raise ParseError(
            f"The value of “{name}” in row {number:,} has more than {LONGEST_VALUE:,} characters, "
            "the most that metadata may have: shorten it."
        )
    return value
