"""How well the default search ranks, on test collections: by meaning, by words, and by both.

A collection is a folder with corpus.jsonl (_id, title, text), queries.jsonl (_id, text) and qrels.tsv
(query-id, corpus-id, score). It is brought in as the product does it, with its defaults; a document
ranks where its best chunk does.

    .venv/bin/python -m benchmarks.quality FOLDER [FOLDER …] [--overlap 15] [--queries 500] [--report PAGE.md]
"""

import argparse
import asyncio
import csv
import io
import json
import math
import statistics
import time
from collections import defaultdict
from pathlib import Path

from benchmarks import report, scratch

DEPTH = 100
TOP = 10


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def judgements(folder: Path) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    with (folder / "qrels.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if int(row["score"]) > 0:
                found[row["query-id"]][row["corpus-id"]] = int(row["score"])
    return found


def build(folder: Path, overlap: int):
    """A vector database of the collection, each document a row of one CSV file."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    from vectordb import ingest, services
    from vectordb.chunking_settings import ChunkingSettings

    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(["document", "document_file_path"])
    for one in lines(folder / "corpus.jsonl"):
        title, text = one.get("title") or "", one["text"]
        whole = text if text.startswith(title) else f"{title}\n\n{text}"
        if whole.strip():
            writer.writerow([whole, one["_id"]])
    dataset = scratch.dataset()
    file = SimpleUploadedFile(f"{folder.name}.csv", table.getvalue().encode())
    [added] = services.add_files(dataset, user=dataset.created_by, files=[file])
    assert not added.error, added.error
    database = services.create_vector_database(
        user=dataset.created_by,
        use_case=dataset.use_cases.get(),
        dataset=dataset,
        chunking=ChunkingSettings(chunk_overlap_percentage=overlap),
    )
    started = time.perf_counter()
    ingest.ingest(database.pk)
    database.refresh_from_db()
    assert database.status == "COMPLETED", database.error_message
    print(
        f"{folder.name}: {database.chunks_count:,} chunks in {time.perf_counter() - started:.0f} s,"
        f" {database.keyword_facts}"
    )
    return database


def figures(ranking: list[str], relevant: dict[str, int]) -> tuple[float, float, float]:
    """(nDCG@10 with linear gains, recall@10, reciprocal rank within 10)."""
    gains = [relevant.get(name, 0) for name in ranking[:TOP]]
    ideal = sorted(relevant.values(), reverse=True)[:TOP]
    found = [place for place, gain in enumerate(gains, 1) if gain]
    return (
        discounted(gains) / discounted(ideal),
        len(found) / len(relevant),
        1 / found[0] if found else 0.0,
    )


def discounted(gains: list[int]) -> float:
    return sum(gain / math.log2(place + 1) for place, gain in enumerate(gains, 1))


def measure(database, folder: Path, most: int) -> list[list[object]]:
    from vectordb.embedding import embed_query
    from vectordb.models import Chunk
    from vectordb.passages import Record
    from vectordb.ranking import Query, ranked
    from vectordb.retrieval_settings import RetrievalSettings, SearchMode

    names = dict(
        Chunk.objects.filter(vector_database_id=database.pk).values_list("id", "metadata__source")
    )
    relevant = judgements(folder)
    queries = [one for one in lines(folder / "queries.jsonl") if one["_id"] in relevant][:most]

    async def embedded() -> list[list[float]]:
        return [await embed_query(database.embedding_model, one["text"]) for one in queries]

    vectors = asyncio.run(embedded())
    rows: list[list[object]] = []
    for mode in SearchMode.values:
        scores, times = [], []
        for query, vector in zip(queries, vectors, strict=True):
            started = time.perf_counter()
            settings = RetrievalSettings(search_mode=mode)
            found = ranked(Query(database, query["text"], vector, settings), DEPTH, Record())
            times.append((time.perf_counter() - started) * 1000)
            ranking = list(dict.fromkeys(names[chunk_id] for chunk_id in found.ids))
            scores.append(figures(ranking, relevant[query["_id"]]))
        means = [f"{statistics.mean(column):.3f}" for column in zip(*scores, strict=True)]
        ordered = sorted(times)
        rows.append([
            folder.name, len(queries), mode, *means,
            f"{statistics.median(ordered):.1f}", f"{ordered[int(len(ordered) * 0.95)]:.1f}",
        ])  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--overlap", type=int, default=0)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--report", type=Path)
    arguments = parser.parse_args()
    scratch.start()
    rows: list[list[object]] = [
        ["collection", "questions", "search", "nDCG@10", "recall@10", "MRR@10", "p50 ms", "p95"]
    ]
    for folder in arguments.folders:
        rows += measure(build(folder, arguments.overlap), folder, arguments.queries)
    print()
    scratch.table(rows)
    if arguments.report:
        report.write(arguments.report, "benchmarks.quality", __doc__, rows)


if __name__ == "__main__":
    main()
