import csv

import openpyxl
import pytest

from tests.vectordb import samples
from tests.vectordb.samples import joined
from vectordb.embedding_models import MINILM
from vectordb.parsing import delimited, docx, html, pdf, pptx, reader, text, xlsx
from vectordb.parsing.base import Kind, ParseError, Segment, clean
from vectordb.parsing.cutting import Cutter
from vectordb.parsing.decode import detect_encoding, read_text


def test_pdf_pages_keep_their_numbers_when_some_are_blank(file):
    segments = list(pdf.parse(file(samples.pdf("One", "", "Three"))))
    assert [(s.page, s.text.strip(), s.done, s.total) for s in segments] == [
        (1, "One", 1, 3),
        (2, "", 2, 3),
        (3, "Three", 3, 3),
    ]


def test_an_encrypted_pdf_says_so(file):
    with pytest.raises(ParseError, match="encrypted"):
        list(pdf.parse(file(samples.pdf("Secret", password="open sesame"))))


def test_a_pdf_without_text_needs_ocr(file):
    with pytest.raises(ParseError, match="OCR"):
        list(pdf.parse(file(samples.pdf("", ""))))


def test_a_truncated_pdf_is_damaged(file):
    with pytest.raises(ParseError, match="damaged"):
        list(pdf.parse(file(samples.pdf("One")[:300])))


def test_a_pdf_of_too_many_pages_is_refused(file, monkeypatch):
    monkeypatch.setattr(pdf, "MOST_PAGES", 2)
    with pytest.raises(ParseError, match="3 pages"):
        list(pdf.parse(file(samples.pdf("a", "b", "c"))))


def test_docx_reads_paragraphs_and_tables_in_order(file):
    lines = [line for line in joined(docx.parse(file(samples.word()))).splitlines() if line]
    assert lines == [
        "In a control.",
        "Returns",
        "Goods come back\tby post within thirty days.",
        "Zone | Days | Price",
        "North | 3 | 7 EUR",
        "Both columns",
        "Outer Inner",
        "After the tables.",
    ]


def test_pptx_reads_groups_tables_and_notes(file):
    first, second = pptx.parse(file(samples.slides()))
    assert (first.page, first.text.split("\n\n")[:3]) == (
        1,
        ["Our year", "Deep inside", "Smile here."],
    )
    assert (second.page, second.text.strip()) == (2, "Turnover | 12")


def test_xlsx_reads_a_sheet_as_a_page(file):
    segments = list(xlsx.parse(file(samples.workbook())))
    assert [(segment.page, segment.text) for segment in segments] == [
        (1, "Cups\nTeam | Cups | Founded\nLeafs | 13\n"),
        (2, "More\nBruins | 5.5 | True\n"),
    ]


def test_xlsx_of_too_many_cells_is_refused(file, monkeypatch):
    monkeypatch.setattr(xlsx, "MOST_CELLS", 4)
    with pytest.raises(ParseError, match="more than 4 cells"):
        list(xlsx.parse(file(samples.workbook())))


@pytest.mark.parametrize("parser", [docx, pptx, xlsx])
def test_a_damaged_office_file_says_what_to_do(file, parser):
    with pytest.raises(ParseError, match="save it again"):
        list(parser.parse(file(samples.archive({"[Content_Types].xml": b"<nonsense"}))))


def page(body: str) -> bytes:
    return f"<!doctype html><html><head><title>A page</title></head><body>{body}</body></html>".encode()


def html_text(file, content: bytes) -> str:
    return joined(html.parse(file(content)))


def test_html_shows_what_a_reader_sees(file):
    body = """<!-- note --><script>var x;</script><style>p{}</style><noscript>no</noscript>
        <h1>Head</h1><p>One <b>bold</b>word
        more</p><ul><li>first</li><li>second</li></ul>
        <table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table><pre>x
  y</pre>tail &amp; end"""
    assert html_text(file, page(body)).split("\n") == [
        "A page", "", "Head", "", "One boldword more", "", "first", "", "second", "",
        "a | b", "", "c", "", "x", "  y", "", "tail & end", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'<meta charset="iso-8859-1"><p>k\xf6nnen</p>', "können"),
        ("<p>Das war köstlich und schön, müsste man öfter essen</p>".encode("cp1252"), "köstlich"),
        ("<p>naïve 文書</p>".encode(), "naïve 文書"),
        ("<p>marked naïve</p>".encode("utf-16"), "marked naïve"),
    ],
)
def test_html_is_decoded_as_declared_or_detected(file, content, expected):
    assert expected in html_text(file, content)


def test_html_nested_thousands_deep_is_read(file):
    assert "bottom" in html_text(file, page("<div>" * 3_000 + "bottom"))


def test_html_too_large_for_a_tree_is_refused(file, monkeypatch):
    monkeypatch.setattr(html, "MOST_BYTES", 10)
    with pytest.raises(ParseError, match="most that can be read"):
        html_text(file, page("long"))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("naïve 文書".encode(), "utf-8"),
        (b"\xef\xbb\xbfmarked", "utf-8-sig"),
        ("marked".encode("utf-16"), "utf-16"),
        ("marked".encode("utf-32"), "utf-32"),
        ("This has no mark.".encode("utf-16-le"), "utf-16-le"),
        ("This has no mark.".encode("utf-16-be"), "utf-16-be"),
        (b"", "utf-8"),
    ],
)
def test_the_encoding_is_found(file, content, expected):
    assert detect_encoding(file(content)) == expected


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp1252", "Wir können die Bücher über Straßen und Flüsse nicht länger zählen."),
        ("shift_jis", "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。"),
        ("gb18030", "子曰:学而时习之,不亦说乎?有朋自远方来,不亦乐乎?"),
    ],
)
def test_unmarked_text_is_guessed(file, encoding, words):
    assert words in joined(text.parse(file((words * 5).encode(encoding))))


