"""EPUB: a book's pages in the order in which they are read (EPUB 2 and 3, the package's spine)."""

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from vectordb.parsing import html
from vectordb.parsing.base import ParseError, Segment
from vectordb.parsing.markup import root_of
from vectordb.parsing.titles import told_title

_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_PAGES = {"application/xhtml+xml", "text/html", "application/x-dtbook+xml"}
# Fonts may be garbled without the text being so.
_GARBLED_FONTS = {"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"}
# The others can unpack a few bytes to gigabytes in one step.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_DAMAGED = "This EPUB is damaged: make or download it again."
_MOST_BYTES_OF_A_PART = html.MOST_BYTES


def parse(path: Path) -> Iterator[Segment]:
    try:
        with zipfile.ZipFile(path) as book:
            _refuse_protected(book)
            title, pages = _contents(book)
            for done, name in enumerate(pages, 1):
                page = html.page_of(_read(book, name))
                yield Segment(
                    f"{page.text}\n",
                    done=done,
                    total=len(pages),
                    title=title,
                    headings=page.headings,
                )
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        raise ParseError(_DAMAGED) from error


def _refuse_protected(book: zipfile.ZipFile) -> None:
    if "META-INF/encryption.xml" not in book.namelist():
        return
    root = root_of(_read(book, "META-INF/encryption.xml"), "EPUB")
    methods = {method.get("Algorithm") for method in root.iter("{*}EncryptionMethod")}
    if methods - _GARBLED_FONTS:
        raise ParseError("This EPUB is copy-protected: get a copy without DRM and upload that.")


def _contents(book: zipfile.ZipFile) -> tuple[str, list[str]]:
    """The book's title, and the members that hold its text, as they follow on each other."""
    container = root_of(_read(book, "META-INF/container.xml"), "EPUB")
    package_name = next((file.get("full-path") for file in container.iter("{*}rootfile")), None)
    if package_name is None:
        raise ParseError(_DAMAGED)
    package = root_of(_read(book, package_name), "EPUB")
    folder = posixpath.dirname(package_name)
    members = {
        item.get("id"): posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))
        for item in package.iter("{*}item")
        if item.get("media-type") in _PAGES
    }
    order = [members.get(reference.get("idref")) for reference in package.iter("{*}itemref")]
    names = set(book.namelist())
    titles = ("".join(found.itertext()) for found in package.iter(_TITLE))
    title = next(filter(None, map(told_title, titles)), "")
    return title, [name for name in dict.fromkeys(order) if name in names]


def _read(book: zipfile.ZipFile, name: str) -> bytes:
    try:
        info = book.getinfo(name)
    except KeyError as error:
        raise ParseError(_DAMAGED) from error
    if info.compress_type not in _METHODS:
        raise ParseError("This EPUB is packed in an unusual way: make an ordinary one of it.")
    if info.file_size > _MOST_BYTES_OF_A_PART:
        raise ParseError(
            f"A part of this EPUB has {info.file_size >> 20} MB; {_MOST_BYTES_OF_A_PART >> 20} MB "
            "is the most that can be read as a page."
        )
    with book.open(info) as file:
        return file.read(_MOST_BYTES_OF_A_PART)
