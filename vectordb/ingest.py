"""Documents into a vector database: read, cut, embed, store, one after the other.

It may be killed at any moment and run again from the start: finished documents are left alone, the
interrupted one starts over, and no chunk is ever there twice.
"""

import logging
import time
from collections.abc import Callable, Sequence

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q
from django.utils import timezone

from config.errors import AppError
from config.notify import publish
from config.status import UNFINISHED, Status
from vectordb import chunk_store, files, partitions
from vectordb.chunking import Chunk
from vectordb.chunking_settings import ChunkingSettings
from vectordb.embedding import BATCH, Embedder, get_embedder
from vectordb.models import Ingestion, VectorDatabase
from vectordb.parser_process import ChunkingRequest, ParserProcess

logger = logging.getLogger(__name__)

_FAILED = "Something went wrong on our side while reading this file. Retry it."
# Chunks are sorted by length in windows of this many, so that batches hold little padding.
_WINDOW = 8 * BATCH
_PROGRESS_SECONDS = 0.5


class Stopped(Exception):
    """The document was cancelled or deleted while it was worked on: leave it."""


class Interrupted(Exception):
    """The worker ends: its successor starts the document over."""


def _never() -> bool:
    return False


def ingest(database_id: str, *, should_end: Callable[[], bool] = _never) -> None:
    """Work off the unfinished documents of a database, then complete it.

    Raises Interrupted soon after `should_end` says so.
    """
    database = _start(database_id)
    if database is None:
        return
    with _Run(database, should_end) as run:
        while (ingestion := _next(database)) is not None:
            run.ingest(ingestion)
    _finish(database)


def fail(database_id: str, message: str) -> None:
    """Leave nothing unfinished behind when the job itself broke."""
    now = timezone.now()
    Ingestion.objects.filter(vector_database=database_id, status__in=UNFINISHED).update(
        status=Status.ERROR, error_message=message, finished_at=now
    )
    VectorDatabase.objects.filter(pk=database_id, status__in=UNFINISHED).update(
        status=Status.ERROR, error_message=message
    )
    announce(database_id)


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
    if _next(database) is not None:
        partitions.drop_index(database)
    return database


def _next(database: VectorDatabase) -> Ingestion | None:
    waiting = database.ingestions.filter(status__in=UNFINISHED)
    return waiting.select_related("document", "vector_database").first()


def _finish(database: VectorDatabase) -> None:
    """Count, index, and say how it ended."""
    if not VectorDatabase.objects.filter(pk=database.pk).exists():
        return
    count, size = partitions.measure(database.pk)
    database.refresh_from_db(fields=["ef_search", "chunks_count"])
    partitions.analyze(database.pk)
    if count <= settings.EXACT_SCAN_LIMIT:
        partitions.drop_index(database)
    elif database.ef_search is None or count != database.chunks_count:
        partitions.build_index(database, count)
        _, size = partitions.measure(database.pk)
    databases = VectorDatabase.objects.filter(pk=database.pk)
    with transaction.atomic():
        databases.update(chunks_count=count, size=size, updated_at=timezone.now())
        databases.filter(status=Status.RUNNING).update(
            status=Status.COMPLETED if count else Status.ERROR,
            error_message=_summary(database, count),
        )
        announce(database.pk)


def _summary(database: VectorDatabase, count: int) -> str:
    failed = database.ingestions.filter(status=Status.ERROR).count()
    total = database.ingestions.count()
    if not count:
        reason = database.ingestions.filter(status=Status.ERROR).values_list(
            "error_message", flat=True
        )
        first = reason.first() or "There is no document in it any more."
        return f"None of the documents could be read. {first}" if failed else first
    return f"{failed} of {total} documents could not be read." if failed else ""


