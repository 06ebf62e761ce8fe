"""Chunks that end where a section of the document does."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from vectordb.chunking import Chunk, Chunker
from vectordb.parsing.base import Heading
from vectordb.tokens import CHARACTERS_PER_TOKEN, count_tokens

# A section with fewer tokens, its heading among them, says too little alone.
TINY = 32
# Stands for the line breaks behind a heading while a place to cut at is looked for.
_GLUE = "|"
_solid = re.compile(r"\S")


@dataclass
class _SectionChunker(Chunker):
    """A heading stays with the first words below it."""

    headings: list[tuple[int, int]] = field(default_factory=list)

    def _shown(self, text: str) -> str:
        for start, end in self.headings:
            begin, end = max(0, start - self.offset), end - self.offset
            if end <= 0 or begin >= len(text):
                continue
            below = _solid.search(text, end)
            end = below.start() if below else len(text)
            text = text[:begin] + text[begin:end].replace("\n", _GLUE) + text[end:]
        return text


class Sections:
    """A section is a heading with what follows up to the next one, of whatever level. Each is a
    chunk; one that is longer than a chunk is cut within. Tell `begin` where they begin.

    Tiny ones, such as a heading with nothing under it, go with the next one below the same parent:
    they are the beginning of its text.
    """

    def __init__(self, *, position: int, offset: int, **settings: Any) -> None:
        """`settings` are those of a Chunker."""
        self._chunker = _SectionChunker(position=position, offset=offset, **settings)
        self._fed = offset
        self._page: int | None = None
        # Of the first section in the open chunk, and of the last; 0 before the first heading.
        self._level = self._last_level = 0
        # Of the open chunk, as much as shows whether it is tiny.
        self._text = ""

    @property
    def position(self) -> int:
        return self._chunker.position

    @property
    def offset(self) -> int:
        return self._chunker.offset

    def begin(self, heading: Heading) -> Iterator[Chunk]:
        """Behind what was fed so far this heading follows."""
        is_tiny = count_tokens(self._text, self._chunker.model_id) < TINY
        if heading.level < self._level or not is_tiny:
            yield from self.finish()
            self._level = 0
        self._level = self._level or heading.level
        self._last_level = heading.level
        self._chunker.headings.append((self._fed, self._fed + heading.end - heading.start))

    def feed(self, page: int | None, text: str) -> Iterator[Chunk]:
        if page != self._page:
            yield from self.finish()
            self._page, self._level = page, self._last_level
        if len(self._text) <= TINY * CHARACTERS_PER_TOKEN:
            self._text += text
        self._fed += len(text)
        yield from self._chunker.feed(page, text)

    def finish(self) -> Iterator[Chunk]:
        yield from self._chunker.finish()
        self._chunker.headings.clear()
        self._text = ""
