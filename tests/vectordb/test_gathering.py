"""Small documents are embedded together, and yet each ends for itself."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from psycopg import sql

from config.status import Status
from tests.vectordb.conftest import add, create
from tests.vectordb.test_endpoint_models import add_model, staff
from vectordb import chunk_store, ingest, ingest_run, partitions, services
from vectordb.embedding import get_embedder
from vectordb.ingestion_progress import Progress
from vectordb.models import Chunk, Dataset, Ingestion, VectorDatabase
from vectordb.parser_process import EndlessSeparators

__all__ = ["staff"]

LONG = b"\n\n".join(b"Paragraph %d. " % number + b"The boat sails. " * 20 for number in range(200))


def fill(dataset: Dataset, count: int) -> None:
    for number in range(count):
        add(dataset, f"{number:02}.txt", f"Rule {number}: {'no ' * number} smoking.".encode())


def vectors_of(database: VectorDatabase) -> np.ndarray:
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT embedding::real[] FROM {} ORDER BY id").format(
                partitions.table(database.pk)
            )
        )
        return np.array([row[0] for row in cursor.fetchall()])


def test_each_chunk_has_the_vector_of_its_own_text(dataset):
    fill(dataset, 20)
    database = create(dataset)

    ingest.ingest(database.pk)

    texts = list(
        Chunk.objects.filter(vector_database_id=database.pk).values_list("text", flat=True)
    )
    assert len(texts) == 20
    alone = np.stack([get_embedder(database.embedding_model).embed([text])[0] for text in texts])
    assert np.abs(vectors_of(database) - alone).max() < 0.02


def test_a_server_is_asked_once_for_many(dataset, staff, llm_server):
    entry = add_model(staff, llm_server)
    fill(dataset, 20)
    add(dataset, "z.txt", b" ")
    database = create(dataset, embedding_model=entry.name)
    llm_server.requests.clear()

    ingest.ingest(database.pk)

    assert [len(body["input"]) for body in llm_server.embedded] == [20]
    assert database.ingestions.filter(status=Status.COMPLETED).count() == 20
    assert "no text" in database.ingestions.get(status=Status.ERROR).error_message


def test_large_documents_among_small_ones_come_in_whole(dataset):
    fill(dataset, 3)
    add(dataset, "long.txt", LONG)
    add(dataset, "last.txt", b"The end.")
    database = create(dataset, chunk_size=128)

    ingest.ingest(database.pk)
    database.refresh_from_db()

    counts = list(database.ingestions.values_list("chunks_count", flat=True))
    assert counts[:3] == [1, 1, 1]
    assert counts[3] > 128
    assert counts[4] == 1
    assert sum(counts) == database.chunks_count
    positions = Chunk.objects.filter(document_id=database.ingestions.get(number=4).document_id)
    assert list(positions.values_list("position", flat=True)) == list(range(counts[3]))


@pytest.mark.django_db(transaction=True)
def test_what_is_cancelled_while_it_is_embedded_is_not_stored(dataset, alice, staff, llm_server):
    fill(dataset, 4)
    database = create(dataset)
    left = iter(range(6))

    def cancel_late() -> bool:
        # Asked before each document and each batch: all are cut by the last time.
        if next(left, None) == 5:
            services.cancel_ingestion(database, user=alice)
        return False

    ingest.ingest(database.pk, should_end=cancel_late)

    assert {one.status for one in database.ingestions.all()} == {Status.CANCELLED}
    assert not Chunk.objects.filter(vector_database_id=database.pk).exists()


def test_rows_are_written_for_many_at_once(dataset):
    fill(dataset, 30)
    database = create(dataset)

    with CaptureQueriesContext(connection) as asked:
        ingest.ingest(database.pk)

    statements = [str(one["sql"]) for one in asked]
    assert len([one for one in statements if "SET status = 'COMPLETED'" in one]) == 1
    assert len([one for one in statements if "DELETE FROM" in one]) == 1
    statuses = database.ingestions.values_list("status", flat=True)
    assert list(statuses) == [Status.COMPLETED] * 30


def test_one_that_is_stopped_is_left_out(dataset):
    fill(dataset, 4)
    database = create(dataset)
    stopped = database.ingestions.get(number=2)
    left = iter(range(5))

    def stop_late() -> bool:
        # Asked before each document, and before each batch.
        if next(left, None) == 4:
            Ingestion.objects.filter(pk=stopped.pk).update(status=Status.CANCELLED)
        return False

    ingest.ingest(database.pk, should_end=stop_late)

    found = dict(database.ingestions.values_list("number", "status"))
    assert found == dict.fromkeys((1, 3, 4), Status.COMPLETED) | {2: Status.CANCELLED}
    chunks = Chunk.objects.filter(vector_database_id=database.pk)
    assert set(chunks.values_list("document_id", flat=True)) == set(
        database.ingestions.exclude(pk=stopped.pk).values_list("document_id", flat=True)
    )


def test_one_that_cannot_be_stored_fails_alone(dataset, monkeypatch):
    fill(dataset, 4)
    database = create(dataset)
    rows_of = chunk_store.rows_of

    def broken(ingestion, *args):
        if ingestion.number == 3:
            raise RuntimeError("out of order")
        return rows_of(ingestion, *args)

    monkeypatch.setattr(chunk_store, "rows_of", broken)

    ingest.ingest(database.pk)

    found = dict(database.ingestions.values_list("number", "status"))
    assert found == dict.fromkeys((1, 2, 4), Status.COMPLETED) | {3: Status.ERROR}
    assert Chunk.objects.filter(vector_database_id=database.pk).count() == 3


def test_what_fails_all_of_them_is_met_once(dataset, monkeypatch):
    fill(dataset, 4)
    database = create(dataset)
    read = []

    def endless(parser, document, *_):
        read.append(document.name)
        raise EndlessSeparators

    monkeypatch.setattr(ingest_run, "read_chunks", endless)

    ingest.ingest(database.pk)

    assert read == ["00.txt"]
    assert {one.status for one in database.ingestions.all()} == {Status.ERROR}


def test_the_time_that_all_took_is_shared_out(dataset):
    fill(dataset, 5)
    add(dataset, "two.txt", b"Two chunks. " * 150)
    database = create(dataset, chunk_size=250)

    ingest.ingest(database.pk)

    rows = Ingestion.objects.filter(vector_database=database).order_by("number")
    assert list(rows.values_list("chunks_count", flat=True)) == [1, 1, 1, 1, 1, 2]
    times: list[Any] = list(rows.values_list("started_at", "finished_at"))
    for (_, ended), (began, _) in pairwise(times):
        assert began == ended
    seconds = [(ended - began).total_seconds() for began, ended in times]
    assert min(seconds) > 0
    assert seconds[-1] / seconds[0] == pytest.approx(2, rel=0.01)
    assert Progress.of(database).finished == 6


def test_the_same_content_twice_is_embedded_once(dataset, alice, use_case, staff, llm_server):
    entry = add_model(staff, llm_server)
    add(dataset, "a.txt", b"Boats.")
    database = create(dataset, embedding_model=entry.name)
    more = services.create_dataset(user=alice, name="More", use_case=use_case)
    add(more, "b.txt", b"Boats.")
    version = services.create_vector_database(
        user=alice, use_case=use_case, dataset=more, parent=database
    )
    llm_server.requests.clear()

    ingest.ingest(version.pk)

    assert [body["input"] for body in llm_server.embedded] == [["Boats."]]
    assert Chunk.objects.filter(vector_database_id=version.pk).count() == 2
