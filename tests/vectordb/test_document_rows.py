"""CSV files that hold a document a row."""

import pytest

from config.errors import InvalidInput
from config.status import Status
from tests.vectordb import samples
from tests.vectordb.conftest import add, build, create
from vectordb.models import CHUNKS_PER_DOCUMENT, Chunk
from vectordb.parsing import delimited
from vectordb.parsing.base import ParseError
from vectordb.retrieval import retrieve
from vectordb.retrieval_settings import RetrievalSettings

LAMPS = b"""document,document_file_path,topic,year,is_open,code
The lamps burn rapeseed oil.,north.txt,lamps,1850,true,007
"Wages are paid, each quarter.
In coin.",wages.txt,money,,FALSE,12
,empty.txt,nothing,1,true,1
The boat sails on Tuesdays.,,boats,1861.5,true,x
"""


def chunks_of(database) -> list[Chunk]:
    return list(Chunk.objects.filter(vector_database_id=database.pk))


def test_each_row_is_a_document_with_metadata(dataset):
    document = add(dataset, "lamps.csv", LAMPS)
    database = build(dataset)

    assert database.status == Status.COMPLETED
    assert document.columns == [
        "document", "document_file_path", "topic", "year", "is_open", "code",
    ]  # fmt: skip
    assert document.rows_count == 4
    assert database.metadata_columns == ["topic", "year", "is_open", "code"]
    assert [(chunk.text, chunk.metadata) for chunk in chunks_of(database)] == [
        (
            "The lamps burn rapeseed oil.",
            {"source": "north.txt", "topic": "lamps", "year": 1850, "is_open": True, "code": "007"},
        ),
        (
            "Wages are paid, each quarter.\nIn coin.",
            {
                "source": "wages.txt",
                "topic": "money",
                "is_open": False,
                "code": "12",
                "language": "en",
            },
        ),
        (
            "The boat sails on Tuesdays.",
            {"source": "lamps.csv", "topic": "boats", "year": 1861.5, "is_open": True, "code": "x"},
        ),
    ]


def test_chunks_of_different_rows_do_not_follow_on_each_other(dataset):
    text = " ".join(f"Sentence number {number} of this row." for number in range(80))
    rows = "".join(f"{text},{name}\n" for name in ("a.txt", "b.txt"))
    add(dataset, "two.csv", b"document,document_file_path\n" + rows.encode())
    database = build(dataset, chunk_size=128, chunk_overlap_percentage=10)

    by_source: dict[str, list[Chunk]] = {}
    for chunk in chunks_of(database):
        by_source.setdefault(chunk.metadata["source"], []).append(chunk)
    first, second = by_source["a.txt"], by_source["b.txt"]
    assert len(first) == len(second) > 2
    for own in (first, second):
        assert own[0].start == 0
        assert all(text[chunk.start : chunk.end] == chunk.text for chunk in own)
        ids = [chunk.id for chunk in own]
        assert ids == list(range(ids[0], ids[0] + len(own)))
    assert second[0].id == first[-1].id + 2


