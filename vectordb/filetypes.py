"""What a file is: its content says, its name only tells kinds of text apart."""

import codecs
import zipfile
from pathlib import Path, PurePosixPath

from django.conf import settings

from config.errors import InvalidInput
from vectordb import archives
from vectordb.parsing import code
from vectordb.parsing.base import Kind
from vectordb.parsing.decode import marked_encoding, utf16_without_mark

READABLE = (
    "PDF, DOCX, PPTX, XLSX, EPUB, RTF, HTML, Markdown, EML, JSON, CSV, plain text, source code, or a "
    "ZIP of these"
)

_SAMPLE = 8192
_OFFICE = {"word/": Kind.DOCX, "ppt/": Kind.PPTX, "xl/": Kind.XLSX}
_BY_EXTENSION = {
    ".md": Kind.MARKDOWN,
    ".markdown": Kind.MARKDOWN,
    ".html": Kind.HTML,
    ".htm": Kind.HTML,
    ".xhtml": Kind.HTML,
    ".eml": Kind.EML,
    ".json": Kind.JSON,
    ".jsonl": Kind.JSON,
    ".ndjson": Kind.JSON,
    ".csv": Kind.CSV,
    ".tsv": Kind.CSV,
    **code.BY_EXTENSION,
}
_BINARY = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"II*\0": "a TIFF image",
    b"MM\0*": "a TIFF image",
    b"RIFF": "an image, sound or video",
    b"\x7fELF": "a program",
    b"MZ": "a program",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"BZh": "a bzip2 archive",
    b"%!PS": "a PostScript file",
    b"SQLite format 3": "an SQLite database",
    b"ID3": "a sound file",
    b"OggS": "a sound or video file",
}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_OFFICE = "EncryptedPackage".encode("utf-16-le")
_RTF = b"{\\rtf"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
# Small Office files may shrink to very little without being a bomb.
_HARMLESS = 50 * 1024 * 1024


def sniff(path: Path, name: str) -> Kind:
    """The kind of the stored file. Raises InvalidInput when it is none that can be read."""
    with path.open("rb") as file:
        head = file.read(_SAMPLE)
    if not head:
        raise InvalidInput("This file is empty.")
    # First: in a ZIP that does not pack its files, a PDF may begin right behind the start.
    if head.startswith(_ZIP):
        return _sniff_zip(path)
    if b"%PDF-" in head[:1024]:
        return Kind.PDF
    if head.startswith(_OLE):
        raise InvalidInput(_legacy_office(path))
    if head.lstrip().startswith(_RTF):
        return Kind.RTF
    _refuse_binary(head)
    return _sniff_text(head, name)


def _sniff_zip(path: Path) -> Kind:
    try:
        with archives.open_zip(path) as archive:
            members = archive.infolist()
            names = {member.filename for member in members}
            other = archives.read_start(archive, "mimetype", 100) if "mimetype" in names else b""
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        raise InvalidInput(
            "This file is a damaged ZIP, DOCX, PPTX, XLSX or EPUB: make or download it again."
        ) from error
    if "[Content_Types].xml" not in names:
        if other.strip() == Kind.EPUB.encode():
            _refuse_bomb(members)
            return Kind.EPUB
        if other.startswith(b"application/"):
            raise InvalidInput(_unsupported(f"of type {other.decode('ascii', 'replace')}"))
        return Kind.ZIP
    for folder, kind in _OFFICE.items():
        if any(name.startswith(folder) for name in names):
            _refuse_bomb(members)
            return kind
    raise InvalidInput(_unsupported("an Office file of another kind"))


def _refuse_bomb(members: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members) or 1
    is_odd = unpacked > _HARMLESS and unpacked > settings.MAX_ARCHIVE_RATIO * packed
    if unpacked > settings.MAX_ARCHIVE_BYTES or is_odd:
        raise InvalidInput(
            f"This document unpacks to {unpacked >> 20:,} MB, which is more than can be read: "
            "split it into parts."
        )


def _legacy_office(path: Path) -> str:
    with path.open("rb") as file:
        if _ENCRYPTED_OFFICE in file.read(1 << 20):
            return "This document is encrypted: save a copy without a password and upload that."
    return (
        "This is a document of Office 97 to 2003 (.doc, .xls, .ppt), which is not supported: save "
        "it as DOCX, XLSX, PPTX or PDF."
    )


def _refuse_binary(head: bytes) -> None:
    for magic, what in _BINARY.items():
        if head.startswith(magic):
            raise InvalidInput(_unsupported(what))
    if marked_encoding(head) or utf16_without_mark(head):
        return
    odd = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head)
    if odd > len(head) // 10:
        raise InvalidInput(_unsupported("a binary file of an unknown kind"))


def _unsupported(what: str) -> str:
    return f"This is {what}, which is not supported. What can be read: {READABLE}."


def _sniff_text(head: bytes, name: str) -> Kind:
    kind = _BY_EXTENSION.get(PurePosixPath(name).suffix.lower())
    if kind:
        return kind
    start = head.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    return Kind.HTML if start.startswith((b"<!doctype html", b"<html")) else Kind.TEXT
