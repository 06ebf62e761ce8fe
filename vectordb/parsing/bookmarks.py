"""What the outline of a PDF says of its pages: which headings stand there, and where."""

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice

import pypdfium2

from vectordb.parsing.base import Heading, one_line

_MOST, _MOST_ON_A_PAGE, _DEEPEST = 20_000, 500, 9
# More words are not looked for.
_MOST_WORDS = 30
# A number, and the like, may stand before a heading in its line.
_LONGEST_NUMBER = 12


class Bookmarks:
    def __init__(self, document: pypdfium2.PdfDocument) -> None:
        self._by_page: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for bookmark in islice(document.get_toc(max_depth=_DEEPEST), _MOST):
            index, title = _page_of(bookmark), _title_of(bookmark)
            if index is not None and title and len(self._by_page[index]) < _MOST_ON_A_PAGE:
                self._by_page[index].append((bookmark.level + 1, title))

    def on(self, index: int, text: str) -> Iterator[Heading]:
        """The page's headings. One that its text does not hold stands behind the one before."""
        place = 0
        for level, title in self._by_page.get(index, ()):
            start, end = _find(title, text, place) or (place, place)
            yield Heading(start, end, level, title)
            place = end


def _page_of(bookmark: "pypdfium2.PdfBookmark") -> int | None:
    try:
        target = bookmark.get_dest()
        index: int | None = target.get_index() if target else None
    except pypdfium2.PdfiumError:
        return None
    return index


def _title_of(bookmark: "pypdfium2.PdfBookmark") -> str:
    try:
        return one_line(bookmark.get_title())
    except UnicodeDecodeError:
        return ""


def _find(title: str, text: str, begin: int) -> tuple[int, int] | None:
    """Where the title stands as a line of its own, or as the beginning of one."""
    words = title.rstrip("…").split()[:_MOST_WORDS]
    pattern = re.compile(r"\s+".join(map(re.escape, words)), re.IGNORECASE)
    for found in pattern.finditer(text, begin):
        start = max(begin, text.rfind("\n", 0, found.start()) + 1)
        if found.start() - start <= _LONGEST_NUMBER:
            return start, found.end()
    return None
