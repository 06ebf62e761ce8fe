"""What RTF says, put together to paragraphs and rows of tables."""

import re
from dataclasses import dataclass, field

# Of a paragraph that is longer, the beginning is handed on.
_LONGEST_PARAGRAPH = 1 << 16
_surrogate = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, the beginning of a long one, or a row; `level` is that of a heading, else 0."""

    text: str
    level: int = 0
    is_row: bool = False


@dataclass
class Blocks:
    _done: list[Block] = field(default_factory=list)
    _parts: list[str] = field(default_factory=list)
    _length: int = 0
    _cells: list[str] = field(default_factory=list)

    def take(self) -> list[Block]:
        """Those that are complete; each is given once."""
        done, self._done = self._done, []
        return done

    def say(self, text: str, *, is_in_table: bool) -> None:
        self._parts.append(text)
        self._length += len(text)
        if self._length > _LONGEST_PARAGRAPH and not is_in_table:
            self._done.append(Block(self._gathered()))

    def end_paragraph(self, level: int) -> None:
        text = self._gathered()
        if text.strip():
            self._done.append(Block(f"{text}\n\n", level))

    def end_cell(self) -> None:
        self._cells.append(" ".join(self._gathered().split()))

    def end_row(self) -> None:
        cells, self._cells = self._cells, []
        if any(cells):
            self._done.append(Block(" | ".join(cells) + "\n", is_row=True))

    def _gathered(self) -> str:
        text, self._parts, self._length = "".join(self._parts), [], 0
        if _surrogate.search(text):  # halves of characters that were written one by one
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return text
