"""Questions from text and CSV files, and into them."""

import csv
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile

from config.errors import InvalidInput
from config.threads import give_connection_back
from evaluation.dataset_rows import Table, read_table
from evaluation.models import QuestionSet
from evaluation.question_sets import NewQuestion
from vectordb.parsing.decode import detect_encoding
from vectordb.parsing.delimited import LONGEST_CELL

LARGEST_FILE = 20 << 20  # bytes
_QUESTION_NAMES = ("question", "prompt", "input", "text", "query")
_ANSWER_NAMES = ("expected_answer", "expected answer", "answer", "reference", "response", "output")
# A cell that begins so is a formula to a spreadsheet.
_AT_ONCE = 100
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    def write(self, text: str) -> str:
        return text


def of_lines(text: str) -> list[NewQuestion]:
    """One question per line."""
    return [NewQuestion(line) for line in text.splitlines() if line.strip()]


def of_csv(upload: "UploadedFile[bytes]") -> list[NewQuestion]:
    """A question per row. The columns are known by their usual names, or else the first one holds the
    questions. Raises InvalidInput for a file that cannot be read."""
    if upload.size is None or upload.size > LARGEST_FILE:
        raise InvalidInput(
            f"The file has more than {LARGEST_FILE >> 20} MB: split it.", field="file"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "questions.csv"
        with path.open("wb") as file:
            file.writelines(upload.chunks())
        csv.field_size_limit(LONGEST_CELL)
        try:
            with path.open(encoding=detect_encoding(path), errors="replace", newline="") as opened:
                return _questions(read_table(opened))
        except csv.Error as error:
            raise InvalidInput(
                f"This CSV file cannot be read to its end: {error}. Save it again as CSV.",
                field="file",
            ) from None


def csv_lines(question_set: QuestionSet) -> Iterator[str]:
    """What `of_csv` reads."""
    writer: Any = csv.writer(_Echo())
    yield writer.writerow(["question", "expected_answer"])
    rows = question_set.questions.values_list("number", "text", "expected_answer")
    last = 0
    while some := list(rows.filter(number__gt=last)[:_AT_ONCE]):
        last = some[-1][0]
        # Whoever reads this may take their time with it.
        give_connection_back()
        yield "".join(writer.writerow([_harmless(cell) for cell in row[1:]]) for row in some)


def _questions(table: Table) -> list[NewQuestion]:
    by_name = {column.strip().lower(): column for column in reversed(table.columns) if column}
    asked = next((by_name[name] for name in _QUESTION_NAMES if name in by_name), table.columns[0])
    expected = next((by_name[name] for name in _ANSWER_NAMES if name in by_name), "")
    return [
        NewQuestion(_plain(row[asked]), _plain(row.get(expected, "")))
        for row in table.rows
        if row[asked].strip()
    ]


def _plain(cell: str) -> str:
    """As it was before `_harmless`."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
