"""Pages of PDFs for the source view: their pictures, and where a passage stands on them.

Whatever is in a document, it is opened in a process of its own that is capped like the parser's.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from django.conf import settings

from config.errors import Conflict, NotFound
from config.threads import give_connection_back
from vectordb import files
from vectordb.models import Document
from vectordb.parser_process import child_environment
from vectordb.parsing.base import Kind

logger = logging.getLogger(__name__)

# Of what is made here; a browser keeps a picture until it changes.
VERSION = 1
_SECONDS = 20.0
_LOOK_UP_SECONDS = 0.25
# Each keeps a process busy. A page is there within a second, so those who come meanwhile wait.
_AT_ONCE = threading.BoundedSemaphore(3)
_WAIT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """A rectangle on a page, in ten thousandths of the page's width and height."""

    x: int
    y: int
    width: int
    height: int


def has_pages(document: Document) -> bool:
    return document.content_type == Kind.PDF


def etag(document: Document, page: int) -> str:
    return f'"{document.sha256}-{page}-{VERSION}"'


def picture(document: Document, page: int, is_unwanted: Callable[[], bool]) -> bytes:
    """The page, from 1, as a PNG file.

    Raises NotFound where there is no such page or it cannot be drawn, and Conflict while too many
    others are drawn or once `is_unwanted()`.
    """
    return _looked_at(document, page, None, is_unwanted)


def places(
    document: Document, page: int, text: str, is_unwanted: Callable[[], bool]
) -> list[Place]:
    """Where the text stands on the page: none where it is not found, as on a scanned one. Raises as
    `picture` does."""
    return [Place(*place) for place in json.loads(_looked_at(document, page, text, is_unwanted))]


def _looked_at(
    document: Document, page: int, text: str | None, is_unwanted: Callable[[], bool]
) -> bytes:
    if not has_pages(document):
        raise NotFound("This document has no pages.")
    path = str(files.stored_path(document.stored_name))
    request = json.dumps({"path": path, "page": page, "text": text}).encode()
    give_connection_back()
    with _turn():
        answer = _answer(request, is_unwanted)
    if not answer:
        raise NotFound("This page cannot be shown: there is none, or it is damaged.")
    return answer


@contextmanager
def _turn() -> Iterator[None]:
    if not _AT_ONCE.acquire(timeout=_WAIT_SECONDS):
        raise Conflict("Many pages are being drawn for others: try again in a minute.")
    try:
        yield
    finally:
        _AT_ONCE.release()


def _answer(request: bytes, is_unwanted: Callable[[], bool]) -> bytes:
    """What the process says; nothing where it fails or takes too long."""
    process = subprocess.Popen(  # noqa: S603 - our own module, no shell
        [sys.executable, "-m", "vectordb.parsing.page_view", str(settings.PARSER_MEMORY_BYTES)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=settings.BASE_DIR,
        env=child_environment(),
        start_new_session=True,
    )
    until = time.monotonic() + _SECONDS
    try:
        while time.monotonic() < until:
            if is_unwanted():
                raise Conflict("Nobody waits for this any more.")
            with suppress(subprocess.TimeoutExpired):
                output, errors = process.communicate(request, timeout=_LOOK_UP_SECONDS)
                if process.returncode:
                    logger.warning(
                        "A page could not be shown:\n%s", errors.decode(errors="replace")
                    )
                return b"" if process.returncode else output
            request = b""  # is on its way
        logger.warning("A page took longer than %.0f seconds", _SECONDS)
        return b""
    finally:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
