"""Documents read, cut, embedded and stored: those of a few chunks together, see `gathering`."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from config.errors import AppError
from vectordb import chunk_store, edit_work, ingestion_rows, outages
from vectordb.chunking import Chunk
from vectordb.chunking_settings import settings_of
from vectordb.document_chunks import read_chunks
from vectordb.embedding import get_embedder
from vectordb.embedding_models import EmbeddingFailed
from vectordb.endpoint_failures import TextFailed
from vectordb.gathering import Embedded, Gathered, with_vectors
from vectordb.ingestion_rows import Done, Stopped, Times, announce, fail_unfinished
from vectordb.interruption import Interrupted
from vectordb.models import Document, Ingestion, VectorDatabase
from vectordb.parser_process import EndlessSeparators, ParserProcess
from vectordb.reuse import contents_seen, same_content
from vectordb.whole_chunks import embed_whole

if TYPE_CHECKING:
    from vectordb.embedding import Vectors

logger = logging.getLogger(__name__)

_FAILED = "Something went wrong on our side while reading this file. Retry it."
_UNREADABLE = "The stored file cannot be read. Delete it and upload it again."
# Chunks are sorted by length in windows of this many, so that batches hold little padding.
_WINDOW = 128
# Whatever takes long to read does not keep others waiting.
_LARGE_BYTES = 200_000
_PROGRESS_SECONDS = 0.5
# What fails one document fails those behind it.
_HOPELESS = (EndlessSeparators, EmbeddingFailed)


class Run:
    """One job's work: it holds the parser's process and the pace of progress reports."""

    def __init__(self, database: VectorDatabase, should_end: Callable[[], bool]) -> None:
        self._database = database
        self._chunking = settings_of(database)
        self._should_end = should_end
        self._parser = ParserProcess(self.check)
        self._gathered: list[Gathered] = []
        self._gathered_since = timezone.now()
        self._working_on: list[Ingestion] = []
        self._reported = 0.0
        self._done = self._total = self._embedded = 0

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *_: object) -> None:
        self._parser.stop()

    def ingest(self, ingestions: Sequence[Ingestion]) -> None:
        """Work on these documents. How each ends is written to its row, never raised."""
        seen = contents_seen(ingestions)
        for ingestion in ingestions:
            self.check()
            document = ingestion.document
            if self._has_gathered(document) or document.size > _LARGE_BYTES:
                self._store_gathered()
            self._begin()
            if ingestion_rows.claim(ingestion):
                with self._written_down(ingestion):
                    if document.sha256 not in seen or not self._reuse(ingestion):
                        self._read(ingestion)
            seen.add(document.sha256)
            if sum(len(one.chunks) for one in self._gathered) >= _WINDOW:
                self._store_gathered()
        self._store_gathered()

    def _has_gathered(self, document: Document) -> bool:
        """Its content, which can be copied once that is stored."""
        return any(one.ingestion.document.sha256 == document.sha256 for one in self._gathered)

    def _begin(self) -> None:
        if not self._gathered:
            self._gathered_since = timezone.now()
        self._done = self._total = self._embedded = 0

    @contextmanager
    def _written_down(self, ingestion: Ingestion) -> Iterator[None]:
        """However the work on the document ends, unless this whole job has to."""
        self._working_on = [ingestion]
        try:
            yield
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
        finally:
            self._working_on = []

    def _read(self, ingestion: Ingestion) -> None:
        """Cut the document, and store it if it is large."""
        begun: list[Chunk] = []
        rest = self._chunks(ingestion)
        for chunks in rest:
            begun.extend(chunks)
            if len(begun) >= _WINDOW:
                self._store_large(ingestion, chain([begun], rest))
                return
        self._gathered.append(Gathered(ingestion, begun, self._total))

    def _chunks(self, ingestion: Ingestion) -> Iterator[list[Chunk]]:
        """The document's chunks in order, portion by portion."""
        embed = partial(get_embedder(self._chunking.embedding_model).embed, check=self.check)
        for portion in read_chunks(self._parser, ingestion.document, self._chunking, embed):
            yield portion.chunks
            self._done, self._total = portion.done, portion.total
            self.check()

    def _store_large(self, ingestion: Ingestion, portions: Iterable[list[Chunk]]) -> None:
        with chunk_store.ChunkWriter(ingestion) as writer:
            for window in _windows(portions):
                writer.add(window, self._vectors(window))
            self._commit(writer, ingestion, self._total)

    def _store_gathered(self) -> None:
        """Embed and store what is gathered."""
        gathered, self._gathered = self._gathered, []
        if not gathered:
            return
        self._working_on = [one.ingestion for one in gathered]
        try:
            vectors = self._vectors([chunk for one in gathered for chunk in one.chunks])
        except Stopped:
            logger.info("%d ingestions were stopped", len(gathered))
            return
        except (Interrupted, *outages.AWAY):
            raise
        except Exception as error:
            if isinstance(error, AppError) and _is_hopeless(error):
                fail_unfinished(self._database.pk, error.message)
                return
            # One of them may be to blame: each is told what is wrong with it alone.
            for one in gathered:
                with self._written_down(one.ingestion):
                    self._store(one, self._vectors(one.chunks))
            return
        finally:
            self._working_on = []
        self._store_together(gathered, vectors)

    def _store_together(self, gathered: Sequence[Gathered], vectors: "Vectors") -> None:
        embedded = with_vectors(gathered, vectors, since=self._gathered_since)
        try:
            self._commit_together(embedded)
        except (Interrupted, *outages.AWAY):
            raise
        except Exception as error:
            if outages.is_full(error):
                raise
            # One of them may be to blame here, too.
            for one in embedded:
                with self._written_down(one.gathered.ingestion):
                    self._store(one.gathered, one.vectors, one.times)

    def _commit_together(self, embedded: Sequence[Embedded]) -> None:
        """In one transaction, whose end waits for the disk once. Those that were stopped are left out."""
        by_id = {one.gathered.ingestion.pk: one for one in embedded}
        with transaction.atomic():
            done = ingestion_rows.complete([one.done() for one in embedded])
            kept = [by_id[one.ingestion.pk] for one in done]
            numbers = [one.ingestion.number for one in done]
            rows = [row for one in kept for row in one.rows()]
            chunk_store.replace(self._database.pk, numbers, rows)
            for one in done:
                edit_work.take_edits_along(one.ingestion)
        self._announce()

    def _store(self, one: Gathered, vectors: "Vectors", times: Times | None = None) -> None:
        with chunk_store.ChunkWriter(one.ingestion) as writer:
            writer.add(one.chunks, vectors)
            self._commit(writer, one.ingestion, one.total, times)

    def _vectors(self, chunks: Sequence[Chunk]) -> "Vectors":
        """Of shape (chunks, dimensions)."""
        import numpy as np

        model_id = self._chunking.embedding_model
        embedder = get_embedder(model_id)
        vectors = np.empty((len(chunks), self._database.dimensions), dtype=np.float32)
        by_length = sorted(range(len(chunks)), key=lambda n: -chunks[n].token_count)
        for start in range(0, len(by_length), embedder.step):
            batch = by_length[start : start + embedder.step]
            texts = [chunks[n].text for n in batch]
            vectors[batch] = embed_whole(embedder, texts, model_id, check=self.check)
            self._embedded += len(batch)
            self.check()
        return vectors

    def _reuse(self, ingestion: Ingestion) -> bool:
        """The same content, already cut and embedded alike, is copied."""
        source = same_content(ingestion)
        if source is None:
            return False
        with transaction.atomic():
            if not chunk_store.copy_document(source, ingestion):
                return False
            self._complete(Done(ingestion, source.chunks_count, source.progress_total))
            edit_work.take_edits_along(ingestion)
        self._announce()
        return True

    def _commit(
        self,
        writer: chunk_store.ChunkWriter,
        ingestion: Ingestion,
        total: int,
        times: Times | None = None,
    ) -> None:
        with transaction.atomic():
            self._complete(Done(ingestion, writer.count, total, times))
            writer.commit()
            edit_work.take_edits_along(ingestion)
        self._announce()

    def _complete(self, done: Done) -> None:
        if not ingestion_rows.complete([done]):
            raise Stopped

    def _refuse(self, ingestion: Ingestion, error: AppError) -> None:
        if _is_hopeless(error):
            self._store_gathered()
            fail_unfinished(self._database.pk, error.message)
        self._fail(ingestion, error.message)

    def _fail(self, ingestion: Ingestion, message: str) -> None:
        ingestion_rows.fail(ingestion, message)
        self._announce()

    def check(self) -> None:
        """Raise Interrupted when the worker ends. Twice a second report progress, and raise Stopped
        when none of the documents that are worked on is wanted any more."""
        if self._should_end():
            raise Interrupted
        if not self._working_on or not self._is_time():
            return
        ingestion_rows.note_progress(
            self._working_on, done=self._done, total=self._total, embedded=self._embedded
        )
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


def _is_hopeless(error: Exception) -> bool:
    return isinstance(error, _HOPELESS) and not isinstance(error, TextFailed)


def _windows(portions: Iterable[list[Chunk]]) -> Iterator[list[Chunk]]:
    window: list[Chunk] = []
    for chunks in portions:
        window.extend(chunks)
        while len(window) >= _WINDOW:
            yield window[:_WINDOW]
            del window[:_WINDOW]
    yield window
