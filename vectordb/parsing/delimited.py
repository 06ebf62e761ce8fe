"""CSV in any dialect: one line of text a row, each value named by its column."""

import csv
from collections.abc import Iterator
from pathlib import Path

from vectordb.parsing.base import ParseError, Segment, clean
from vectordb.parsing.decode import read_text

_LONGEST_CELL = 10_000_000
_LONGEST_HEADER = 200
_SAMPLE = 20_000
_DELIMITERS = ",;\t|"


def parse(path: Path) -> Iterator[Segment]:
    csv.field_size_limit(_LONGEST_CELL)
    source = _Source(path)
    try:
        rows = csv.reader(source, delimiter=find_delimiter(source.sample()), strict=False)
        header: list[str] | None = None
        for number, row in enumerate(rows):
            cells = [clean(cell).strip() for cell in row]
            if number == 0 and is_header(cells):
                header = cells
            text = row_text(cells, header if number else None)
            yield Segment(text, done=source.done, total=source.total)
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
        if self._first is not None:
            yield from self._lines(self._first)
        for block, done in self._blocks:
            self.done = done
            yield from self._lines(block)

    @staticmethod
    def _lines(block: str) -> Iterator[str]:
        # Not splitlines(): it also splits at characters that a quoted cell may hold.
        yield from (line + "\n" for line in block.replace("\0", "").split("\n"))


def find_delimiter(sample: str) -> str:
    """The separator that stands equally often in most lines; a comma when none does."""
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
