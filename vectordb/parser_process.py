"""The worker's end of the parser's process: requests out, chunks in, and the means to stop it."""

import fcntl
import json
import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from django.conf import settings

from vectordb.chunking import Chunk
from vectordb.embedding_models import get_model
from vectordb.parsing.base import RECOGNITION_SECONDS, ParseError

logger = logging.getLogger(__name__)

_LOOK_UP_SECONDS = 0.25
_BLOCK = 1 << 18
# Room for the chunks of some seconds, so that the parser works while the worker embeds.
_PIPE_BYTES = 1 << 20
_UNREADABLE = (
    "This file could not be read: it is probably damaged. Open it in the program that made it, save "
    "it again and upload that."
)


class EndlessSeparators(ParseError):
    """Regular expressions that come to no end; they will not on the next document either."""

    def __init__(self) -> None:
        super().__init__(
            "Looking for these separators took too long: write simpler regular expressions, without "
            "repetitions of repetitions."
        )


@dataclass(frozen=True, slots=True)
class ChunkingRequest:
    """What the other process needs to cut a text; `method` is one of `parsing.cutting`."""

    method: str
    model_id: str
    size: int
    overlap: int
    separators: list[str]
    is_separator_regex: bool


@dataclass(frozen=True, slots=True)
class Portion:
    """Some chunks of a document, after `done` of `total` was read."""

    chunks: list[Chunk]
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Text:
    """A portion of a document's text. `source` is the path of a row that is a document."""

    source: str | None
    text: str


class ParserProcess:
    """One process for one document after the other; a new one when it died or was stopped."""

    def __init__(self, check: Callable[[], None]) -> None:
        """`check` is called several times a second while waiting; what it raises ends the wait."""
        self._check = check
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""
        # Only ours to read: pictures of pages lie in it for a while.
        self._folder: TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        process, self._process, self._buffer = self._process, None, b""
        if process is not None:
            # With what it started itself, such as tesseract on a page.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def read(self, path: Path, kind: str, chunking: ChunkingRequest) -> Iterator[Portion]:
        """The document's chunks in order. Raises ParseError with a message for the user."""
        for message in self._answers(path, kind, asdict(chunking)):
            yield _portion(message)

    def texts(self, path: Path, kind: str, *, whole: bool = True) -> Iterator[Text]:
        """The document's text in order, uncut, or its first portion. Raises ParseError likewise."""
        for message in self._answers(path, kind, None, whole=whole):
            yield Text(message["source"], message["text"])

    def _answers(
        self, path: Path, kind: str, chunking: dict[str, Any] | None, *, whole: bool = True
    ) -> Iterator[dict[str, Any]]:
        process = self._started()
        request = {"path": str(path), "kind": kind, "chunking": chunking, "whole": whole}
        if chunking is not None:
            # It has no database to look up models that were added.
            request["model"] = asdict(get_model(chunking["model_id"]))
        is_finished = False
        try:
            assert process.stdin is not None  # noqa: S101
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            is_regex = chunking is not None and chunking["is_separator_regex"]
            for message in self._messages(process, is_regex=is_regex):
                if not message.keys() & {"chunks", "text"}:
                    is_finished = True
                    break
                yield message
            _raise_for(message)
        except BrokenPipeError as error:
            raise ParseError(_UNREADABLE) from error
        finally:
            if not is_finished:
                self.stop()

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self.stop()
            self._folder = TemporaryDirectory(prefix="groundwork-parser-")
            self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                [
                    sys.executable,
                    "-m",
                    "vectordb.parsing.reader",
                    str(settings.PARSER_MEMORY_BYTES),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=settings.BASE_DIR,
                env=child_environment() | {"TMPDIR": self._folder.name},
                start_new_session=True,
            )
            _widen(self._process)
        return self._process

    def _messages(
        self, process: "subprocess.Popen[bytes]", *, is_regex: bool
    ) -> Iterator[dict[str, Any]]:
        """Messages until the process ends; only the time spent waiting for it counts."""
        waited, allowed = 0.0, float(settings.PARSER_SECONDS)
        while True:
            line, newline, rest = self._buffer.partition(b"\n")
            if newline:
                self._buffer = rest
                message = json.loads(line)
                # A page that had to be recognised does not count against those that are read.
                allowed += RECOGNITION_SECONDS if message.get("recognized") else 0
                yield message
                continue
            started = time.monotonic()
            data = self._read_some(process)
            waited += time.monotonic() - started
            if data == b"":
                logger.warning("The parser ended with status %s", process.wait())
                raise ParseError(_UNREADABLE)
            if waited > allowed:
                if is_regex:
                    raise EndlessSeparators
                raise ParseError(
                    "Reading this file took too long: split it into parts, or save it as plain text."
                )
            self._buffer += data or b""

    def _read_some(self, process: "subprocess.Popen[bytes]") -> bytes | None:
        """What there is; None after a while without anything, nothing at the end."""
        self._check()
        assert process.stdout is not None  # noqa: S101
        ready, _, _ = select.select([process.stdout], [], [], _LOOK_UP_SECONDS)
        return os.read(process.stdout.fileno(), _BLOCK) if ready else None


def _widen(process: "subprocess.Popen[bytes]") -> None:
    """A larger pipe, where the system can."""
    if hasattr(fcntl, "F_SETPIPE_SZ") and process.stdout is not None:
        fcntl.fcntl(process.stdout.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def child_environment() -> dict[str, str]:
    """Nothing secret: what is in a document must find nothing to take."""
    kept = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "TESSDATA_PREFIX")
    wanted = {"PYTHONUTF8": "1", "TOKENIZERS_PARALLELISM": "false", "OPENBLAS_NUM_THREADS": "1"}
    wanted |= {"OMP_THREAD_LIMIT": "1", "GROUNDWORK_OCR_LANGUAGES": settings.OCR_LANGUAGES}
    return {name: os.environ[name] for name in kept if name in os.environ} | wanted


def _portion(message: dict[str, Any]) -> Portion:
    # JSON knows no tuples.
    chunks = [replace(Chunk(*row), headings=tuple(row[-1])) for row in message["chunks"]]
    return Portion(chunks, message["done"], message["total"])


def _raise_for(message: dict[str, Any]) -> None:
    if "error" in message:
        raise ParseError(message["error"])
    if "crash" in message:
        logger.warning("The parser failed:\n%s", message["crash"])
        raise ParseError(_UNREADABLE)
