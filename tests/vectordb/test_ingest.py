"""Documents into databases, with the real parser process, the real embedder and PostgreSQL."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection, connections

from accounts.services import create_use_case
from config.notify import CHANNEL
from config.status import Status
from tests.vectordb import samples
from tests.vectordb.conftest import HANDBOOK, add, build, create
from vectordb import files, ingest, partitions, services, tasks
from vectordb.models import CHUNKS_PER_DOCUMENT, Chunk, Ingestion, VectorDatabase
from vectordb.reuse import same_content

LONG = b"".join(b"Paragraph %d tells of something else entirely.\n\n" % n for n in range(60_000))


def chunks_of(database: VectorDatabase) -> list[Chunk]:
    return list(Chunk.objects.filter(vector_database_id=database.pk))


def embeddings_of(database: VectorDatabase) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT embedding::text FROM vectordb_chunk WHERE vector_database_id = %s ORDER BY id",
            [database.pk],
        )
        return [row[0] for row in cursor.fetchall()]


def test_a_document_becomes_chunks_that_stand_in_its_text(dataset):
    document = add(dataset, "handbook.md", HANDBOOK * 20)
    database = build(dataset, chunk_size=128, chunk_overlap_percentage=20)

    assert (database.status, database.error_message) == (Status.COMPLETED, "")
    chunks = chunks_of(database)
    assert database.chunks_count == len(chunks) > 5
    assert database.size > 0
    text = (HANDBOOK * 20).decode()
    for position, chunk in enumerate(chunks):
        assert text[chunk.start : chunk.end] == chunk.text
        assert (chunk.position, chunk.id) == (position, CHUNKS_PER_DOCUMENT + position)
        assert (chunk.document_id, chunk.page) == (document.pk, None)
        assert chunk.metadata["source"] == "handbook.md"
        assert chunk.metadata["headings"] in {"Returns", "Shipping", "Opening hours"}
    [ingestion] = database.ingestions.all()
    assert (ingestion.status, ingestion.chunks_count) == (Status.COMPLETED, len(chunks))
    assert ingestion.progress_done == ingestion.progress_total == len(text)


def test_pages_are_kept(dataset):
    add(dataset, "a.pdf", samples.pdf("First page.", "", "Third page."))
    assert [(chunk.page, chunk.text) for chunk in chunks_of(build(dataset))] == [
        (1, "First page."),
        (3, "Third page."),
    ]


def test_a_bad_document_fails_alone_and_says_why(dataset):
    add(dataset, "good.md", HANDBOOK)
    add(dataset, "scan.pdf", samples.pdf(""))
    add(dataset, "locked.pdf", samples.pdf("Secret", password="sesame"))
    add(
        dataset,
        "broken.docx",
        samples.archive({"[Content_Types].xml": b"", "word/document.xml": b"<"}),
    )
    add(dataset, "blank.txt", b" \n \n")
    database = build(dataset)

    assert database.status == Status.COMPLETED
    assert database.error_message == "4 of 5 documents could not be read."
    errors = [ingestion.error_message for ingestion in database.ingestions.all()]
    for error, words in zip(
        errors, ["", "OCR", "encrypted", "save it again", "no text"], strict=True
    ):
        assert words in error
    assert {chunk.document_id for chunk in chunks_of(database)} == {
        database.ingestions.get(number=1).document_id
    }


def test_of_many_small_files_each_ends_for_itself(dataset):
    def content(number: int) -> bytes:
        return b" " * number if number % 100 == 99 else b"Shelf %d holds lamps." % number

    uploads = [SimpleUploadedFile(f"{n}.txt", content(n)) for n in range(200)]
    services.add_files(dataset, user=dataset.created_by, files=uploads)
    database = build(dataset)

    assert (database.status, database.chunks_count) == (Status.COMPLETED, 198)
    assert database.error_message == "2 of 200 documents could not be read."
    failed = database.ingestions.filter(status=Status.ERROR)
    assert list(failed.values_list("document__name", "error_message")) == [
        ("99.txt", "There is no text in this file."),
        ("199.txt", "There is no text in this file."),
    ]
    done = database.ingestions.filter(status=Status.COMPLETED, chunks_count=1)
    assert done.count() == 198
    assert {chunk.text for chunk in chunks_of(database)} == {
        content(n).decode() for n in range(200) if n % 100 != 99
    }


def test_a_database_without_any_text_fails(dataset):
    add(dataset, "scan.pdf", samples.pdf(""))
    database = build(dataset)
    assert database.status == Status.ERROR
    assert "None of the documents could be read" in database.error_message
    assert "OCR" in database.error_message


def test_a_failed_document_can_be_retried(dataset, alice):
    document = add(dataset, "a.txt", b"words to read")
    stored = files.stored_path(document.stored_name)
    hidden = stored.rename(stored.with_suffix(".away"))
    database = build(dataset)
    assert database.status == Status.ERROR
    assert "damaged" in database.ingestions.get().error_message

    hidden.rename(stored)
    services.retry_ingestion(database, user=alice)
    ingest.ingest(database.pk)

    database.refresh_from_db()
    assert (database.status, database.error_message) == (Status.COMPLETED, "")
    assert [chunk.text for chunk in chunks_of(database)] == ["words to read"]


def test_running_again_changes_nothing(handbook):
    before = [(chunk.id, chunk.text) for chunk in chunks_of(handbook)]
    ingest.ingest(handbook.pk)
    assert [(chunk.id, chunk.text) for chunk in chunks_of(handbook)] == before


def test_an_interrupted_document_starts_over_without_doubles(handbook):
    count = handbook.chunks_count
    # As a worker leaves it that died after the chunks of an earlier try were stored.
    handbook.ingestions.update(status=Status.RUNNING)
    VectorDatabase.objects.update(status=Status.RUNNING)

    ingest.ingest(handbook.pk)

    assert len(chunks_of(handbook)) == count
    handbook.refresh_from_db()
    assert handbook.status == Status.COMPLETED


def test_a_long_document_is_staged_and_complete(dataset, monkeypatch):
    monkeypatch.setattr("vectordb.chunk_store._MOST_ROWS", 10)
    add(dataset, "long.txt", HANDBOOK * 100)
    database = build(dataset, chunk_size=128)

    assert [chunk.position for chunk in chunks_of(database)] == list(range(database.chunks_count))
    assert database.chunks_count > 30
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('pg_temp.vectordb_staged_chunks')")
        assert cursor.fetchone() == (None,)


def test_the_same_content_is_embedded_once(dataset, alice, monkeypatch):
    add(dataset, "first.md", HANDBOOK)
    first = build(dataset)

    def refuse(*_):
        raise AssertionError("embedded again")

    monkeypatch.setattr("vectordb.ingest_run.get_embedder", refuse)
    second = build(dataset)

    assert second.status == Status.COMPLETED
    assert embeddings_of(second) == embeddings_of(first)
    assert [(c.id, c.text, c.start) for c in chunks_of(second)] == [
        (c.id, c.text, c.start) for c in chunks_of(first)
    ]


def test_other_settings_are_embedded_again(dataset):
    add(dataset, "first.md", HANDBOOK * 5)
    assert build(dataset, chunk_size=128).chunks_count > build(dataset, chunk_size=256).chunks_count


def test_content_of_strangers_is_not_taken_over(dataset, bob):
    theirs = services.create_dataset(user=bob)
    add(dataset, "a.md", HANDBOOK)
    build(dataset)
    services.link_dataset(theirs, use_case=create_use_case(user=bob), user=bob)
    add(theirs, "a.md", HANDBOOK)
    database = create(theirs)
    assert same_content(database.ingestions.get()) is None


def test_content_that_is_half_gone_is_read_again(dataset):
    add(dataset, "a.md", HANDBOOK * 5)
    first = build(dataset, chunk_size=128)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM vectordb_chunk WHERE vector_database_id = %s AND position = 1", [first.pk]
        )
    second = build(dataset, chunk_size=128)
    assert second.chunks_count == first.chunks_count


def test_a_file_that_takes_too_long_is_given_up(dataset, settings):
    settings.PARSER_SECONDS = 0
    add(dataset, "a.txt", LONG[:200_000])
    database = build(dataset)
    assert "took too long" in database.ingestions.get().error_message


def test_a_parser_out_of_memory_fails_its_document_alone(dataset, settings):
    settings.PARSER_MEMORY_BYTES = 600 * 1024 * 1024
    add(dataset, "deep.html", b"<p>" + b"<i>x</i>" * 2_500_000)
    add(dataset, "good.md", HANDBOOK)
    database = build(dataset)

    bad, good = database.ingestions.all()
    assert bad.status == Status.ERROR
    assert "memory" in bad.error_message or "damaged" in bad.error_message
    assert good.status == Status.COMPLETED


@pytest.mark.django_db(transaction=True)
def test_a_job_that_breaks_leaves_an_error_and_nothing_unfinished(dataset, monkeypatch, run_jobs):
    add(dataset, "a.txt", b"words")
    database = create(dataset)

    def fall_over(_):
        raise RuntimeError("internal detail")

    monkeypatch.setattr("vectordb.partitions.create", fall_over)
    run_jobs()

    database.refresh_from_db()
    assert database.status == database.ingestions.get().status == Status.ERROR
    assert "internal" not in database.error_message


def test_a_database_that_is_gone_is_no_error(db):
    ingest.ingest("0" * 24)
    with pytest.raises(ValueError, match="no id"):
        partitions.drop("0; DROP TABLE x")


@pytest.fixture
def listener(transactional_db) -> Iterator[psycopg.Connection]:
    params = connection.get_connection_params()
    wanted = {
        key: params[key]
        for key in ("dbname", "user", "password", "host", "port")
        if params.get(key)
    }
    with psycopg.connect(**wanted, autocommit=True) as listening:
        listening.execute(f"LISTEN {CHANNEL}")
        yield listening


def wait_until(listener: psycopg.Connection, condition: Callable[[], bool]) -> None:
    """Look whenever the work reports progress."""
    if condition():
        return
    for _ in listener.notifies(timeout=60):
        if condition():
            return
    raise AssertionError("it never happened")


def is_underway(database: VectorDatabase) -> bool:
    return Ingestion.objects.filter(
        vector_database=database, status=Status.RUNNING, progress_done__gt=0
    ).exists()


@pytest.fixture
def ingesting(dataset, listener) -> Iterator[tuple[VectorDatabase, threading.Thread]]:
    """A long document that is being brought in by another thread."""
    add(dataset, "long.txt", LONG)
    add(dataset, "next.txt", b"words of the next")
    database = create(dataset)

    def work() -> None:
        ingest.ingest(database.pk)
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    wait_until(listener, lambda: is_underway(database))
    yield database, thread
    thread.join(30)


def ends_within(thread: threading.Thread, seconds: float) -> bool:
    started = time.monotonic()
    thread.join(seconds)
    return not thread.is_alive() and time.monotonic() - started < seconds


@pytest.mark.django_db(transaction=True)
def test_cancelling_stops_within_two_seconds(ingesting, alice):
    database, thread = ingesting
    services.cancel_ingestion(database, user=alice)

    assert ends_within(thread, 3)
    ended = {(i.status, i.chunks_count) for i in database.ingestions.all()}
    assert ended == {(Status.CANCELLED, 0)}
    database.refresh_from_db()
    assert database.status == Status.CANCELLED
    assert chunks_of(database) == []


@pytest.mark.django_db(transaction=True)
def test_a_document_tells_how_many_of_its_chunks_are_embedded(ingesting, listener, alice):
    database, _ = ingesting
    counted = database.ingestions.filter(number=1, status=Status.RUNNING, chunks_count__gt=0)

    wait_until(listener, counted.exists)

    assert chunks_of(database) == []
    services.cancel_ingestion(database, user=alice)


@pytest.mark.django_db(transaction=True)
def test_deleting_a_document_on_its_way_goes_on_with_the_next(ingesting, alice):
    database, thread = ingesting
    services.delete_document(database.ingestions.get(number=1).document, user=alice)

    assert ends_within(thread, 10)
    assert [chunk.text for chunk in chunks_of(database)] == ["words of the next"]


@pytest.mark.django_db(transaction=True)
def test_deleting_a_database_on_its_way_drops_its_partition(ingesting, alice, run_jobs):
    database, thread = ingesting
    database_id = database.pk
    services.delete_vector_database(database, user=alice)
    assert not VectorDatabase.objects.exists()

    assert ends_within(thread, 3)
    run_jobs()
    assert not partitions.exists(database_id)


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_midway_leaves_nothing_double(dataset, listener, tmp_path):
    add(dataset, "short.txt", b"words of the short one")
    add(dataset, "long.txt", LONG[:400_000])
    database = create(dataset)
    params = connection.get_connection_params()
    environment = os.environ | {
        "DATABASE_URL": f"postgresql://{params['user']}@/{params['dbname']}?host={params['host']}",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "MEDIA": str(files.stored_path("")),
        "DATABASE": database.pk,
    }
    script = (
        "import os, django; django.setup(); from django.conf import settings;"
        "settings.MEDIA_ROOT = os.environ['MEDIA']; from vectordb import ingest;"
        "ingest.ingest(os.environ['DATABASE'])"
    )
    worker = subprocess.Popen([sys.executable, "-c", script], env=environment)
    try:
        wait_until(
            listener,
            lambda: (
                is_underway(database)
                and database.ingestions.filter(status=Status.COMPLETED).exists()
            ),
        )
    finally:
        worker.kill()
        worker.wait()
    assert [chunk.text for chunk in chunks_of(database)] == ["words of the short one"]

    ingest.ingest(database.pk)

    chunks = chunks_of(database)
    by_document = [[c for c in chunks if c.id // CHUNKS_PER_DOCUMENT == n] for n in (1, 2)]
    for own in by_document:
        assert [chunk.position for chunk in own] == list(range(len(own)))
    assert sum(i.chunks_count for i in database.ingestions.all()) == len(chunks)
    database.refresh_from_db()
    assert (database.status, database.chunks_count) == (Status.COMPLETED, len(chunks))


@pytest.mark.django_db(transaction=True)
def test_a_job_is_enqueued_with_the_database_and_once(dataset, alice, run_jobs):
    add(dataset, "a.txt", b"words")
    database = create(dataset)
    tasks.enqueue_ingestion(database.pk)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo' AND queue_name = 'ingest'"
        )
        assert cursor.fetchone() == (1,)

    run_jobs()
    database.refresh_from_db()
    assert database.status == Status.COMPLETED


def test_no_migration_is_missing(db):
    call_command("makemigrations", "vectordb", check=True, dry_run=True, verbosity=0)
