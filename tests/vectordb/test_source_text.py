"""A passage in the text around it: exactly what the document says, each character once."""

import pytest

from tests.vectordb.conftest import add, build
from vectordb import source_text as module
from vectordb.models import Chunk
from vectordb.source_text import source_text

TEXT = "\n\n".join(
    f"Rule {number}. Parcels over {number} kilograms go by freight, and the boat to the islands "
    "sails on Tuesdays, whatever the weather is like."
    for number in range(150)
)


@pytest.fixture(params=[0, 30, 50])
def rules(request, dataset):
    add(dataset, "rules.txt", TEXT.encode())
    return build(dataset, chunk_size=128, chunk_overlap_percentage=request.param)


def chunks_of(database) -> list[Chunk]:
    return list(Chunk.objects.filter(vector_database_id=database.pk))


def plain(text: str) -> str:
    return "".join(text.split())


def test_every_chunk_stands_in_the_text_as_it_was(rules):
    chunks = chunks_of(rules)

    for chunk in chunks:
        shown = source_text(rules, chunk.id)
        assert shown.passage == chunk.text
        assert len(shown.before) <= module.AROUND
        assert len(shown.after) <= module.AROUND
        around = shown.before + shown.passage + shown.after
        assert plain(around) in plain(TEXT)
        assert shown.is_begun == (plain(TEXT)[:20] not in plain(around))
        assert shown.goes_on == (plain(TEXT)[-100:] not in plain(around))
        assert (shown.previous is None) == (chunk is chunks[0])
        assert (shown.following is None) == (chunk is chunks[-1])


def test_a_part_of_a_chunk_is_marked_alone(rules):
    chunk = chunks_of(rules)[3]
    start, end = chunk.start + 5, chunk.end - 7

    shown = source_text(rules, chunk.id, start=start, end=end)

    assert shown.passage == chunk.text[5:-7]
    assert plain(shown.before + shown.passage + shown.after) in plain(TEXT)


@pytest.mark.parametrize(("start", "end"), [(5, None), (-1, 3), (9, 9), (0, 10**17)])
def test_offsets_that_are_not_in_the_chunk_mark_all_of_it(dataset, start, end):
    add(dataset, "rules.txt", TEXT.encode())
    chunk = chunks_of(database := build(dataset))[0]

    assert source_text(database, chunk.id, start=start, end=end).passage == chunk.text


def test_documents_do_not_run_into_each_other(dataset):
    add(
        dataset,
        "rows.csv",
        b"document,document_file_path\nBrass lamps.,a.txt\nBoats.,b.txt\nMore lamps.,c.txt\n",
    )
    add(dataset, "hours.txt", b"Nine to five.")
    database = build(dataset)

    for chunk in chunks_of(database):
        shown = source_text(database, chunk.id)
        assert (shown.before, shown.passage, shown.after) == ("", chunk.text, "")
        assert not shown.is_begun
        assert not shown.goes_on


def test_an_edited_chunk_is_shown_whole(dataset):
    add(dataset, "rules.txt", TEXT.encode())
    database = build(dataset, chunk_size=128)
    first, second, third = chunks_of(database)[:3]
    Chunk.objects.filter(vector_database_id=database.pk, id=second.id).update(text="New. " * 200)

    assert source_text(database, second.id).passage == "New. " * 200
    assert "New. New. \n" in source_text(database, third.id).before
    assert first.text in source_text(database, second.id).before


@pytest.mark.parametrize("chunk_id", [0, 10**30])
def test_there_is_no_such_chunk(dataset, chunk_id):
    add(dataset, "rules.txt", b"Nine to five.")
    database = build(dataset)

    with pytest.raises(Chunk.DoesNotExist):
        source_text(database, chunk_id)
