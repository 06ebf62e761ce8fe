"""Chunks that end where the meaning changes, and separators that are patterns."""

import numpy as np
import pytest

from config.errors import InvalidInput
from config.status import Status
from tests.vectordb import samples
from tests.vectordb.conftest import add, build
from vectordb.chunking import Chunk
from vectordb.chunking_settings import ChunkingSettings
from vectordb.embedding_models import MINILM
from vectordb.models import Chunk as StoredChunk
from vectordb.parsing.base import Row, Segment
from vectordb.parsing.cutting import Cutter
from vectordb.semantic import Grouper

TEXT = """Parcels are sent by boat. The boat to the islands sails on Tuesdays. Heavy parcels go by \
ship as freight. Goods can be returned within thirty days. A returned item must be in its box. \
Money for a return is paid back within a week."""


def chunks_of(database) -> list[StoredChunk]:
    return list(StoredChunk.objects.filter(vector_database_id=database.pk))


def sentences(*segments: Segment, size: int = 100) -> list[Chunk]:
    cutter = Cutter("sentences", model_id=MINILM, size=size)
    found = [chunk for segment in segments for chunk in cutter.feed(segment)]
    return [*found, *cutter.finish()]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("One. Two! Three?", ["One. ", "Two! ", "Three?"]),
        ("She said “No.” Then left.", ["She said “No.” ", "Then left."]),
        ("# Title\n\nBody", ["# Title\n\n", "Body"]),
        ("第一。第二。", ["第一。", "第二。"]),
        ("Version 2.5 it is", ["Version 2.5 it is"]),
        ("\n\nLate", ["Late"]),
        ("Line\n \n  Next", ["Line\n \n  ", "Next"]),
    ],
)
def test_sentences_end_with_their_marks(text, pieces):
    assert [chunk.text for chunk in sentences(Segment(text))] == pieces


def test_sentences_are_the_text_again():
    text = (TEXT + "\n\n") * 500
    found = sentences(Segment(text[:70_000]), Segment(text[70_000:]))
    assert "".join(chunk.text for chunk in found) == text
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in found)


def test_an_endless_sentence_comes_in_parts():
    text = "word " * 40_000
    found = sentences(Segment(text), size=50)
    assert "".join(chunk.text for chunk in found).strip() == text.strip()
    assert max(chunk.token_count for chunk in found) <= 50


def grouped(found: list[Chunk], vectors: dict[str, tuple[float, float]], size: int = 100):
    def embed(texts):
        return np.array([vectors[text.strip()] for text in texts], dtype=np.float32)

    grouper = Grouper(MINILM, size, embed)
    return [*grouper.add(found), *grouper.finish()]


EAST, NORTH = (1.0, 0.0), (0.0, 1.0)


def test_a_chunk_ends_where_the_meaning_changes():
    found = sentences(Segment("A one. A two. A three. B one. B two."))
    vectors = {"A one.": EAST, "A two.": EAST, "A three.": EAST, "B one.": NORTH, "B two.": NORTH}

    chunks = grouped(found, vectors)

    assert [chunk.text for chunk in chunks] == ["A one. A two. A three.", "B one. B two."]
    assert [(chunk.position, chunk.start) for chunk in chunks] == [(0, 0), (1, 23)]


def test_a_chunk_never_grows_over_its_size():
    found = sentences(Segment("Four words stand here. " * 10))
    chunks = grouped(found, {"Four words stand here.": EAST}, size=20)
    assert [chunk.token_count for chunk in chunks] == [20, 20, 10]


def test_a_chunk_stays_within_its_page_and_its_row():
    pages = sentences(Segment("One.", page=1), Segment("Two.", page=2))
    vectors = {"One.": EAST, "Two.": EAST}
    assert [(c.page, c.text) for c in grouped(pages, vectors)] == [(1, "One."), (2, "Two.")]

    rows = sentences(
        Segment("One.", row=Row(1, "a.txt", {"n": 1})),
        Segment("Two.", row=Row(2, "a.txt", {"n": 2})),
        Segment("One.", row=Row(3, "b.txt", {})),
    )
    assert [(c.position, c.text, c.metadata) for c in grouped(rows, vectors)] == [
        (0, "One.", {"n": 1, "source": "a.txt"}),
        (1, "Two.", {"n": 2, "source": "a.txt"}),
        (3, "One.", {"source": "b.txt"}),
    ]


