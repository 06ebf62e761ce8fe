"""DOCX: paragraphs and tables in the order in which they stand. It knows no pages."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
from docx.oxml.ns import qn

from vectordb.parsing.base import ParseError, Segment, clean

_PARAGRAPH, _TABLE, _ROW, _CELL = qn("w:p"), qn("w:tbl"), qn("w:tr"), qn("w:tc")
_TEXT, _TAB, _BREAK, _RETURN = qn("w:t"), qn("w:tab"), qn("w:br"), qn("w:cr")
# The same content once more, for old readers; and the properties, whose tabs are tab stops.
_SKIPPED = {"{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback", qn("w:pPr")}
_MERGED_AWAY = "./w:tcPr/w:vMerge[not(@w:val) or @w:val='continue']"


def parse(path: Path) -> Iterator[Segment]:
    try:
        body = docx.Document(str(path)).element.body
    except Exception as error:  # python-docx raises whatever the broken part led to
        raise ParseError(
            "This Word document is damaged and cannot be opened: save it again as DOCX."
        ) from error
    total = len(body)
    for done, block in enumerate(body, 1):
        for text in block_texts(block):
            yield Segment(clean(text), done=done, total=total)


def block_texts(element: Any) -> Iterator[str]:
    """The element's paragraphs and table rows, one line each."""
    if element.tag == _PARAGRAPH:
        text = "".join(_inline(element))
        yield text + "\n\n" if text.strip() else ""
    elif element.tag == _TABLE:
        yield from _rows(element)
        yield "\n"
    elif element.tag not in _SKIPPED:
        for child in element:
            yield from block_texts(child)


def _rows(table: Any) -> Iterator[str]:
    for row in table.iter(_ROW):
        # Rows of a table inside a cell come with that cell.
        if next(row.iterancestors(_TABLE)) is not table:
            continue
        cells = [
            " ".join("".join(block_texts(cell)).split())
            for cell in row.iter(_CELL)
            if next(cell.iterancestors(_ROW)) is row and not cell.xpath(_MERGED_AWAY)
        ]
        if any(cells):
            yield " | ".join(cells) + "\n"


def _inline(element: Any) -> Iterator[str]:
    for child in element:
        if child.tag == _TEXT:
            yield child.text or ""
        elif child.tag == _TAB:
            yield "\t"
        elif child.tag in (_BREAK, _RETURN):
            yield "\n"
        elif child.tag == _PARAGRAPH:  # in a text box
            yield "\n" + "".join(_inline(child)) + "\n"
        elif child.tag not in _SKIPPED:
            yield from _inline(child)
