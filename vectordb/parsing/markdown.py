"""Markdown: its text as it is, read in blocks, and its headings (CommonMark's two forms)."""

import re
from collections.abc import Iterator
from pathlib import Path

from vectordb.parsing.base import Heading, Segment, clean, one_line
from vectordb.parsing.decode import read_text

_line = re.compile(r"[^\n]+")
_marked = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))??(?:[ \t]+#+)?[ \t]*")
_underline = re.compile(r" {0,3}(=+|-+)[ \t]*")
# Nothing that can be underlined: it is a list, a quotation, a table or code.
_no_paragraph = re.compile(r"    |\t| {0,3}(?:[-+*>|]|\d{1,9}[.)][ \t])")
_fence = re.compile(r" {0,3}(`{3,}(?!.*`)|~{3,})(.*)")
_front = re.compile(r"---[ \t]*\n(?:.*\n)*?(?:---|\.\.\.)[ \t]*(?:\n|\Z)")
_front_title = re.compile(r"^title:[ \t]*(.+)$", re.MULTILINE)
_image_or_link = re.compile(r"!?\[([^\]\n]*)\](?:\([^)\n]*\)|\[[^\]\n]*\])")
_marks = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)|\{#[^}\n]*\}\s*$")


def parse(path: Path) -> Iterator[Segment]:
    total = path.stat().st_size
    headings, title = Headings(), ""
    for number, (block, done) in enumerate(read_text(path)):
        text = clean(block)
        found = tuple(headings.of(text))
        if number == 0:
            title = _title(text, found)
        yield Segment(text, done=done, total=total, title=title, headings=found)


def _title(text: str, headings: tuple[Heading, ...]) -> str:
    """What the front matter says, or the only heading of the highest level."""
    front = _front.match(text)
    told = _front_title.search(front[0]) if front else None
    if told:
        return one_line(told[1].strip().strip("\"'"))
    first = [heading.text for heading in headings if heading.level == 1]
    return first[0] if len(first) == 1 else ""


class Headings:
    """A document's, block by block; a block of code may go on in the next one."""

    def __init__(self) -> None:
        self._fence = ""  # what the open block of code began with
        self._is_begun = False

    def of(self, text: str) -> Iterator[Heading]:
        front = None if self._is_begun else _front.match(text)
        self._is_begun = True
        begin = front.end() if front else 0
        lines = [line for line in _line.finditer(text, begin) if not self._is_code(line[0])]
        yield from filter(None, map(_heading, [None, *lines], lines))

    def _is_code(self, line: str) -> bool:
        fence = _fence.fullmatch(line)
        if not self._fence:
            self._fence = fence[1] if fence else ""
            return fence is not None
        if fence and fence[1].startswith(self._fence) and not fence[2].strip():
            self._fence = ""
        return True


def _heading(before: "re.Match[str] | None", line: "re.Match[str]") -> Heading | None:
    """The heading that ends with this line."""
    marked = _marked.fullmatch(line[0])
    if marked:
        text, start, level = marked[2] or "", line.start(), len(marked[1])
    elif before and before.end() + 1 == line.start() and _is_underlined(before[0], line[0]):
        text, start = before[0], before.start()
        level = 1 if "=" in line[0] else 2
    else:
        return None
    shown = one_line(_marks.sub("", _image_or_link.sub(r"\1", text)))
    return Heading(start, line.end(), level, shown) if shown else None


def _is_underlined(line: str, underline: str) -> bool:
    is_text = line.strip() and not _no_paragraph.match(line) and not _marked.fullmatch(line)
    return bool(is_text and _underline.fullmatch(underline))
