"""Pages that are images, read by tesseract where it is installed."""

import math
import os
import shutil
from functools import cache
from typing import TYPE_CHECKING

import pytesseract

from vectordb.parsing.base import RECOGNITION_SECONDS, ParseError

if TYPE_CHECKING:
    import pypdfium2

# What tesseract reads best, and what memory allows of a poster.
_DOTS_PER_INCH = 200
_MOST_PIXELS = 12_000_000
_LONGEST_SIDE = 30_000
# Each language takes time on every page.
_MOST_LANGUAGES = 4
_POINTS_PER_INCH = 72


@cache
def is_there() -> bool:
    return shutil.which("tesseract") is not None


@cache
def _languages() -> str:
    """As told (`deu+eng`), else all that are installed, where these are few."""
    told = os.environ.get("GROUNDWORK_OCR_LANGUAGES", "")
    installed = [name for name in pytesseract.get_languages() if name not in {"osd", "equ"}]
    missing = set(filter(None, told.split("+"))) - set(installed)
    if missing:
        raise ParseError(
            f"The server's tesseract does not know the language {', '.join(sorted(missing))}: install "
            "it, or change GROUNDWORK_OCR_LANGUAGES, then try again."
        )
    return told or ("+".join(sorted(installed)) if len(installed) <= _MOST_LANGUAGES else "eng")


def text_of(page: "pypdfium2.PdfPage") -> str:
    """The text in the page's picture; none of a page that tesseract fails at, or takes too long for.
    Raises ParseError where a language is missing."""
    width, height = page.get_size()
    fitting = math.sqrt(_MOST_PIXELS / max(1.0, width * height))
    longest = _LONGEST_SIDE / max(1.0, width, height)
    scale = min(_DOTS_PER_INCH / _POINTS_PER_INCH, fitting, longest)
    image = page.render(scale=scale, grayscale=True).to_pil()
    try:
        text: str = pytesseract.image_to_string(image, _languages(), timeout=RECOGNITION_SECONDS)
    except (pytesseract.TesseractError, RuntimeError):  # an odd page; one that takes too long
        return ""
    return text
