"""How fast and how complete retrieval is, by the number of chunks, with and without a filter.

Vectors are made up in clusters, with the local intrinsic dimension of those of texts: 18.6 as estimated
by maximum likelihood from 20 neighbours in 9,000 of them (Levina and Bickel, 2004), where the default
model's vectors of 9,000 passages have 18.4. Each row carries 150 words, as frequent as words are
(Zipf). "search" is the look-up of vectors by one client, "of 8" by eight at once, each of whom asks all
of the questions after having asked them before, "words" the look-up of a question's words, "retrieve"
all of it from the question's text on, with the real embedder. Recall compares the ten nearest with
numpy's. With --beside the same vectors are searched, without a filter, by chromadb and faiss, where they
are installed.

    .venv/bin/python -m benchmarks.retrieval [--chunks 1000 10000 100000] [--queries 100] [--beside]
        [--report PAGE.md]
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np

from benchmarks import report, scratch

FILTERS = {"none": None, "1 % kept": {"group": 7}, "half kept": {"group": {"$lt": 50}}}
GROUPS = 100
LIMIT = 10
CLIENTS = 8


TOPICS, DIRECTIONS = 64, 48


def vectors_of(count: int, dimensions: int = 384) -> np.ndarray:
    """Of shape (count, dimensions), each of length 1: a few topics, within each of which vectors differ
    in some directions much more than in the others."""
    random = np.random.default_rng(11)
    unit = 1 / np.sqrt(dimensions)
    common = 0.25 * unit * random.normal(size=dimensions)
    scales = np.arange(1, DIRECTIONS + 1) ** -0.35
    scales /= np.linalg.norm(scales)
    topics = random.integers(0, TOPICS, count)
    vectors = np.empty((count, dimensions), np.float16)
    for topic in range(TOPICS):
        [rows] = np.nonzero(topics == topic)
        centre = common + 0.75 * unit * random.normal(size=dimensions)
        directions, _ = np.linalg.qr(random.normal(size=(dimensions, DIRECTIONS)))
        within = (random.normal(size=(len(rows), DIRECTIONS)) * scales) @ directions.T
        around = 0.25 * unit * random.normal(size=(len(rows), dimensions))
        made = centre + within + around
        vectors[rows] = made / np.linalg.norm(made, axis=1, keepdims=True)
    return vectors


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

    from vectordb import chunk_store, keyword_index, partitions, vector_index
    from vectordb.models import CHUNKS_PER_DOCUMENT, VectorDatabase

    dataset = scratch.dataset()
    database = VectorDatabase.objects.create(
        use_case=dataset.use_cases.get(),
        dataset=dataset,
        name=f"{count} chunks",
        family_id=f"{count:024d}",
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
        vector_index.build_index(database, count)
    indexed = time.perf_counter() - started
    started = time.perf_counter()
    keyword_index.build(database, "now", lambda: None)
    listed = time.perf_counter() - started
    database.refresh_from_db()
    _, size = partitions.measure(database.pk)
    megabytes = (size >> 20, keyword_index.size(database.pk) >> 20)
    print(
        f"{count:,} chunks: loaded in {loaded:.1f} s, indexed in {indexed:.1f} s, words in {listed:.1f} s, "
        f"{database.index_kind} searched at {database.index_width}, {megabytes[0]} MB and {megabytes[1]} MB of words"
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


def at_once(search_one: Callable[[np.ndarray], object], queries: np.ndarray) -> list[float]:
    """Milliseconds of each query, put by so many clients together."""
    from django.db import connections

    # A server's process maps memory as it first reads it, which takes longer than the search itself.
    warm = Barrier(CLIENTS)

    def client(_: int) -> list[float]:
        for query in queries:
            search_one(query)
        warm.wait()
        times = [timed(lambda q=query: search_one(q))[0] for query in queries]
        connections.close_all()
        return times

    with ThreadPoolExecutor(CLIENTS) as pool:
        return [one for times in pool.map(client, range(CLIENTS)) for one in times]


def queries_near(vectors: np.ndarray, count: int) -> np.ndarray:
    random = np.random.default_rng(5)
    chosen = vectors[random.integers(len(vectors), size=count)].astype(np.float32)
    return chosen + random.normal(scale=0.03, size=chosen.shape).astype(np.float32)


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
    searches, lookups, retrievals, shared, wanted, how = [], [], [], 0, 0, set()
    words = Words(4)
    asked = queries_near(vectors, queries)
    condition = to_sql(metadata_filter)
    for query in asked:
        milliseconds, found = timed(
            lambda q=query: search.nearest(database, q.tolist(), limit=LIMIT, condition=condition)
        )
        searches.append(milliseconds)
        text = words.text(12)
        milliseconds, _ = timed(lambda q=text: score_words(database, q).best(100, condition))
        lookups.append(milliseconds)
        how.add(found.search)
        truth = exact(vectors, query, kept)
        shared += len(truth & {hit.chunk_id for hit in found.hits})
        wanted += len(truth)

    together = at_once(
        lambda q: search.nearest(database, q.tolist(), limit=LIMIT, condition=condition), asked
    )

    async def ask() -> None:
        settings = RetrievalSettings(max_documents_retrieved_per_prompt=LIMIT)
        for number in range(queries):
            started = time.perf_counter()
            question = f"{number} {words.text(12)}"
            await retrieve(database, question, settings, metadata_filter=metadata_filter)
            retrievals.append((time.perf_counter() - started) * 1000)

    asyncio.run(ask())
    return [
        f"{len(vectors):,}", name, "/".join(sorted(how)), f"{shared / wanted:.3f}", *quantiles(searches),
        *quantiles(together), *quantiles(lookups), *quantiles(retrievals[3:]),
    ]  # fmt: skip


def beside(vectors: np.ndarray, queries: int) -> list[list[object]]:
    """The same vectors and queries in other stores, each as its documentation has it."""
    rows = []
    for name, make in (("chromadb", beside_chromadb), ("faiss HNSW", beside_faiss)):
        started = time.perf_counter()
        try:
            search_one = make(vectors.astype(np.float32))
        except ImportError:
            print(f"{name} is not installed")
            continue
        print(f"{len(vectors):,} chunks: {name} built in {time.perf_counter() - started:.1f} s")
        asked = queries_near(vectors, queries)
        everything = np.arange(len(vectors))
        times, shared = [], 0
        for query in asked:
            milliseconds, found = timed(lambda q=query, s=search_one: s(q))
            times.append(milliseconds)
            truth = exact(vectors, query, everything)
            shared += len(truth & {one + first_id() for one in found})
        together = at_once(search_one, asked)
        recall = f"{shared / (LIMIT * len(asked)):.3f}"
        rows.append([
            f"{len(vectors):,}", "none", name, recall, *quantiles(times), *quantiles(together),
            *["-"] * 4,
        ])  # fmt: skip
    return rows


def first_id() -> int:
    from vectordb.models import CHUNKS_PER_DOCUMENT

    return CHUNKS_PER_DOCUMENT


def beside_chromadb(vectors: np.ndarray) -> Callable[[np.ndarray], list[int]]:
    import chromadb

    client = chromadb.EphemeralClient()
    collection = client.create_collection(
        f"c{len(vectors)}", configuration={"hnsw": {"space": "cosine"}}
    )
    for first in range(0, len(vectors), 5_000):
        some = vectors[first : first + 5_000]
        collection.add(ids=[str(first + n) for n in range(len(some))], embeddings=some)

    def search_one(query: np.ndarray) -> list[int]:
        found = collection.query(query_embeddings=[query], n_results=LIMIT, include=[])
        return [int(one) for one in found["ids"][0]]

    return search_one


def beside_faiss(vectors: np.ndarray) -> Callable[[np.ndarray], list[int]]:
    import faiss

    index = faiss.IndexHNSWFlat(vectors.shape[1], 16, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction, index.hnsw.efSearch = 64, 100
    index.add(vectors)
    return lambda query: index.search(query[None], LIMIT)[1][0].tolist()


HEADER = [
    "chunks", "filter", "by", "recall@10", "search p50 ms", "p95", "of 8 p50 ms", "p95",
    "words p50 ms", "p95", "retrieve p50 ms", "p95",
]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--chunks", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--beside", action="store_true")
    parser.add_argument("--report", type=Path)
    arguments = parser.parse_args()
    scratch.start()
    rows: list[list[object]] = [HEADER]
    for count in arguments.chunks:
        database, vectors = build(count)
        new = [measure(database, vectors, name, arguments.queries) for name in FILTERS]
        if arguments.beside:
            new += beside(vectors, arguments.queries)
        scratch.table([HEADER, *new])
        rows += new
        # A million takes long: what is measured is kept.
        if arguments.report:
            report.write(arguments.report, "benchmarks.retrieval", __doc__, rows)


if __name__ == "__main__":
    main()
