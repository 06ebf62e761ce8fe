"""Documents into a vector database: read, cut, embed, store, one after the other.

It may be killed at any moment and run again from the start: finished documents are left alone, the
interrupted one starts over, and no chunk is ever there twice.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from config.errors import AppError
from config.notify import publish
from config.status import UNFINISHED, Status
from vectordb import chunk_store, edit_work, keyword_index, outages, partitions, versions
from vectordb.chunking import Chunk
from vectordb.chunking_settings import ChunkingSettings, settings_of
from vectordb.document_chunks import read_chunks
from vectordb.embedding import Embedder, get_embedder
from vectordb.embedding_models import EmbeddingFailed
from vectordb.endpoint_failures import TextFailed
from vectordb.interruption import Interrupted
from vectordb.models import Ingestion, VectorDatabase
from vectordb.parser_process import EndlessSeparators, ParserProcess
from vectordb.reuse import READING, same_content
from vectordb.whole_chunks import embed_whole

logger = logging.getLogger(__name__)

_FAILED = "Something went wrong on our side while reading this file. Retry it."
_ALL_DISABLED = "All of its chunks are disabled: enable some."
_UNREADABLE = "The stored file cannot be read. Delete it and upload it again."
# Chunks are sorted by length in windows of this many, so that batches hold little padding.
_WINDOW = 128
_PROGRESS_SECONDS = 0.5
_LOOKED_UP_AT_ONCE = 100
# What fails one document fails those behind it.
_HOPELESS = (EndlessSeparators, EmbeddingFailed)


class Stopped(Exception):
    """The document was cancelled or deleted while it was worked on: leave it."""


def ingest(database_id: str, *, should_end: Callable[[], bool] = lambda: False) -> None:
    """Work off the unfinished documents of a database, then complete it.

    Raises Interrupted soon after `should_end` says so.
    """
    database = _start(database_id)
    if database is None:
        return
    with _Run(database, should_end) as run:
        for ingestion in _waiting(database):
            run.ingest(ingestion)
    _finish(database, run.check)


@transaction.atomic
def fail(database_id: str, message: str) -> None:
    """Leave nothing unfinished behind when the job itself broke."""
    _fail_documents(database_id, message)
    databases = VectorDatabase.objects.filter(pk=database_id)
    if not databases.filter(status__in=UNFINISHED).update(
        status=Status.ERROR, error_message=message
    ):
        # It is in use already, and stays so.
        databases.filter(status=Status.COMPLETED).update(error_message=message)
    announce(database_id)


def _fail_documents(database_id: str, message: str) -> None:
    waiting = Ingestion.objects.filter(vector_database=database_id, status__in=UNFINISHED)
    waiting.update(
        status=Status.ERROR, error_message=message, chunks_count=0, finished_at=timezone.now()
    )


def announce(database_id: str) -> None:
    """Tell the pages that show this database that it moved."""
    publish(
        topic=f"vector_database:{database_id}",
        event="ingestion",
        data={"vector_database": database_id},
    )


def _start(database_id: str) -> VectorDatabase | None:
    databases = VectorDatabase.objects.filter(pk=database_id)
    if databases.filter(status__in=UNFINISHED).update(status=Status.RUNNING, error_message=""):
        announce(database_id)
    database = databases.first()
    if database is None or not partitions.create(database):
        return None
    if database.status == Status.RUNNING and _unfinished(database).exists():
        # Nobody searches it yet, and loading without an index is faster.
        partitions.drop_index(database)
    return database


def _unfinished(database: VectorDatabase) -> QuerySet[Ingestion]:
    return database.ingestions.filter(status__in=UNFINISHED).select_related("document")


def _waiting(database: VectorDatabase) -> Iterator[Ingestion]:
    """The unfinished documents in their order, also those that come while others are worked on."""
    while some := list(_unfinished(database)[:_LOOKED_UP_AT_ONCE]):
        yield from some


def _finish(database: VectorDatabase, check: Callable[[], None]) -> None:
    """Count, index, and say how it ended."""
    if not VectorDatabase.objects.filter(pk=database.pk).exists():
        return
    edit_work.apply_edits(database.pk, check)
    count, _ = partitions.measure(database.pk)
    database.refresh_from_db(fields=["ef_search", "chunks_count", "keyword_facts", "edited_at"])
    partitions.analyze(database.pk)
    keyword_index.bring_up_to_date(database, check)
    partitions.index(database, count)
    _, size = partitions.measure(database.pk)
    databases = VectorDatabase.objects.filter(pk=database.pk)
    with transaction.atomic():
        whole = size + keyword_index.size(database.pk)
        databases.update(chunks_count=count, size=whole, updated_at=timezone.now())
        ended = databases.filter(status__in=(Status.RUNNING, Status.COMPLETED)).update(
            status=Status.COMPLETED if count else Status.ERROR,
            error_message=_summary(database, count),
        )
        if ended and count:
            versions.tell_complete(database)
        announce(database.pk)


def _summary(database: VectorDatabase, count: int) -> str:
    failed = database.ingestions.filter(status=Status.ERROR)
    if not count:
        reason = failed.values_list("error_message", flat=True).first()
        if reason:
            return f"None of the documents could be read. {reason}"
        is_switched_off = database.chunk_edits.filter(is_enabled=False).exists()
        return _ALL_DISABLED if is_switched_off else "There is no document in it any more."
    total = database.ingestions.count()
    return f"{len(failed)} of {total} documents could not be read." if failed else ""


class _Run:
    """One job's work: it holds the parser's process and the pace of progress reports."""

    def __init__(self, database: VectorDatabase, should_end: Callable[[], bool]) -> None:
        self._database = database
        self._should_end = should_end
        self._parser = ParserProcess(self.check)
        self._ingestion: Ingestion | None = None
        self._reported = 0.0
        self._done = self._total = self._embedded = 0

    def __enter__(self) -> "_Run":
        return self

    def __exit__(self, *_: object) -> None:
        self._parser.stop()

    def ingest(self, ingestion: Ingestion) -> None:
        """Work on one document; how it ends is written to its row, never raised."""
        self.check()
        # Of a document that was replaced meanwhile, the next look finds the new file.
        same = Ingestion.objects.filter(pk=ingestion.pk, number=ingestion.number)
        claimed = same.filter(status__in=UNFINISHED).update(
            status=Status.RUNNING,
            started_at=timezone.now(),
            error_message="",
            progress_done=0,
            progress_total=0,
            chunks_count=0,
        )
        if not claimed:
            return
        self._ingestion, self._done, self._total, self._embedded = ingestion, 0, 0, 0
        try:
            if not self._reuse(ingestion):
                with chunk_store.ChunkWriter(ingestion) as writer:
                    self._read(ingestion, writer)
        except Stopped:
            logger.info("Ingestion %s was stopped", ingestion.pk)
        except AppError as error:
            self._refuse(ingestion, error)
        except (Interrupted, *outages.AWAY):
            raise  # the worker ends or the database is away: not this document's fault
        except Exception as error:
            if outages.is_full(error):
                raise
            logger.exception("Ingestion %s failed", ingestion.pk)
            self._fail(ingestion, _UNREADABLE if isinstance(error, OSError) else _FAILED)
        self._ingestion = None

    def _read(self, ingestion: Ingestion, writer: chunk_store.ChunkWriter) -> None:
        settings_ = settings_of(self._database)
        embedder = get_embedder(settings_.embedding_model)
        window: list[Chunk] = []
        for chunks in self._chunks(ingestion, settings_, embedder):
            window.extend(chunks)
            while len(window) >= _WINDOW:
                self._embed(embedder, writer, window[:_WINDOW])
                del window[:_WINDOW]
        self._embed(embedder, writer, window)
        with transaction.atomic():
            self._complete(ingestion, writer.count)
            writer.commit()
            edit_work.take_edits_along(ingestion)

    def _chunks(
        self, ingestion: Ingestion, settings_: ChunkingSettings, embedder: Embedder
    ) -> Iterator[list[Chunk]]:
        """The document's chunks in order, portion by portion."""
        embed = partial(embedder.embed, check=self.check)
        for portion in read_chunks(self._parser, ingestion.document, settings_, embed):
            yield portion.chunks
            self._done, self._total = portion.done, portion.total
            self.check()

    def _embed(
        self, embedder: Embedder, writer: chunk_store.ChunkWriter, chunks: Sequence[Chunk]
    ) -> None:
        by_length = sorted(chunks, key=lambda chunk: -chunk.token_count)
        model_id = self._database.embedding_model
        for start in range(0, len(by_length), embedder.step):
            batch = by_length[start : start + embedder.step]
            texts = [chunk.text for chunk in batch]
            writer.add(batch, embed_whole(embedder, texts, model_id, check=self.check))
            self._embedded = writer.count
            self.check()

    def _reuse(self, ingestion: Ingestion) -> bool:
        """The same content, already cut and embedded alike, is copied."""
        source = same_content(ingestion)
        if source is None:
            return False
        with transaction.atomic():
            if not chunk_store.copy_document(source, ingestion):
                return False
            self._total = source.progress_total
            self._complete(ingestion, source.chunks_count)
            edit_work.take_edits_along(ingestion)
        return True

    def _complete(self, ingestion: Ingestion, count: int) -> None:
        """Mark the document done, in the transaction that stores its chunks."""
        completed = Ingestion.objects.filter(pk=ingestion.pk, status=Status.RUNNING).update(
            status=Status.COMPLETED,
            chunks_count=count,
            reading=READING,
            progress_done=self._total,
            progress_total=self._total,
            finished_at=timezone.now(),
        )
        if not completed:
            raise Stopped
        self._announce()

    def _refuse(self, ingestion: Ingestion, error: AppError) -> None:
        if isinstance(error, _HOPELESS) and not isinstance(error, TextFailed):
            _fail_documents(self._database.pk, error.message)
        self._fail(ingestion, error.message)

    def _fail(self, ingestion: Ingestion, message: str) -> None:
        Ingestion.objects.filter(pk=ingestion.pk, status=Status.RUNNING).update(
            status=Status.ERROR, error_message=message, chunks_count=0, finished_at=timezone.now()
        )
        self._announce()

    def check(self) -> None:
        """Raise Interrupted when the worker ends. Twice a second report progress, and raise Stopped
        when the document is no longer wanted."""
        if self._should_end():
            raise Interrupted
        if self._ingestion is None or not self._is_time():
            return
        running = Ingestion.objects.filter(pk=self._ingestion.pk, status=Status.RUNNING)
        if not running.update(
            progress_done=self._done, progress_total=self._total, chunks_count=self._embedded
        ):
            raise Stopped
        announce(self._database.pk)

    def _announce(self) -> None:
        """Documents may end by the dozen in a second: pages need not hear of each."""
        if self._is_time():
            announce(self._database.pk)

    def _is_time(self) -> bool:
        now = time.monotonic()
        if now - self._reported < _PROGRESS_SECONDS:
            return False
        self._reported = now
        return True