def test_rows_of_one_path_are_one_document(dataset):
    rows = b"One. ,a.txt\nTwo. ,a.txt\nElse. ,b.txt\nThree. ,a.txt\n"
    add(dataset, "parts.csv", b"document,document_file_path\n" + rows)

    chunks = chunks_of(build(dataset))

    first = CHUNKS_PER_DOCUMENT
    assert [(chunk.id - first, chunk.text, chunk.start) for chunk in chunks] == [
        (0, "One.", 0),
        (1, "Two.", 5),
        (3, "Else.", 0),
        (5, "Three.", 10),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_names_of_the_columns_tell_the_delimiter(dataset, delimiter):
    header = delimiter.join(['"document"', "document_file_path", "n"])
    body = "".join(f'"x, y; z | w"{delimiter}{n}.txt{delimiter}{n}\n' for n in range(3))
    add(dataset, "a.csv", f"{header}\n{body}".encode())

    assert [chunk.metadata["n"] for chunk in chunks_of(build(dataset))] == [0, 1, 2]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_lines_end_as_on_any_system(tmp_path, line_end):
    path = tmp_path / "a.csv"
    lines = ["document,document_file_path", '"one', 'two",a.txt', "three,b.txt"]
    path.write_bytes((line_end.join(lines) + line_end).encode())

    assert [segment.text for segment in delimited.parse(path)] == ["one\ntwo", "three"]
    assert delimited.describe(path).rows == 2


@pytest.mark.parametrize("line", ["," * 20_000, '"\n",' * 20_000])
def test_a_table_of_endless_columns_is_refused_at_once(tmp_path, line):
    path = tmp_path / "wide.csv"
    path.write_text(line)
    with pytest.raises(ParseError, match="columns"):
        delimited.describe(path)


def test_a_cell_longer_than_a_block_is_kept_whole(tmp_path):
    lines = [f"line {number} of a long text" for number in range(9_000)]
    path = tmp_path / "long.csv"
    path.write_text('document,document_file_path\n"' + "\n".join(lines) + '",long.txt\n')

    [segment] = delimited.parse(path)

    assert segment.text == "\n".join(lines)


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        (["1", "2"], [1, 2]),
        (["1", "2.5"], [1, 2.5]),
        (["-3", "0"], [-3, 0]),
        (["1", "two"], ["1", "two"]),
        (["01", "2"], ["01", "2"]),
        (["1234567890123456", "1"], ["1234567890123456", "1"]),
        (["1e5", "1"], ["1e5", "1"]),
        (["nan", "1"], ["nan", "1"]),
        (["true", "False"], [True, False]),
        (["true", "1"], ["true", "1"]),
        (["", "5"], [None, 5]),
        ([" padded ", "x"], ["padded", "x"]),
    ],
)
def test_a_column_has_values_of_one_kind(tmp_path, values, kept):
    path = tmp_path / "kinds.csv"
    rows = "".join(f"text,{n},{value}\n" for n, value in enumerate(values))
    path.write_text(f"document,document_file_path,value\n{rows}")

    found = [segment.row.metadata.get("value") for segment in delimited.parse(path) if segment.row]

    assert found == kept
    assert [type(value) for value in found] == [type(value) for value in kept]


def table(*names: str) -> bytes:
    return ",".join(["document", "document_file_path", *names]).encode() + b"\ntext,a.txt\n"


def test_fifty_columns_of_metadata_are_taken(dataset):
    add(dataset, "a.csv", table(*(f"c{number}" for number in range(50))))
    assert len(build(dataset).metadata_columns) == 50


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (table(*(f"c{number}" for number in range(51))), "51 columns of metadata; 50 is the most"),
        (table(*(f"c{n}" for n in range(10_000))), "10000 columns of metadata"),
        (table("source"), "cannot be called “source”"),
        (table("a", "a"), "Two columns .* called “a”"),
        (table("$or"), "does not begin with"),
        (table("c" * 201), "200 characters"),
        (b"document,year\ntext,1\n", "needs both columns"),
        (b"document_file_path,year\na.txt,1\n", "needs both columns"),
    ],
)
def test_columns_that_cannot_be_are_refused(dataset, content, why):
    add(dataset, "a.csv", content)

    with pytest.raises(InvalidInput, match=why) as refused:
        create(dataset)
    assert refused.value.field == "dataset"


def test_several_files_have_fifty_columns_between_them(dataset):
    for file in "ab":
        add(dataset, f"{file}.csv", table(*(f"{file}{number}" for number in range(26))))

    with pytest.raises(InvalidInput, match="52 columns of metadata between them"):
        create(dataset)


def test_a_column_without_a_name_is_left_out(dataset):
    """As that of an index which a data frame was saved with."""
    content = b",document,document_file_path,topic\n0,Brass lamps.,a.txt,lamps\n"
    add(dataset, "frame.csv", content)

    [chunk] = chunks_of(build(dataset))

    assert chunk.metadata == {"source": "a.txt", "topic": "lamps"}


def test_endless_metadata_is_refused(dataset):
    add(dataset, "a.csv", table("note").replace(b"a.txt", b"a.txt," + b"x" * 5_001))

    [ingestion] = build(dataset).ingestions.all()

    assert "“note” in row 1 has more than 5,000 characters" in ingestion.error_message


def test_metadata_is_copied_with_the_same_content(dataset, monkeypatch):
    add(dataset, "lamps.csv", LAMPS)
    first = build(dataset)

    def refuse(*_):
        raise AssertionError("embedded again")

    monkeypatch.setattr("vectordb.ingest_run.get_embedder", refuse)
    second = build(dataset)

    assert [c.metadata for c in chunks_of(second)] == [c.metadata for c in chunks_of(first)]


