"""A newer file in the place of a document, in databases that are in use."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from config.errors import Conflict, Forbidden, InvalidInput
from config.status import Status
from tests.vectordb.conftest import HANDBOOK, add, build, create
from tests.vectordb.test_chunk_edits import edit, passages
from vectordb import edit_work, files, ingest, services
from vectordb.models import Chunk, Dataset, DisabledChunk, Document, VectorDatabase

pytestmark = pytest.mark.django_db(transaction=True)

NEWER = HANDBOOK.replace(b"thirty days", b"sixty days")


def upload(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def replace(dataset: Dataset, user, name: str, content: bytes) -> Document:
    [document] = dataset.documents.filter(name="handbook.md")
    return services.replace_document(document, user=user, upload=upload(name, content))


def texts(database: VectorDatabase) -> str:
    chunks = Chunk.objects.filter(vector_database_id=database.pk)
    return "\n".join(chunks.values_list("text", flat=True))


def kept(media: Path) -> set[Path]:
    return {path for path in media.rglob("*") if path.is_file()}


def test_the_old_text_is_found_until_the_new_one_is_there(handbook, dataset, alice):
    old = dataset.documents.get()
    before = set(Chunk.objects.values_list("id", flat=True))

    new = replace(dataset, alice, "handbook.md", NEWER)

    assert dataset.documents.get() == new
    assert not files.stored_path(old.stored_name).exists()
    assert "thirty days" in passages(handbook, "When can goods be returned?")[0].text
    assert handbook.status == Status.COMPLETED
    ingest.ingest(handbook.pk)
    assert "sixty days" in passages(handbook, "When can goods be returned?")[0].text
    assert "thirty" not in texts(handbook)
    ingestion = handbook.ingestions.get()
    assert (ingestion.document, ingestion.status) == (new, Status.COMPLETED)
    assert ingestion.replaces is None
    # What the old ids meant, no chunk means now.
    assert not before & set(Chunk.objects.values_list("id", flat=True))
    assert handbook.chunks_count == Chunk.objects.count()


def test_every_database_gets_it(handbook, dataset, alice):
    other = build(dataset, chunk_size=128)

    replace(dataset, alice, "newer.md", NEWER)

    for database in (handbook, other):
        ingest.ingest(database.pk)
        assert "sixty days" in texts(database)
        assert passages(database, "goods")[0].document_name == "newer.md"


def test_a_file_that_cannot_be_read_leaves_the_old_text_in_use(handbook, dataset, alice):
    broken = NEWER[:40] + bytes(range(1, 9)) * 10
    document = dataset.documents.get()
    [ingestion] = handbook.ingestions.all()
    services.replace_document(document, user=alice, upload=upload("a.pdf", b"%PDF-1.4\n" + broken))
    ingest.ingest(handbook.pk)

    handbook.refresh_from_db()
    ingestion.refresh_from_db()
    assert ingestion.status == Status.ERROR
    assert handbook.error_message == "1 of 1 documents could not be read."
    assert "thirty days" in passages(handbook, "When can goods be returned?")[0].text

    [broken_document] = dataset.documents.all()
    services.replace_document(broken_document, user=alice, upload=upload("handbook.md", NEWER))
    ingest.ingest(handbook.pk)
    assert "thirty" not in texts(handbook)
    assert "sixty days" in passages(handbook, "When can goods be returned?")[0].text


def test_one_that_is_replaced_while_it_waits_is_brought_in_once(dataset, alice):
    add(dataset, "handbook.md", HANDBOOK)
    database = create(dataset)

    replace(dataset, alice, "handbook.md", NEWER)
    ingest.ingest(database.pk)
    database.refresh_from_db()

    assert database.status == Status.COMPLETED
    assert "sixty days" in texts(database)
    assert "thirty" not in texts(database)


def test_one_that_is_replaced_once_the_job_has_looked_it_up_is_read_anew(dataset, alice):
    add(dataset, "first.txt", b"Boats.")
    add(dataset, "handbook.md", HANDBOOK)
    database = create(dataset)
    replaced: list[Document] = []

    def replace_once() -> bool:
        # The job asks whether to end before each document.
        if not replaced:
            replaced.append(replace(dataset, alice, "handbook.md", NEWER))
        return False

    ingest.ingest(database.pk, should_end=replace_once)
    database.refresh_from_db()

    assert (database.status, database.error_message) == (Status.COMPLETED, "")
    assert "sixty days" in texts(database)
    assert "thirty" not in texts(database)


def test_deleting_the_new_document_takes_the_old_text_too(handbook, dataset, alice):
    new = replace(dataset, alice, "handbook.md", NEWER)

    services.delete_document(new, user=alice)

    assert not Chunk.objects.exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.txt", b"", "empty"),
        ("a.zip", b"PK\x05\x06" + bytes(18), "unpack it and choose the file"),
        ("b.exe", b"MZ\x90\x00" + bytes(60), "a program"),
        ("same.md", HANDBOOK, "already there as “handbook.md”"),
    ],
)
def test_what_cannot_be_taken_changes_nothing(
    handbook, dataset, alice, media, name, content, message
):
    stored = kept(media)

    with pytest.raises(InvalidInput, match=message):
        replace(dataset, alice, name, content)

    assert dataset.documents.get().name == "handbook.md"
    assert kept(media) == stored
    assert handbook.ingestions.get().status == Status.COMPLETED


def test_a_table_that_does_not_fit_the_database_changes_nothing(handbook, dataset, alice, media):
    stored = kept(media)

    with pytest.raises(InvalidInput, match="needs both columns"):
        replace(dataset, alice, "t.csv", b"document,topic\nBoats.,sea\n")

    assert dataset.documents.get().name == "handbook.md"
    assert kept(media) == stored


def test_metadata_columns_follow(dataset, alice):
    add(dataset, "handbook.md", HANDBOOK)
    database = build(dataset)

    replace(dataset, alice, "t.csv", b"document,document_file_path,topic\nBoats.,a.txt,sea\n")
    ingest.ingest(database.pk)
    database.refresh_from_db()

    assert database.metadata_columns == ["topic"]
    assert passages(database, "boats")[0].metadata["topic"] == "sea"


def test_edits_are_made_again_where_the_passage_is_the_same(dataset, alice):
    parts = [f"Rule {number}: tools come back by noon." for number in range(3)]
    content = "document,document_file_path\n" + "".join(
        f"{part},{number}.txt\n" for number, part in enumerate(parts)
    )
    add(dataset, "handbook.md", HANDBOOK)
    rules = add(dataset, "rules.csv", content.encode())
    database = build(dataset)
    first, second, third = Chunk.objects.filter(document_id=rules.pk)
    edit(database, first.id, "Rule 0: tools come back by ten.", alice)
    edit(database, third.id, "Rule 2: tools stay.", alice)
    services.switch_chunk(database, second.id, user=alice, is_enabled=False)
    edit_work.apply_edits(database.pk, lambda: None)

    newer = content.replace("Rule 2: tools come", "Rule 2: all come") + "Rule 3: rest.,3.txt\n"
    new = services.replace_document(rules, user=alice, upload=upload("r.csv", newer.encode()))
    ingest.ingest(database.pk)

    chunks = Chunk.objects.filter(document_id=new.pk).values_list("text", flat=True)
    assert list(chunks) == [
        "Rule 0: tools come back by ten.",
        "Rule 2: all come back by noon.",
        "Rule 3: rest.",
    ]
    assert DisabledChunk.objects.get().document_id == new.pk
    assert database.ingestions.get(document=new).lost_edits == 1


def test_what_was_added_and_waits_for_its_vector_comes_along(handbook, dataset, alice):
    services.add_chunk(handbook, 1, user=alice, text="Lamps burn rapeseed oil.")
    replace(dataset, alice, "handbook.md", NEWER)

    edit_work.apply_edits(handbook.pk, lambda: None)
    assert "rapeseed" in texts(handbook)
    ingest.ingest(handbook.pk)

    assert texts(handbook).count("rapeseed") == 1
    assert "sixty days" in texts(handbook)
    [edit_of_it] = handbook.chunk_edits.all()
    assert edit_of_it.chunk_id // 1_000_000 == handbook.ingestions.get().number


def test_a_database_that_failed_is_mended_by_a_better_file(dataset, alice):
    broken = add(dataset, "a.pdf", b"%PDF-1.4\n" + bytes(range(1, 9)) * 10)
    database = build(dataset)
    assert database.status == Status.ERROR

    services.replace_document(broken, user=alice, upload=upload("handbook.md", NEWER))
    ingest.ingest(database.pk)

    database.refresh_from_db()
    assert (database.status, database.error_message) == (Status.COMPLETED, "")


def test_of_two_who_replace_it_the_second_is_told(handbook, dataset, alice):
    document = dataset.documents.get()
    replace(dataset, alice, "handbook.md", NEWER)

    with pytest.raises(Conflict, match="replaced or deleted meanwhile"):
        services.replace_document(document, user=alice, upload=upload("c.md", b"# Boats\n"))

    assert dataset.documents.count() == 1


@pytest.mark.parametrize("who", ["vera", "bob"])
def test_only_editors_replace(handbook, dataset, request, who):
    with pytest.raises(Forbidden):
        replace(dataset, request.getfixturevalue(who), "handbook.md", NEWER)
