"""The history of a blueprint, opened from the settings of a chat."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.pages import PageRequest, within
from accounts.services import require_editor
from blueprints.models import Blueprint
from blueprints.settings import AnswerSettings
from playground import services
from playground.chat.history import (
    Restored,
    change_by,
    history_of,
    restore_version,
    try_version,
)
from playground.chat.lookups import blueprint_in, playground_for
from playground.models import Chat, Playground
from playground.prompt_pages.finding import numbered, version_at


@require_safe
def blueprint_history(request: PageRequest, pk: str, blueprint_pk: str) -> HttpResponse:
    """`?chat` is where it was opened, `?version` the number of the one to be looked at, and `?before`
    goes on with older ones."""
    playground = playground_for(request, pk)
    blueprint = _blueprint(playground, blueprint_pk)
    chat = _chat(playground, blueprint, request.GET.get("chat", ""))
    settings = _settings(blueprint, chat)
    context: dict[str, Any] = {
        **within(request, playground.use_case, tab="chat"),
        "playground": playground,
        "blueprint": blueprint,
        "chat": chat,
    }
    if number := request.GET.get("version"):
        version = numbered(blueprint, number)
        context |= {
            "version": version,
            "old_name": "now",
            "new_name": f"v{version.number}",
            "is_in_force": version.pk == blueprint.version_id,
            "diff": change_by(version, blueprint, settings),
        }
    else:
        before = request.GET.get("before", "")
        if before and not (before.isascii() and before.isdecimal() and len(before) < 10):
            raise Http404
        versions, older = history_of(blueprint, settings, before=int(before) if before else None)
        context |= {"versions": versions, "older": older}
    name = "_history" if request.htmx else "history"
    return render(request, f"playground/{name}.html", context)


@require_POST
def blueprint_restore(
    request: PageRequest, pk: str, blueprint_pk: str, version_pk: str
) -> HttpResponse:
    """For all chats where `for` says so, else for the one that `chat` names, or a new one."""
    playground = playground_for(request, pk)
    blueprint = _blueprint(playground, blueprint_pk)
    version = version_at(request, blueprint.pk, version_pk)
    require_editor(playground.use_case, request.user)
    chat = _chat(playground, blueprint, request.POST.get("chat", ""))
    if request.POST.get("for") == "all":
        restored = restore_version(version, chat, user=request.user)
        told = f"All chats with {blueprint} are answered with v{version.number} from now on."
    else:
        chat = chat or services.create_chat(
            user=request.user, playground=playground, blueprint=blueprint
        )
        restored = try_version(version, chat, user=request.user)
        told = f"This chat's next prompts are answered with v{version.number}."
    messages.success(request, " ".join([told, *_what_else(restored)]))
    if chat is not None:
        return redirect("playground:chat-detail", chat.pk)
    url = redirect("playground:playground-detail", pk)
    url.headers["Location"] += f"?blueprint={blueprint.pk}"
    return url


def _what_else(restored: Restored) -> list[str]:
    told = []
    if restored.kept is not None:
        told.append(f"What was changed here before is kept as v{restored.kept.number}.")
    if restored.left:
        told.append(f"A chat cannot take by itself: {', '.join(restored.left)}.")
    return told


def _blueprint(playground: Playground, pk: str) -> Blueprint:
    blueprint = blueprint_in(playground, pk)
    assert blueprint is not None  # noqa: S101 - it was named
    return blueprint


def _chat(playground: Playground, blueprint: Blueprint, pk: str) -> Chat | None:
    if not pk:
        return None
    chats = playground.chats.conversations().filter(blueprint=blueprint)
    chat = get_object_or_404(chats.select_related("playground__use_case"), pk=pk)
    chat.blueprint = blueprint
    return chat


def _settings(blueprint: Blueprint, chat: Chat | None) -> AnswerSettings:
    if chat is not None:
        return services.effective_settings(chat)
    return AnswerSettings.of_version(blueprint.current)
