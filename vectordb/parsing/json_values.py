"""JSON and JSON Lines: a line for each value, with the way to it, so that a piece speaks for itself.

What only looks like JSON, as settings with comments in them do, is read as the text it is.
"""

import json
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from vectordb.parsing.base import Segment, clean, size_within
from vectordb.parsing.decode import read_text

# Read as a whole, into objects of some ten times its size.
MOST_BYTES = 32 * 1024 * 1024
_LINES_A_SEGMENT = 1_000
# Of a way that is longer, the end is told.
_LONGEST_WAY = 100


def parse(path: Path) -> Iterator[Segment]:
    size = size_within(path, MOST_BYTES, "JSON file", "split it into parts")
    text = "".join(block for block, _ in read_text(path))
    try:
        records = _records(text)
    except (ValueError, RecursionError):
        yield Segment(clean(text), done=size, total=size)
        return
    lines = chain.from_iterable(chain(_lines(record), [""]) for record in records)
    while some := list(islice(lines, _LINES_A_SEGMENT)):
        yield Segment(clean("\n".join(some) + "\n"), done=size, total=size)


def _records(text: str) -> list[Any]:
    """The entries of a list, the lines of JSON Lines, or all of it as the only one. Raises
    ValueError and RecursionError."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg != "Extra data":
            raise
        # Only there: other marks of a line's end may stand in the middle of a value.
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    return value if isinstance(value, list) else [value]


def _lines(record: Any) -> Iterator[str]:
    """`address.city: Oslo`; entries of lists are counted from 1."""
    stack: list[tuple[str, Any]] = [("", record)]
    while stack:
        way, value = stack.pop()
        if isinstance(value, dict):
            inner = list(value.items())
        elif isinstance(value, list):
            inner = list(enumerate(value, 1))
        else:
            yield f"{way}: {_shown(value)}" if way else _shown(value)
            continue
        stack.extend((_further(way, key), one) for key, one in reversed(inner))


def _further(way: str, key: object) -> str:
    further = f"{way}.{key}" if way else str(key)
    return further if len(further) <= _LONGEST_WAY else f"…{further[-_LONGEST_WAY:]}"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
