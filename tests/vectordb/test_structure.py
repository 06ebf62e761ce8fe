"""Chunks by structure: sections of documents, and source code by its language."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import InvalidInput
from config.status import Status
from tests.vectordb.conftest import add, build
from tests.vectordb.samples import pdf, word
from vectordb.chunking import Chunk
from vectordb.chunking_settings import ChunkingSettings
from vectordb.embedding_models import MINILM
from vectordb.filetypes import sniff
from vectordb.models import Chunk as StoredChunk
from vectordb.parsing import code
from vectordb.parsing.base import Heading, Kind, Segment
from vectordb.parsing.cutting import Cutter
from vectordb.parsing.markdown import Headings
from vectordb.parsing.sections import TINY
from vectordb.tokens import count_tokens, encode

SEPARATORS = ["\n\n", "\n", " ", ""]


def markdown(*texts: str) -> list[Segment]:
    headings = Headings()
    return [Segment(text, headings=tuple(headings.of(text))) for text in texts]


def cut(segments: list[Segment], *, size: int = 100, kind: Kind = Kind.MARKDOWN) -> list[Chunk]:
    cutter = Cutter(
        "structure", kind=kind, model_id=MINILM, size=size, overlap=0, separators=SEPARATORS
    )
    chunks = [chunk for segment in segments for chunk in cutter.feed(segment)]
    return [*chunks, *cutter.finish()]


def check_exact(text: str, chunks: list[Chunk], size: int) -> None:
    """Each stands where it says and fits, and nothing is left out."""
    assert [chunk.position for chunk in chunks] == list(range(len(chunks)))
    covered: set[int] = set()
    for chunk in chunks:
        assert text[chunk.start : chunk.end] == chunk.text == chunk.text.strip()
        assert len(encode(chunk.text)) <= chunk.token_count == count_tokens(chunk.text) <= size
        covered.update(range(chunk.start, chunk.end))
    assert {index for index, sign in enumerate(text) if not sign.isspace()} <= covered
    assert all(before.end <= after.start for before, after in pairwise(chunks))


LINES = st.one_of(
    st.integers(1, 4).map(lambda level: f"{'#' * level} A heading"),
    st.integers(0, 60).map(lambda count: "words and more " * count),
    st.sampled_from(["", "```", "Under\n===", "x" * 300, "文書 naïve 🦜", " \x0b", "#"]),
)


@settings(max_examples=80, deadline=None)
@given(texts=st.lists(st.lists(LINES, max_size=12), max_size=3), size=st.integers(TINY + 1, 80))
def test_sections_are_chunks(texts, size):
    segments = markdown(*("".join(f"{line}\n" for line in lines) for lines in texts))
    text = "".join(segment.text for segment in segments)
    headings, offset = [], 0
    for segment in segments:
        headings += [(offset + one.start, one.level) for one in segment.headings]
        offset += len(segment.text)

    chunks = cut(segments, size=size)

    check_exact(text, chunks, size)
    for start, end in pairwise([*groups(text, headings), len(text)]):
        own = [chunk for chunk in chunks if start <= chunk.start < end]
        assert all(chunk.end <= end for chunk in own)
        if count_tokens(text[start:end]) < size // 2:
            assert len(own) <= 1


def groups(text: str, headings: list[tuple[int, int]]) -> list[int]:
    """Where a chunk must begin: at headings, but for those that follow on tiny sections."""
    starts, level = [0], 0
    for start, own_level in headings:
        if own_level < level or count_tokens(text[starts[-1] : start]) >= TINY:
            starts.append(start)
            level = 0
        level = level or own_level
    return starts


LONG = "Words of a paragraph that says something about it, and says it at some length. " * 3
SHOP = f"""# Shop

## Returns

{LONG}

### Damaged

{LONG}

## Shipping

By boat.

## Opening hours

On Mondays.

# Imprint

