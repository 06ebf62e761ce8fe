"""PDF, page by page."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pypdfium2.raw

from vectordb.parsing import ocr
from vectordb.parsing.base import ParseError, Segment, clean
from vectordb.parsing.bookmarks import Bookmarks
from vectordb.parsing.titles import told_title

MOST_PAGES = 20_000
MOST_RECOGNIZED = 1_000
# For documents with such pages.
MOST_SECONDS = 3_600
_NOTHING_FOUND = "There is no text in this PDF, and OCR (text recognition) found none in the images of its pages."
_NOTHING_TO_READ = (
    "There is no text in this PDF: its pages are images. It needs OCR (text recognition): install "
    "tesseract on the server (on Debian and Ubuntu: apt-get install tesseract-ocr) and try again, or "
    "upload a copy with text."
)
# PDFium marks a hyphen at a line's end with a character of its own: the word goes on.
_hyphenated = re.compile("[\ufffe\x02]\\s*")


def glance(path: Path) -> Iterator[Segment]:
    """Whether it opens; pages that are images stay images."""
    document = _open(path)
    try:
        yield Segment("", total=_count(document))
    finally:
        document.close()


def parse(path: Path) -> Iterator[Segment]:
    document = _open(path)
    try:
        total = _count(document)
        title, bookmarks = told_title(_told(document)), Bookmarks(document)
        is_empty, recognized, began = True, 0, time.monotonic()
        for index in range(total):
            text, is_recognized = _page_text(document, index)
            recognized += is_recognized
            took = time.monotonic() - began
            if recognized > MOST_RECOGNIZED or (is_recognized and took > MOST_SECONDS):
                raise ParseError(
                    f"{recognized:,} pages of this PDF up to page {index + 1:,} are images, which take "
                    "too long to recognise: split it into parts."
                )
            is_empty = is_empty and not text.strip()
            yield Segment(
                text + "\n",
                page=index + 1,
                done=index + 1,
                total=total,
                is_recognized=is_recognized,
                title=title,
                headings=tuple(bookmarks.on(index, text)),
            )
        if is_empty:
            raise ParseError(_NOTHING_FOUND if ocr.is_there() else _NOTHING_TO_READ)
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


def _count(document: pypdfium2.PdfDocument) -> int:
    pages = len(document)
    if pages > MOST_PAGES:
        raise ParseError(
            f"This PDF has {pages:,} pages; {MOST_PAGES:,} is the most. Split it into parts."
        )
    return pages


def _told(document: pypdfium2.PdfDocument) -> str:
    try:
        told: str = document.get_metadata_value("Title")
    except UnicodeDecodeError:
        return ""
    return told


def _page_text(document: pypdfium2.PdfDocument, index: int) -> tuple[str, bool]:
    """The page's text, and whether it was recognised in an image. A page that is damaged counts as
    blank, the others are still read."""
    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        return "", False
    try:
        text = clean(_hyphenated.sub("", _written_text(page)))
        if text.strip() or not ocr.is_there() or _is_blank(page):
            return text, False
        return clean(ocr.text_of(page)), True
    except pypdfium2.PdfiumError:
        return "", False
    finally:
        page.close()


def _written_text(page: pypdfium2.PdfPage) -> str:
    text_page = page.get_textpage()
    try:
        text: str = text_page.get_text_bounded()
        return text
    finally:
        text_page.close()


def _is_blank(page: pypdfium2.PdfPage) -> bool:
    """Without anything drawn on it: neither images nor, as some programs have it, letters as lines."""
    return next(iter(page.get_objects()), None) is None
