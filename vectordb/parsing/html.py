"""HTML: what a reader sees, one line a block."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString, PreformattedString

from vectordb.parsing.base import Heading, ParseError, Segment, clean, one_line
from vectordb.parsing.decode import guess_encoding, marked_encoding, utf16_without_mark

# The whole page is held as a tree of some twenty times its size.
MOST_BYTES = 32 * 1024 * 1024
# What has more of them has no sections.
_MOST_HEADINGS = 50_000
_INVISIBLE = {"script", "style", "noscript", "template", "head", "svg", "iframe", "object"}
_BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "br", "caption", "dd", "details", "dialog",
    "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4",
    "h5", "h6", "header", "hr", "legend", "li", "main", "nav", "ol", "option", "p", "pre",
    "section", "summary", "table", "tbody", "tfoot", "thead", "title", "tr", "ul",
}  # fmt: skip
_LEVELS = {f"h{level}": level for level in range(1, 7)}
_END = 0
_PARAGRAPHS = {"p", *_LEVELS, "table", "ul", "ol", "pre", "blockquote"}
# What is left of the blank space around a tag; more than one blank is meant, in <pre>.
_single_blank = re.compile(r"^ (?=\S)")
_CELLS = {"td", "th"}
# Neither blank space nor cell marks: what tidying leaves alone.
_solid = re.compile(r"[^\s|]+")
# A link to the heading itself stands behind it.
_SELF_LINKS = " ¶"


@dataclass(frozen=True, slots=True)
class Page:
    """`text` begins with the title, where there is one."""

    text: str
    title: str
    headings: tuple[Heading, ...]


def parse(path: Path) -> Iterator[Segment]:
    data = path.read_bytes()
    if len(data) > MOST_BYTES:
        raise ParseError(
            f"This HTML file has {len(data) >> 20} MB; {MOST_BYTES >> 20} MB is the most that can "
            "be read as a page. Split it, or save it as plain text."
        )
    page = page_of(data)
    yield Segment(
        page.text, done=len(data), total=len(data), title=page.title, headings=page.headings
    )


def page_of(data: bytes) -> Page:
    soup = BeautifulSoup(data, "lxml", from_encoding=find_encoding(data))
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    parts: list[str] = [f"{title}\n\n"] if title else []
    edges: list[tuple[int, int]] = []
    length = sum(map(len, parts))
    for part in _parts(soup):
        if isinstance(part, int):
            edges.append((part, length))
        else:
            parts.append(part)
            length += len(part)
    raw = "".join(parts)
    text = clean(tidy(raw))
    return Page(text, one_line(title), tuple(_headings(raw, text, edges)))


def find_encoding(data: bytes) -> str | None:
    """None where the page declares its own, which the reader then follows."""
    known = marked_encoding(data) or utf16_without_mark(data[:4096])
    if known or b"charset" in data[:4096].lower():
        return known
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return guess_encoding(data[: 1 << 18])
    return "utf-8"


def _parts(soup: BeautifulSoup) -> Iterator[str | int]:
    """Text and separators in document order; a heading's level before its text, and `_END` behind."""
    is_within, count = False, 0
    # Iterative, for pages may nest thousands deep.
    stack: list[object] = [soup]
    while stack:
        node = stack.pop()
        if isinstance(node, int):
            is_within = False
            yield node
        elif isinstance(node, NavigableString):
            if not isinstance(node, PreformattedString):  # comments, doctypes
                yield _collapse(node)
        elif isinstance(node, str):
            yield node
        elif isinstance(node, Tag) and node.name not in _INVISIBLE:
            before, after = _separators(node.name)
            yield before
            stack.append(after)
            if node.name in _LEVELS and not is_within and count < _MOST_HEADINGS:
                is_within, count = True, count + 1
                yield _LEVELS[node.name]
                stack.append(_END)
            stack.extend(reversed(node.contents))


def _collapse(node: NavigableString) -> str:
    if node.find_parent("pre"):
        return str(node)
    text = " ".join(node.split())
    lead = " " if node[:1].isspace() else ""
    trail = " " if text and node[-1:].isspace() else ""
    return lead + text + trail


def _separators(name: str) -> tuple[str, str]:
    if name in _PARAGRAPHS:
        return "\n\n", "\n\n"
    if name in _BLOCKS:
        return "\n", "\n"
    return ("", " | ") if name in _CELLS else ("", "")


def tidy(text: str) -> str:
    """Lines without the blanks and cell marks around them, at most one empty line in a row."""
    lines: list[str] = []
    for line in text.split("\n"):
        line = line.rstrip(" |\t")
        if line or (lines and lines[-1]):
            lines.append(_single_blank.sub("", line))
    return "\n".join(lines).strip("\n") + "\n"


def _headings(raw: str, text: str, edges: list[tuple[int, int]]) -> Iterator[Heading]:
    """The headings in the tidy text. `edges` tells where in the raw one each begins and ends."""
    counts, count, done = [], 0, 0
    for _, place in edges:
        count += sum(map(len, _solid.findall(clean(raw[done:place]))))
        counts.append(count)
        done = place
    found = [
        (level, first, last - 1)
        for (level, _), first, last in zip(edges[::2], counts[::2], counts[1::2], strict=True)
        if first < last
    ]
    places = _places(text, [solid for _, first, last in found for solid in (first, last)])
    for (level, _, _), first, last in zip(found, places[::2], places[1::2], strict=True):
        start, end = text.rfind("\n", 0, first) + 1, last + 1
        yield Heading(start, end, level, one_line(text[start:end].rstrip(_SELF_LINKS)))


def _places(text: str, numbers: list[int]) -> list[int]:
    """Where the solid characters with these numbers stand; they are counted from 0 and ascend."""
    places: list[int] = []
    seen = 0
    for run in _solid.finditer(text):
        while len(places) < len(numbers) and numbers[len(places)] < seen + len(run[0]):
            places.append(run.start() + numbers[len(places)] - seen)
        seen += len(run[0])
    return places
