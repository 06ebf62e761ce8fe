"""The page of a grid: what its parts hold."""

from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render

from accounts.pages import PageRequest, within
from config.page_parts import render_in_parts
from evaluation.grid.asking import MOST_CELLS, MOST_QUESTIONS
from evaluation.grid.corpora import warnings_of
from evaluation.grid.forms import GridForm, ViewForm
from evaluation.grid.ordering import order_of, sorts_of
from evaluation.grid.showing import columns_of, rows_of
from evaluation.grid.summary import progress_of, summary_of
from evaluation.models import Grid
from playground.models import Playground
from playground.presenting import places

_MOST_GRIDS = 200
_MOST_ROWS = 12
# So many answers at once are what a page can hold without being slow to show.
_MOST_SHOWN = 48
_FEWEST_ROWS = 8


def render_new_grid(
    request: PageRequest,
    *,
    playground: Playground,
    form: GridForm | None = None,
    ticked: set[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Where a grid begins; `ticked` are the blueprints that are chosen, all of them at first."""
    rows = places(playground)
    context = {
        **frame_of(request, playground),
        "form": form or GridForm(use_case=playground.use_case),
        "places": rows,
        "most_questions": MOST_QUESTIONS,
        "most_cells": MOST_CELLS,
        "ticked": {row.place.blueprint_id for row in rows} if ticked is None else ticked,
    }
    return render(request, "evaluation/grid_new.html", context, status=status)


def render_grid(request: PageRequest, grid: Grid) -> HttpResponseBase:
    """With as many rows as a page holds; scripts ask for the others as they come into view."""
    frame = {**frame_of(request, grid.run.playground), "grid": grid, "crumb": grid.name}
    return render_in_parts(request, "evaluation/grid.html", frame, lambda: _sheet(request, grid))


def _sheet(request: PageRequest, grid: Grid) -> dict[str, Any]:
    run = grid.run
    parts = live_parts(grid)
    form = ViewForm(request.GET, sorts=sorts_of(run, parts["columns"]), columns=parts["columns"])
    order = order_of(run, form.view)
    size = max(_FEWEST_ROWS, min(_MOST_ROWS, _MOST_SHOWN // max(1, len(parts["columns"]))))
    start = _start(request.GET.get("from", ""), len(order))
    numbers = order[start : start + size]
    return {
        **parts,
        "view_form": form,
        "view": form.view,
        "order": order,
        "start": start,
        "end": start + len(numbers),
        "before": max(0, start - size) if start else None,
        "after": start + size if start + size < len(order) else None,
        "rows": rows_of(run, parts["columns"], numbers),
        "warnings": warnings_of(run),
    }


def live_parts(grid: Grid) -> dict[str, Any]:
    """What changes as answers come in, other than the answers."""
    columns = columns_of(grid.run)
    summaries = summary_of(grid.run, columns, sorts_of(grid.run, columns))
    return {
        "columns": columns,
        "heads": list(zip(columns, summaries, strict=True)),
        "progress": progress_of(grid.run),
        "run": grid.run,
    }


def frame_of(request: PageRequest, playground: Playground) -> dict[str, Any]:
    grids = Grid.objects.filter(run__playground=playground).select_related("run")
    return {
        **within(request, playground.use_case, tab="grid"),
        "playground": playground,
        "grids": grids[:_MOST_GRIDS],
    }


def _start(given: str, count: int) -> int:
    start = int(given) if given.isdecimal() and len(given) < 6 else 0
    return start if start < count else 0
