"""The command palette: one box that finds everything by name."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import UseCase
from accounts.pages import PageRequest
from config.errors import Conflict
from playground.palette import Group, find

_LONGEST_QUERY = 200


@require_safe
def palette(request: PageRequest) -> HttpResponse:
    """What `?q=` finds, for the page's script; `?use_case=` is where the reader stands."""
    query = request.GET.get("q", "")[:_LONGEST_QUERY]
    visible = UseCase.objects.visible_to(request.user)
    use_case = visible.filter(pk=request.GET.get("use_case", "")).first()
    groups: list[Group] = []
    problem = ""
    try:
        groups = find(request.user, query, use_case=use_case)
    except Conflict as error:
        problem = error.message
    context = {
        "problem": problem,
        "groups": groups,
        "count": sum(len(group.items) for group in groups),
        "query": query,
    }
    return render(request, "playground/_palette.html", context)
