from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.models import UseCase
from accounts.pages import PageRequest, within
from tracing.models import Log
from tracing.reading import question_of

_PAGE = 50


@require_safe
def log_list(request: PageRequest, pk: str) -> HttpResponse:
    """The latest calls of a use case; `?before=ID` shows those before one."""
    use_case = get_object_or_404(UseCase.objects.visible_to(request.user), pk=pk)
    roots = Log.objects.filter(use_case=use_case, parent=None).select_related(
        "payload", "user", "blueprint", "file"
    )
    roots = roots.order_by("-started_at", "-id")
    if "before" in request.GET:
        last = get_object_or_404(roots, pk=request.GET["before"])
        roots = roots.filter(started_at__lt=last.started_at)
    rows = list(roots[: _PAGE + 1])
    context = {
        **within(request, use_case, tab="traces"),
        "rows": [(log, question_of(log)) for log in rows[:_PAGE]],
        "next": rows[_PAGE - 1].pk if len(rows) > _PAGE else None,
    }
    return render(request, "tracing/log_list.html", context)
