"""The process that looks at one page of a PDF: `python -m vectordb.parsing.page_view MEMORY BYTES`.

A JSON request on standard input: the file's `path`, the `page`'s number, from 1, and a `text` to be
found on it, or null for its picture. The answer on standard output is JSON, or a PNG file; none at all
for a page that is not there. The page's text never leaves this process but for where it stands. It takes
MEMORY bytes, and says at most BYTES.
"""

import ctypes
import json
import math
import resource
import sys
from dataclasses import dataclass
from typing import IO, Any

import pypdfium2
import pypdfium2.raw

# Wide enough for sharp letters on any screen that the page is shown on.
_WIDTH = 1_200
_MOST_PIXELS = 4_000_000
_MOST_CPU_SECONDS = 30
# Places are told in parts of the page's width and height.
UNITS = 10_000
# Characters of both ends of a passage by which it is found when something in its middle differs.
_END = 48
# What stands between these ends is no more than so many times the passage.
_LONGER = 2
# A passage has fewer lines; a page can be made of any number of pieces.
_MOST_PLACES = 500


@dataclass(frozen=True, slots=True)
class _Character:
    index: int
    character: str


def answer(request: dict[str, Any], output: IO[bytes]) -> None:
    document = pypdfium2.PdfDocument(request["path"])
    if not 1 <= request["page"] <= len(document):
        return
    page = document[request["page"] - 1]
    if request["text"] is None:
        _picture(page).save(output, "PNG")
    else:
        output.write(json.dumps(places(page, request["text"])).encode())


def _picture(page: pypdfium2.PdfPage) -> Any:
    width, height = (max(1.0, side) for side in page.get_size())
    scale = min(_WIDTH / width, math.sqrt(_MOST_PIXELS / (width * height)))
    return page.render(scale=scale).to_pil()


def places(page: pypdfium2.PdfPage, text: str) -> list[list[int]]:
    """Where the text stands: left, top, width and height of a rectangle for each of its lines. None
    where it is not on the page, as in a picture of text."""
    text_page = page.get_textpage()
    characters = _characters(text_page)
    span = _span("".join(one.character for one in characters), _letters(text))
    if span is None:
        return []
    first, last = characters[span[0]].index, characters[span[1] - 1].index
    count = min(_MOST_PLACES, text_page.count_rects(first, last - first + 1))
    return [_on_page(page, *text_page.get_rect(number)) for number in range(count)]


def _characters(text_page: pypdfium2.PdfTextPage) -> list[_Character]:
    """Those that can be told apart from blank space, with their numbers on the page."""
    found = []
    for index in range(text_page.count_chars()):
        character = _letters(chr(pypdfium2.raw.FPDFText_GetUnicode(text_page, index)))
        if character:
            found.append(_Character(index, character))
    return found


def _letters(text: str) -> str:
    """Without blank space and without what is not printed, as hyphens at the ends of lines are told;
    the text that was stored was cleaned of some of these. PDFium tells characters beyond 16 bits in
    halves."""
    return "".join(one for one in text if one.isprintable() and one != " " and one <= "\uffff")


def _span(page: str, text: str) -> tuple[int, int] | None:
    """Where the text begins and ends on the page; by its two ends, if not all of it is alike and they
    stand about as far apart."""
    if not text:
        return None
    begin = page.find(text)
    if begin >= 0:
        return begin, begin + len(text)
    begin, tail = page.find(text[:_END]), text[-_END:]
    end = page.find(tail, begin + 1, begin + _LONGER * len(text)) if begin >= 0 else -1
    return (begin, end + len(tail)) if end >= 0 else None


def _on_page(
    page: pypdfium2.PdfPage, left: float, bottom: float, right: float, top: float
) -> list[int]:
    """From the PDF's own coordinates to those of the page as it is shown, which may be turned."""
    xs, ys = zip(_shown(page, left, top), _shown(page, right, bottom), strict=True)
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


def _shown(page: pypdfium2.PdfPage, x: float, y: float) -> tuple[int, int]:
    across, down = ctypes.c_int(), ctypes.c_int()
    pypdfium2.raw.FPDF_PageToDevice(page, 0, 0, UNITS, UNITS, 0, x, y, across, down)
    return across.value, down.value


def main() -> None:
    memory, most = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Should nobody be left to end it.
    resource.setrlimit(resource.RLIMIT_CPU, (_MOST_CPU_SECONDS, _MOST_CPU_SECONDS))
    answer(json.load(sys.stdin), sys.stdout.buffer)


if __name__ == "__main__":
    main()
