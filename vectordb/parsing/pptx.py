"""PPTX: a slide is a page; shapes, groups, tables and the speaker's notes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pptx

from vectordb.parsing.base import Heading, ParseError, Segment, clean, one_line
from vectordb.parsing.titles import told_title


def parse(path: Path) -> Iterator[Segment]:
    try:
        presentation = pptx.Presentation(str(path))
        slides = list(presentation.slides)
        title = told_title(presentation.core_properties.title)
    except Exception as error:  # python-pptx raises whatever the broken part led to
        raise ParseError(
            "This presentation is damaged and cannot be opened: save it again as PPTX."
        ) from error
    for number, slide in enumerate(slides, 1):
        texts = [text for shape in slide.shapes for text in _shape_texts(shape)]
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            texts.append(slide.notes_slide.notes_text_frame.text)
        text = clean("\n\n".join(text for text in texts if text.strip()) + "\n\n")
        headings = tuple(_headings(slide, text))
        if number == 1 and headings and not title:
            title = headings[0].text
        yield Segment(
            text, page=number, done=number, total=len(slides), title=title, headings=headings
        )


def _headings(slide: Any, text: str) -> Iterator[Heading]:
    """The slide's title holds for all of it, wherever it stands there."""
    title = clean(slide.shapes.title.text) if slide.shapes.title is not None else ""
    if title.strip():
        yield Heading(0, len(title) if text.startswith(title) else 0, 1, one_line(title))


def _shape_texts(shape: Any) -> Iterator[str]:
    if hasattr(shape, "shapes"):
        for inner in shape.shapes:
            yield from _shape_texts(inner)
    elif getattr(shape, "has_text_frame", False):
        yield shape.text_frame.text
    elif getattr(shape, "has_table", False):
        rows = (
            " | ".join(" ".join(cell.text.split()) for cell in row.cells if not cell.is_spanned)
            for row in shape.table.rows
        )
        yield "\n".join(row for row in rows if row.strip(" |"))
