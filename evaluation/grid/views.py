"""Grids: showing, beginning, stopping, going on, exporting."""

from collections.abc import Callable, Iterator

from django.contrib import messages
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.forms import ConfirmForm
from accounts.pages import PageRequest, within
from accounts.services import require_editor
from blueprints.models import Blueprint
from config.pages import errors_on, form_response
from evaluation import question_files
from evaluation.grid import asking, exporting, report
from evaluation.grid.forms import GridForm, ViewForm
from evaluation.grid.ordering import sorts_of
from evaluation.grid.page import live_parts, render_grid, render_new_grid
from evaluation.grid.showing import columns_of, rows_of
from evaluation.models import Grid
from evaluation.question_sets import NewQuestion
from playground.forms import NameForm
from playground.models import Playground

_FORM = require_http_methods(["GET", "HEAD", "POST"])
_MOST_AT_ONCE = 60
_FORMATS: dict[str, tuple[Callable[[exporting.Wanted], Iterator[bytes]], str]] = {
    "csv": (exporting.as_csv, "text/csv; charset=utf-8"),
    "jsonl": (exporting.as_jsonl, "application/jsonl"),
    "html": (report.as_html, "text/html; charset=utf-8"),
}


@require_safe
def grid_home(request: PageRequest, pk: str) -> HttpResponse:
    """The newest grid of the playground, or a new one."""
    playground = _playground(request, pk)
    newest = Grid.objects.filter(run__playground=playground).first()
    if newest is not None and "new" not in request.GET:
        return redirect("evaluation:grid-detail", newest.pk)
    return render_new_grid(request, playground=playground)


@require_POST
def grid_begin(request: PageRequest, pk: str) -> HttpResponse:
    playground = _playground(request, pk)
    require_editor(playground.use_case, request.user)
    ids = set(request.POST.getlist("blueprint"))
    form = GridForm(request.POST, request.FILES, use_case=playground.use_case)
    if form.is_valid():
        with errors_on(form):
            questions, source = _questions(form)
            begun = asking.begin(
                user=request.user,
                playground=playground,
                blueprints=_named(playground, ids),
                questions=questions,
                source=source,
                name=form.cleaned_data["name"],
            )
            if begun.repeated:
                messages.info(request, f"Repeated questions were left out: {begun.repeated:,}.")
            return redirect("evaluation:grid-detail", begun.grid.pk)
    return render_new_grid(request, playground=playground, form=form, ticked=ids, status=422)


def _questions(form: GridForm) -> tuple[list[NewQuestion], str]:
    """With where they are from. Raises InvalidInput."""
    given = form.cleaned_data
    if given["file"]:
        return question_files.of_csv(given["file"]), given["file"].name
    if question_set := given.get("question_set"):
        rows = question_set.questions.values_list("text", "expected_answer")
        return [NewQuestion(*row) for row in rows[: asking.MOST_QUESTIONS + 1]], question_set.name
    return question_files.of_lines(given["lines"]), ""


@require_safe
def grid_detail(request: PageRequest, pk: str) -> HttpResponseBase:
    return render_grid(request, _grid(request, pk))


@require_safe
def grid_rows(request: PageRequest, pk: str) -> HttpResponse:
    """The rows `?n=1,5,2`, for the page's script; else the page."""
    grid = _grid(request, pk)
    if not request.htmx:
        return redirect("evaluation:grid-detail", pk)
    named = request.GET.get("n", "").split(",")[:_MOST_AT_ONCE]
    numbers = dict.fromkeys(int(one) for one in named if one.isdecimal() and len(one) < 6)
    columns = columns_of(grid.run)
    context = {**_frame(request, grid), "rows": rows_of(grid.run, columns, numbers)}
    return render(request, "evaluation/_grid_some_rows.html", context)


@require_safe
def grid_state(request: PageRequest, pk: str) -> HttpResponse:
    """How far it has come and how its blueprints did so far, for the page's script; else the page."""
    grid = _grid(request, pk)
    if not request.htmx:
        return redirect("evaluation:grid-detail", pk)
    context = {**_frame(request, grid), **live_parts(grid)}
    return render(request, "evaluation/_grid_live.html", context)


@require_POST
def grid_stop(request: PageRequest, pk: str) -> HttpResponse:
    grid = _grid(request, pk)
    asking.stop(grid, user=request.user)
    return _done(request, grid)


@require_POST
def grid_again(request: PageRequest, pk: str) -> HttpResponse:
    """What has no answer is asked once more."""
    grid = _grid(request, pk)
    asking.ask_again(grid, user=request.user)
    return _done(request, grid)


@_FORM
def grid_rename(request: PageRequest, pk: str) -> HttpResponse:
    grid = _grid(request, pk)
    require_editor(grid.run.playground.use_case, request.user)
    form = NameForm(request.POST or None, initial={"name": grid.name})
    if form.is_valid():
        with errors_on(form):
            asking.rename(grid, user=request.user, name=form.cleaned_data["name"])
            return redirect("evaluation:grid-detail", pk)
    context = {**_frame(request, grid), "cancel_url": ".."}
    return form_response(request, form, title="Rename grid", submit="Save", context=context)


@_FORM
def grid_delete(request: PageRequest, pk: str) -> HttpResponse:
    grid = _grid(request, pk)
    require_editor(grid.run.playground.use_case, request.user)
    if request.method == "POST":
        asking.delete(grid, user=request.user)
        messages.success(request, f"“{grid.name}” was deleted.")
        return redirect("evaluation:grid-home", grid.run.playground_id)
    context = {
        **_frame(request, grid),
        "note": f"“{grid.name}” is deleted with all its answers. Their traces stay.",
        "is_danger": True,
        "cancel_url": "..",
    }
    return form_response(
        request, ConfirmForm(), title="Delete this grid?", submit="Delete", context=context
    )


@require_safe
def grid_export(request: PageRequest, pk: str) -> HttpResponseBase:
    """The rows that are shown, in the order in which they are: `?as=csv`, `jsonl` or `html`."""
    grid = _grid(request, pk)
    ending = request.GET.get("as", "csv")
    if ending not in _FORMATS:
        raise Http404
    write, content_type = _FORMATS[ending]
    columns = columns_of(grid.run)
    form = ViewForm(request.GET, sorts=sorts_of(grid.run, columns), columns=columns)
    return StreamingHttpResponse(
        write(exporting.Wanted(grid, columns, form.view)),
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="grid-{pk}.{ending}"'},
    )


def _done(request: PageRequest, grid: Grid) -> HttpResponse:
    """The page hears of the change by its event stream, as all other pages do."""
    if request.htmx:
        return HttpResponse(status=204)
    return redirect("evaluation:grid-detail", grid.pk)


def _named(playground: Playground, ids: set[str]) -> list[Blueprint]:
    """Those that were ticked, in the playground's order; others of the request do not exist."""
    places = playground.places.filter(blueprint__in=ids)
    return [place.blueprint for place in places.select_related("blueprint__version")]


def _frame(request: PageRequest, grid: Grid) -> dict[str, object]:
    playground = grid.run.playground
    return {
        **within(request, playground.use_case, tab="grid"),
        "playground": playground,
        "grid": grid,
    }


def _playground(request: PageRequest, pk: str) -> Playground:
    playgrounds = Playground.objects.visible_to(request.user).select_related("use_case")
    return get_object_or_404(playgrounds, pk=pk)


def _grid(request: PageRequest, pk: str) -> Grid:
    grids = Grid.objects.visible_to(request.user)
    return get_object_or_404(grids.select_related("run__playground__use_case"), pk=pk)
