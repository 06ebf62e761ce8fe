"""The little Markdown that the sample's texts are written in: headings, paragraphs, lists, tables."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_HEADING = re.compile(r"(#{1,2}) (.+)")


@dataclass(frozen=True, slots=True)
class Heading:
    level: int  # 1 is the title
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str


@dataclass(frozen=True, slots=True)
class Items:
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    rows: tuple[tuple[str, ...], ...]  # the first names the columns


Block = Heading | Paragraph | Items | Table


def read_blocks(text: str) -> Iterator[Block]:
    """The text's blocks, which empty lines part. Every block but a list or table is one line."""
    for part in text.strip().split("\n\n"):
        lines = part.splitlines()
        if heading := _HEADING.fullmatch(part):
            yield Heading(len(heading[1]), heading[2])
        elif part.startswith("- "):
            yield Items(tuple(line.removeprefix("- ") for line in lines))
        elif part.startswith("|"):
            rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
            yield Table((rows[0], *rows[2:]))
        else:
            yield Paragraph(part)
