"""What editors make of single chunks, and what searches find then."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection

from config.errors import Conflict, Forbidden, InvalidInput, NotFound
from config.status import Status
from tests.llm_server import UNAUTHORIZED
from tests.vectordb.conftest import HANDBOOK, add, build, create
from tests.vectordb.test_endpoint_models import add_model, staff
from vectordb import edit_work, ingest, services, tasks
from vectordb.chunking_settings import ChunkingSettings, settings_of
from vectordb.models import (
    CHUNKS_PER_DOCUMENT,
    FIRST_ADDED,
    Chunk,
    ChunkEdit,
    DisabledChunk,
    Ingestion,
    VectorDatabase,
)
from vectordb.passages import Passage
from vectordb.retrieval import retrieve
from vectordb.retrieval_settings import RetrievalSettings, SearchMode
from vectordb.source_text import source_text

__all__ = ["staff"]

pytestmark = pytest.mark.django_db(transaction=True)

PARTS = [
    "Goods can be returned within thirty days of delivery, and the box may be opened. " * 6,
    "We ship to the islands on Tuesdays by boat, and heavy parcels go by freight. " * 6,
    "The shop is closed on Mondays and opens at nine o'clock on every other day. " * 6,
]
MOON = "Parcels to the moon leave with the next rocket."


@pytest.fixture
def shop(dataset) -> VectorDatabase:
    """Each part is a chunk."""
    add(dataset, "shop.txt", "\n\n".join(PARTS).encode())
    return build(dataset, chunk_size=128, chunk_overlap_percentage=0)


def ids(database: VectorDatabase) -> list[int]:
    return list(Chunk.objects.filter(vector_database_id=database.pk).values_list("id", flat=True))


def passages(
    database: VectorDatabase,
    question: str,
    *,
    max_documents_retrieved_per_prompt: int = 1,
    **changes: Any,
) -> tuple[Passage, ...]:
    database.refresh_from_db()
    settings = RetrievalSettings(max_documents_retrieved_per_prompt, **changes)
    return asyncio.run(retrieve(database, question, settings)).passages


def apply(database: VectorDatabase) -> None:
    """What the jobs of an edit do, one after the other."""
    edit_work.apply_edits(database.pk, lambda: None)
    ingest.ingest(database.pk)
    database.refresh_from_db()


def edit(database: VectorDatabase, chunk_id: int, text: str, user) -> None:
    seen = services.revision_of(services.chunk_text(database, chunk_id))
    services.edit_chunk(database, chunk_id, user=user, text=text, seen=seen)


def test_an_edited_chunk_is_found_by_what_it_says_now(shop, alice):
    chunk_id = ids(shop)[1]

    edit(shop, chunk_id, f"{MOON}\r\nAsk at the desk. ", alice)
    [before] = passages(shop, "When do parcels to the islands leave?")
    assert before.text == PARTS[1].strip()
    apply(shop)

    for mode in SearchMode:
        [found] = passages(shop, "rocket to the moon", search_mode=mode)
        assert (found.chunk_id, found.text) == (chunk_id, f"{MOON}\nAsk at the desk.")
        assert found.is_edited
    assert not passages(shop, "islands freight", search_mode=SearchMode.KEYWORD)
    stored = Chunk.objects.get(vector_database_id=shop.pk, id=chunk_id)
    assert stored.token_count < 30
    assert ChunkEdit.objects.get().status == Status.COMPLETED


def test_restoring_makes_all_as_it_was(shop, alice):
    chunk_id = ids(shop)[1]
    edit(shop, chunk_id, MOON, alice)
    apply(shop)

    services.restore_chunk(shop, chunk_id, user=alice)
    apply(shop)

    assert not ChunkEdit.objects.exists()
    [found] = passages(shop, "islands", search_mode=SearchMode.KEYWORD)
    assert (found.text, found.is_edited) == (PARTS[1].strip(), False)


def test_a_disabled_chunk_is_not_found_until_it_is_enabled(shop, alice):
    chunk_id = ids(shop)[1]

    services.switch_chunk(shop, chunk_id, user=alice, is_enabled=False)
    services.switch_chunk(shop, chunk_id, user=alice, is_enabled=False)

    for mode in SearchMode:
        everything = passages(
            shop, "islands", search_mode=mode, max_documents_retrieved_per_prompt=10
        )
        assert chunk_id not in [passage.chunk_id for passage in everything]
    ingest.ingest(shop.pk)
    shop.refresh_from_db()
    assert (shop.status, shop.chunks_count) == (Status.COMPLETED, 2)
    removed_at = shop.chunks_removed_at
    assert removed_at is not None
    assert shop.keyword_facts is not None
    [neighbours] = passages(shop, "shop closed on Mondays", add_neighbor_chunks=True)
    assert neighbours.chunk_id == ids(shop)[1]

    services.switch_chunk(shop, chunk_id, user=alice, is_enabled=True)
    ingest.ingest(shop.pk)
    shop.refresh_from_db()
    assert shop.chunks_removed_at == removed_at
    for mode in SearchMode:
        [found] = passages(shop, "islands", search_mode=mode)
        assert found.chunk_id == chunk_id
    assert not ChunkEdit.objects.exists()
    assert not DisabledChunk.objects.exists()


def test_a_chunk_is_edited_while_it_is_disabled(shop, alice):
    chunk_id = ids(shop)[1]
    services.switch_chunk(shop, chunk_id, user=alice, is_enabled=False)
    edit(shop, chunk_id, MOON, alice)
    apply(shop)
    assert MOON not in [one.text for one in passages(shop, "rocket to the moon")]

    services.switch_chunk(shop, chunk_id, user=alice, is_enabled=True)
    ingest.ingest(shop.pk)

    assert passages(shop, "rocket to the moon")[0].text == MOON


def test_a_database_without_an_enabled_chunk_says_so_and_recovers(dataset, alice):
    add(dataset, "a.txt", b"Boats.")
    database = build(dataset)
    [chunk_id] = ids(database)

    services.switch_chunk(database, chunk_id, user=alice, is_enabled=False)
    ingest.ingest(database.pk)
    database.refresh_from_db()
    assert database.status == Status.ERROR
    assert database.error_message == "All of its chunks are disabled: enable some."

    services.switch_chunk(database, chunk_id, user=alice, is_enabled=True)
    ingest.ingest(database.pk)
    database.refresh_from_db()
    assert (database.status, database.error_message) == (Status.COMPLETED, "")


def test_a_database_whose_chunks_are_all_disabled_is_mended_by_adding_one(dataset, alice):
    add(dataset, "a.txt", b"Boats.")
    database = build(dataset)
    services.switch_chunk(database, ids(database)[0], user=alice, is_enabled=False)
    ingest.ingest(database.pk)

    services.add_chunk(database, 1, user=alice, text=MOON)
    apply(database)

    assert (database.status, database.error_message) == (Status.COMPLETED, "")
    assert passages(database, "rocket")[0].text == MOON


def test_what_is_added_is_nobodys_neighbour(shop, alice):
    for text in (MOON, "Lamps burn rapeseed oil.", "Tea is served at four."):
        services.add_chunk(shop, 1, user=alice, text=text)
    apply(shop)

    found = passages(shop, "What do lamps burn?", add_neighbor_chunks=True)

    assert [one.text for one in found] == ["Lamps burn rapeseed oil."]
    assert not source_text(shop, found[0].chunk_id).is_begun


def test_an_added_chunk_is_found_and_deleted(shop, alice):
    added = services.add_chunk(shop, 1, user=alice, text=MOON, page=3)
    assert added.chunk_id == CHUNKS_PER_DOCUMENT + FIRST_ADDED
    with pytest.raises(Conflict, match="not embedded yet"):
        services.switch_chunk(shop, added.chunk_id, user=alice, is_enabled=False)
    with pytest.raises(Conflict, match="nothing to go back to"):
        services.restore_chunk(shop, added.chunk_id, user=alice)
    apply(shop)

    [found] = passages(shop, "rocket to the moon", search_mode=SearchMode.KEYWORD)
    assert (found.text, found.page, found.document_name) == (MOON, 3, "shop.txt")
    assert found.metadata["page"] == 3
    assert found.end - found.start == len(MOON)
    assert (shop.chunks_count, shop.chunks_removed_at) == (4, None)

    services.delete_chunk(shop, added.chunk_id, user=alice)
    ingest.ingest(shop.pk)
    shop.refresh_from_db()
    assert shop.chunks_removed_at is not None
    assert MOON not in [one.text for one in passages(shop, "rocket to the moon")]
    again = services.add_chunk(shop, 1, user=alice, text=MOON)
    assert again.chunk_id == added.chunk_id + 1


def test_what_comes_from_the_document_is_not_deleted(shop, alice):
    edit(shop, ids(shop)[0], MOON, alice)
    for chunk_id in ids(shop)[:2]:
        with pytest.raises(Conflict, match="disable it instead"):
            services.delete_chunk(shop, chunk_id, user=alice)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (" \n\0", "Write something"),
        ("word " * 300, "300 tokens, and 254 fit the embedding model"),
    ],
)
def test_a_text_that_cannot_be_embedded_whole_is_refused(shop, alice, text, message):
    with pytest.raises(InvalidInput, match=message):
        edit(shop, ids(shop)[0], text, alice)
    with pytest.raises(InvalidInput, match=message):
        services.add_chunk(shop, 1, user=alice, text=text)
    assert not ChunkEdit.objects.exists()


def test_a_finished_chunk_may_stay_as_long_as_it_was(dataset, alice):
    row = " ".join(f"Rule {number} is a rule." for number in range(100))
    add(dataset, "rows.csv", f"document,document_file_path\n{row},a.txt\n".encode())
    database = build(dataset, is_custom_chunking=True)
    [chunk_id] = ids(database)

    edit(database, chunk_id, row.replace("Rule 7 is", "Rule 7 was"), alice)
    apply(database)

    assert "Rule 7 was" in passages(database, "Rule 7")[0].text
    with pytest.raises(InvalidInput, match="tokens, and"):
        edit(database, chunk_id, row + row, alice)


def test_two_editors_do_not_overwrite_each_other(shop, alice):
    chunk_id = ids(shop)[0]
    seen = services.revision_of(services.chunk_text(shop, chunk_id))
    services.edit_chunk(shop, chunk_id, user=alice, text="First.", seen=seen)

    with pytest.raises(Conflict, match="Somebody else changed"):
        services.edit_chunk(shop, chunk_id, user=alice, text="Second.", seen=seen)

    assert services.chunk_text(shop, chunk_id) == "First."


def test_what_is_not_there_is_told(shop, alice):
    last = ids(shop)[-1]
    with pytest.raises(NotFound):
        services.chunk_text(shop, last + 1)
    with pytest.raises(NotFound):
        services.switch_chunk(shop, last + 1, user=alice, is_enabled=False)
    with pytest.raises(NotFound):
        services.add_chunk(shop, 7, user=alice, text=MOON)
    with pytest.raises(InvalidInput, match="from 1"):
        services.add_chunk(shop, 1, user=alice, text=MOON, page=0)


def test_a_database_that_is_being_built_is_not_edited(dataset, alice):
    add(dataset, "a.txt", b"Boats.")
    database = create(dataset)

    with pytest.raises(Conflict, match="being built"):
        services.add_chunk(database, 1, user=alice, text=MOON)


@pytest.mark.parametrize("who", ["vera", "bob"])
def test_only_editors_change_chunks(shop, request, who):
    user = request.getfixturevalue(who)
    chunk_id = ids(shop)[0]
    changes = (
        lambda: edit(shop, chunk_id, MOON, user),
        lambda: services.restore_chunk(shop, chunk_id, user=user),
        lambda: services.switch_chunk(shop, chunk_id, user=user, is_enabled=False),
        lambda: services.add_chunk(shop, 1, user=user, text=MOON),
        lambda: services.delete_chunk(shop, chunk_id, user=user),
    )
    for change in changes:
        with pytest.raises(Forbidden):
            change()


def test_edits_stay_when_other_documents_come_and_go(shop, dataset, alice):
    first, second, _ = ids(shop)
    edit(shop, first, MOON, alice)
    services.switch_chunk(shop, second, user=alice, is_enabled=False)
    apply(shop)

    lamps = add(dataset, "lamps.txt", b"Brass lamps are polished with chalk and vinegar.")
    services.bring_in_new_documents(shop, user=alice)
    ingest.ingest(shop.pk)
    assert passages(shop, "rocket to the moon")[0].text == MOON
    services.delete_document(lamps, user=alice)
    ingest.ingest(shop.pk)

    assert passages(shop, "rocket to the moon")[0].text == MOON
    assert second not in ids(shop)
    assert DisabledChunk.objects.get().id == second


def test_edits_go_with_their_document_and_their_database(shop, dataset, alice):
    first, second, _ = ids(shop)
    edit(shop, first, MOON, alice)
    services.switch_chunk(shop, second, user=alice, is_enabled=False)
    add(dataset, "b.txt", b"Boats.")
    other = build(dataset, chunk_size=128, chunk_overlap_percentage=0)
    services.switch_chunk(other, ids(other)[0], user=alice, is_enabled=False)

    services.delete_document(dataset.documents.get(name="shop.txt"), user=alice)
    assert not ChunkEdit.objects.exists()
    assert not DisabledChunk.objects.exists()

    services.switch_chunk(other, ids(other)[-1], user=alice, is_enabled=False)
    pk = other.pk
    services.delete_vector_database(other, user=alice)
    tasks.drop_chunks(pk)
    assert not ChunkEdit.objects.exists()
    assert not DisabledChunk.objects.exists()


def test_nobody_takes_edited_chunks_over(shop, dataset, alice):
    edit(shop, ids(shop)[0], MOON, alice)
    apply(shop)

    other = build(dataset, chunk_size=128, chunk_overlap_percentage=0)

    texts = Chunk.objects.filter(vector_database_id=other.pk).values_list("text", flat=True)
    assert list(texts) == [part.strip() for part in PARTS]


def test_the_next_version_is_edited_alike(shop, alice):
    first, second, _ = ids(shop)
    edit(shop, first, MOON, alice)
    services.switch_chunk(shop, second, user=alice, is_enabled=False)
    services.add_chunk(shop, 1, user=alice, text="Lamps are polished with chalk.", page=2)
    apply(shop)

    chunking = changed(shop, is_separator_regex=True, separators=("\n\n", " "))
    version = services.rebuild_vector_database(shop, user=alice, chunking=chunking)
    ingest.ingest(version.pk)
    version.refresh_from_db()

    assert version.status == Status.COMPLETED
    for database in (shop, version):
        texts = Chunk.objects.filter(vector_database_id=database.pk).values_list("text", flat=True)
        assert list(texts) == [MOON, PARTS[2].strip(), "Lamps are polished with chalk."]
        assert DisabledChunk.objects.get(vector_database_id=database.pk).text == PARTS[1].strip()
    assert version.chunk_edits.count() == 3
    assert version.ingestions.get().lost_edits == 0
    services.restore_chunk(version, ids(version)[0], user=alice)
    apply(version)
    assert "thirty days" in passages(version, "When can goods be returned?")[0].text


def test_of_chunks_that_are_alike_the_one_at_the_same_place_is_edited(dataset, alice):
    rows = b"".join(b"Boats.,%d.txt\n" % number for number in range(4))
    add(dataset, "rows.csv", b"document,document_file_path\n" + rows)
    database = build(dataset)
    third = ids(database)[2]
    services.switch_chunk(database, third, user=alice, is_enabled=False)

    version = services.rebuild_vector_database(database, user=alice, chunking=changed(database))
    ingest.ingest(version.pk)

    assert DisabledChunk.objects.get(vector_database_id=version.pk).id == third


def test_edits_without_a_counterpart_are_counted(shop, alice):
    edit(shop, ids(shop)[0], MOON, alice)
    services.switch_chunk(shop, ids(shop)[1], user=alice, is_enabled=False)
    apply(shop)

    chunking = changed(shop, chunk_overlap_percentage=0, chunk_size=250)
    version = services.rebuild_vector_database(shop, user=alice, chunking=chunking)
    ingest.ingest(version.pk)

    assert Ingestion.objects.get(vector_database=version).lost_edits == 2
    assert not version.chunk_edits.exists()


def changed(database: VectorDatabase, **changes) -> ChunkingSettings:
    return replace(settings_of(database), **changes)


def test_a_retried_job_embeds_nothing_twice(shop, alice):
    edit(shop, ids(shop)[0], MOON, alice)
    edit_work.apply_edits(shop.pk, lambda: None)
    edit_work.apply_edits(shop.pk, lambda: None)

    assert Chunk.objects.all()[0].text == MOON
    assert len(ids(shop)) == 3


def test_a_server_that_is_away_fails_all_edits_at_once(dataset, alice, staff, llm_server):
    entry = add_model(staff, llm_server)
    for name in ("a.txt", "b.txt"):
        add(dataset, name, name.encode())
    database = build(dataset, embedding_model=entry.name)
    for chunk_id in ids(database):
        edit(database, chunk_id, MOON, alice)
    llm_server.requests.clear()
    llm_server.always = UNAUTHORIZED

    edit_work.apply_edits(database.pk, lambda: None)

    assert len(llm_server.embedded) == 1
    assert {one.status for one in ChunkEdit.objects.all()} == {Status.ERROR}
    assert all(one.error_message for one in ChunkEdit.objects.all())
    llm_server.answer_well()
    for chunk_id in ids(database):
        edit(database, chunk_id, MOON, alice)
    apply(database)
    assert {one.status for one in ChunkEdit.objects.all()} == {Status.COMPLETED}


def test_a_job_that_breaks_leaves_nothing_waiting(shop, alice):
    chunk_id = ids(shop)[0]
    edit(shop, chunk_id, MOON, alice)
    edit_work.fail_edits(shop.pk, "It broke.")

    assert ChunkEdit.objects.get().error_message == "It broke."
    edit(shop, chunk_id, MOON, alice)
    apply(shop)
    assert ChunkEdit.objects.get().status == Status.COMPLETED


def test_an_edited_passage_is_neither_trimmed_nor_trims(dataset, alice):
    add(dataset, "handbook.txt", HANDBOOK * 4)
    database = build(dataset, chunk_size=128, chunk_overlap_percentage=50)
    first, second, *_ = ids(database)
    edit(database, first, "We ship to the islands on Tuesdays. " * 12, alice)
    apply(database)

    found = passages(database, "islands", max_documents_retrieved_per_prompt=10)

    whole = {one.id: one.text for one in Chunk.objects.filter(vector_database_id=database.pk)}
    texts = {one.chunk_id: one.text for one in found}
    assert texts[first] == whole[first]
    # What the two shared, nobody has cut off; what it shares with the third, yes.
    assert whole[second].startswith(texts[second])


def test_around_an_edited_or_disabled_chunk_stands_the_documents_text(shop, alice):
    first, second, third = ids(shop)
    edit(shop, first, MOON, alice)
    services.switch_chunk(shop, second, user=alice, is_enabled=False)
    apply(shop)

    shown = source_text(shop, third)
    assert "".join(shown.before.split()) == "".join("".join(PARTS[:2]).split())
    assert shown.previous == second
    disabled = source_text(shop, second)
    assert disabled.passage == PARTS[1].strip()
    assert disabled.edit is not None
    assert "thirty days" in disabled.before
    assert source_text(shop, first).passage == MOON


def test_an_added_chunk_stands_alone(shop, alice):
    services.add_chunk(shop, 1, user=alice, text=MOON)
    services.add_chunk(shop, 1, user=alice, text="Another.")
    apply(shop)
    added = ids(shop)[-2]

    shown = source_text(shop, added)

    assert (shown.before, shown.passage, shown.after) == ("", MOON, "")


def test_the_jobs_of_an_edit_run_in_the_queue(shop, alice, run_jobs):
    edit(shop, ids(shop)[0], MOON, alice)
    services.add_chunk(shop, 1, user=alice, text="Lamps are polished with chalk.")
    run_jobs()

    assert passages(shop, "lamps chalk", search_mode=SearchMode.KEYWORD)[0].is_edited
    assert passages(shop, "rocket", search_mode=SearchMode.KEYWORD)[0].text == MOON
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE status <> 'succeeded'")
        assert cursor.fetchone()[0] == 0
