"""PDF, page by page."""

import re
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pypdfium2.raw

from vectordb.parsing.base import ParseError, Segment, clean

MOST_PAGES = 20_000
# PDFium marks a hyphen at a line's end with a character of its own: the word goes on.
_hyphenated = re.compile("[\ufffe\x02]\\s*")


def parse(path: Path) -> Iterator[Segment]:
    document = _open(path)
    try:
        total = len(document)
        if total > MOST_PAGES:
            raise ParseError(
                f"This PDF has {total:,} pages; {MOST_PAGES:,} is the most. Split it into parts."
            )
        is_empty = True
        for index in range(total):
            text = _page_text(document, index)
            is_empty = is_empty and not text.strip()
            yield Segment(text + "\n", page=index + 1, done=index + 1, total=total)
        if is_empty:
            raise ParseError(
                "There is no text in this PDF: its pages are images. It needs OCR (text "
                "recognition) first."
            )
    finally:
        document.close()


def _open(path: Path) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD:
            raise ParseError(
                "This PDF is encrypted: save a copy without a password and upload that."
            ) from error
        raise ParseError(
            "This PDF is damaged and cannot be opened: export or download it again."
        ) from error


def _page_text(document: pypdfium2.PdfDocument, index: int) -> str:
    """The page's text; a page that is damaged counts as blank, the others are still read."""
    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        return ""
    try:
        text_page = page.get_textpage()
        try:
            text: str = text_page.get_text_bounded()
        finally:
            text_page.close()
    except pypdfium2.PdfiumError:
        return ""
    finally:
        page.close()
    return clean(_hyphenated.sub("", text))
