"""The parser's own process: `python -m vectordb.parsing.reader`.

It reads one JSON request a line from standard input and answers with JSON lines: chunks with the
progress made, then an end or an error. A full pipe makes it wait, so that nothing piles up.
"""

import json
import os
import resource
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from config.errors import AppError
from vectordb.chunking import Chunk
from vectordb.embedding_models import EmbeddingModel, remember
from vectordb.parsing.base import Kind, ParseError, Parser, Segment
from vectordb.parsing.code import LANGUAGES
from vectordb.parsing.cutting import Cutter

_BATCH = 32
_LOOK_SECONDS = 1.0
# More than the largest file that may be uploaded has, when it is text.
MOST_CHARACTERS = 250_000_000

# Imported when first needed: the libraries are large, and most jobs need one of them.
_MODULES = {
    Kind.PDF: "pdf",
    Kind.DOCX: "docx",
    Kind.PPTX: "pptx",
    Kind.XLSX: "xlsx",
    Kind.HTML: "html",
    Kind.MARKDOWN: "markdown",
    Kind.EPUB: "epub",
    Kind.RTF: "rtf",
    Kind.EML: "eml",
    Kind.JSON: "json_values",
    Kind.CSV: "delimited",
    Kind.TEXT: "text",
    **dict.fromkeys(LANGUAGES, "text"),
}


def parser_of(kind: str, *, is_glance: bool = False) -> Parser:
    """What reads files of this kind; for a glance, what tells only whether they can be opened."""
    module = import_module(f"vectordb.parsing.{_MODULES[Kind(kind)]}")
    parse: Parser = module.parse
    glance: Parser = getattr(module, "glance", parse)
    return glance if is_glance else parse


def read(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Messages for one file; the last is {"end": true}."""
    is_glance = request["chunking"] is None and not request["whole"]
    parse = parser_of(request["kind"], is_glance=is_glance)
    segments = bounded(parse(Path(request["path"])))
    if request["chunking"] is None:
        yield from texts(islice(segments, 1) if is_glance else segments)
        return
    if "model" in request:
        remember(EmbeddingModel(**request["model"]))
    cutter = Cutter(**request["chunking"], kind=request["kind"])
    batch: list[Chunk] = []
    count = done = total = 0
    for number, segment in enumerate(segments, 1):
        batch.extend(cutter.feed(segment))
        done, total = segment.done, segment.total
        # Now and then without a chunk too: progress is made on empty pages as well.
        if len(batch) >= _BATCH or number % _BATCH == 0 or segment.is_recognized:
            yield message(batch, done, total) | {"recognized": segment.is_recognized}
            count += len(batch)
            batch = []
    batch.extend(cutter.finish())
    if not count + len(batch):
        raise ParseError("There is no text in this file.")
    yield message(batch, done, total)
    yield {"end": True}


def bounded(segments: Iterator[Segment]) -> Iterator[Segment]:
    """A small file may unfold to more text than a large one holds."""
    left = MOST_CHARACTERS
    for segment in segments:
        left -= len(segment.text)
        if left < 0:
            raise ParseError(
                f"There are more than {MOST_CHARACTERS:,} characters of text in this file: split it."
            )
        yield segment


def message(batch: list[Chunk], done: int, total: int) -> dict[str, Any]:
    rows = [
        [
            *(c.position, c.page, c.start, c.end, c.token_count, c.text, c.row, c.metadata),
            *(c.language, c.title, c.headings),
        ]
        for c in batch
    ]
    return {"chunks": rows, "done": done, "total": total}


def texts(segments: Iterator[Segment]) -> Iterator[dict[str, Any]]:
    """The text alone, portion by portion, each with its document's path where a row tells it."""
    for segment in segments:
        source = segment.row and segment.row.source
        yield {"text": segment.text, "source": source, "recognized": segment.is_recognized}
    yield {"end": True}


def answers(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """As `read`, with every failure as a message."""
    try:
        yield from read(request)
    except AppError as error:
        yield {"error": error.message}
    except MemoryError:
        yield {"error": "This file needs more memory than it may have: split it into parts."}
    except Exception:
        yield {"crash": traceback.format_exc(limit=-20)}


def serve(requests: TextIO, output: TextIO) -> None:
    for line in requests:
        for answer in answers(json.loads(line)):
            output.write(json.dumps(answer, ensure_ascii=False, separators=(",", ":")) + "\n")
            output.flush()


def _end_with_parent() -> None:
    """A worker that was killed leaves nobody to read for.

    A thread looks once a second, which a library that computes lets run; so does an alarm, for
    regular expressions: they keep all threads from running, but look for signals.
    """
    parent = os.getppid()

    def look(*_: object) -> None:
        if os.getppid() != parent:
            # With whatever it started itself: the group is its own, see `ParserProcess`.
            os.killpg(0, signal.SIGKILL)

    def keep_looking() -> None:
        while True:
            time.sleep(_LOOK_SECONDS)
            look()

    threading.Thread(target=keep_looking, daemon=True).start()
    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, _LOOK_SECONDS, _LOOK_SECONDS)


def main() -> None:
    memory = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # openpyxl warns of formatting that it does not know; values are all that is asked for.
    warnings.simplefilter("ignore")
    _end_with_parent()
    # Whatever a library prints must not get between the messages.
    output = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(sys.stdin, output)


if __name__ == "__main__":
    main()
