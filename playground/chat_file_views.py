"""Chats to find again, to keep and to show to others."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.models import UseCase
from accounts.pages import PageRequest, within
from config.errors import InvalidInput
from playground.chat_export import as_json, as_markdown, file_name
from playground.chat_lookups import chat_for
from playground.chat_search import MOST_FOUND, search_chats

_LONGEST_QUERY = 200


@require_safe
def chat_search(request: PageRequest, pk: str) -> HttpResponse:
    """Over all chats of a use case; `?q=` is what to look for."""
    use_case = get_object_or_404(UseCase.objects.visible_to(request.user), pk=pk)
    query = request.GET.get("q", "").strip()[:_LONGEST_QUERY]
    error = ""
    try:
        hits = search_chats(use_case, query)
    except InvalidInput as problem:
        hits, error = [], problem.message
    context = {
        **within(request, use_case, tab="chat"),
        "crumb": "Search chats",
        "query": query,
        "hits": hits,
        "error": error,
        "is_cut": len(hits) >= MOST_FOUND,
    }
    return render(request, "playground/chat_search.html", context, status=422 if error else 200)


@require_safe
def chat_export(request: PageRequest, pk: str) -> HttpResponse:
    """As Markdown, or with `?as=json` as JSON."""
    chat = chat_for(request, pk)
    if request.GET.get("as") == "json":
        return _file(as_json(chat), "application/json", file_name(chat, "json"))
    return _file(as_markdown(chat), "text/markdown; charset=utf-8", file_name(chat, "md"))


def _file(text: str, kind: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type=kind, headers=headers)
