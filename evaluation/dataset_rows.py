"""Rows of an uploaded CSV file by the names of its columns, read as a stream."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from config.errors import InvalidInput
from vectordb import files
from vectordb.models import Dataset, Document
from vectordb.parsing.base import Kind
from vectordb.parsing.decode import detect_encoding
from vectordb.parsing.delimited import LONGEST_CELL, find_delimiter

Row = dict[str, str]

_SAMPLE = 20_000
# Longer than any question that could be asked, with its quotes doubled.
_LONGEST_LINE = 2_000_000
# Every row is filled up to so many cells.
_MOST_COLUMNS = 1_000
_FIELD = "dataset"


@dataclass(frozen=True, slots=True)
class Table:
    """An opened file. `rows` can be gone through once; texts are as they stand in the file."""

    columns: list[str]
    rows: Iterator[Row]


def csv_of(dataset: Dataset) -> Document:
    """The one CSV file of a dataset. Raises InvalidInput when there is none, or more than one."""
    found = list(dataset.documents.filter(content_type=Kind.CSV)[:2])
    if not found:
        raise InvalidInput(
            "This dataset has no CSV file: upload one with a column of questions.", field=_FIELD
        )
    if len(found) > 1:
        raise InvalidInput(
            "This dataset has more than one CSV file: make a dataset of the one to ask from.",
            field=_FIELD,
        )
    return found[0]


@contextmanager
def opened(document: Document) -> Iterator[Table]:
    """The document's table. Raises InvalidInput where it cannot be read, also in its middle."""
    path = files.stored_path(document.stored_name)
    csv.field_size_limit(LONGEST_CELL)  # of this process, which may not have read any file yet
    try:
        with path.open(encoding=detect_encoding(path), errors="replace", newline="") as file:
            yield read_table(file)
    except FileNotFoundError:
        raise InvalidInput(
            "The file of this dataset was deleted meanwhile.", field=_FIELD
        ) from None
    except csv.Error as error:
        raise InvalidInput(
            f"This CSV file cannot be read to its end: {error}. Save it again as CSV.", field=_FIELD
        ) from None


def read_table(file: TextIO) -> Table:
    """Raises InvalidInput, at once or while rows are taken, where it is no table."""
    reader = _Reader(file)
    return Table(reader.header, reader.rows())


class _Reader:
    def __init__(self, file: TextIO) -> None:
        self._delimiter = find_delimiter(file.read(_SAMPLE))
        file.seek(0)
        self._cells = csv.reader(_lines(file), delimiter=self._delimiter)
        self.header = self._read_header()

    def _read_header(self) -> list[str]:
        header = [name.removeprefix("\ufeff").strip() for name in next(self._cells, [])]
        if not any(header):
            raise InvalidInput("The first line of the file must name its columns.", field=_FIELD)
        if len(header) > _MOST_COLUMNS:
            raise InvalidInput(
                f"The file has {len(header):,} columns; {_MOST_COLUMNS:,} is the most: leave "
                "some out.",
                field=_FIELD,
            )
        doubles = {name for name in header if name and header.count(name) > 1}
        if doubles:
            raise InvalidInput(
                f"Two columns of the file are called “{min(doubles)}”: rename one.", field=_FIELD
            )
        return header

    def rows(self) -> Iterator[Row]:
        for cells in self._cells:
            if any(cells):
                yield dict(zip(self.header, self._fitted(cells), strict=True))

    def _fitted(self, cells: list[str]) -> list[str]:
        width = len(self.header)
        if width == 1:
            # In a file of one column a comma that is not quoted can only be part of the text.
            return [self._delimiter.join(cells)]
        if len(cells) > width:
            raise InvalidInput(
                f"Line {self._cells.line_num} of the file has {len(cells)} cells, its header only "
                f"{width}: put texts that hold a comma into quotes.",
                field=_FIELD,
            )
        return cells + [""] * (width - len(cells))


def _lines(file: TextIO) -> Iterator[str]:
    while line := file.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise InvalidInput(
                f"A line of the file has more than {_LONGEST_LINE:,} characters: it is not a "
                "table of questions.",
                field=_FIELD,
            )
        yield line.replace("\0", "")
