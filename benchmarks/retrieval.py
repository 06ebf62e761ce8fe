"""How fast and how complete retrieval is at 1,000, 10,000 and 100,000 chunks, with and without a filter.

Vectors are made up in clusters, as those of texts are; each row carries 150 words, as frequent as
words are (Zipf). "search" is the look-up of vectors, "words" that of a question's words, "retrieve"
all of it from the question's text on, with the real embedder; recall compares the ten nearest with
numpy's.

    .venv/bin/python -m benchmarks.retrieval [--chunks 1000 10000 100000] [--queries 100]
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Callable

import numpy as np

from benchmarks import scratch

FILTERS = {"none": None, "1 % kept": {"group": 7}, "half kept": {"group": {"$lt": 50}}}
GROUPS = 100
LIMIT = 10


def vectors_of(count: int, dimensions: int = 384) -> np.ndarray:
    random = np.random.default_rng(11)
    centres = random.normal(size=(max(20, count // 100), dimensions))
    spread = centres[random.integers(0, len(centres), count)]
    vectors = spread + random.normal(scale=1.2, size=(count, dimensions))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)


class Words:
    """Made-up words, each as frequent as its rank says."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def text(self, count: int) -> str:
        ranks = np.minimum(self._random.zipf(1.15, count), 300_000)
        return " ".join(f"w{rank:x}" for rank in ranks)


def build(count: int):
    """A database with made-up chunks, indexed where the product would index it."""
    from django.conf import settings
    from pgvector import HalfVector
    from psycopg.types.json import Jsonb

    from vectordb import chunk_store, keyword_index, partitions
    from vectordb.models import CHUNKS_PER_DOCUMENT, VectorDatabase

    dataset = scratch.dataset()
    database = VectorDatabase.objects.create(
        use_case=dataset.use_cases.get(),
        dataset=dataset,
        name=f"{count} chunks",
        embedding_model=settings.DEFAULT_EMBEDDING_MODEL,
        dimensions=384,
        chunk_size=256,
        chunk_overlap_percentage=0,
        separators=[],
        chunks_count=count,
        created_by=dataset.created_by,
    )
    partitions.create(database)
    vectors = vectors_of(count)
    words = Words(3)
    started = time.perf_counter()
    for first in range(0, count, 5_000):
        rows = [
            (database.pk, CHUNKS_PER_DOCUMENT + n, "d", n, 1, n * 1000, n * 1000 + 900, 200,
             HalfVector(vectors[n]), "en", words.text(150), Jsonb({"group": n % GROUPS, "source": "a"}))
            for n in range(first, min(count, first + 5_000))
        ]  # fmt: skip
        chunk_store.copy_rows(partitions.table(database.pk), rows)
    loaded = time.perf_counter() - started
    partitions.analyze(database.pk)
    started = time.perf_counter()
    if count > settings.EXACT_SCAN_LIMIT:
        partitions.build_index(database, count)
    indexed = time.perf_counter() - started
    started = time.perf_counter()
    keyword_index.build(database, "now", lambda: None)
    listed = time.perf_counter() - started
    database.refresh_from_db()
    ef = database.ef_search or "-"
    print(
        f"{count:,} chunks: loaded in {loaded:.1f} s, indexed in {indexed:.1f} s, words in {listed:.1f} s, ef_search {ef}"
    )
    return database, vectors


def exact(vectors: np.ndarray, query: np.ndarray, kept: np.ndarray) -> set[int]:
    from vectordb.models import CHUNKS_PER_DOCUMENT

    similarity = vectors[kept].astype(np.float32) @ query
    return {CHUNKS_PER_DOCUMENT + int(kept[n]) for n in np.argsort(-similarity)[:LIMIT]}


def timed(work: Callable[[], object]) -> tuple[float, object]:
    started = time.perf_counter()
    result = work()
    return (time.perf_counter() - started) * 1000, result


def quantiles(times: list[float]) -> list[object]:
    ordered = sorted(times)
    return [f"{statistics.median(ordered):.1f}", f"{ordered[int(len(ordered) * 0.95)]:.1f}"]


def measure(database, vectors: np.ndarray, name: str, queries: int) -> list[object]:
    from vectordb import search
    from vectordb.keyword_search import score_words
    from vectordb.metadata_filter import to_sql
    from vectordb.retrieval import retrieve
    from vectordb.retrieval_settings import RetrievalSettings

    metadata_filter = FILTERS[name]
    groups = np.arange(len(vectors)) % GROUPS
    kept = {"none": groups >= 0, "1 % kept": groups == 7, "half kept": groups < 50}[name].nonzero()[
        0
    ]
    random = np.random.default_rng(5)
    searches, lookups, retrievals, shared, wanted, how = [], [], [], 0, 0, set()
    words = Words(4)
    for _ in range(queries):
        query = vectors[random.integers(len(vectors))].astype(np.float32)
        query = query + random.normal(scale=0.03, size=query.shape).astype(np.float32)
        condition = to_sql(metadata_filter)
        milliseconds, found = timed(
            lambda q=query, c=condition: search.nearest(
                database, q.tolist(), limit=LIMIT, condition=c
            )
        )
        searches.append(milliseconds)
        text = words.text(12)
        milliseconds, _ = timed(lambda q=text, c=condition: score_words(database, q).best(100, c))
        lookups.append(milliseconds)
        how.add(found.search)
        truth = exact(vectors, query, kept)
        shared += len(truth & {hit.chunk_id for hit in found.hits})
        wanted += len(truth)

    async def ask() -> None:
        settings = RetrievalSettings(max_documents_retrieved_per_prompt=LIMIT)
        for number in range(queries):
            started = time.perf_counter()
            question = f"{number} {words.text(12)}"
            await retrieve(database, question, settings, metadata_filter=metadata_filter)
            retrievals.append((time.perf_counter() - started) * 1000)

    asyncio.run(ask())
    return [
        f"{len(vectors):,}", name, "/".join(sorted(how)), *quantiles(searches), *quantiles(lookups),
        *quantiles(retrievals[3:]), f"{shared / wanted:.3f}",
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--chunks", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--queries", type=int, default=100)
    arguments = parser.parse_args()
    scratch.start()
    rows: list[list[object]] = [
        [
            "chunks",
            "filter",
            "by",
            "search p50 ms",
            "p95",
            "words p50 ms",
            "p95",
            "retrieve p50 ms",
            "p95",
            "recall@10",
        ]
    ]
    for count in arguments.chunks:
        database, vectors = build(count)
        rows += [measure(database, vectors, name, arguments.queries) for name in FILTERS]
    print()
    scratch.table(rows)
    print(json.dumps({"queries": arguments.queries, "limit": LIMIT}))


if __name__ == "__main__":
    main()
