"""XLSX: a sheet is a page, a row a line of its cells' values."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from typing import BinaryIO

import openpyxl
from openpyxl.workbook import Workbook

from vectordb.parsing.base import Heading, ParseError, Segment, clean, one_line
from vectordb.parsing.titles import told_title

MOST_CELLS = 5_000_000
_BATCH = 200
# A value far to the right must not become thousands of separators, in each row.
_WIDEST_GAP = 16
_wide_gaps = re.compile(rf"(?: \| ){{{_WIDEST_GAP + 1},}}")


def parse(path: Path) -> Iterator[Segment]:
    # As a file, for openpyxl judges paths by their ending and stored files have none.
    with path.open("rb") as file:
        yield from _sheets(_open(file))


def _open(file: BinaryIO) -> Workbook:
    try:
        return openpyxl.load_workbook(file, read_only=True, data_only=True)
    except Exception as error:  # openpyxl raises whatever the broken part led to
        raise ParseError(
            "This workbook is damaged and cannot be opened: save it again as XLSX."
        ) from error


def _sheets(book: Workbook) -> Iterator[Segment]:
    sheets, title = book.worksheets, told_title(book.properties.title)
    cells = 0
    for number, sheet in enumerate(sheets, 1):
        lines, name = [sheet.title], one_line(sheet.title)
        headings = (Heading(0, len(clean(sheet.title)), 1, name),) if name.strip(" |") else ()
        for row in sheet.iter_rows(values_only=True):
            cells += len(row)
            if cells > MOST_CELLS:
                raise ParseError(
                    f"This workbook has more than {MOST_CELLS:,} cells: split it into parts."
                )
            lines.append(_wide_gaps.sub(" | " * _WIDEST_GAP, _line(row)))
            if len(lines) >= _BATCH:
                segment = _segment(lines, number, number - 1, len(sheets))
                yield replace(segment, title=title, headings=headings)
                lines, headings = [], ()
        segment = _segment(lines, number, number, len(sheets))
        yield replace(segment, title=title, headings=headings)


def _line(row: Iterable[object]) -> str:
    return " | ".join(map(cell_text, row)).rstrip(" |")


def _segment(lines: list[str], page: int, done: int, total: int) -> Segment:
    text = "".join(f"{line}\n" for line in lines if line.strip(" |"))
    return Segment(clean(text), page=page, done=done, total=total)


def cell_text(value: object) -> str:
    """A value as a person would write it: whole numbers without .0, dates without midnight."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return " ".join(str(value).split())
