"""CSV in any dialect: a table, read as one line of text a row; or, where its columns say so, a
document a row with metadata (see `document_rows`)."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from vectordb.parsing import document_rows
from vectordb.parsing.base import ParseError, Segment, clean
from vectordb.parsing.decode import read_text

LONGEST_CELL = 10_000_000
_LONGEST_HEADER = 200
# More than any spreadsheet has.
_MOST_COLUMNS = 16_384
_SAMPLE = 20_000
_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Table:
    """`columns` is None where the first line holds no names; `rows` counts those with something."""

    columns: list[str] | None
    rows: int


def describe(path: Path) -> Table:
    """What a CSV file holds. Reads all of it; raises ParseError when it cannot."""
    source = _Source(path)
    with _reading(source) as rows:
        cells = next(rows, [])
        if len(cells) > _MOST_COLUMNS:
            raise ParseError(
                f"The first line of this CSV file has {len(cells):,} columns; {_MOST_COLUMNS:,} is "
                "the most."
            )
        first = [clean(cell).strip() for cell in cells]
        columns = first if is_header(first) or document_rows.is_header(first) else None
        counted = sum(1 for row in rows if any(cell.strip() for cell in row))
    return Table(columns, counted if columns else counted + any(first))


def first_rows(path: Path, count: int) -> Iterator[bytes]:
    """The beginning of the table, as CSV in UTF-8: the names of its columns, where it has them, and
    `count` rows with something in them. Raises ParseError."""
    with _reading(_Source(path)) as rows:
        first = next(rows, [])
        named = [clean(cell).strip() for cell in first]
        yield _line(first)
        has_names = is_header(named) or document_rows.is_header(named)
        filled = (row for row in rows if any(cell.strip() for cell in row))
        for row in islice(filled, count if has_names else count - 1):
            yield _line(row)


def _line(cells: list[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode()


def parse(path: Path) -> Iterator[Segment]:
    source = _Source(path)
    with _reading(source) as rows:
        first = [clean(cell).strip() for cell in next(rows, [])]
        if document_rows.is_header(first):
            kinds = _kinds(path, document_rows.Header(first))
            for found in document_rows.read(rows, document_rows.Header(first), kinds):
                yield Segment(found.text, done=source.done, total=source.total, row=found.row)
            return
        header = first if is_header(first) else None
        yield Segment(row_text(first, None), done=source.done, total=source.total)
        for row in rows:
            cells = [clean(cell).strip() for cell in row]
            yield Segment(row_text(cells, header), done=source.done, total=source.total)


def _kinds(path: Path, header: document_rows.Header) -> document_rows.Kinds:
    with _reading(_Source(path)) as rows:
        next(rows)
        return document_rows.kinds_of(rows, header)


@contextmanager
def _reading(source: "_Source") -> "Iterator[Iterator[list[str]]]":
    csv.field_size_limit(LONGEST_CELL)
    rows = csv.reader(source, delimiter=find_delimiter(source.sample()), strict=False)
    try:
        yield rows
    except csv.Error as error:
        raise ParseError(
            f"This CSV file breaks off at line {rows.line_num}: {error}. Save it again as CSV."
        ) from error


class _Source:
    """The lines of a file, the first of which can be looked at beforehand."""

    def __init__(self, path: Path) -> None:
        self.total = path.stat().st_size
        self.done = 0
        self._blocks = read_text(path)
        self._first: str | None = None

    def sample(self) -> str:
        self._first, self.done = next(self._blocks, ("", 0))
        return self._first[:_SAMPLE]

    def __iter__(self) -> Iterator[str]:
        rest = half = ""
        for block in self._texts():
            # What may be the first half of a line end waits for the other.
            text = half + block.replace("\0", "")
            half = "\r" if text.endswith("\r") else ""
            text = text.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n")
            # Not splitlines(): it also splits at characters that a quoted cell may hold.
            *lines, rest = (rest + text).split("\n")
            yield from (line + "\n" for line in lines)
            if len(rest) > 2 * LONGEST_CELL:
                raise csv.Error("the line is too long")
        if rest:
            yield rest

    def _texts(self) -> Iterator[str]:
        if self._first is not None:
            yield self._first
        for block, done in self._blocks:
            self.done = done
            yield block


def find_delimiter(sample: str) -> str:
    """The separator that stands equally often in most lines; a comma when none does."""
    first_line = next(iter(sample.splitlines()), "")
    for delimiter in _DELIMITERS:
        # Documents hold any sign in any number: their names are surer.
        names = next(csv.reader([first_line], delimiter=delimiter), [])
        if document_rows.is_header([clean(name).strip() for name in names]):
            return delimiter
    lines = [line for line in sample.splitlines()[:50] if line.strip()]

    def score(delimiter: str) -> tuple[int, int]:
        counts = [line.count(delimiter) for line in lines]
        common = max(set(counts), key=counts.count, default=0)
        return (counts.count(common) if common else 0, common)

    best = max(_DELIMITERS, key=score)
    return best if score(best)[0] else ","


def is_header(cells: list[str]) -> bool:
    """Names, each different, none of them a number."""
    return (
        len(cells) > 1
        and all(cell and len(cell) <= _LONGEST_HEADER for cell in cells)
        and len(set(cells)) == len(cells)
        and not any(_is_number(cell) for cell in cells)
    )


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def row_text(cells: list[str], header: list[str] | None) -> str:
    if not any(cells):
        return ""
    if header and len(cells) <= len(header):
        named = zip(header, cells, strict=False)
        return " | ".join(f"{name}: {cell}" for name, cell in named if cell) + "\n"
    return " | ".join(cells) + "\n"
