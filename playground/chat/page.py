"""The chat page: what its three columns hold."""

from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render

from accounts.pages import PageRequest, within
from blueprints.forms import SettingsForm
from blueprints.models import Blueprint
from blueprints.settings import AnswerSettings
from config.page_parts import render_in_parts
from config.status import UNFINISHED
from playground import services
from playground.chat.changes import mark_changes
from playground.chat.filters import chips_of
from playground.earlier import following_of, put_before
from playground.forms import AskForm
from playground.models import Chat, ChatPrompt, Playground
from playground.presenting import (
    SHOWN_PROMPTS,
    hue_of,
    one_turn,
    places,
    turns,
)
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
) -> HttpResponseBase:
    """Without a chat it is the page of a new one; without a blueprint it says how to begin."""
    frame = {
        **within(request, playground.use_case, tab="chat"),
        "playground": playground,
        "blueprint": blueprint,
        "chat": chat,
    }
    following = followed_by(request, chat) if chat else None

    def rest() -> dict[str, Any]:
        context = {
            "places": places(playground),
            "ask_form": ask_form or AskForm(),
            "chips": chips_of(chat.metadata_filter) if chat else [],
            **_panels(playground, blueprint, chat, settings_form),
        }
        return context | (thread_context(request, chat, following) if chat else {})

    return render_in_parts(request, "playground/chat.html", frame, rest, status=status)


def _panels(
    playground: Playground,
    blueprint: Blueprint | None,
    chat: Chat | None,
    settings_form: SettingsForm | None,
) -> dict[str, Any]:
    """What stands beside the questions: the blueprint's chats, and its settings."""
    if blueprint is None:
        return {"has_databases": playground.use_case.vector_databases.exists()}
    # What evaluations and grids ask has pages of its own.
    open_chats = playground.chats.conversations().filter(is_frozen=False)
    chats = open_chats.filter(blueprint=blueprint)[:_MOST_CHATS]
    return {"chats": chats, **settings_context(playground, blueprint, chat, settings_form)}


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
    form = form or SettingsForm(use_case=playground.use_case, settings=settings)
    return {
        "settings_form": form,
        "changed": mark_changes(form, settings, defaults),
        "database": database,
        "building": database if database and database.status in UNFINISHED else None,
    }


def followed_by(request: PageRequest, chat: Chat) -> ChatPrompt | None:
    """The question that the page ends before; see `following_of`."""
    known = chat.prompts.all()
    return following_of(request, chat.prompts.current(), known=known, size=lambda: SHOWN_PROMPTS)


def thread_context(
    request: PageRequest, chat: Chat, following: ChatPrompt | None
) -> dict[str, Any]:
    """The newest questions in the order in which they were put, or as many that were put before
    `following`. Of several versions of an answer it is that of `?shown=ID`, or the newest."""
    prompts = chat.prompts.current().order_by("-created_at", "-id")
    if following is not None:
        prompts = prompts.filter(put_before(following))
    found = list(prompts[: SHOWN_PROMPTS + 1])
    shown = found[:SHOWN_PROMPTS]
    if version := _earlier_version(chat, request.GET.get("shown", "")):
        shown = [
            version if prompt.question_id == version.question_id else prompt for prompt in shown
        ]
    copies = [prompt.pk for prompt in shown if prompt.copy_of]
    ends_in_copies = following is not None and bool(following.copy_of)
    return {
        "turns": turns(reversed(shown), user=request.user, hue=hue_of(chat)),
        "earlier_url": f"?before={shown[-1].pk}" if len(found) > SHOWN_PROMPTS else "",
        "is_newest": following is None,
        # Of a branch, the last question that it shares with the chat that it came from.
        "branched_after": copies[0] if copies and not ends_in_copies else "",
        "origin": chat.origin if chat.origin_id else None,
    }


def _earlier_version(chat: Chat, pk: str) -> ChatPrompt | None:
    return chat.prompts.filter(pk=pk, is_superseded=True).first() if pk else None


def turn_response(
    request: PageRequest, prompt: ChatPrompt, *, is_new: bool = False
) -> HttpResponse:
    """One question with its answer, as the page's script puts it in its place."""
    context = {
        **within(request, prompt.chat.playground.use_case, tab="chat"),
        "turn": one_turn(prompt, user=request.user),
        "is_new": is_new,
    }
    return render(request, "playground/_prompt.html", context)
