"""A file's segments to chunks: one document from first to last, or one document a row."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Protocol

from vectordb.chunking import BLOCK, Chunk, Chunker, separators_of
from vectordb.parsing.base import Kind, ParseError, Row, Segment
from vectordb.parsing.code import LANGUAGES
from vectordb.parsing.language import language_of
from vectordb.parsing.methods import SENTENCES, STRUCTURE, WHOLE
from vectordb.parsing.outline import Outline
from vectordb.parsing.sections import Sections
from vectordb.tokens import count_tokens

# More than any passage that is ever sent.
LONGEST_WHOLE = 8_192
# Characters that suffice to know a language by, and how many of what was read last are looked at.
_TELLING, _LOOKED_AT = 200, 400
_SENTENCE_SEPARATORS = ("\n", ", ", " ", "")
# A sentence ends with its mark and the blank space behind it, or with its line.
_sentence_end = re.compile(
    "(?<=[.!?\u2026])[\"'\u201d\u2019)\\]]*\\s+|(?<=[\u3002\uff01\uff1f])\\s*|\n\\s*"
)


class Cut(Protocol):
    """`position` is that of the next chunk, `offset` that of the first character not yet cut."""

    @property
    def position(self) -> int: ...

    @property
    def offset(self) -> int: ...

    def feed(self, page: int | None, text: str) -> Iterator[Chunk]: ...

    def finish(self) -> Iterator[Chunk]: ...


@dataclass
class WholeText:
    """All that is fed is one chunk, as long as it may be."""

    model_id: str
    position: int = 0
    offset: int = 0
    _parts: list[str] = field(default_factory=list)
    _length: int = 0

    def feed(self, page: int | None, text: str) -> Iterator[Chunk]:
        self._parts.append(text)
        self._length += len(text)
        if self._length > LONGEST_WHOLE * 100:
            raise _too_long()
        yield from ()

    def finish(self) -> Iterator[Chunk]:
        whole, self._parts = "".join(self._parts), []
        text = whole.strip()
        start = self.offset + len(whole) - len(whole.lstrip())
        self.offset += len(whole)
        if not text:
            return
        tokens = count_tokens(text, self.model_id)
        if tokens > LONGEST_WHOLE:
            raise _too_long()
        yield Chunk(self.position, None, start, start + len(text), tokens, text)
        self.position += 1


def _too_long() -> ParseError:
    return ParseError(
        f"A finished chunk may have {LONGEST_WHOLE:,} tokens at most, and here is a longer one: "
        "cut it, or let it be cut."
    )


@dataclass
class Sentences:
    """Each sentence is a piece, with the blank space behind it; what puts them together is not here.

    Sentences of more than `size` tokens come in parts.
    """

    model_id: str
    size: int
    position: int = 0
    offset: int = 0
    _page: int | None = None
    _buffer: str = ""

    def feed(self, page: int | None, text: str) -> Iterator[Chunk]:
        if page != self._page:
            yield from self.finish()
            self._page = page
        self._buffer += text
        if len(self._buffer) >= BLOCK:
            *sure, rest = _sentences(self._buffer)
            # An endless sentence does not wait for its end.
            pieces, self._buffer = (sure, rest) if len(rest) < BLOCK else ([*sure, rest], "")
            yield from self._emit(pieces)

    def finish(self) -> Iterator[Chunk]:
        yield from self._emit(_sentences(self._buffer))
        self._buffer = ""

    def _emit(self, sentences: list[str]) -> Iterator[Chunk]:
        for sentence in sentences:
            for piece in self._parts(sentence):
                start, self.offset = self.offset, self.offset + len(piece)
                if piece.strip():  # only what a text begins with is blank
                    tokens = count_tokens(piece, self.model_id)
                    yield Chunk(self.position, self._page, start, self.offset, tokens, piece)
                    self.position += 1

    def _parts(self, sentence: str) -> list[str]:
        if count_tokens(sentence, self.model_id) <= self.size:
            return [sentence]
        return Chunker(self.model_id, self.size, 0, _SENTENCE_SEPARATORS).pieces(sentence)


def _sentences(text: str) -> list[str]:
    """The text, cut behind each sentence: joined they are the text again."""
    ends = [found.end() for found in _sentence_end.finditer(text)]
    places = sorted({0, *ends, len(text)})
    return [text[start:end] for start, end in pairwise(places)]


class Cutter:
    """Feed it a file's segments in order, then finish."""

    def __init__(self, method: str, *, kind: str = "", **settings: Any) -> None:
        """`kind` of the file says which language source code is in."""
        self._make = _maker(method, kind, settings)
        self._cut = self._make(0, 0)
        self._row: Row | None = None
        self._language = self._recent = ""
        self._outline = Outline()
        # How far each document has come; its rows need not stand together.
        self._offsets: dict[str, int] = {}

    def feed(self, segment: Segment) -> Iterator[Chunk]:
        if segment.row is None:
            self._outline.read(segment)
            yield from self._told(self._fed(segment))
            return
        self._begin(segment.row)
        for chunk in self._told((*self._cut.feed(None, segment.text), *self._cut.finish())):
            yield replace(
                chunk,
                row=segment.row.number,
                metadata=segment.row.metadata | {"source": segment.row.source},
            )
        self._offsets[segment.row.source] = self._cut.offset

    def _fed(self, segment: Segment) -> Iterator[Chunk]:
        begin = 0
        if isinstance(self._cut, Sections):
            for heading in segment.headings:
                yield from self._cut.feed(segment.page, segment.text[begin : heading.start])
                yield from self._cut.begin(heading)
                begin = heading.start
        yield from self._cut.feed(segment.page, segment.text[begin:])

    def finish(self) -> Iterator[Chunk]:
        yield from self._told(self._cut.finish())

    def _told(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """With their language, title and headings. The language of short ones is judged together
        with what came before them."""
        for chunk in chunks:
            self._recent = f"{self._recent} {chunk.text}"
            if len(chunk.text) >= _TELLING:
                self._recent = chunk.text
            self._recent = self._recent[-_LOOKED_AT:]
            self._language = language_of(self._recent) or self._language
            yield replace(
                chunk,
                language=self._language,
                title=self._outline.title,
                headings=self._outline.path_of(chunk),
            )

    def _begin(self, row: Row) -> None:
        before, self._row = self._row, row
        is_other = before is not None and before.source != row.source
        if is_other:
            self._language = self._recent = ""
        position = self._cut.position + (1 if is_other and self._cut.position else 0)
        self._cut = self._make(position, self._offsets.get(row.source, 0))


def _maker(method: str, kind: str, settings: dict[str, Any]) -> Callable[[int, int], Cut]:
    """Makes what cuts the text that begins at this position and offset."""
    model_id, size = settings["model_id"], settings["size"]
    language = LANGUAGES.get(Kind(kind)) if kind and method == STRUCTURE else None
    if language:
        settings |= {"separators": separators_of(language), "is_separator_regex": True}

    def make(position: int, offset: int) -> Cut:
        if method == WHOLE:
            return WholeText(model_id, position=position, offset=offset)
        if method == SENTENCES:
            return Sentences(model_id, size, position=position, offset=offset)
        cut = Sections if method == STRUCTURE else Chunker
        return cut(**settings, position=position, offset=offset)

    return make
