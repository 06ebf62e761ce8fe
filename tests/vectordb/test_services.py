import pytest

from accounts import services as accounts
from config.errors import Conflict, Forbidden, InvalidInput
from config.status import Status
from tests.vectordb.conftest import add, create
from vectordb import services
from vectordb.models import Chunk, Dataset, DatasetLink, Document, VectorDatabase


def test_a_dataset_is_seen_where_it_is_linked(alice, bob, vera, use_case):
    alone = services.create_dataset(user=alice, name="Mine")
    shared = services.create_dataset(user=alice, name="Ours", use_case=use_case)

    assert set(Dataset.objects.visible_to(alice)) == {alone, shared}
    assert list(Dataset.objects.visible_to(vera)) == [shared]
    assert not Dataset.objects.visible_to(bob).exists()


def test_a_dataset_without_a_name_gets_one(alice):
    assert services.create_dataset(user=alice).name.startswith("Dataset 2")


@pytest.mark.parametrize(
    ("name", "message"), [("  ", "Give it a name"), ("x" * 201, "at most 200")]
)
def test_a_name_that_cannot_be_is_refused(dataset, alice, name, message):
    with pytest.raises(InvalidInput, match=message) as refused:
        services.rename_dataset(dataset, user=alice, name=name)
    assert refused.value.field == "name"


def test_a_dataset_is_renamed(dataset, alice):
    services.rename_dataset(dataset, user=alice, name=" New \n name ")
    assert Dataset.objects.get().name == "New name"


def test_linking_twice_makes_one_link(dataset, use_case, alice):
    services.link_dataset(dataset, use_case=use_case, user=alice)
    assert DatasetLink.objects.count() == 1
    services.unlink_dataset(dataset, use_case=use_case, user=alice)
    assert DatasetLink.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_deleting_a_dataset_removes_its_files(dataset, alice, media):
    add(dataset, "a.txt", b"words")
    services.delete_dataset(dataset, user=alice)
    assert not Document.objects.exists()
    assert not [path for path in media.rglob("*") if path.is_file()]


def test_a_viewer_changes_nothing(dataset, use_case, vera):
    document = add(dataset, "a.txt", b"words")
    database = create(dataset)
    verbs = [
        lambda: services.create_dataset(user=vera, use_case=use_case),
        lambda: services.rename_dataset(dataset, user=vera, name="x"),
        lambda: services.link_dataset(dataset, use_case=use_case, user=vera),
        lambda: services.unlink_dataset(dataset, use_case=use_case, user=vera),
        lambda: services.delete_dataset(dataset, user=vera),
        lambda: services.delete_document(document, user=vera),
        lambda: services.create_vector_database(user=vera, use_case=use_case, dataset=dataset),
        lambda: services.rename_vector_database(database, user=vera, name="x"),
        lambda: services.delete_vector_database(database, user=vera),
        lambda: services.cancel_ingestion(database, user=vera),
        lambda: services.retry_ingestion(database, user=vera),
    ]
    for verb in verbs:
        with pytest.raises(Forbidden):
            verb()
    assert VectorDatabase.objects.get().status == Status.NEW


def test_a_strangers_dataset_cannot_be_built_from(bob, use_case, alice):
    theirs = services.create_dataset(user=bob)
    add(theirs, "a.txt", b"words")
    with pytest.raises(InvalidInput, match="no such dataset"):
        services.create_vector_database(user=alice, use_case=use_case, dataset=theirs)


def test_an_empty_dataset_makes_no_database(dataset, use_case, alice):
    with pytest.raises(InvalidInput, match="empty") as refused:
        services.create_vector_database(user=alice, use_case=use_case, dataset=dataset)
    assert refused.value.field == "dataset"


def test_a_database_starts_with_its_documents_waiting(dataset, use_case, alice):
    for name in ("b.txt", "a.txt"):
        add(dataset, name, name.encode())
    database = services.create_vector_database(user=alice, use_case=use_case, dataset=dataset)

    assert (database.name, database.status) == ("Vector Database for Handbook", Status.NEW)
    assert (database.family_id, database.version) == (database.pk, 1)
    assert [(i.number, i.document.name, i.status) for i in database.ingestions.all()] == [
        (1, "b.txt", Status.NEW),
        (2, "a.txt", Status.NEW),
    ]
    services.rename_vector_database(database, user=alice, name="Better")
    assert VectorDatabase.objects.get().name == "Better"


def test_what_is_not_running_cannot_be_cancelled_nor_retried(handbook, alice):
    with pytest.raises(Conflict, match="nothing to cancel"):
        services.cancel_ingestion(handbook, user=alice)
    with pytest.raises(Conflict, match="nothing to retry"):
        services.retry_ingestion(handbook, user=alice)


def test_retrying_one_document_leaves_the_others(dataset, alice):
    first = add(dataset, "a.txt", b"a")
    add(dataset, "b.txt", b"b")
    database = create(dataset)
    services.cancel_ingestion(database, user=alice)
    assert database.status == Status.CANCELLED

    services.retry_ingestion(database, user=alice, document=first)

    assert database.status == Status.NEW
    assert [i.status for i in database.ingestions.all()] == [Status.NEW, Status.CANCELLED]


def test_deleting_a_document_takes_its_chunks_along(dataset, alice, run_jobs):
    first = add(dataset, "a.txt", b"words of the first")
    second = add(dataset, "b.txt", b"words of the second")
    database = create(dataset)
    run_jobs()

    services.delete_document(first, user=alice)
    run_jobs()

    chunks = Chunk.objects.filter(vector_database_id=database.pk)
    assert {chunk.document_id for chunk in chunks} == {second.pk}
    database.refresh_from_db()
    assert (database.chunks_count, database.status) == (1, Status.COMPLETED)


def test_the_embedding_models_can_be_listed(db):
    [model] = services.supported_embeddings()
    assert (model.id, model.max_tokens, model.dimensions, model.languages) == (
        "sentence-transformers/all-MiniLM-L6-v2",
        256,
        384,
        ("English",),
    )


def test_whoever_may_only_look_at_a_dataset_builds_nothing_from_it(alice, vera, dataset):
    add(dataset, "a.md", b"# Confidential")
    elsewhere = accounts.create_use_case(user=vera, name="Vera's own")

    with pytest.raises(Forbidden):
        services.create_vector_database(user=vera, use_case=elsewhere, dataset=dataset)
    assert not VectorDatabase.objects.exists()
