"""A dataset as one CSV file."""

import csv
import io
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from config.errors import Conflict
from config.threads import give_connection_back
from vectordb import files
from vectordb.models import Dataset, Document
from vectordb.parser_process import ParserProcess
from vectordb.parsing.base import Kind, ParseError
from vectordb.parsing.decode import read_text
from vectordb.parsing.document_rows import PATH_COLUMN, TEXT_COLUMN

_IN_MEMORY = 1 << 20
# Each keeps a parser's process and a thread of the web server busy, for minutes where much is read.
_AT_ONCE = threading.BoundedSemaphore(2)


def as_csv(dataset: Dataset, is_unwanted: Callable[[], bool]) -> IO[bytes]:
    """An open file: the only document's own content where that is a CSV file, in UTF-8; else a row
    for each document, with its text, which is blank where it cannot be read, and its path.

    Raises Conflict while too many others are put together, and once `is_unwanted()`."""
    documents = list(dataset.documents.order_by("created_at", "id"))
    give_connection_back()
    output = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - the response closes it
    try:
        for block in _blocks(documents, is_unwanted):
            output.write(block.encode())
        output.seek(0)
    except BaseException:
        output.close()
        raise
    return output


def _blocks(documents: list[Document], is_unwanted: Callable[[], bool]) -> Iterator[str]:
    if len(documents) == 1 and documents[0].content_type == Kind.CSV:
        for text, _ in read_text(files.stored_path(documents[0].stored_name)):
            yield text
        return

    def check() -> None:
        if is_unwanted():
            raise Conflict("Nobody waits for this any more.")

    yield _line([TEXT_COLUMN, PATH_COLUMN])
    with _turn(), ParserProcess(check) as parser:
        for document in documents:
            for path, text in _texts(parser, document):
                yield _line([text, path])


@contextmanager
def _turn() -> Iterator[None]:
    if not _AT_ONCE.acquire(blocking=False):
        raise Conflict("The data of other datasets is being put together: try again in a minute.")
    try:
        yield
    finally:
        _AT_ONCE.release()


def _texts(parser: ParserProcess, document: Document) -> Iterator[tuple[str, str]]:
    """The document's path and text, or those of each of its rows."""
    parts: list[str] = []
    try:
        path = files.stored_path(document.stored_name)
        for portion in parser.texts(path, document.content_type):
            if portion.source is not None:
                yield portion.source or document.name, portion.text
            else:
                parts.append(portion.text)
    except ParseError:
        parts = []
    if not document.holds_documents:
        yield document.name, "".join(parts)


def _line(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