def test_other_csv_files_are_read_as_tables(dataset):
    document = add(dataset, "cups.csv", b"Team,Cups\nLeafs,13\nBruins,6\n")

    [chunk] = chunks_of(build(dataset))

    assert chunk.text == "Team | Cups\nTeam: Leafs | Cups: 13\nTeam: Bruins | Cups: 6"
    assert (document.columns, document.rows_count) == (["Team", "Cups"], 2)
    assert add(dataset, "bare.csv", b"1,2\n3,4\n").columns is None


async def found(database, question, metadata_filter=None, **settings):
    retrieval = await retrieve(
        database, question, RetrievalSettings(**settings), metadata_filter=metadata_filter
    )
    return [(passage.document_name, passage.metadata.get("year")) for passage in retrieval.passages]


async def test_rows_are_found_by_their_metadata(transactional_db, filtered):
    assert await found(filtered, "lamps", {"source": "wages.txt"}) == [("wages.txt", None)]
    assert await found(filtered, "lamps", {"year": {"$gt": 1850}}) == [("lamps.csv", 1861.5)]
    assert await found(filtered, "lamps", {"code": {"$eq": "007"}}) == [("north.txt", 1850)]
    assert await found(filtered, "lamps", {"is_open": False}) == [("wages.txt", None)]
    assert await found(filtered, "lamps", {"topic": {"$in": ["money", "none"]}}) == [
        ("wages.txt", None)
    ]


@pytest.fixture
def filtered(transactional_db, dataset):
    add(dataset, "lamps.csv", LAMPS)
    return build(dataset)


# Finished chunks.


def test_a_row_is_a_chunk_however_long(dataset):
    long = "A sentence of seven words in all. " * 100
    content = f"document,document_file_path,n\nShort.,a.txt,1\n{long},a.txt,2\nLast.,b.txt,3\n"
    add(dataset, "chunks.csv", content.encode())

    database = build(dataset, is_custom_chunking=True)

    chunks = chunks_of(database)
    assert [chunk.text for chunk in chunks] == ["Short.", long.strip(), "Last."]
    assert [chunk.metadata["n"] for chunk in chunks] == [1, 2, 3]
    assert [chunk.id - CHUNKS_PER_DOCUMENT for chunk in chunks] == [0, 1, 3]
    assert chunks[1].token_count > 700


def test_another_file_is_one_finished_chunk(dataset):
    add(dataset, "a.pdf", samples.pdf("First page.", "Second page."))

    [chunk] = chunks_of(build(dataset, is_custom_chunking=True))

    assert (chunk.text, chunk.page) == ("First page.\nSecond page.", None)


def test_a_finished_chunk_that_no_prompt_could_hold_is_refused(dataset):
    add(dataset, "long.txt", b"word " * 8_193)
    [ingestion] = build(dataset, is_custom_chunking=True).ingestions.all()
    assert "8,192 tokens at most" in ingestion.error_message


def test_a_table_holds_no_finished_chunks(dataset):
    add(dataset, "cups.csv", b"Team,Cups\nLeafs,13\n")
    with pytest.raises(InvalidInput, match="Finished chunks come in CSV files with the columns"):
        create(dataset, is_custom_chunking=True)


def test_what_was_cut_is_not_taken_for_finished(dataset):
    add(dataset, "a.txt", b"Some words. " * 300)
    assert build(dataset, chunk_size=128).chunks_count > 1
    assert build(dataset, chunk_size=128, is_custom_chunking=True).chunks_count == 1


@pytest.fixture
def long_chunks(transactional_db, dataset):
    filler = "The shop sells rope and nails and paint of every colour. " * 40
    content = (
        "document,document_file_path\n"
        f"{filler},plain.txt\n"
        f"{filler} The ferry to the islands sails on Tuesdays.,ferry.txt\n"
    )
    add(dataset, "chunks.csv", content.encode())
    return build(dataset, is_custom_chunking=True)


async def test_the_end_of_a_long_chunk_is_searched_too(long_chunks):
    [(source, _), _] = await found(long_chunks, "When does the ferry sail to the islands?")

    assert source == "ferry.txt"
