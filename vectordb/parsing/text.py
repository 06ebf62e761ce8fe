"""Plain text and source code: read in blocks, never as a whole."""

from collections.abc import Iterator
from pathlib import Path

from vectordb.parsing.base import Segment, clean
from vectordb.parsing.decode import read_text


def parse(path: Path) -> Iterator[Segment]:
    total = path.stat().st_size
    for block, done in read_text(path):
        yield Segment(clean(block), done=done, total=total)