def test_late_bytes_that_are_not_utf8_are_found(file):
    content = b"plain ascii words and more\n" * 20_000 + "über können süß\n".encode("cp1252") * 50
    assert detect_encoding(file(content)) != "utf-8"


def test_text_is_read_in_blocks_that_end_with_a_line(file):
    content = "".join(f"line {number} of naïve text\n" for number in range(20_000))
    blocks = list(read_text(file(content.encode())))

    assert "".join(block for block, _ in blocks) == content
    assert len(blocks) > 5
    assert all(block.endswith("\n") for block, _ in blocks)
    assert [done for _, done in blocks] == sorted(done for _, done in blocks)


def test_one_endless_line_is_read_in_parts(file):
    blocks = [block for block, _ in read_text(file(b"word " * 300_000))]
    assert "".join(blocks) == "word " * 300_000
    assert max(map(len, blocks)) < 500_000


def test_noise_is_dropped():
    assert clean("a\0b\x07c\ufeff\ud800d\r\ne\rf\x0cg\u2028h") == "abcd\ne\nf\ng\nh"
    assert clean("a" + " " * 500 + "b" + "\n \n" * 50 + "c") == "a" + " " * 16 + "b\n\n\nc"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_rows_name_their_columns(file, delimiter):
    rows = [["Team", "City", "Cups"], ["Leafs", "Toronto, ON; Canada", "13"], ["Habs", "", "24"]]
    path = file(b"")
    with path.open("w", newline="") as target:
        csv.writer(target, delimiter=delimiter).writerows(rows)

    assert joined(delimited.parse(path)).splitlines() == [
        "Team | City | Cups",
        "Team: Leafs | City: Toronto, ON; Canada | Cups: 13",
        "Team: Habs | Cups: 24",
    ]


def test_csv_without_a_header_is_joined(file):
    assert joined(delimited.parse(file(b"1,2\n\n3,4\n5,6,7\n"))) == "1 | 2\n3 | 4\n5 | 6 | 7\n"


def test_csv_cells_may_hold_lines_and_noise(file):
    content = b'name,note\nann,"two\nlines"\nbob,nul\0here\n'
    assert joined(delimited.parse(file(content))).splitlines() == [
        "name | note",
        "name: ann | note: two",
        "lines",
        "name: bob | note: nulhere",
    ]


def test_csv_with_an_endless_cell_is_refused(file, monkeypatch):
    monkeypatch.setattr(delimited, "LONGEST_CELL", 100)
    with pytest.raises(ParseError, match="line"):
        joined(delimited.parse(file(b'a,b\n1,"' + b"x" * 500)))


REQUEST = {
    "chunking": {
        "method": "recursive",
        "model_id": "sentence-transformers/all-MiniLM-L6-v2",
        "size": 128,
        "overlap": 0,
        "separators": ["\n\n", "\n", " ", ""],
        "is_separator_regex": False,
    }
}


def answers(path, kind: Kind) -> list[dict[str, object]]:
    return list(reader.answers({"path": str(path), "kind": kind, **REQUEST}))


def test_the_reader_answers_with_chunks_and_an_end(file):
    first, end = answers(file(b"Some text."), Kind.TEXT)
    assert first == {
        "chunks": [[0, None, 0, 10, 3, "Some text.", 0, None, "", "", ()]],
        "done": 10,
        "total": 10,
    }
    assert end == {"end": True}


def test_short_pieces_are_in_the_language_of_what_stands_around_them():
    cutter = Cutter("sentences", model_id=MINILM, size=100)
    texts = ["Refund policy. ", "All items that were returned are paid for. ", "Ok. "]
    segment = Segment("".join(texts))
    chunks = [*cutter.feed(segment), *cutter.finish()]
    assert [chunk.language for chunk in chunks] == ["", "en", "en"]


def test_the_reader_reports_progress_on_blank_pages(file):
    messages = answers(file(samples.pdf(*[""] * 100, "text")), Kind.PDF)
    assert [message["done"] for message in messages[:-1]] == [32, 64, 96, 101]


def test_the_reader_says_that_there_is_no_text(file):
    assert answers(file(b" \n "), Kind.MARKDOWN) == [{"error": "There is no text in this file."}]


def test_the_reader_reports_what_it_did_not_expect(file, tmp_path):
    [message] = answers(tmp_path / "missing", Kind.TEXT)
    assert "FileNotFoundError" in str(message["crash"])


def test_a_value_far_to_the_right_comes_without_thousands_of_separators(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.create_sheet("Wide", 0)
    sheet.cell(1, 1, "Total")
    sheet.cell(1, 16_384, 7)
    sheet.cell(2, 3, 8)
    path = tmp_path / "wide"
    book.save(path)

    segment = next(xlsx.parse(path))

    assert segment.text == "Wide\nTotal" + " | " * 16 + "7\n |  | 8\n"
