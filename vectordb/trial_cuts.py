"""Documents cut on trial: read and cut as ingestion does it, looked at, and forgotten.

A job does it, for only workers embed, as the semantic method asks for; what the web shows comes from
the row that the job fills.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

from django.utils import timezone

from config.errors import AppError
from config.status import UNFINISHED, Status
from vectordb.chunking import Chunk
from vectordb.chunking_settings import ChunkingSettings
from vectordb.document_chunks import read_chunks
from vectordb.embedding import get_embedder
from vectordb.estimates import Room, room_for, tokens_per_second
from vectordb.interruption import Interrupted
from vectordb.models import TrialCut
from vectordb.parser_process import ParserProcess
from vectordb.parsing.base import ParseError
from vectordb.tokens import count_tokens

if TYPE_CHECKING:
    from vectordb.embedding import Vectors

logger = logging.getLogger(__name__)

# Enough to judge settings by, and soon there.
MOST_CHARACTERS = 200_000
MOST_SECONDS = 60.0
KEPT = timedelta(hours=1)
_PROGRESS_SECONDS = 0.5


class _Unwanted(Exception):
    """Whoever asked has asked for something else since."""


class _TimeIsUp(Exception):
    """What was cut so far must do."""


@dataclass(frozen=True, slots=True)
class CutChunk:
    """A chunk as the lab shows it. `text` is what the chunk before does not hold, without the blank
    space between them; of its end, the last `shared` characters are held by the next one too.
    `overlap` is in tokens, with the one before. `place` says where in the document it stands: the
    name of its row, and the headings that it is under."""

    number: int
    place: str
    page: int | None
    tokens: int
    overlap: int
    text: str
    shared: int

    @property
    def own(self) -> str:
        return self.text[: len(self.text) - self.shared]

    @property
    def repeated(self) -> str:
        return self.text[len(self.text) - self.shared :]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`share` of the document was read, 0 to 1; `room` is what its chunks would take when stored,
    and `tokens_per_second` the measured pace of past ingestions, if there were any."""

    chunks: tuple[CutChunk, ...]
    share: float
    room: Room
    tokens_per_second: float | None

    @property
    def is_whole(self) -> bool:
        return self.share == 1

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        chunks = tuple(CutChunk(**chunk) for chunk in value["chunks"])
        return cls(**value | {"chunks": chunks, "room": Room(**value["room"])})


def settings_of_trial(cut: TrialCut) -> ChunkingSettings:
    return ChunkingSettings(**cut.chunking | {"separators": tuple(cut.chunking["separators"])})


def run(cut_id: str, *, should_end: Callable[[], bool] = lambda: False) -> None:
    """Cut the document and put the outcome into the row; what fails is said there too.

    Raises Interrupted soon after `should_end` says so.
    """
    cuts = TrialCut.objects.filter(pk=cut_id)
    cuts.filter(status__in=UNFINISHED).update(status=Status.RUNNING)
    cut = cuts.filter(status=Status.RUNNING).select_related("document").first()
    if cut is None:
        return
    try:
        outcome = _Trial(cut, should_end).outcome()
    except _Unwanted:
        logger.info("Nobody waits for trial %s any more", cut_id)
    except AppError as error:
        fail(cut_id, error.message)
    except OSError:
        logger.exception("Trial %s failed", cut_id)
        fail(cut_id, "The stored file cannot be read. Delete it and upload it again.")
    else:
        done = cuts.filter(status=Status.RUNNING)
        done.update(status=Status.COMPLETED, outcome=outcome.to_json())


def fail(cut_id: str, message: str) -> None:
    TrialCut.objects.filter(pk=cut_id, status__in=UNFINISHED).update(
        status=Status.ERROR, error_message=message
    )


def forget_old() -> None:
    """Delete what was looked at long enough."""
    TrialCut.objects.filter(created_at__lt=timezone.now() - KEPT).delete()


class _Trial:
    def __init__(self, cut: TrialCut, should_end: Callable[[], bool]) -> None:
        self._cut = cut
        self._chunking = settings_of_trial(cut)
        self._should_end = should_end
        self._chunks: list[Chunk] = []
        self._done = self._total = 0
        self._until = time.monotonic() + MOST_SECONDS
        self._reported = time.monotonic()

    def outcome(self) -> Outcome:
        try:
            is_whole = self._read()
        except _TimeIsUp:
            is_whole = False
            if not self._chunks:
                raise ParseError(
                    f"Nothing of this document could be cut within {MOST_SECONDS:.0f} seconds, the "
                    "most that the lab takes: choose a smaller one, or simpler separators."
                ) from None
        chunks = _as_shown(self._chunks, self._chunking.embedding_model)
        return Outcome(
            chunks=chunks,
            share=1.0 if is_whole else self._share_read(),
            room=room_for(self._chunks, self._cut.document, self._chunking.model.dimensions),
            tokens_per_second=tokens_per_second(self._chunking.embedding_model),
        )

    def _read(self) -> bool:
        """Whether the document came to its end before the limit."""
        characters = 0
        with ParserProcess(self._check) as parser:
            for portion in read_chunks(parser, self._cut.document, self._chunking, self._embed):
                self._done, self._total = portion.done, portion.total
                for chunk in portion.chunks:
                    characters += _length_added(self._chunks, chunk)
                    if self._chunks and characters > MOST_CHARACTERS:
                        return False
                    self._chunks.append(chunk)
        return True

    def _share_read(self) -> float:
        """Of a document that was not cut to its end: neither nothing nor all, as files may report."""
        return min(0.99, max(0.01, self._done / max(1, self._total)))

    def _embed(self, texts: Sequence[str]) -> "Vectors":
        embedder = get_embedder(self._chunking.embedding_model)
        return embedder.embed(texts, check=self._check)

    def _check(self) -> None:
        if self._should_end():
            raise Interrupted
        now = time.monotonic()
        if now > self._until:
            raise _TimeIsUp
        if now - self._reported < _PROGRESS_SECONDS:
            return
        self._reported = now
        running = TrialCut.objects.filter(pk=self._cut.pk, status=Status.RUNNING)
        if not running.update(progress_done=self._done, progress_total=self._total):
            raise _Unwanted


def _source(chunk: Chunk) -> str:
    """The document that a row belongs to; "" where the file is the document."""
    return str((chunk.metadata or {}).get("source", ""))


def _common(before: Chunk, chunk: Chunk) -> int:
    """How many characters both hold, at the end of the one and the beginning of the other."""
    return max(0, before.end - chunk.start) if _source(before) == _source(chunk) else 0


def _length_added(chunks: Sequence[Chunk], chunk: Chunk) -> int:
    return len(chunk.text) - (_common(chunks[-1], chunk) if chunks else 0)


def _as_shown(chunks: Sequence[Chunk], model_id: str) -> tuple[CutChunk, ...]:
    common = [0, *(_common(before, chunk) for before, chunk in pairwise(chunks)), 0]
    return tuple(
        _shown(number, chunk, common[number - 1], common[number], model_id)
        for number, chunk in enumerate(chunks, 1)
    )


def _shown(number: int, chunk: Chunk, before: int, after: int, model_id: str) -> CutChunk:
    text = chunk.text[before:].lstrip()
    return CutChunk(
        number=number,
        place=" / ".join(filter(None, [_source(chunk), *chunk.headings])),
        page=chunk.page,
        tokens=chunk.token_count,
        overlap=count_tokens(chunk.text[:before], model_id),
        text=text,
        # What three hold is shown where the first of them holds it.
        shared=min(after, len(text)),
    )
