"""The logs of a use case as charts."""

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.models import UseCase
from accounts.pages import PageRequest, within
from config.errors import Conflict, InvalidInput
from tracing.forms import LogFilterForm, filter_data
from tracing.list_views import options_of
from tracing.log_charts import charts_of
from tracing.log_figures import Figures, Group, figures_of
from tracing.time_span import Span

_SPANS = ((1, "1 day"), (7, "7 days"), (14, "14 days"), (30, "30 days"), (90, "90 days"))


@require_safe
def log_charts(request: PageRequest, pk: str) -> HttpResponse:
    """Of the logs that the address asks for, as the list reads it; the last fourteen days by itself."""
    use_case = get_object_or_404(UseCase.objects.visible_to(request.user), pk=pk)
    form = LogFilterForm(filter_data(request.GET), use_case=use_case)
    figures, problem = None, ""
    if form.is_valid():
        try:
            figures = _figures(use_case, form)
        except InvalidInput as error:
            form.add_error(error.field, error.message)
        except Conflict as error:
            problem = error.message
    url = reverse("tracing:log-charts", args=[use_case.pk])
    context = {
        **within(request, use_case, tab="traces"),
        "form": form,
        "options": {} if request.htmx else options_of(use_case),
        "problem": problem,
        "url": url,
        "here": f"{url}?{form.query}" if form.query else url,
        "list_url": reverse("tracing:log-list", args=[use_case.pk]),
        "spans": [(days, name, _query(form, _since(days))) for days, name in _SPANS],
        **(_shown(figures, form) if figures else {}),
    }
    template = "_charts.html" if request.htmx else "log_charts.html"
    status = 422 if form.errors or problem else 200
    return render(request, f"tracing/{template}", context, status=status)


def _figures(use_case: UseCase, form: LogFilterForm) -> Figures:
    wanted = form.wanted
    return figures_of(use_case, wanted, Span.of(wanted.since, wanted.until))


def _shown(figures: Figures, form: LogFilterForm) -> dict[str, Any]:
    def linked(groups: list[Group]) -> list[tuple[Group, str]]:
        return [(group, _query(form, group.query) if group.query else "") for group in groups]

    return {
        "figures": figures,
        "charts": charts_of(figures),
        "breakdowns": [
            ("By version", linked(figures.by_version)),
            ("By LLM", linked(figures.by_model)),
        ],
    }


def _since(days: int) -> dict[str, str]:
    start = timezone.now() - timedelta(days=days)
    return {"since": f"{start:%Y-%m-%dT%H:%M}", "until": ""}


def _query(form: LogFilterForm, changes: dict[str, str]) -> str:
    """The filter with these changes, as in an address."""
    data = {name: form.data.get(name, "") for name in form.fields} | changes
    return urlencode({name: value for name, value in data.items() if value})
