"""Single answers of grids: the whole text with its sources and figures, and asking once more."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.pages import PageRequest, within
from evaluation.grid import asking
from evaluation.grid.showing import columns_of, rows_of
from evaluation.models import Grid
from playground.compare import board
from playground.models import ChatPrompt
from playground.presenting import one_turn


@require_safe
def cell_detail(request: PageRequest, pk: str) -> HttpResponse:
    return _sheet(request, _prompt(request, pk))


@require_POST
def cell_retry(request: PageRequest, pk: str) -> HttpResponse:
    """Another answer takes its place; the page hears of it by its event stream."""
    again = asking.ask_cell_again(_prompt(request, pk), user=request.user)
    if not request.htmx:
        return redirect("evaluation:grid-detail", _grid_of(again).pk)
    return _sheet(request, _prompt(request, again.pk))


@require_POST
def cell_compare(request: PageRequest, pk: str) -> HttpResponse:
    """Ask the grid's blueprints this question in a new comparison, which can be gone on with."""
    prompt = _prompt(request, pk)
    columns = columns_of(_grid_of(prompt).run)
    question = board.begin(
        user=request.user,
        playground=prompt.chat.playground,
        blueprints=[column.chat.chat.blueprint for column in columns],
        text=prompt.text,
    )
    return redirect("playground:comparison-detail", question.chat_id)


def _sheet(request: PageRequest, prompt: ChatPrompt) -> HttpResponse:
    grid = _grid_of(prompt)
    columns = columns_of(grid.run)
    [row] = rows_of(grid.run, columns, [prompt.evaluation_row.number])
    [cell] = [cell for cell in row.cells if cell.prompt and cell.prompt.pk == prompt.pk]
    turn = one_turn(prompt, user=request.user)
    context = {
        **within(request, prompt.chat.playground.use_case, tab="grid"),
        "playground": prompt.chat.playground,
        "grid": grid,
        "row": row,
        "cell": cell,
        "turn": turn,
        "sources": turn.all_sources,
    }
    name = "_grid_cell" if request.htmx else "grid_cell"
    return render(request, f"evaluation/{name}.html", context)


def _grid_of(prompt: ChatPrompt) -> Grid:
    grid: Grid = prompt.evaluation_row.evaluation_chat.run.grid
    return grid


def _prompt(request: PageRequest, pk: str) -> ChatPrompt:
    grids = Grid.objects.visible_to(request.user)
    prompts = ChatPrompt.objects.filter(evaluation_row__evaluation_chat__run__grid__in=grids)
    related = "evaluation_row__evaluation_chat__run__grid"
    found = prompts.select_related(
        related, "chat__playground__use_case", "chat__blueprint__version"
    )
    return get_object_or_404(found, pk=pk)