def test_a_long_text_is_grouped_window_by_window():
    text = "Same words. " * 1_000
    chunks = grouped(sentences(Segment(text)), {"Same words.": EAST})
    assert [chunk.position for chunk in chunks] == list(range(len(chunks)))
    assert chunks[-1].end == len(text.strip())
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    # Nothing is cut where a window ends.
    assert len({chunk.token_count for chunk in chunks[:-1]}) == 1


def test_a_database_is_cut_where_the_meaning_changes(dataset):
    add(dataset, "a.txt", TEXT.encode())
    database = build(dataset, chunking_method="semantic")

    first, *_, last = chunks_of(database)
    assert database.status == Status.COMPLETED
    assert first.text.startswith("Parcels are sent by boat.")
    assert "returned" not in first.text
    assert "boat" not in last.text
    assert all(TEXT[chunk.start : chunk.end] == chunk.text for chunk in chunks_of(database))


def test_pages_of_a_document_are_kept(dataset):
    add(dataset, "a.pdf", samples.pdf("First page.", "Second page."))
    chunks = chunks_of(build(dataset, chunking_method="semantic"))
    assert [chunk.page for chunk in chunks] == [1, 2]


def test_a_text_without_words_fails(dataset):
    add(dataset, "blank.txt", b" \n\n ")
    assert "no text" in build(dataset, chunking_method="semantic").error_message


# Patterns.


@pytest.mark.parametrize(
    "separators",
    [
        (r"\d+\.\s", ""),
        (r"(?<=[.!?])\s", " ", ""),
        (r"(?=#)", r"\n+", " ", ""),
        (r"a|b|(?:cd)+", ""),
    ],
)
def test_texts_are_cut_at_patterns_and_lose_nothing(dataset, separators):
    text = "# Lamps\n1. Brass lamps abound. 2. They burn oil!\n" * 60
    add(dataset, "a.md", text.encode())
    database = build(dataset, chunk_size=128, separators=separators, is_separator_regex=True)

    chunks = chunks_of(database)
    assert len(chunks) > 3
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    covered = "".join(chunk.text for chunk in chunks)
    assert covered.replace(" ", "").replace("\n", "") == text.replace(" ", "").replace("\n", "")


def test_a_pattern_says_where_to_cut(dataset):
    text = "Article 1 " + "one " * 100 + "Article 2 " + "two " * 100
    add(dataset, "law.txt", text.encode())
    database = build(
        dataset, chunk_size=128, separators=(r"(?=Article \d)", ""), is_separator_regex=True
    )
    assert [chunk.text[:9] for chunk in chunks_of(database)] == ["Article 1", "Article 2"]


def test_a_pattern_of_a_kind_is_plain_text_where_it_is_not_said_to_be_one(dataset):
    add(dataset, "a.txt", b"one.two " * 200)
    assert ChunkingSettings(separators=("(",)).separators == ("(",)
    with pytest.raises(InvalidInput, match="not a regular expression"):
        ChunkingSettings(separators=("(",), is_separator_regex=True)
    with pytest.raises(InvalidInput, match="group that captures"):
        ChunkingSettings(separators=("(a)",), is_separator_regex=True)


def test_a_pattern_that_never_ends_is_given_up(dataset, settings):
    settings.PARSER_SECONDS = 1
    add(dataset, "a.txt", b"a" * 5_000)
    database = build(dataset, chunk_size=128, separators=(r"(?:a+)+b", ""), is_separator_regex=True)
    assert "took too long" in database.error_message


def test_nor_is_it_tried_on_the_other_documents(dataset, settings):
    settings.PARSER_SECONDS = 1
    add(dataset, "fine.txt", b"b " * 50)
    add(dataset, "long.txt", b"a" * 5_000)
    add(dataset, "longer.txt", b"a" * 6_000)

    database = build(dataset, chunk_size=128, separators=(r"(?:a+)+b", ""), is_separator_regex=True)

    fine, first, second = database.ingestions.order_by("number")
    assert (fine.status, database.status) == (Status.COMPLETED, Status.COMPLETED)
    assert "simpler regular expressions" in first.error_message == second.error_message
    assert (second.status, second.started_at) == (Status.ERROR, None)
