"""Titles and headings: what each kind of file tells of them, and which a passage stands under."""

import io
from itertools import pairwise
from typing import Any

import docx
import openpyxl
import pptx
import pytest
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from tests.vectordb.samples import archive, joined
from tests.vectordb.test_parsing_formats import book, mail
from vectordb.embedding_models import MINILM
from vectordb.parsing import docx as word
from vectordb.parsing import eml, epub, html, markdown, pdf, text, xlsx
from vectordb.parsing import pptx as slides
from vectordb.parsing.base import LONGEST_HEADING, Segment
from vectordb.parsing.cutting import Cutter
from vectordb.parsing.titles import told_title


def saved(document) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def told(segments) -> tuple[str, list[tuple[int, str]]]:
    """The title, and the level and text of each heading; they stand where they say."""
    segments = list(segments)
    found = []
    for segment in segments:
        assert segment.title == segments[0].title
        edges = [edge for one in segment.headings for edge in (one.start, one.end)]
        assert all(0 <= before <= after <= len(segment.text) for before, after in pairwise(edges))
        found += [(heading.level, heading.text) for heading in segment.headings]
    return segments[0].title, found


MARKDOWN = """# The *shop* #

Welcome.

## [Returns](https://example.com) {#returns}
```
# no heading
~~~
```
    # nor this
Damaged goods
-------------
- a list
---
| a | b |
---
####### seven
#none
### Last ###
   ## Indented
##
"""


def test_markdown_tells_both_forms_of_headings(file):
    assert told(markdown.parse(file(MARKDOWN.encode()))) == (
        "The shop",
        [
            (1, "The shop"),
            (2, "Returns"),
            (2, "Damaged goods"),
            (3, "Last"),
            (2, "Indented"),
        ],
    )


def test_markdown_headings_stand_where_they_say(file):
    [segment] = markdown.parse(file(MARKDOWN.encode()))
    assert [segment.text[one.start : one.end] for one in segment.headings] == [
        "# The *shop* #",
        "## [Returns](https://example.com) {#returns}",
        "Damaged goods\n-------------",
        "### Last ###",
        "   ## Indented",
    ]


@pytest.mark.parametrize(
    ("content", "title"),
    [
        ('---\ntags: x\ntitle: "The shop"\n---\n# One\n# Two\n', "The shop"),
        ("---\ntags: x\n---\n# One\n", "One"),
        ("# One\n\n# Two\n", ""),
        ("---\nno end\n# One\n", "One"),
        ("words\n", ""),
        ("```\n# code that does not end\n", ""),
    ],
)
def test_markdown_has_a_title_where_only_one_can_be_meant(file, content, title):
    assert told(markdown.parse(file(content.encode())))[0] == title


def test_a_block_of_code_may_be_longer_than_what_is_read_at_once(file):
    content = "# One\n```\n" + "# no heading\n" * 20_000 + "```\n# Two\n"
    segments = list(markdown.parse(file(content.encode())))
    assert len(segments) > 2
    assert told(segments)[1] == [(1, "One"), (1, "Two")]


PAGE = """<html><head><title>The
 shop</title></head><body> <h1> Returns<a href="#r">¶</a></h1><table><tr><td>a</td><td>
<h3>In a <i>cell</i></h3> b</td></tr></table><h2><script>x</script> </h2>
<h2>|</h2>\x0b<h2>Two<br>lines</h2><p>||  \x07words</p><pre>

<h4>  Deep
</h4></pre><h1>Outer<h2>inner</h2></h1></body></html>"""


def test_html_tells_headings_wherever_they_stand(file):
    [segment] = html.parse(file(PAGE.encode()))
    assert told([segment]) == (
        "The shop",
        [
            (1, "Returns"),
            (3, "In a cell"),
            (2, "Two lines"),
            (4, "Deep"),
            (1, "Outer inner"),
        ],
    )
    assert [segment.text[one.start : one.end] for one in segment.headings][:3] == [
        "Returns¶",
        "In a cell",
        "Two\n\nlines",
    ]


