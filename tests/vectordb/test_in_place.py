"""Documents that come to a database which is in use already."""

import asyncio

import psycopg
import pytest
from django.db import connection
from psycopg import sql

from config.database import connection_parameters
from config.errors import Conflict, Forbidden, InvalidInput
from config.status import Status
from tests.vectordb.conftest import HANDBOOK, add, build
from vectordb import ingest, keyword_index, partitions, services, vector_index
from vectordb.models import Chunk, VectorDatabase
from vectordb.retrieval import retrieve
from vectordb.retrieval_settings import RetrievalSettings

pytestmark = pytest.mark.django_db(transaction=True)

LAMPS = b"Brass lamps are polished with chalk and vinegar."


def found(database: VectorDatabase, question: str) -> str:
    """The text of the best passage."""
    database.refresh_from_db()
    settings = RetrievalSettings(max_documents_retrieved_per_prompt=1)
    return asyncio.run(retrieve(database, question, settings)).passages[0].text


def test_new_documents_are_brought_in_and_found(handbook, dataset, alice):
    add(dataset, "lamps.txt", LAMPS)
    before = set(Chunk.objects.values_list("id", flat=True))

    services.bring_in_new_documents(handbook, user=alice)
    handbook.refresh_from_db()
    assert handbook.status == Status.COMPLETED
    ingest.ingest(handbook.pk)

    assert "chalk" in found(handbook, "How are lamps polished?")
    assert handbook.status == Status.COMPLETED
    assert handbook.chunks_count == len(before) + 1
    assert before < set(Chunk.objects.values_list("id", flat=True))
    assert handbook.keyword_facts is not None
    assert handbook.keyword_facts["chunks"] == handbook.chunks_count


def test_what_was_there_is_found_while_they_come(handbook, dataset, alice):
    add(dataset, "lamps.txt", LAMPS)
    services.bring_in_new_documents(handbook, user=alice)

    assert "thirty days" in found(handbook, "When can goods be returned?")


def test_documents_of_added_datasets_count(handbook, alice, use_case):
    more = services.create_dataset(user=alice, name="More", use_case=use_case)
    add(more, "boats.txt", b"Boats.")
    version = services.create_vector_database(
        user=alice, use_case=use_case, dataset=more, parent=handbook
    )
    ingest.ingest(version.pk)
    late = add(more, "lamps.txt", LAMPS)

    assert list(services.new_documents(version, user=alice)) == [late]
    assert list(services.new_documents(handbook, user=alice)) == []


def test_what_is_not_ones_own_to_use_is_not_told(handbook, dataset, vera, bob):
    add(dataset, "lamps.txt", LAMPS)

    for user in (vera, bob):
        assert list(services.new_documents(handbook, user=user)) == []


def test_numbers_go_on_after_those_that_are_given(handbook, dataset, alice):
    for name in ("a.txt", "b.txt"):
        add(dataset, name, name.encode())

    services.bring_in_new_documents(handbook, user=alice)

    numbers = list(handbook.ingestions.values_list("number", "document__name"))
    assert numbers == [(1, "handbook.md"), (2, "a.txt"), (3, "b.txt")]


def test_a_number_is_never_given_again(handbook, dataset, alice):
    last = add(dataset, "a.txt", b"a")
    services.bring_in_new_documents(handbook, user=alice)
    ingest.ingest(handbook.pk)
    services.delete_document(last, user=alice)
    add(dataset, "b.txt", b"b")

    services.bring_in_new_documents(handbook, user=alice)

    numbers = list(handbook.ingestions.values_list("number", "document__name"))
    assert numbers == [(1, "handbook.md"), (3, "b.txt")]


def test_new_columns_join_those_that_are_known(dataset, alice):
    add(dataset, "a.csv", b"document,document_file_path,topic\nLamps.,a.txt,light\n")
    database = build(dataset)
    add(dataset, "b.csv", b"document,document_file_path,town\nBoats.,b.txt,Harrow\n")

    services.bring_in_new_documents(database, user=alice)

    database.refresh_from_db()
    assert database.metadata_columns == ["topic", "town"]


def test_a_file_that_does_not_fit_is_refused_and_nothing_begins(dataset, alice):
    add(dataset, "a.csv", b"document,document_file_path\nLamps.,a.txt\n")
    database = build(dataset, is_custom_chunking=True)
    add(dataset, "b.csv", b"town,people\nHarrow,12\n")

    with pytest.raises(InvalidInput, match=r"b\.csv"):
        services.bring_in_new_documents(database, user=alice)
    assert database.ingestions.count() == 1


