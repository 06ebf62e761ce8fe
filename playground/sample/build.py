"""Makes the sample's documents of its texts: `python -m playground.sample.build`.

The same texts always give the same bytes: nothing written here knows the time. Run it after a
change to the texts and commit both; it needs the packages for development.
"""

import io
import shutil
import zipfile
from datetime import UTC, datetime
from functools import singledispatch
from html import escape
from pathlib import Path
from typing import Any

import docx
from reportlab.lib import colors
from reportlab.lib.pagesizes import A5
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, ListFlowable, SimpleDocTemplate, Spacer
from reportlab.platypus import Paragraph as PdfParagraph
from reportlab.platypus import Table as PdfTable

from playground.sample import DOCUMENTS, FORMATS, TEXTS
from playground.sample.blocks import Block, Heading, Items, Paragraph, Table, read_blocks

_SHOP = "Pipit & Kettle"
_NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_STYLES = getSampleStyleSheet()


def build(name: str, folder: Path) -> Path:
    """Make the document of one text in `folder`; where it is."""
    source = TEXTS / f"{name}.md"
    target = folder / f"{name}.{FORMATS[name]}"
    blocks = list(read_blocks(source.read_text(encoding="utf-8")))
    match target.suffix:
        case ".pdf":
            _write_pdf(blocks, target)
        case ".docx":
            _write_docx(blocks, target)
        case ".html":
            target.write_text(_html_page(blocks), encoding="utf-8")
        case _:
            shutil.copyfile(source, target)
    return target


def _title(blocks: list[Block]) -> str:
    return next(block.text for block in blocks if isinstance(block, Heading))


def _write_pdf(blocks: list[Block], target: Path) -> None:
    # Small pages, so that even a short text has several.
    document = SimpleDocTemplate(
        str(target),
        pagesize=A5,
        leftMargin=16 * mm,
        rightMargin=16 * mm,
        topMargin=16 * mm,
        bottomMargin=16 * mm,
        title=_title(blocks),
        author=_SHOP,
        invariant=True,
    )
    document.build([flowable for block in blocks for flowable in _pdf(block)])


@singledispatch
def _pdf(block: Block) -> list[Flowable]:
    raise NotImplementedError(type(block))


@_pdf.register
def _(block: Heading) -> list[Flowable]:
    return [PdfParagraph(escape(block.text), _STYLES["Title" if block.level == 1 else "Heading2"])]


@_pdf.register
def _(block: Paragraph) -> list[Flowable]:
    return [PdfParagraph(escape(block.text), _STYLES["BodyText"])]


@_pdf.register
def _(block: Items) -> list[Flowable]:
    items = [PdfParagraph(escape(text), _STYLES["BodyText"]) for text in block.texts]
    return [ListFlowable(items, bulletType="bullet", start="•", leftIndent=12)]


@_pdf.register
def _(block: Table) -> list[Flowable]:
    cells = [
        [PdfParagraph(escape(cell), _STYLES["BodyText"]) for cell in row] for row in block.rows
    ]
    lines = [("LINEBELOW", (0, 0), (-1, 0), 0.6, colors.black), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    return [Spacer(0, 2 * mm), PdfTable(cells, style=lines), Spacer(0, 3 * mm)]


def _write_docx(blocks: list[Block], target: Path) -> None:
    document = docx.Document()
    properties = document.core_properties
    properties.title, properties.author, properties.comments = _title(blocks), _SHOP, ""
    properties.created = properties.modified = _NO_TIME
    for block in blocks:
        _add_to_docx(block, document)
    packed = io.BytesIO()
    document.save(packed)
    target.write_bytes(_without_times(packed))


def _without_times(packed: io.BytesIO) -> bytes:
    """The same archive with every member dated alike."""
    result = io.BytesIO()
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(result, "w") as new:
        for name in old.namelist():
            member = zipfile.ZipInfo(name)
            new.writestr(member, old.read(name), zipfile.ZIP_DEFLATED)
    return result.getvalue()


@singledispatch
def _add_to_docx(block: Block, document: Any) -> None:
    raise NotImplementedError(type(block))


@_add_to_docx.register
def _(block: Heading, document: Any) -> None:
    document.add_heading(block.text, block.level)


@_add_to_docx.register
def _(block: Paragraph, document: Any) -> None:
    document.add_paragraph(block.text)


@_add_to_docx.register
def _(block: Items, document: Any) -> None:
    for text in block.texts:
        document.add_paragraph(text, "List Bullet")


@_add_to_docx.register
def _(block: Table, document: Any) -> None:
    table = document.add_table(len(block.rows), len(block.rows[0]), "Light Grid Accent 1")
    for row, texts in zip(table.rows, block.rows, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text


def _html_page(blocks: list[Block]) -> str:
    body = "\n".join(_html(block) for block in blocks)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(_SHOP)}</title>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


@singledispatch
def _html(block: Block) -> str:
    raise NotImplementedError(type(block))


@_html.register
def _(block: Heading) -> str:
    return f"<h{block.level}>{escape(block.text)}</h{block.level}>"


@_html.register
def _(block: Paragraph) -> str:
    return f"<p>{escape(block.text)}</p>"


@_html.register
def _(block: Items) -> str:
    return "<ul>\n" + "\n".join(f"<li>{escape(text)}</li>" for text in block.texts) + "\n</ul>"


@_html.register
def _(block: Table) -> str:
    head, *body = block.rows
    rows = [_html_row(head, "th"), *(_html_row(row, "td") for row in body)]
    return "<table>\n" + "\n".join(rows) + "\n</table>"


def _html_row(cells: tuple[str, ...], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def main() -> None:
    DOCUMENTS.mkdir(exist_ok=True)
    for old in DOCUMENTS.iterdir():
        old.unlink()
    for name in FORMATS:
        build(name, DOCUMENTS)


if __name__ == "__main__":
    main()
