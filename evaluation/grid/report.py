"""A grid as one HTML file that needs nothing else: no script, nothing from elsewhere."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from evaluation.grid.corpora import warnings_of
from evaluation.grid.exporting import Wanted, blocks
from evaluation.grid.ordering import SHOWN, View, order_of, sorts_of
from evaluation.grid.showing import Cell
from evaluation.grid.summary import progress_of, summary_of
from playground.rendering import render_answer

_STYLES = "css/report.css"


def as_html(wanted: Wanted) -> Iterator[bytes]:
    yield render_to_string("evaluation/report/head.html", _head(wanted)).encode()
    for rows in blocks(wanted):
        shown = [{"row": row, "cells": [_shown(cell) for cell in row.cells]} for row in rows]
        yield render_to_string("evaluation/report/rows.html", {"rows": shown}).encode()
    yield render_to_string("evaluation/report/foot.html").encode()


def _head(wanted: Wanted) -> dict[str, Any]:
    run = wanted.grid.run
    summaries = summary_of(run, wanted.columns, sorts_of(run, wanted.columns))
    return {
        "styles": _styles(),
        "grid": wanted.grid,
        "run": run,
        "progress": progress_of(run),
        "heads": list(zip(wanted.columns, summaries, strict=True)),
        "warnings": warnings_of(run),
        "count": len(order_of(run, wanted.view)),
        "shown": _told(wanted),
        "made_at": timezone.now(),
    }


def _told(wanted: Wanted) -> str:
    """How the rows were chosen and sorted."""
    view: View = wanted.view
    names = {column.chat.chat_id: column.name for column in wanted.columns}
    which = dict(SHOWN)[view.show]
    if not view.sort:
        return f"{which}, {'the last one first' if view.is_descending else 'in their order'}"
    whose = f" of {names[view.column]}" if view.column in names else ""
    return f"{which}, {'highest' if view.is_descending else 'lowest'} {view.sort}{whose} first"


def _shown(cell: Cell) -> dict[str, Any]:
    prompt = cell.prompt
    if prompt is None:
        return {"cell": cell, "html": "", "sources": []}
    numbers = {citation["number"] for citation in prompt.citations}
    html = render_answer(prompt.result_text, numbers=numbers)
    return {"cell": cell, "html": html, "sources": prompt.citations}


@cache
def _styles() -> SafeString:
    path = finders.find(_STYLES)
    assert isinstance(path, str)  # noqa: S101 - it is part of the product
    return mark_safe(Path(path).read_text())  # noqa: S308 - our own file