def test_a_bad_new_document_is_told_and_the_rest_stays_in_use(handbook, dataset, alice):
    add(dataset, "broken.pdf", b"%PDF-1.7 and nothing more")
    services.bring_in_new_documents(handbook, user=alice)
    ingest.ingest(handbook.pk)

    assert "thirty days" in found(handbook, "When can goods be returned?")
    assert handbook.status == Status.COMPLETED
    assert handbook.error_message == "1 of 2 documents could not be read."
    services.retry_ingestion(handbook, user=alice)
    handbook.refresh_from_db()
    assert handbook.status == Status.COMPLETED


def test_cancelling_them_leaves_the_database_as_it_was(handbook, dataset, alice):
    add(dataset, "lamps.txt", LAMPS)
    services.bring_in_new_documents(handbook, user=alice)

    services.cancel_ingestion(handbook, user=alice)
    ingest.ingest(handbook.pk)

    handbook.refresh_from_db()
    assert (handbook.status, handbook.chunks_count) == (Status.COMPLETED, Chunk.objects.count())
    assert handbook.ingestions.get(number=2).status == Status.CANCELLED


def test_there_must_be_something_new(handbook, alice):
    with pytest.raises(Conflict, match="Nothing came"):
        services.bring_in_new_documents(handbook, user=alice)


def test_the_database_must_be_complete(handbook, dataset, alice):
    add(dataset, "lamps.txt", LAMPS)
    VectorDatabase.objects.update(status=Status.RUNNING)

    with pytest.raises(Conflict, match="not complete"):
        services.bring_in_new_documents(handbook, user=alice)


def test_a_viewer_brings_nothing_in(handbook, dataset, vera):
    add(dataset, "lamps.txt", LAMPS)

    with pytest.raises(Forbidden):
        services.bring_in_new_documents(handbook, user=vera)
    assert handbook.ingestions.count() == 1


# With an index


@pytest.fixture
def indexed(dataset, settings) -> VectorDatabase:
    settings.EXACT_SCAN_LIMIT = 3
    for number in range(10):
        add(dataset, f"{number}.md", HANDBOOK + b"Shelf number %d." % number)
    database = build(dataset, chunk_size=128)
    assert database.index_width is not None
    return database


def indexes(database: VectorDatabase) -> dict[str, int]:
    """The HNSW indexes of its partition and where each is stored."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, relfilenode FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid"
            " WHERE indrelid = %s::regclass AND relname LIKE '%%hnsw%%'",
            [partitions.table_name(database.pk)],
        )
        return dict(cursor.fetchall())


def test_an_index_takes_a_few_new_chunks_in_by_itself(indexed, dataset, alice):
    before = indexes(indexed)
    add(dataset, "lamps.txt", LAMPS)
    services.bring_in_new_documents(indexed, user=alice)
    ingest.ingest(indexed.pk)

    assert indexes(indexed) == before
    assert "chalk" in found(indexed, "How are lamps polished?")
    assert indexed.index_recall == pytest.approx(1, abs=0.05)


def test_for_many_it_is_made_anew_beside_the_one_in_use(indexed, dataset, alice):
    before = indexes(indexed)
    for number in range(10):
        add(dataset, f"lamps{number}.txt", LAMPS + b" Lamp %d." % number)
    services.bring_in_new_documents(indexed, user=alice)
    ingest.ingest(indexed.pk)

    after = indexes(indexed)
    assert list(after) == list(before) == [f"{partitions.table_name(indexed.pk)}_hnsw"]
    assert after != before
    assert "chalk" in found(indexed, "How are lamps polished?")


def test_a_swap_waits_for_who_reads_the_table_for_long(indexed, monkeypatch):
    """As a dump of everything does."""
    monkeypatch.setattr(vector_index, "_LOCK_WAIT", "50ms")
    before = indexes(indexed)
    tries = []

    def swap(*asked):
        tries.append(1)
        if len(tries) == 3:
            reader.rollback()
        swap_for_real(*asked)

    swap_for_real = vector_index._swap_index
    monkeypatch.setattr(vector_index, "_swap_index", swap)
    parameters = connection_parameters()
    with psycopg.connect(**parameters) as reader:
        reader.execute(sql.SQL("SELECT count(*) FROM {}").format(partitions.table(indexed.pk)))

        vector_index.build_index(indexed, indexed.chunks_count)

    assert len(tries) == 3
    assert list(indexes(indexed)) == list(before)
    assert indexes(indexed) != before


def test_what_a_killed_worker_left_of_new_indexes_is_cleared_away(indexed):
    before = indexes(indexed)
    name, keywords = partitions.table_name(indexed.pk), keyword_index.table_name(indexed.pk)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX {name}_hnsw_new ON {name} (position)")
        cursor.execute(f"CREATE TABLE {keywords}_new (term text)")

    ingest.ingest(indexed.pk)

    assert indexes(indexed) == before
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [f"{keywords}_new"])
        assert cursor.fetchone() == (None,)
