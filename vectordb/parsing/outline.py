"""Which headings a passage stands under, while its document is read from first to last."""

from collections import deque
from dataclasses import dataclass
from itertools import islice

from vectordb.chunking import Chunk
from vectordb.parsing.base import Heading, Segment


@dataclass(frozen=True, slots=True)
class _Place:
    """From `start` on in the document's text the path holds; its last heading ends at `end`."""

    start: int
    end: int
    path: tuple[str, ...]


class Outline:
    """Tell it each segment before its chunks are asked for. What lies behind them is forgotten."""

    def __init__(self) -> None:
        self.title = ""
        self._offset = 0
        self._open: list[Heading] = []
        self._places = deque([_Place(0, 0, ())])

    def read(self, segment: Segment) -> None:
        if segment.title and not self.title:
            self.title = segment.title
            self._skip_title(segment)
        for heading in segment.headings:
            self._open = [one for one in self._open if one.level < heading.level] + [heading]
            start, end = self._offset + heading.start, self._offset + heading.end
            self._places.append(_Place(start, end, tuple(one.text for one in self._open)))
        self._offset += len(segment.text)

    def _skip_title(self, segment: Segment) -> None:
        """Between a text's title and its first heading there is nothing under neither of them."""
        if self._offset == 0 and segment.text.lstrip().startswith(segment.title):
            end = segment.text.index(segment.title) + len(segment.title)
            self._places[0] = _Place(0, end, ())

    def path_of(self, chunk: Chunk) -> tuple[str, ...]:
        """The headings in force where the chunk begins, the highest first. Where it begins with
        headings alone, the last of these counts. Chunks come in the order of their starts."""
        while len(self._places) > 1 and self._places[1].start <= chunk.start:
            self._places.popleft()
        place = self._places[0]
        for following in islice(self._places, 1, None):
            between = slice(max(0, place.end - chunk.start), following.start - chunk.start)
            if following.start >= chunk.end or chunk.text[between].strip():
                break
            place = following
        return place.path
