"""Bytes to text: byte order mark, then UTF-8, then UTF-16 without a mark, then a guess."""

import codecs
from collections.abc import Iterator
from pathlib import Path

from charset_normalizer import from_bytes

_BLOCK = 1 << 16
_SAMPLE = 1 << 18
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What most text without a mark turns out to be in, when nothing more likely is found.
_FALLBACK = "cp1252"


def detect_encoding(path: Path) -> str:
    """The encoding of a text file. Reads all of it only where it may be UTF-8."""
    with path.open("rb") as file:
        sample = file.read(_SAMPLE)
    return marked_encoding(sample) or _unmarked_encoding(path, sample)


def marked_encoding(sample: bytes) -> str | None:
    return next((name for mark, name in _MARKS if sample.startswith(mark)), None)


def utf16_without_mark(sample: bytes) -> str | None:
    """Text in a Western script has a zero in every other byte; binary files and UTF-8 do not."""
    pairs = len(sample) // 2
    if pairs < 2:
        return None
    even, odd = sample[0 : 2 * pairs : 2].count(0), sample[1 : 2 * pairs : 2].count(0)
    for zeros, others, name in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if zeros > 0.4 * pairs and others < 0.05 * pairs:
            return name
    return None


def _unmarked_encoding(path: Path, sample: bytes) -> str:
    utf16 = utf16_without_mark(sample)
    if utf16:
        return utf16
    if _is_utf8(path):
        return "utf-8"
    return guess_encoding(sample)


def guess_encoding(sample: bytes) -> str:
    best = from_bytes(sample).best()
    return best.encoding if best else _FALLBACK


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def read_text(path: Path) -> Iterator[tuple[str, int]]:
    """The file's text in blocks that end with a line where possible, and how many bytes were read.

    A line of more than a few blocks is handed on in parts, so that memory stays flat.
    """
    decoder = codecs.getincrementaldecoder(detect_encoding(path))(errors="replace")
    rest = ""
    done = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            done += len(block)
            rest += decoder.decode(block)
            head, newline, tail = rest.rpartition("\n")
            if newline or len(tail) > 4 * _BLOCK:
                yield (head + newline, done) if newline else (tail, done)
                rest = tail if newline else ""
    rest += decoder.decode(b"", final=True)
    if rest:
        yield rest, done
