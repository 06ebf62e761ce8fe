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
    return told or ("+".join(sorted(installed)) if len(installed) <= _MOST_LANGUAGES else "eng")


def text_of(page: "pypdfium2.PdfPage") -> str:
    """The text in the page's picture; none of a page that takes too long. Raises ParseError where
    tesseract cannot work at all."""
    width, height = page.get_size()
    fitting = math.sqrt(_MOST_PIXELS / max(1.0, width * height))
    scale = min(_DOTS_PER_INCH / _POINTS_PER_INCH, fitting)
    image = page.render(scale=scale, grayscale=True).to_pil()
    try:
        text: str = pytesseract.image_to_string(image, _languages(), timeout=RECOGNITION_SECONDS)
    except pytesseract.TesseractError as error:
        raise ParseError(
            f"Text recognition failed ({' '.join(error.message.split())[:200]}): mend the server's "
            "tesseract, then try again."
        ) from error
    except RuntimeError:  # what it raises when its time is over
        return ""
    return text
