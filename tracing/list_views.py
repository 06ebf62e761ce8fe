"""The list of a use case's logs: filtered, paged, in views of one's own, as files and as charts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.forms import ConfirmForm
from accounts.models import UseCase, User
from accounts.pages import PageRequest, within
from blueprints.models import Blueprint, File
from config.errors import Conflict, InvalidInput
from config.pages import errors_on, form_response
from tracing import log_export, log_pages, saved_views
from tracing.announcing import topic_query
from tracing.forms import LogFilterForm, SavedViewForm, filter_data
from tracing.list_models import SavedView
from tracing.log_filters import Wanted, logs_in
from tracing.log_pages import LogPage, Mark, Place
from tracing.log_rows import rows_of
from tracing.models import Log

_FORM = require_http_methods(["GET", "HEAD", "POST"])
_MOST_OPTIONS = 300
# Blocks of a file, of the logs that are wanted; the words among that are left to it.
Write = Callable[[QuerySet[Log], Wanted], Iterator[bytes]]


@require_safe
def log_list(request: PageRequest, pk: str) -> HttpResponse:
    """A page of the logs that the address asks for: a filter, and `older` or `newer` than a mark."""
    use_case = _use_case(request, pk)
    form = LogFilterForm(filter_data(request.GET), use_case=use_case)
    page, problem = LogPage(), ""
    if form.is_valid():
        try:
            wanted = form.wanted
            page = log_pages.find(logs_in(use_case, wanted), wanted.text, _place(request))
        except (Conflict, InvalidInput) as error:
            problem = error.message
    url = reverse("tracing:log-list", args=[use_case.pk])
    context = {
        **within(request, use_case, tab="traces"),
        **_frame(request, use_case, form),
        "page": page,
        "rows": rows_of(page.ids),
        "problem": problem,
        "url": url,
        "here": f"{url}?{form.query}" if form.query else url,
        "is_first": not {"older", "newer"} & set(request.GET),
        "events": topic_query(use_case.pk),
    }
    template = "_logs.html" if request.htmx else "log_list.html"
    status = 422 if form.errors or problem else 200
    return render(request, f"tracing/{template}", context, status=status)


@require_safe
def log_export_csv(request: PageRequest, pk: str) -> HttpResponseBase:
    return export_of(request, pk, log_export.as_csv, "csv", "text/csv; charset=utf-8")


@require_safe
def log_export_jsonl(request: PageRequest, pk: str) -> HttpResponseBase:
    return export_of(request, pk, log_export.as_jsonl, "jsonl", "application/jsonl")


@_FORM
def saved_view_create(request: PageRequest, pk: str) -> HttpResponse:
    """Of the filter that the address has."""
    use_case = _use_case(request, pk)
    wanted = LogFilterForm(filter_data(request.GET), use_case=use_case)
    form = SavedViewForm(request.POST or None, use_case=use_case, query=wanted.query)
    url = reverse("tracing:log-list", args=[use_case.pk])
    if form.is_valid():
        with errors_on(form):
            view = saved_views.save(use_case, user=request.user, **form.cleaned_data)
            return redirect(f"{url}?{view.query}")
    context = {
        **within(request, use_case, tab="traces"),
        "cancel_url": f"{url}?{wanted.query}",
        "note": "All members of the use case see it above the list.",
    }
    return form_response(request, form, title="Save this view", submit="Save", context=context)


@_FORM
def saved_view_delete(request: PageRequest, pk: str) -> HttpResponse:
    views = SavedView.objects.visible_to(request.user).select_related("use_case")
    view = get_object_or_404(views, pk=pk)
    url = reverse("tracing:log-list", args=[view.use_case_id])
    if request.method == "POST":
        saved_views.delete(view, user=request.user)
        return redirect(url)
    saved_views.require_deleter(view, request.user)
    context = {
        **within(request, view.use_case, tab="traces"),
        "note": f"“{view.name}” is deleted for all members. The logs stay.",
        "is_danger": True,
        "cancel_url": url,
    }
    return form_response(
        request, ConfirmForm(), title="Delete this view?", submit="Delete", context=context
    )


@dataclass(frozen=True, slots=True)
class _Shown:
    """A saved view as a link; `is_current` where the page shows it."""

    view: SavedView
    is_current: bool
    may_delete: bool


def _frame(request: PageRequest, use_case: UseCase, form: LogFilterForm) -> dict[str, Any]:
    """What stands around the logs."""
    may_all = saved_views.may_delete_all(use_case, request.user)
    return {
        "form": form,
        "views": [
            _Shown(view, view.query == form.query, may_all or view.created_by_id == request.user.pk)
            for view in use_case.log_views.all()
        ],
        "options": {} if request.htmx else options_of(use_case),
    }


def options_of(use_case: UseCase) -> dict[str, list[str]]:
    """What the fields of the filter suggest."""
    paths: list[str] = []
    for model in (Blueprint, File):
        rows = model.objects.filter(use_case=use_case)
        paths += rows.order_by("path").values_list("path", flat=True)[:_MOST_OPTIONS]
    members = User.objects.filter(memberships__use_case=use_case).order_by("email")
    return {
        "paths": sorted(paths),
        "environments": list(use_case.environments.values_list("name", flat=True)),
        "members": list(members.values_list("email", flat=True)[:_MOST_OPTIONS]),
    }


def export_of(
    request: PageRequest, pk: str, write: Write, ending: str, content_type: str
) -> HttpResponseBase:
    """The logs that the address asks for, as a file that is written while it is read."""
    use_case = _use_case(request, pk)
    form = LogFilterForm(filter_data(request.GET), use_case=use_case)
    if not form.is_valid():
        url = reverse("tracing:log-list", args=[use_case.pk])
        # There what is wrong stands at its field.
        return redirect(f"{url}?{form.query}")
    wanted = form.wanted
    blocks = write(logs_in(use_case, wanted), wanted)
    response = StreamingHttpResponse(blocks, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="logs-{use_case.pk}.{ending}"'
    return response


def _place(request: PageRequest) -> Place:
    older, newer = request.GET.get("older"), request.GET.get("newer")
    if older:
        return Place(older_than=Mark.read(older))
    return Place(newer_than=Mark.read(newer)) if newer else Place()


def _use_case(request: PageRequest, pk: str) -> UseCase:
    return get_object_or_404(UseCase.objects.visible_to(request.user), pk=pk)
