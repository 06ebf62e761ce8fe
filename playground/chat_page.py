"""The chat page: what its three columns hold."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render

from accounts.pages import PageRequest, within
from blueprints.forms import SettingsForm
from blueprints.models import Blueprint
from blueprints.settings import AnswerSettings
from config.status import UNFINISHED
from playground import services
from playground.forms import AskForm
from playground.models import Chat, ChatPrompt, Playground
from playground.presenting import NEWEST_PROMPTS, changed_fields, hue_of, places, turns
from vectordb.models import VectorDatabase

_MOST_CHATS = 200


def render_chat_page(
    request: PageRequest,
    *,
    playground: Playground,
    blueprint: Blueprint | None,
    chat: Chat | None = None,
    ask_form: AskForm | None = None,
    settings_form: SettingsForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """Without a chat it is the page of a new one; without a blueprint it says how to begin."""
    context = {
        **within(request, playground.use_case, tab="chat"),
        "playground": playground,
        "blueprint": blueprint,
        "chat": chat,
        "places": places(playground),
        "ask_form": ask_form or AskForm(),
    }
    if blueprint is not None:
        chats = playground.chats.conversations().filter(blueprint=blueprint)[:_MOST_CHATS]
        context |= {"chats": chats, **settings_context(playground, blueprint, chat, settings_form)}
    else:
        databases = playground.use_case.vector_databases
        context["has_databases"] = databases.exists()
    if chat is not None:
        context |= thread_context(request, chat)
    return render(request, "playground/chat.html", context, status=status)


def settings_context(
    playground: Playground,
    blueprint: Blueprint,
    chat: Chat | None,
    form: SettingsForm | None = None,
) -> dict[str, Any]:
    """The panel at the right, and the database that the next question is put to."""
    defaults = AnswerSettings.of_version(blueprint.current)
    settings = services.effective_settings(chat) if chat else defaults
    database = VectorDatabase.objects.filter(pk=settings.vector_database_id or "").first()
    return {
        "settings_form": form or SettingsForm(use_case=playground.use_case, settings=settings),
        "changed": changed_fields(settings, defaults),
        "database": database,
        "building": database if database and database.status in UNFINISHED else None,
    }


def thread_context(request: PageRequest, chat: Chat) -> dict[str, Any]:
    """The newest questions in the order in which they were put; `?all` shows every one."""
    prompts: QuerySet[ChatPrompt] = chat.prompts.order_by("-created_at", "-id")
    shown = list(prompts if "all" in request.GET else prompts[: NEWEST_PROMPTS + 1])
    has_earlier = "all" not in request.GET and len(shown) > NEWEST_PROMPTS
    newest = shown[:NEWEST_PROMPTS] if has_earlier else shown
    return {
        "turns": turns(reversed(newest), user=request.user, hue=hue_of(chat)),
        "has_earlier": has_earlier,
    }