class _Run:
    """One job's work: it holds the parser's process and the pace of progress reports."""

    def __init__(self, database: VectorDatabase, should_end: Callable[[], bool]) -> None:
        self._database = database
        self._should_end = should_end
        self._parser = ParserProcess(self._check)
        self._ingestion: Ingestion | None = None
        self._reported = 0.0
        self._done = self._total = 0

    def __enter__(self) -> "_Run":
        return self

    def __exit__(self, *_: object) -> None:
        self._parser.stop()

    def ingest(self, ingestion: Ingestion) -> None:
        """Work on one document; how it ends is written to its row, never raised."""
        self._check()
        claimed = Ingestion.objects.filter(pk=ingestion.pk, status__in=UNFINISHED).update(
            status=Status.RUNNING,
            started_at=timezone.now(),
            error_message="",
            progress_done=0,
            progress_total=0,
        )
        if not claimed:
            return
        self._ingestion, self._done, self._total = ingestion, 0, 0
        try:
            if not self._reuse(ingestion):
                self._read(ingestion)
        except Stopped:
            logger.info("Ingestion %s was stopped", ingestion.pk)
        except AppError as error:
            self._fail(ingestion, error.message)
        except OSError:
            logger.exception("Ingestion %s failed", ingestion.pk)
            self._fail(ingestion, "The stored file cannot be read. Delete it and upload it again.")
        except (Interrupted, OperationalError, InterfaceError):
            raise  # the worker ends or the database is away: not this document's fault
        except Exception:
            logger.exception("Ingestion %s failed", ingestion.pk)
            self._fail(ingestion, _FAILED)
        self._ingestion = None

    def _read(self, ingestion: Ingestion) -> None:
        settings_ = chunking_settings(self._database)
        request = ChunkingRequest(
            model_id=settings_.embedding_model,
            size=settings_.content_tokens,
            overlap=settings_.overlap_tokens,
            separators=list(settings_.separators),
            is_separator_regex=self._database.is_separator_regex,
        )
        embedder = get_embedder(settings_.embedding_model)
        writer = chunk_store.ChunkWriter(ingestion)
        window: list[Chunk] = []
        path = files.stored_path(ingestion.document.stored_name)
        for portion in self._parser.read(path, ingestion.document.content_type, request):
            window.extend(portion.chunks)
            while len(window) >= _WINDOW:
                self._embed(embedder, writer, window[:_WINDOW])
                del window[:_WINDOW]
            self._done, self._total = portion.done, portion.total
            self._check()
        self._embed(embedder, writer, window)
        with transaction.atomic():
            self._complete(ingestion, writer.count)
            writer.commit()
        chunk_store.drop_staged()

    def _embed(
        self, embedder: Embedder, writer: chunk_store.ChunkWriter, chunks: Sequence[Chunk]
    ) -> None:
        by_length = sorted(chunks, key=lambda chunk: -chunk.token_count)
        for start in range(0, len(by_length), BATCH):
            batch = by_length[start : start + BATCH]
            writer.add(batch, embedder.embed([chunk.text for chunk in batch]))
            self._check()

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
        return True

    def _complete(self, ingestion: Ingestion, count: int) -> None:
        """Mark the document done, in the transaction that stores its chunks."""
        completed = Ingestion.objects.filter(pk=ingestion.pk, status=Status.RUNNING).update(
            status=Status.COMPLETED,
            chunks_count=count,
            progress_done=self._total,
            progress_total=self._total,
            finished_at=timezone.now(),
        )
        if not completed:
            raise Stopped
        self._announce()

    def _fail(self, ingestion: Ingestion, message: str) -> None:
        Ingestion.objects.filter(pk=ingestion.pk, status=Status.RUNNING).update(
            status=Status.ERROR, error_message=message, chunks_count=0, finished_at=timezone.now()
        )
        self._announce()

    def _check(self) -> None:
        """Raise Interrupted when the worker ends. Twice a second report progress, and raise Stopped
        when the document is no longer wanted."""
        if self._should_end():
            raise Interrupted
        if self._ingestion is None or not self._is_time():
            return
        running = Ingestion.objects.filter(pk=self._ingestion.pk, status=Status.RUNNING)
        if not running.update(progress_done=self._done, progress_total=self._total):
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


def chunking_settings(database: VectorDatabase) -> ChunkingSettings:
    return ChunkingSettings(
        embedding_model=database.embedding_model,
        chunking_method=database.chunking_method,
        chunk_size=database.chunk_size,
        chunk_overlap_percentage=database.chunk_overlap_percentage,
        separators=tuple(database.separators),
    )


def same_content(ingestion: Ingestion) -> Ingestion | None:
    """A finished ingestion of the same bytes with the same settings, in the same dataset or use case."""
    database, document = ingestion.vector_database, ingestion.document
    alike = Ingestion.objects.filter(
        status=Status.COMPLETED,
        document__sha256=document.sha256,
        document__content_type=document.content_type,
        vector_database__embedding_model=database.embedding_model,
        vector_database__chunking_method=database.chunking_method,
        vector_database__chunk_size=database.chunk_size,
        vector_database__chunk_overlap_percentage=database.chunk_overlap_percentage,
        vector_database__separators=database.separators,
        vector_database__is_separator_regex=database.is_separator_regex,
    )
    near = alike.filter(
        Q(vector_database__use_case=database.use_case_id) | Q(document__dataset=document.dataset_id)
    )
    return near.exclude(pk=ingestion.pk).select_related("document").first()
