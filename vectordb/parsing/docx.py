"""DOCX: paragraphs and tables in the order in which they stand. It knows no pages."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
from docx.oxml.ns import nsmap, qn

from vectordb.parsing.base import Heading, ParseError, Segment, clean, one_line
from vectordb.parsing.titles import told_title

_PARAGRAPH, _TABLE, _ROW, _CELL = qn("w:p"), qn("w:tbl"), qn("w:tr"), qn("w:tc")
_TEXT, _TAB, _BREAK, _RETURN = qn("w:t"), qn("w:tab"), qn("w:br"), qn("w:cr")
# The same content once more, for old readers; and the properties, whose tabs are tab stops.
_SKIPPED = {"{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback", qn("w:pPr")}
_VALUE = qn("w:val")
# By their style's name, which is English wherever Word is not.
_heading_style = re.compile(r"heading ([1-9])", re.IGNORECASE)
_TITLE_STYLE = "title"
_MERGED_AWAY = "./w:tcPr/w:vMerge[not(@w:val) or @w:val='continue']"


def parse(path: Path) -> Iterator[Segment]:
    try:
        document = docx.Document(str(path))
        body, styles = document.element.body, document.styles.element
        named = told_title(document.core_properties.title)
    except Exception as error:  # python-docx raises whatever the broken part led to
        raise ParseError(
            "This Word document is damaged and cannot be opened: save it again as DOCX."
        ) from error
    total = len(body)
    outline = Levels(styles)
    title = next(filter(None, map(one_line, _titles(body, outline))), named)
    for done, block in enumerate(body, 1):
        for element in _blocks(block):
            level = outline.of(element)
            for text in map(clean, _texts(element)):
                shown = one_line(text) if level else ""
                heading = (Heading(0, len(text.rstrip()), level, shown),) if shown else ()
                yield Segment(text, done=done, total=total, title=title, headings=heading)


def _titles(body: Any, outline: "Levels") -> Iterator[str]:
    return ("".join(_texts(paragraph)) for paragraph in body if outline.is_title(paragraph))


def _blocks(element: Any) -> Iterator[Any]:
    """The paragraphs and tables in it."""
    if element.tag in (_PARAGRAPH, _TABLE):
        yield element
    elif element.tag not in _SKIPPED:
        for child in element:
            yield from _blocks(child)


def _texts(block: Any) -> Iterator[str]:
    """A paragraph, or a table's rows, one line each."""
    if block.tag == _TABLE:
        yield from _rows(block)
        yield "\n"
        return
    text = "".join(_inline(block))
    yield text + "\n\n" if text.strip() else ""


def _rows(table: Any) -> Iterator[str]:
    for row in table.iter(_ROW):
        # Rows of a table inside a cell come with that cell.
        if next(row.iterancestors(_TABLE)) is not table:
            continue
        cells = [
            " ".join("".join(text for block in _blocks(cell) for text in _texts(block)).split())
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


class Levels:
    """Which paragraphs are headings: their style says so, or they themselves."""

    def __init__(self, styles: Any) -> None:
        self._styles = {
            style.get(qn("w:styleId")): style for style in styles.iterchildren(qn("w:style"))
        }
        self._known: dict[str | None, int] = {}

    def of(self, block: Any) -> int:
        """1 for the highest; 0 for what is no heading."""
        if block.tag != _PARAGRAPH:
            return 0
        own = _outline_level(block)
        return self._of_style(_value(block, "w:pPr/w:pStyle")) if own is None else own

    def is_title(self, block: Any) -> bool:
        style = self._styles.get(_value(block, "w:pPr/w:pStyle"))
        return style is not None and (_value(style, "w:name") or "").lower() == _TITLE_STYLE

    def _of_style(self, style_id: str | None) -> int:
        if style_id not in self._known:
            self._known[style_id] = 0  # of styles that are based on each other in a circle
            self._known[style_id] = self._level(self._styles.get(style_id))
        return self._known[style_id]

    def _level(self, style: Any) -> int:
        if style is None:
            return 0
        named = _heading_style.fullmatch(_value(style, "w:name") or "")
        if named:
            return int(named[1])
        own = _outline_level(style)
        return self._of_style(_value(style, "w:basedOn")) if own is None else own


def _value(element: Any, path: str) -> str | None:
    found = element.find(path, nsmap)
    return None if found is None else found.get(_VALUE)


def _outline_level(element: Any) -> int | None:
    """The ninth, counted from 0, is that of running text."""
    value = _value(element, "w:pPr/w:outlineLvl") or ""
    if not re.fullmatch("[0-9]", value):
        return None
    return (int(value) + 1) % 10
