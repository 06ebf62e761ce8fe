"""Chats to find again, to keep and to show to others."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.models import EDITING_ROLES, UseCase
from accounts.pages import PageRequest, within
from accounts.services import role_of
from config.errors import InvalidInput
from playground.chat.export import as_json, as_markdown, file_name
from playground.chat.lookups import chat_for
from playground.chat.page import followed_by, thread_context
from playground.chat.search import MOST_FOUND, search_chats

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


@require_safe
def chat_read(request: PageRequest, pk: str) -> HttpResponse:
    """The chat to read, without anything to change: what a shared link opens."""
    chat = chat_for(request, pk)
    context = {
        **within(request, chat.playground.use_case, tab="chat"),
        **thread_context(request, chat, followed_by(request, chat)),
        "playground": chat.playground,
        "chat": chat,
        "may_ask": role_of(chat.playground.use_case, request.user) in EDITING_ROLES,
        "can_edit": False,
    }
    return render(request, "playground/chat_read.html", context)


@require_safe
def chat_share(request: PageRequest, pk: str) -> HttpResponse:
    """The link to it, and who may open that."""
    chat = chat_for(request, pk)
    use_case = chat.playground.use_case
    url = reverse("playground:chat-read", args=[chat.pk])
    context = {
        **within(request, use_case, tab="chat"),
        "playground": chat.playground,
        "chat": chat,
        "url": request.build_absolute_uri(url),
        "members_count": use_case.memberships.count(),
    }
    template = "playground/_share.html" if request.htmx else "playground/share.html"
    return render(request, template, context)


def _file(text: str, kind: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type=kind, headers=headers)