FRAGMENTS = st.sampled_from(
    ["<h1>", "</h1>", "<h2>A b</h2>", "<h3>", "|", " ", "\n", "\r", "x", "\x07", "\u2028", "<td>",
     "<pre>", "</pre>", "<p>", "<br>", "¶", "<h2> | </h2>", "\t", "<ul><li>", "&nbsp;", "\x1c"]
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(fragments=st.lists(FRAGMENTS, max_size=40))
def test_html_headings_are_lines_of_the_text(fragments):
    page = html.page_of("".join(fragments).encode())
    before = 0
    for heading in page.headings:
        assert before <= heading.start < heading.end <= len(page.text)
        assert heading.start == 0 or page.text[heading.start - 1] == "\n"
        assert page.text[heading.start : heading.end].strip()
        before = heading.end


def test_a_page_of_nothing_but_headings_is_not_followed_forever(monkeypatch):
    monkeypatch.setattr(html, "_MOST_HEADINGS", 3)
    assert len(html.page_of(b"<h1>a</h1>" * 10).headings) == 3


def word_file() -> bytes:
    document = docx.Document()
    document.core_properties.title = "ignored.docx"
    document.add_heading("The shop", 0)
    document.add_heading("Returns", 1)
    document.add_paragraph("By post.")
    own = document.styles.add_style("Chapter", 1)
    own.base_style = document.styles["Heading 2"]
    document.add_paragraph("Damaged goods", style="Chapter")
    for level in ("0", "9", "x"):
        mark = OxmlElement("w:outlineLvl")
        mark.set(qn("w:val"), level)
        document.add_paragraph(f"Level {level}")._p.get_or_add_pPr().append(mark)
    document.add_paragraph("  ", style="Heading 1")
    document.add_table(1, 1).rows[0].cells[0].paragraphs[0].style = document.styles["Heading 1"]
    return saved(document)


def test_word_documents_tell_headings_by_style_and_by_level(file):
    assert told(word.parse(file(word_file()))) == (
        "The shop",
        [(1, "Returns"), (2, "Damaged goods"), (1, "Level 0")],
    )


def test_styles_based_on_each_other_in_a_circle_are_none(file):
    document = docx.Document()
    for name, base in (("One", "Two"), ("Two", "One")):
        style = document.styles.add_style(name, 1)
        style.element.append(OxmlElement("w:basedOn"))
        style.element.find(qn("w:basedOn")).set(qn("w:val"), base)
    document.add_paragraph("words", style="One")
    assert told(word.parse(file(saved(document)))) == ("", [])


def test_slides_are_headed_by_their_titles(file):
    show = pptx.Presentation()
    layout = show.slide_layouts[5]
    show.slides.add_slide(layout).shapes.title.text = "Our\nyear"
    show.slides.add_slide(show.slide_layouts[6])
    show.slides.add_slide(layout).shapes.title.text = "Next year"
    assert told(slides.parse(file(saved(show)))) == (
        "Our year",
        [(1, "Our year"), (1, "Next year")],
    )
    show.core_properties.title = "Report"
    assert told(slides.parse(file(saved(show))))[0] == "Report"


def test_a_sheet_is_headed_by_its_name(file, monkeypatch):
    monkeypatch.setattr(xlsx, "_BATCH", 3)
    workbook = openpyxl.Workbook()
    workbook.properties.title = "Cups"
    workbook.worksheets[0].title = "Leafs"
    for number in range(10):
        workbook.worksheets[0].append([number])
    workbook.create_sheet("Bruins").append(["x"])
    assert told(xlsx.parse(file(saved(workbook)))) == ("Cups", [(1, "Leafs"), (1, "Bruins")])


def test_a_book_has_its_title_and_the_headings_of_its_pages(file):
    package = b"""<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">
    <metadata><dc:title> </dc:title><dc:title>Of lamps</dc:title></metadata><manifest>
    <item id="one" href="text/chapter%20one.xhtml" media-type="application/xhtml+xml"/></manifest>
    <spine><itemref idref="one"/></spine></package>"""
    segments = epub.parse(file(book(**{"OPS/book.opf": package})))
    assert told(segments) == ("Of lamps", [(1, "One")])


def test_the_subject_of_a_mail_is_its_title(file):
    message = mail()
    message.set_content("It burns.")
    assert told(eml.parse(file(bytes(message)))) == ("Öl für die Lampen", [])


def outlined_pdf() -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    canvas.setTitle("Of lamps")
    pages = [
        [("One", 0), ("Found here", 1)],
        [],
        [("Not in the text", 0), ("found  THERE", 1)],
    ]
    texts = ["Look: 'Found here' is below\nOne\n1.1 Found here", "More.", "2.2 Found there\nEnd"]
    for headings, lines in zip(pages, texts, strict=True):
        for heading, level in headings:
            canvas.bookmarkPage(heading)
            canvas.addOutlineEntry(heading, heading, level)
        for place, line in enumerate(lines.splitlines()):
            canvas.drawString(72, 760 - 15 * place, line)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def test_a_pdf_tells_the_headings_of_its_outline(file):
    first, second, third = pdf.parse(file(outlined_pdf()))
    assert told([first, second, third]) == (
        "Of lamps",
        [(1, "One"), (2, "Found here"), (1, "Not in the text"), (2, "found THERE")],
    )
    shown = [[one.text[h.start : h.end] for h in one.headings] for one in (first, third)]
    assert shown == [["One", "1.1 Found here"], ["", "2.2 Found there"]]


def test_plain_text_tells_none(file):
    assert told(text.parse(file(b"# include\n"))) == ("", [])


@pytest.mark.parametrize(
    ("given_title", "title"),
    [
        ("Of lamps", "Of lamps"),
        ("Microsoft Word - Of lamps", "Of lamps"),
        ("Microsoft Word - lamps v2.doc", ""),
        ("report.final.PDF", ""),
        ("Untitled", ""),
        ("PowerPoint Presentation", ""),
        ("Presentation 2", ""),
        (None, ""),
        (" a\n b ", "a b"),
        ("x" * 500, "x" * (LONGEST_HEADING - 1) + "…"),
    ],
)
def test_titles_that_programs_made_up_are_none(given_title, title):
    assert told_title(given_title) == title


def paths(segments, *, size: int = 12, method: str = "recursive") -> list[tuple[str, ...]]:
    """The headings of each chunk, without overlap."""
    more: dict[str, Any] = (
        {} if method == "sentences" else {"overlap": 0, "separators": ["\n\n", "\n", " ", ""]}
    )
    cutter = Cutter(method, model_id=MINILM, size=size, **more)
    chunks = [chunk for one in segments for chunk in cutter.feed(one)]
    return [chunk.headings for chunk in [*chunks, *cutter.finish()]]


WAYS = """# Shop

## Returns

Goods come back within thirty days of their delivery.

### Damaged

We pay for the parcel that brings them back to us.

## Shipping

The boat sails on Tuesdays and on no other day.
"""


@pytest.mark.parametrize("method", ["recursive", "sentences"])
def test_a_passage_stands_under_the_headings_above_it(file, method):
    found = paths(markdown.parse(file(WAYS.encode())), size=16, method=method)
    wanted = [("Shop", "Returns"), ("Shop", "Returns", "Damaged"), ("Shop", "Shipping")]
    assert [way for way in dict.fromkeys(found) if way != ("Shop",)] == wanted


def test_a_passage_that_begins_with_headings_stands_under_the_last_of_them(file):
    assert paths(markdown.parse(file(WAYS.encode())), size=16)[0] == ("Shop", "Returns")
    page = b"<title>Shop</title><h1>Returns</h1><p>By post.</p><h1>Shipping</h1>"
    assert paths(html.parse(file(page)), size=100) == [("Returns",)]


def test_headings_hold_across_pages():
    heading = markdown.Headings()
    first = "# One\n\nwords\n"
    segments = [Segment(first, page=1, headings=tuple(heading.of(first))), Segment("more", page=2)]
    assert paths(segments) == [("One",), ("One",)]


def test_what_lies_behind_is_forgotten(file):
    cutter = Cutter("recursive", model_id=MINILM, size=20, overlap=0, separators=["\n", " ", ""])
    content = "".join(f"# Heading {number}\n\n{'words ' * 20}\n\n" for number in range(4_000))
    for segment in markdown.parse(file(content.encode())):
        for _ in cutter.feed(segment):
            pass
        # At most those of the two blocks that the chunker may hold.
        assert len(cutter._outline._places) < 2 * 65_536 / 60
    assert joined(markdown.parse(file(content.encode()))) == content


def test_headings_in_a_damaged_file_are_not_looked_for(file):
    with pytest.raises(Exception, match="damaged"):
        list(word.parse(file(archive({"[Content_Types].xml": b"<nonsense"}))))
