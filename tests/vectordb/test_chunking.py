from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import InvalidInput
from vectordb.chunking import Chunk, Chunker, split_to_limit
from vectordb.chunking_settings import ChunkingSettings
from vectordb.embedding_models import MINILM, get_model
from vectordb.tokens import count_tokens, cut_to_tokens, encode

WORDS = st.sampled_from(
    ["the", "internationalisation", "a", "文書", "naïve", "3.14", "—", "x" * 300, "\n", "\n\n", "  ",
     "\t", "e", "Ünïcödé", "🦜", "co-operate", "​", "\x0b", "\x85", "don't"]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=2_000),
    st.lists(WORDS, max_size=600).map(" ".join),
    st.lists(WORDS, max_size=600).map("".join),
)
SEPARATORS = st.one_of(
    st.just(["\n\n", "\n", " ", ""]),
    st.lists(st.sampled_from(["\n\n", ". ", "e", " ", "-", ""]), min_size=1, max_size=4),
)


def cut(
    *portions: tuple[int | None, str],
    size: int = 40,
    overlap: int = 0,
    separators: list[str] | None = None,
) -> list[Chunk]:
    chunker = Chunker(MINILM, size, overlap, separators or ["\n\n", "\n", " ", ""])
    chunks = [chunk for page, text in portions for chunk in chunker.feed(page, text)]
    return [*chunks, *chunker.finish()]


@settings(max_examples=150, deadline=None)
@given(
    text=TEXTS,
    size=st.integers(8, 60),
    percentage=st.integers(0, 50),
    separators=SEPARATORS,
)
def test_chunks_stand_where_they_say_cover_everything_and_fit(text, size, percentage, separators):
    chunks = cut((None, text), size=size, overlap=size * percentage // 100, separators=separators)

    assert [chunk.position for chunk in chunks] == list(range(len(chunks)))
    covered: set[int] = set()
    for chunk in chunks:
        assert text[chunk.start : chunk.end] == chunk.text == chunk.text.strip()
        assert 0 <= len(encode(chunk.text)) <= size
        assert chunk.token_count == count_tokens(chunk.text) <= size
        covered.update(range(chunk.start, chunk.end))
    assert {index for index, character in enumerate(text) if not character.isspace()} <= covered
    for before, after in pairwise(chunks):
        assert before.start <= after.start
        assert before.end < after.end


def test_overlap_begins_with_a_word_of_the_text_before():
    text = " ".join(f"word{number}" for number in range(200))
    chunks = cut((None, text), size=40, overlap=10)

    for before, after in pairwise(chunks):
        assert before.start < after.start < before.end
        assert text[after.start - 1] == " "
        assert count_tokens(text[after.start : before.end]) <= 10


def test_overlap_does_not_begin_with_the_end_of_a_sentence():
    text = "One two three four five. " * 40
    for overlap in range(4, 20):
        assert {chunk.text[0] for chunk in cut((None, text), size=40, overlap=overlap)} <= set(
            "Otf"
        )


def test_without_overlap_chunks_do_not_touch():
    chunks = cut((None, "one two three four five " * 50), size=20)
    assert all(before.end <= after.start for before, after in pairwise(chunks))


@pytest.mark.parametrize("overlap", [0, 6])
def test_chunks_of_words_are_as_long_as_they_may_be(overlap):
    *chunks, _ = cut((None, "lamp oil " * 200), size=40, overlap=overlap)
    assert {chunk.token_count for chunk in chunks} <= {39, 40, 40 - overlap}


def test_a_page_is_never_left():
    pages = [(number, f"Leaf {number}. " + "Some more words here. " * 12) for number in range(1, 5)]
    text = "".join(text for _, text in pages)
    chunks = cut(*pages, size=40, overlap=12)

    for number, page_text in pages:
        begin = text.index(f"Leaf {number}.")
        own = [chunk for chunk in chunks if chunk.page == number]
        assert own[0].start == begin
        assert all(begin <= c.start < c.end <= begin + len(page_text) for c in own)


def test_blank_pages_make_no_chunk_and_shift_no_number():
    chunks = cut((1, "First."), (2, " \n "), (3, ""), (4, "Fourth."))
    assert [(chunk.page, chunk.text) for chunk in chunks] == [(1, "First."), (4, "Fourth.")]


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(0, 5_000), max_size=6), overlap=st.integers(0, 20))
def test_a_stream_may_come_in_any_portions(cuts, overlap):
    text = "".join(f"Sentence {n} is about {n * 7}. " + "\n\n" * (n % 5 == 0) for n in range(200))
    edges = [0, *sorted(cuts), len(text)]
    portions = [(None, text[a:b]) for a, b in pairwise(edges)]

    assert cut(*portions, overlap=overlap) == cut((None, text), overlap=overlap)


def test_long_streams_are_cut_without_a_seam():
    text = "".join(f"Line {number} of a long book.\n" for number in range(12_000))
    chunks = cut((None, text), size=100, overlap=20)

    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    assert all(before.end >= after.start for before, after in pairwise(chunks))
    assert chunks[-1].end == len(text.rstrip())
    # Where blocks meet, chunks are as full as anywhere else.
    assert sum(chunk.token_count < 50 for chunk in chunks) <= 3


def test_a_run_without_any_space_is_cut_too():
    chunks = cut((None, "x" * 5_000), size=40)
    assert "".join(chunk.text for chunk in chunks) == "x" * 5_000
    assert max(len(chunk.text) for chunk in chunks) <= 40 * 16 + 15


def test_a_piece_too_long_is_halved_until_it_fits():
    assert list(split_to_limit("abcdefgh", 3, len)) == ["ab", "cd", "ef", "gh"]
    assert list(split_to_limit("a", 0, len)) == ["a"]


def test_a_chunk_fits_the_window_with_its_special_tokens():
    settings = ChunkingSettings(chunk_size=256)
    assert settings.content_tokens + 2 == get_model(MINILM).max_tokens
    assert ChunkingSettings(chunk_size=128).content_tokens == 128
    assert ChunkingSettings(chunk_size=128, chunk_overlap_percentage=50).overlap_tokens == 64


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("embedding_model", "nobody/nothing"),
        ("chunking_method", "magic"),
        ("chunk_size", 127),
        ("chunk_size", 257),
        ("chunk_size", 200.5),
        ("chunk_size", True),
        ("chunk_overlap_percentage", -1),
        ("chunk_overlap_percentage", 51),
        ("separators", ()),
        ("separators", (1,)),
        ("separators", ("x" * 101,)),
        ("separators", ("\0",)),
        ("separators", ("a",) * 21),
    ],
)
def test_settings_that_cannot_be_are_refused(db, field, value):
    with pytest.raises(InvalidInput) as refused:
        ChunkingSettings(**{field: value})
    assert refused.value.field == field


@given(text=TEXTS, limit=st.integers(1, 50))
@settings(max_examples=80, deadline=None)
def test_a_text_is_cut_at_a_token(text, limit):
    head = cut_to_tokens(text, limit)
    assert text.startswith(head)
    assert count_tokens(head) <= limit


def test_a_text_that_fits_is_cut_nowhere():
    assert cut_to_tokens("Closed on Mondays.", 4) == "Closed on Mondays."
    assert cut_to_tokens("Closed on Mondays.", 3) == "Closed on Mondays"


def test_tokens_are_counted_as_the_model_does():
    for text in ["", "Hello, world!", "naïve café 文書", "a\x0bb", "one\x85two", "x" * 90]:
        assert count_tokens(text) == max(len(encode(text)), len(text) // 16)
    assert count_tokens("x" * 1_600) == 100
