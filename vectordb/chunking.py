"""Text to chunks that fit the embedding model's window, with offsets that hold.

The splitter is asked for pieces that do not overlap and lose nothing, so that a piece's offset is
the sum of the lengths before it. Overlap is added here, by moving each start back into the text
before it. (With overlap, the splitter's own `add_start_index` misses the place of a fifth of them.)
"""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vectordb.tokens import count_tokens, encode

if TYPE_CHECKING:
    from langchain_text_splitters.character import RecursiveCharacterTextSplitter

# A stream is split in blocks of this many characters, each with what the last one left over.
BLOCK = 65_536
# How many characters back overlap is looked for, per token of it.
_REACH = 8
# Unicode's categories of punctuation that closes, or stands behind words.
_ENDINGS = ("Pe", "Pf", "Po")


@dataclass(frozen=True, slots=True)
class Chunk:
    """`text` is what stands from `start` to `end` in its document's text.

    In a file that holds a document a row, `row` is the row's number, and `metadata` what it says of
    the document; positions leave one out between documents, so that only chunks of the same one
    follow on each other. `language` is an ISO 639-1 code, or empty. `title` is the document's, and
    `headings` are those that the chunk stands under, the highest first.
    """

    position: int
    page: int | None
    start: int
    end: int
    token_count: int
    text: str
    row: int = 0
    metadata: dict[str, str | int | float | bool] | None = None
    language: str = ""
    title: str = ""
    headings: tuple[str, ...] = ()


@dataclass
class Chunker:
    """Feed it a document's text in order, then finish: chunks come out as soon as they are sure.

    `size` counts tokens without the model's special ones; a page is never left within a chunk.
    `position` is that of the next chunk, `offset` that of the first character not yet cut.
    """

    model_id: str
    size: int
    overlap: int
    separators: Sequence[str]
    is_separator_regex: bool = False
    position: int = 0
    offset: int = 0
    _page: int | None = None
    _last_start: int = -1  # of the last chunk
    _buffer: str = ""
    _before: str = ""  # the end of what stands before the buffer on the same page
    _is_before_whole: bool = True  # is that everything before it on this page?
    _splitter: "RecursiveCharacterTextSplitter" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._splitter = self._made_splitter()

    def _made_splitter(self) -> "RecursiveCharacterTextSplitter":
        # Imported here, for whoever only wants the type above should not load all this.
        from langchain_text_splitters.character import RecursiveCharacterTextSplitter

        # Pieces of no tokens would be sent twice by the splitter, hence at least one each.
        return RecursiveCharacterTextSplitter(
            separators=list(self.separators),
            is_separator_regex=self.is_separator_regex,
            chunk_size=self.size - self.overlap,
            chunk_overlap=0,
            length_function=self._length,
            keep_separator=True,
            strip_whitespace=False,
        )

    def feed(self, page: int | None, text: str) -> Iterator[Chunk]:
        """Take the next text; the same page may come in several portions."""
        if page != self._page:
            yield from self._flush()
            self._page = page
        for begin in range(0, len(text), BLOCK):
            self._buffer += text[begin : begin + BLOCK]
            if len(self._buffer) >= BLOCK:
                # The last piece might have gone on, so it waits for what follows.
                *sure, rest = self._split(self._buffer)
                yield from self._emit(sure)
                self._buffer = rest

    def finish(self) -> Iterator[Chunk]:
        yield from self._flush()

    def _flush(self) -> Iterator[Chunk]:
        if self._buffer:
            yield from self._emit(self._split(self._buffer))
        self._buffer, self._before, self._is_before_whole = "", "", True

    def _length(self, text: str) -> int:
        # The splitter also asks for what it puts between pieces, which is nothing.
        return max(1, count_tokens(text, self.model_id)) if text else 0

    def pieces(self, text: str) -> list[str]:
        """The text in pieces of at most the size, without overlap: joined they are the text again."""
        return self._split(text)

    def _split(self, text: str) -> list[str]:
        limit, end = self.size - self.overlap, 0
        pieces: list[str] = []
        for shown in self._splitter.split_text(self._shown(text)):
            begin, end = end, end + len(shown)
            pieces.extend(split_to_limit(text[begin:end], limit, self._length))
        return pieces

    def _shown(self, text: str) -> str:
        """What the splitter sees of the text that begins at `offset`: something of the same length."""
        return text

    def _emit(self, pieces: Sequence[str]) -> Iterator[Chunk]:
        for piece in pieces:
            lead = self._overlap_before(piece)
            whole = lead + piece
            text = whole.strip()
            if text:
                start = self.offset - len(lead) + whole.index(text[0])
                yield Chunk(
                    position=self.position,
                    page=self._page,
                    start=start,
                    end=start + len(text),
                    token_count=count_tokens(text, self.model_id),
                    text=text,
                )
                self.position += 1
                self._last_start = start
            self._advance(piece)

    def _advance(self, piece: str) -> None:
        self.offset += len(piece)
        before = self._before + piece
        self._before = before[-self.overlap * _REACH :] if self.overlap else ""
        self._is_before_whole = self._is_before_whole and len(self._before) == len(before)

    def _overlap_before(self, piece: str) -> str:
        """The last whole words before the piece, at most `overlap` tokens of them."""
        if not self.overlap or not self._before or not piece.strip():
            return ""
        for start in self._word_starts():
            lead = self._before[start:]
            # Parts of one endless word may count less together than alone: never swallow a chunk.
            if self.offset - len(lead) <= self._last_start:
                continue
            if count_tokens((lead + piece).strip(), self.model_id) <= self.size:
                return lead
        return ""

    def _word_starts(self) -> Iterator[int]:
        """Where words begin in the last `overlap` tokens before the buffer, the longest way first."""
        encoding = encode(self._before, self.model_id)
        words, offsets = encoding.word_ids, encoding.offsets
        # The first word of a cut text may be half a word.
        lowest = 0 if self._is_before_whole else 1
        for index in range(max(0, len(words) - self.overlap), len(words)):
            is_word_start = index == 0 or words[index] != words[index - 1]
            start = offsets[index][0]
            if start == len(self._before):  # a token of no characters
                continue
            # What ends a sentence or a bracket begins no passage.
            is_ending = unicodedata.category(self._before[start]) in _ENDINGS
            if is_word_start and index >= lowest and not is_ending:
                yield start


def separators_of(language: str) -> list[str]:
    """Regular expressions for where source code is best cut; `language` as the splitter calls it."""
    from langchain_text_splitters.base import Language
    from langchain_text_splitters.character import RecursiveCharacterTextSplitter

    return RecursiveCharacterTextSplitter.get_separators_for_language(Language(language))


def split_to_limit(text: str, limit: int, length: Callable[[str], int]) -> Iterator[str]:
    """Cut what no separator could make short enough; most texts come back as they are."""
    if length(text) <= limit or len(text) == 1:
        yield text
        return
    middle = len(text) // 2
    yield from split_to_limit(text[:middle], limit, length)
    yield from split_to_limit(text[middle:], limit, length)
