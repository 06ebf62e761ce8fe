"""Pages of PDFs for the source view: their pictures, and where a passage stands on them.

Whatever is in a document, it is opened in a process of its own that is capped like the parser's.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO

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
# Each keeps a process busy, and who waits a thread that everybody's requests share. A page is there
# within a second, so a few wait that long; who comes to a full room is sent away at once.
_AT_ONCE = threading.BoundedSemaphore(3)
_ROOM = threading.BoundedSemaphore(3 + 4)
_WAIT_SECONDS = 2.0
# What the process may say: every pixel of the largest picture by itself, and far more places than
# it tells.
_MOST_PICTURE_BYTES = 16 << 20
_MOST_PLACES_BYTES = 64 << 10
_MOST_ERROR_BYTES = 4 << 10


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
    return _looked_at(document, page, None, is_unwanted, most=_MOST_PICTURE_BYTES)


def places(
    document: Document, page: int, text: str, is_unwanted: Callable[[], bool]
) -> list[Place]:
    """Where the text stands on the page: none where it is not found, as on a scanned one. Raises as
    `picture` does."""
    told = _looked_at(document, page, text, is_unwanted, most=_MOST_PLACES_BYTES)
    return [Place(*place) for place in json.loads(told)]


def _looked_at(
    document: Document, page: int, text: str | None, is_unwanted: Callable[[], bool], *, most: int
) -> bytes:
    if not has_pages(document):
        raise NotFound("This document has no pages.")
    path = str(files.stored_path(document.stored_name))
    request = json.dumps({"path": path, "page": page, "text": text}).encode()
    give_connection_back()
    with _turn(is_unwanted):
        answer = _answer(request, is_unwanted, most)
    if not answer:
        raise NotFound("This page cannot be shown: there is none, or it is damaged.")
    return answer


@contextmanager
def _turn(is_unwanted: Callable[[], bool]) -> Iterator[None]:
    if not _ROOM.acquire(blocking=False):
        raise _too_many()
    try:
        _wait(is_unwanted)
        try:
            yield
        finally:
            _AT_ONCE.release()
    finally:
        _ROOM.release()


def _wait(is_unwanted: Callable[[], bool]) -> None:
    until = time.monotonic() + _WAIT_SECONDS
    while not _AT_ONCE.acquire(timeout=_LOOK_UP_SECONDS):
        _require_wanted(is_unwanted)
        if time.monotonic() > until:
            raise _too_many()


def _too_many() -> Conflict:
    return Conflict("Many pages are being drawn for others: try again in a minute.")


def _require_wanted(is_unwanted: Callable[[], bool]) -> None:
    if is_unwanted():
        raise Conflict("Nobody waits for this any more.")


def _answer(request: bytes, is_unwanted: Callable[[], bool], most: int) -> bytes:
    """What the process says; nothing where it fails, takes too long or says more than `most` bytes."""
    # Files, for a pipe would have all of it in memory that the process cares to say.
    with (
        tempfile.TemporaryFile() as asked,
        tempfile.TemporaryFile() as said,
        tempfile.TemporaryFile() as errors,
    ):
        asked.write(request)
        asked.seek(0)
        code = _ended(asked, said, errors, is_unwanted, most)
        if code:
            errors.seek(0)
            reason = errors.read(_MOST_ERROR_BYTES).decode(errors="replace")
            logger.warning("A page could not be shown (%d):\n%s", code, reason)
            return b""
        said.seek(0)
        answer = said.read(most + 1)
    return answer if len(answer) <= most else b""


def _ended(
    asked: IO[bytes],
    said: IO[bytes],
    errors: IO[bytes],
    is_unwanted: Callable[[], bool],
    most: int,
) -> int:
    """How the process ended. None of the files that it writes becomes longer than `most` bytes."""
    limits = [str(settings.PARSER_MEMORY_BYTES), str(most)]
    process = subprocess.Popen(  # noqa: S603 - our own module, no shell
        [sys.executable, "-m", "vectordb.parsing.page_view", *limits],
        stdin=asked,
        stdout=said,
        stderr=errors,
        cwd=settings.BASE_DIR,
        env=child_environment(),
        start_new_session=True,
    )
    until = time.monotonic() + _SECONDS
    try:
        while time.monotonic() < until:
            _require_wanted(is_unwanted)
            with suppress(subprocess.TimeoutExpired):
                return process.wait(timeout=_LOOK_UP_SECONDS)
    finally:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    logger.warning("A page took longer than %.0f seconds", _SECONDS)
    return process.returncode
