"""RTF: its text, without formatting and pictures."""

from collections.abc import Iterator
from pathlib import Path

from striprtf.striprtf import rtf_to_text

from vectordb.parsing.base import Segment, clean, size_within

# Read as a whole; what is large are pictures.
MOST_BYTES = 32 * 1024 * 1024


def parse(path: Path) -> Iterator[Segment]:
    advice = "save it without its pictures, or as DOCX"
    size = size_within(path, MOST_BYTES, "RTF document", advice)
    # RTF is ASCII; whatever bytes are in it otherwise are of the code page that it names.
    data = path.read_bytes().decode("latin-1")
    text: str = rtf_to_text(data, errors="replace")  # type: ignore[no-untyped-call]
    yield Segment(clean(text), done=size, total=size)
