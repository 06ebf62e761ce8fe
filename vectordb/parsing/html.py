"""HTML: what a reader sees, one line a block."""

import re
from collections.abc import Iterator
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString, PreformattedString

from vectordb.parsing.base import ParseError, Segment, clean
from vectordb.parsing.decode import guess_encoding, marked_encoding, utf16_without_mark

# The whole page is held as a tree of some twenty times its size.
MOST_BYTES = 32 * 1024 * 1024
_INVISIBLE = {"script", "style", "noscript", "template", "head", "svg", "iframe", "object"}
_BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "br", "caption", "dd", "details", "dialog",
    "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4",
    "h5", "h6", "header", "hr", "legend", "li", "main", "nav", "ol", "option", "p", "pre",
    "section", "summary", "table", "tbody", "tfoot", "thead", "title", "tr", "ul",
}  # fmt: skip
_PARAGRAPHS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "pre", "blockquote"}
# What is left of the blank space around a tag; more than one blank is meant, in <pre>.
_single_blank = re.compile(r"^ (?=\S)")
_CELLS = {"td", "th"}


def parse(path: Path) -> Iterator[Segment]:
    data = path.read_bytes()
    if len(data) > MOST_BYTES:
        raise ParseError(
            f"This HTML file has {len(data) >> 20} MB; {MOST_BYTES >> 20} MB is the most that can "
            "be read as a page. Split it, or save it as plain text."
        )
    yield Segment(text_of(data), done=len(data), total=len(data))


def text_of(data: bytes) -> str:
    """A page's text, its title first."""
    soup = BeautifulSoup(data, "lxml", from_encoding=find_encoding(data))
    parts: list[str] = []
    if soup.title and soup.title.get_text(strip=True):
        parts.append(soup.title.get_text(" ", strip=True) + "\n\n")
    parts.extend(_texts(soup))
    return clean(tidy("".join(parts)))


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


def _texts(root: Tag) -> Iterator[str]:
    """Text and separators in document order; iterative, for pages may nest thousands deep."""
    stack: list[object] = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, str) and not isinstance(node, NavigableString):
            yield node
        elif isinstance(node, NavigableString):
            if not isinstance(node, PreformattedString):  # comments, doctypes
                yield _collapse(node)
        elif isinstance(node, Tag) and node.name not in _INVISIBLE:
            before, after = _separators(node.name)
            if before:
                yield before
            stack.append(after)
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
