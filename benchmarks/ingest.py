"""How much of the embedder's own speed an ingestion keeps, and whether memory stays flat.

First a text is brought in end to end (parse, cut, embed, store), in one file or cut into many, of
which one in a hundred cannot be read; then the embedder alone embeds the same chunks. Then the peak
memory of this process and of the parser's is taken while a small and a large text are brought in,
the large one for a limited time.

    .venv/bin/python -m benchmarks.ingest [--chunks 1500] [--files 1 100 2000] [--rounds 2]
        [--sizes 1 100] [--seconds 60]
"""

import argparse
import io
import os
import random
import threading
import time

import psutil

from benchmarks import scratch

MEGABYTE = 1 << 20


def text_of(size: int) -> bytes:
    """Made-up English-like sentences: nothing in it can be taken from an earlier run."""
    chooser = random.Random(size)  # noqa: S311
    words = [f"{a}{b}" for a in ("re", "un", "over", "some", "any", "") for b in
             ("turn", "able", "house", "light", "water", "thing", "where", "time", "work", "day")]  # fmt: skip
    buffer = io.StringIO()
    while buffer.tell() < size:
        sentence = " ".join(chooser.choices(words, k=14))
        buffer.write(f"{sentence} {chooser.randint(0, 9999)}.\n" + "\n" * (chooser.random() < 0.2))
    return buffer.getvalue().encode()[:size]


def create(*contents: bytes):
    from django.core.files.uploadedfile import SimpleUploadedFile

    from vectordb import services

    dataset = scratch.dataset()
    files = [SimpleUploadedFile(f"{n}.txt", content) for n, content in enumerate(contents)]
    for added in services.add_files(dataset, user=dataset.created_by, files=files):
        assert not added.error, added.error
    return services.create_vector_database(
        user=dataset.created_by, use_case=dataset.use_cases.get(), dataset=dataset
    )


def pieces(text: bytes, count: int) -> list[bytes]:
    """As many files; each hundredth has no text in it."""
    size = len(text) // count
    return [
        b" " * (number + 1) if number % 100 == 99 else text[number * size : (number + 1) * size]
        for number in range(count)
    ]


def speed(chunks: int, files: int, rounds: int) -> None:
    from vectordb import ingest
    from vectordb.embedding import get_embedder
    from vectordb.models import Chunk

    rows: list[list[object]] = [
        [
            "round",
            "files",
            "done",
            "failed",
            "chunks",
            "end to end /s",
            "embedder alone /s",
            "ratio",
            "CPU s",
            "alone",
            "ratio",
        ]
    ]
    for number in range(1, rounds + 1):
        # No round may find what another one brought in.
        text = text_of(chunks * 850 + 10 * files + number)
        database = create(*pieces(text, files))
        embedder = get_embedder(database.embedding_model)
        embedder.embed(["warm up"] * 32)
        started, busy = time.perf_counter(), cpu_seconds()
        ingest.ingest(database.pk)
        whole, whole_cpu = time.perf_counter() - started, cpu_seconds() - busy
        texts = list(
            Chunk.objects.filter(vector_database_id=database.pk).values_list("text", flat=True)
        )
        started, busy = time.perf_counter(), cpu_seconds()
        embedder.embed(texts)
        alone, alone_cpu = time.perf_counter() - started, cpu_seconds() - busy
        count = len(texts)
        rows.append(
            [
                number,
                files,
                database.ingestions.filter(status="COMPLETED").count(),
                database.ingestions.filter(status="ERROR").count(),
                count,
                f"{count / whole:.1f}",
                f"{count / alone:.1f}",
                f"{alone / whole:.3f}",
                f"{whole_cpu:.1f}",
                f"{alone_cpu:.1f}",
                f"{alone_cpu / whole_cpu:.3f}",
            ]
        )
    scratch.table(rows)


def cpu_seconds() -> float:
    """Of this process and the parsers that it waited for: tells the truth on a busy machine too."""
    return sum(os.times()[:4])


class PeakMemory(threading.Thread):
    """The most memory that this process and its parser held, looked at ten times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.worker = self.parser = 0
        self._ended = threading.Event()

    def run(self) -> None:
        own = psutil.Process()
        while not self._ended.wait(0.1):
            self.worker = max(self.worker, own.memory_info().rss)
            for child in own.children():
                try:
                    if "vectordb.parsing.reader" in child.cmdline():
                        self.parser = max(self.parser, child.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue

    def end(self) -> None:
        self._ended.set()
        self.join()


def memory(size: int, seconds: float) -> list[object]:
    from django.db import connections

    from vectordb import ingest, services
    from vectordb.models import VectorDatabase

    database = create(text_of(size * MEGABYTE))
    peak = PeakMemory()

    def work() -> None:
        ingest.ingest(database.pk)
        connections.close_all()

    thread = threading.Thread(target=work)
    peak.start()
    started = time.perf_counter()
    thread.start()
    thread.join(seconds)
    is_cut_short = thread.is_alive()
    if is_cut_short:
        services.cancel_ingestion(
            VectorDatabase.objects.get(pk=database.pk), user=database.created_by
        )
    thread.join()
    peak.end()
    took = time.perf_counter() - started
    done = database.ingestions.get().progress_done
    return [
        f"{size} MB", f"{took:.0f} s", "cut short" if is_cut_short else "whole",
        f"{done / MEGABYTE:.1f} MB", f"{peak.worker >> 20} MB", f"{peak.parser >> 20} MB",
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--chunks", type=int, default=1_500)
    parser.add_argument("--files", type=int, nargs="*", default=[1])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1, 100], help="megabytes")
    parser.add_argument("--seconds", type=float, default=60, help="at most, for each size")
    arguments = parser.parse_args()
    scratch.start()
    for files in arguments.files:
        speed(arguments.chunks, files, arguments.rounds)
    header: list[object] = ["text", "took", "", "read", "worker's peak", "parser's peak"]
    rows = [header, *(memory(size, arguments.seconds) for size in arguments.sizes)]
    print()
    scratch.table(rows)


if __name__ == "__main__":
    main()
