"""Small files of every kind, made here."""

import io
import zipfile
from collections.abc import Iterable

import docx
import openpyxl
import pptx
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from PIL import Image
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from vectordb.parsing.base import Segment


def pdf(*pages: str, password: str = "") -> bytes:
    """A page for each text; a blank one for an empty text."""
    buffer = io.BytesIO()
    encrypt = StandardEncryption(password) if password else None
    canvas = Canvas(buffer, encrypt=encrypt)
    for page in pages:
        for number, line in enumerate(page.splitlines()):
            canvas.drawString(72, 760 - 15 * number, line)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def joined(segments: Iterable[Segment]) -> str:
    """The text of all of them."""
    return "".join(segment.text for segment in segments)


IMAGE = object()


def scan(*pages: object, size: tuple[float, float] = A4) -> bytes:
    """A PDF with a page for each: `IMAGE` is a picture over all of it, a text is written."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=size)
    picture = ImageReader(Image.new("L", (40, 60), 200))
    for page in pages:
        if page is IMAGE:
            canvas.drawImage(picture, 0, 0, *size)
        elif page:
            canvas.drawString(72, 760, str(page))
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def word() -> bytes:
    document = docx.Document()
    document.add_heading("Returns", 1)
    paragraph = document.add_paragraph("Goods come back\tby post")
    paragraph.add_run(" within thirty days.")
    table = document.add_table(2, 3)
    for row, cells in zip(
        table.rows, [("Zone", "Days", "Price"), ("North", "3", "7 EUR")], strict=True
    ):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    merged = document.add_table(1, 2)
    merged.rows[0].cells[0].merge(merged.rows[0].cells[1]).text = "Both columns"
    inner = document.add_table(1, 1).rows[0].cells[0]
    inner.text = "Outer"
    inner.add_table(1, 1).rows[0].cells[0].text = "Inner"
    control = f"<w:sdt {nsdecls('w')}><w:sdtContent><w:p><w:r><w:t>In a control.</w:t></w:r></w:p></w:sdtContent></w:sdt>"
    document.element.body.insert(0, parse_xml(control))
    document.add_paragraph("After the tables.")
    return _saved(document)


def slides() -> bytes:
    presentation = pptx.Presentation()
    layout = presentation.slide_layouts[5]
    first = presentation.slides.add_slide(layout)
    first.shapes.title.text = "Our year"
    group = first.shapes.add_group_shape().shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, 100, 100).text_frame.text = "Deep inside"
    first.notes_slide.notes_text_frame.text = "Smile here."
    second = presentation.slides.add_slide(layout)
    table = second.shapes.add_table(1, 2, 0, 0, 1000, 1000).table
    table.cell(0, 0).text, table.cell(0, 1).text = "Turnover", "12"
    return _saved(presentation)


def workbook() -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    first = book.create_sheet("Cups")
    for row in (["Team", "Cups", "Founded"], ["Leafs", 13.0, None], [None, None, None]):
        first.append(row)
    book.create_sheet("More").append(["Bruins", 5.5, True])
    return _saved(book)


def archive(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


def _saved(document) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
