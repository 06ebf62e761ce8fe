"""JSON and JSON Lines: a line for each value, with the way to it, so that a piece speaks for itself."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vectordb.parsing.base import ParseError, Segment, clean, size_within
from vectordb.parsing.decode import read_text

# Read as a whole, into objects of some ten times its size.
MOST_BYTES = 32 * 1024 * 1024
_LINES_A_SEGMENT = 1_000


def parse(path: Path) -> Iterator[Segment]:
    size = size_within(path, MOST_BYTES, "JSON file", "split it into parts")
    text = "".join(block for block, _ in read_text(path))
    lines: list[str] = []
    for record in _records(text):
        lines.extend(_lines(record))
        lines.append("")
        if len(lines) >= _LINES_A_SEGMENT:
            yield Segment(clean("\n".join(lines) + "\n"), done=size // 2, total=size)
            lines = []
    yield Segment(clean("\n".join(lines) + "\n"), done=size, total=size)


def _records(text: str) -> list[Any]:
    """The entries of a list, the lines of JSON Lines, or all of it as the only one."""
    try:
        value = _value(text)
    except json.JSONDecodeError as error:
        if error.msg != "Extra data":
            raise _refusal(error, error.lineno) from error
        return _lines_of_json(text)
    return value if isinstance(value, list) else [value]


def _lines_of_json(text: str) -> list[Any]:
    records = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            records += [_value(line)] if line.strip() else []
        except json.JSONDecodeError as error:
            raise _refusal(error, number) from error
    return records


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except RecursionError as error:
        raise ParseError("This JSON is nested too deeply to be read.") from error
    except ValueError as error:
        raise ParseError("A number in this JSON has too many digits to be read.") from error


def _refusal(error: json.JSONDecodeError, line: int) -> ParseError:
    return ParseError(
        f"This is not valid JSON ({error.msg}, line {line}, column {error.colno}): mend it, or name "
        "the file .txt."
    )


def _lines(record: Any) -> Iterator[str]:
    """`address.city: Oslo`; entries of lists are counted from 1."""
    stack: list[tuple[str, Any]] = [("", record)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict):
            inner = list(value.items())
        elif isinstance(value, list):
            inner = list(enumerate(value, 1))
        else:
            yield f"{path}: {_shown(value)}" if path else _shown(value)
            continue
        stack.extend((f"{path}.{key}" if path else str(key), one) for key, one in reversed(inner))


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