{LONG}
"""


def test_tiny_sections_go_with_the_next_under_the_same_parent():
    chunks = cut(markdown(SHOP))
    assert [(chunk.text.splitlines()[0], chunk.headings) for chunk in chunks] == [
        ("# Shop", ("Shop", "Returns")),
        ("### Damaged", ("Shop", "Returns", "Damaged")),
        ("## Shipping", ("Shop", "Shipping")),
        ("# Imprint", ("Imprint",)),
    ]
    assert chunks[2].text.endswith("On Mondays.")


def test_a_section_that_is_too_long_is_cut_within():
    chunks = cut(markdown(f"# One\n\n{LONG * 4}\n\n# Two\n\n{LONG}"), size=60)
    assert [chunk.headings for chunk in chunks[-2:]] == [("One",), ("Two",)]
    assert chunks[0].text.startswith("# One\n\nWords")
    assert {chunk.headings for chunk in chunks} == {("One",), ("Two",)}


def test_no_chunk_is_a_heading_alone_where_there_is_more():
    items = "".join(f"- Item number {number}\n" for number in range(60))
    text = f"# Shop\n\nLists of goods\n==============\n{items}\n## More\n\n{'word ' * 200}"
    chunks = cut(markdown(text), size=60)
    check_exact(text, chunks, 60)
    assert chunks[0].text.startswith("# Shop\n\nLists of goods\n==============\n- Item number 0")
    assert min(chunk.token_count for chunk in chunks) > 10


def test_a_text_without_headings_is_cut_as_by_the_recursive_method():
    segments = [Segment(LONG * 40), Segment("\n\n" + LONG * 1_200)]
    recursive = Cutter("recursive", model_id=MINILM, size=60, overlap=0, separators=SEPARATORS)
    expected = [chunk for one in segments for chunk in recursive.feed(one)]
    assert cut(segments, size=60, kind=Kind.TEXT) == [*expected, *recursive.finish()]


def test_no_chunk_leaves_its_page():
    heading = Heading(0, 5, 1, "Title")
    segments = [
        Segment("Title\nshort\n", page=1, headings=(heading,)),
        Segment("end\nTitle\nmore\n", page=2, headings=(Heading(4, 9, 2, "Title"),)),
        Segment("end\nTitle\nother\n", page=3, headings=(Heading(4, 9, 1, "Title"),)),
    ]
    chunks = cut(segments)
    check_exact("".join(segment.text for segment in segments), chunks, 100)
    assert [(chunk.page, chunk.text) for chunk in chunks] == [
        (1, "Title\nshort"),
        (2, "end\nTitle\nmore"),
        (3, "end"),
        (3, "Title\nother"),
    ]


PYTHON = "".join(
    f"class Shop{number}:\n    '''{LONG}'''\n\n    def sell(self):\n        return {number}\n\n"
    for number in range(6)
)


def test_code_is_cut_where_its_language_has_seams():
    chunks = cut([Segment(PYTHON)], size=80, kind=Kind.PYTHON)
    check_exact(PYTHON, chunks, 80)
    assert [chunk.text.split(":")[0] for chunk in chunks] == [f"class Shop{n}" for n in range(6)]


FRAGMENTS = st.sampled_from(
    ["\nclass ", "\ndef ", "\n    def ", "\nfunc ", "\nfn ", "\nfunction ", "\nif ", "\n", "\n\n", "x",
     " ", "value = 1;", "/* ... */", "{", "}", "(", "\nnamespace ", "naïve文", "# one ", "x" * 200]
)  # fmt: skip


@pytest.mark.parametrize("kind", code.LANGUAGES)
@settings(max_examples=6, deadline=None)
@given(fragments=st.lists(FRAGMENTS, max_size=120), size=st.integers(8, 40))
def test_code_loses_nothing_whatever_its_language(kind, fragments, size):
    text = "".join(fragments)
    check_exact(text, cut([Segment(text)], size=size, kind=kind), size)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.py", Kind.PYTHON),
        ("A.JS", Kind.JAVASCRIPT),
        ("a.tsx", Kind.TYPESCRIPT),
        ("a.java", Kind.JAVA),
        ("a.go", Kind.GO),
        ("a.rs", Kind.RUST),
        ("a.c", Kind.C),
        ("a.h", Kind.C),
        ("a.cpp", Kind.CPP),
        ("a.cs", Kind.CSHARP),
        ("a.rb", Kind.RUBY),
        ("a.php", Kind.PHP),
        ("a.sql", Kind.TEXT),
        ("a.sh", Kind.TEXT),
        ("a.yaml", Kind.TEXT),
        ("a.toml", Kind.TEXT),
    ],
)
def test_source_code_is_known_by_its_name(file, name, kind):
    assert sniff(file(b"<html> # int main() {}"), name) in (kind, Kind.HTML)
    assert sniff(file(b"# int main() {}"), name) is kind


def test_documents_become_sections(dataset):
    add(dataset, "shop.md", SHOP.encode())
    add(dataset, "shop.py", PYTHON.encode())
    add(dataset, "shop.docx", word())
    add(dataset, "shop.pdf", pdf("First leaf.", "Second leaf."))
    add(dataset, "shop.sql", b"SELECT 1;\n")
    add(dataset, "shop.csv", b"document,document_file_path\n# No heading here,a.md\n")

    database = build(dataset, chunking_method="structure", chunk_size=128)

    assert (database.status, database.error_message) == (Status.COMPLETED, "")
    found: dict[str, list[str]] = {}
    for chunk in StoredChunk.objects.filter(vector_database_id=database.pk):
        found.setdefault(chunk.metadata["source"], []).append(chunk.text)
    assert len(found["shop.md"]) == 4
    assert [text.split(":")[0] for text in found["shop.py"]] == [f"class Shop{n}" for n in range(6)]
    assert len(found["shop.docx"]) == 1
    assert found["shop.pdf"] == ["First leaf.", "Second leaf."]
    assert found["shop.sql"] == ["SELECT 1;"]
    assert found["a.md"] == ["# No heading here"]


def test_sections_do_not_overlap():
    with pytest.raises(InvalidInput, match="where a section does do not overlap") as refused:
        ChunkingSettings(chunking_method="structure", chunk_overlap_percentage=10)
    assert refused.value.field == "chunk_overlap_percentage"
