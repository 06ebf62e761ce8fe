"""Chats: showing, asking, renaming, deleting."""

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import reswap, retarget

from accounts.forms import ConfirmForm
from accounts.pages import PageRequest, within
from config.pages import errors_on, form_response
from playground import quick_start, services
from playground.chat.lookups import at_end, blueprint_in, chat_for, playground_for
from playground.chat.page import render_chat_page
from playground.forms import AskForm, NameForm, question_text
from playground.presenting import one_turn

_FORM = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
def playground_detail(request: PageRequest, pk: str) -> HttpResponseBase:
    """The newest chat with the chosen (else the first) blueprint, or a new one."""
    playground = playground_for(request, pk)
    blueprint = blueprint_in(playground, request.GET.get("blueprint"))
    if blueprint is not None and "new" not in request.GET:
        open_chats = playground.chats.conversations().filter(is_frozen=False)
        chat = open_chats.filter(blueprint=blueprint).first()
        if chat is not None:
            return redirect("playground:chat-detail", chat.pk)
    return render_chat_page(request, playground=playground, blueprint=blueprint)


@require_safe
def chat_detail(request: PageRequest, pk: str) -> HttpResponseBase:
    chat = chat_for(request, pk)
    return render_chat_page(
        request, playground=chat.playground, blueprint=chat.blueprint, chat=chat
    )


@require_POST
def playground_ask(request: PageRequest, pk: str) -> HttpResponseBase:
    """The first question of a new chat."""
    playground = playground_for(request, pk)
    blueprint = get_object_or_404(playground.blueprints, pk=request.POST.get("blueprint", ""))
    form = AskForm(request.POST)
    if form.is_valid():
        with errors_on(form):
            prompt = quick_start.ask_in_new_chat(
                user=request.user,
                playground=playground,
                blueprint=blueprint,
                text=question_text(form),
            )
            return redirect("playground:chat-detail", prompt.chat_id)
    if request.htmx:
        return _ask_errors(request, form)
    return render_chat_page(
        request, playground=playground, blueprint=blueprint, ask_form=form, status=422
    )


@require_POST
def chat_ask(request: PageRequest, pk: str) -> HttpResponseBase:
    chat = chat_for(request, pk)
    form = AskForm(request.POST)
    if form.is_valid():
        with errors_on(form):
            prompt = services.ask(
                user=request.user,
                chat=chat,
                text=question_text(form),
                metadata_filter=chat.metadata_filter,
            )
            if not request.htmx:
                return redirect(at_end(prompt))
            turn = one_turn(prompt, user=request.user)
            context = {"turn": turn, "chat": prompt.chat, "can_edit": True, "is_new": True}
            return render(request, "playground/_asked.html", context)
    if request.htmx:
        return _ask_errors(request, form)
    return render_chat_page(
        request,
        playground=chat.playground,
        blueprint=chat.blueprint,
        chat=chat,
        ask_form=form,
        status=422,
    )


def _ask_errors(request: PageRequest, form: AskForm) -> HttpResponse:
    response = render(request, "playground/_ask_errors.html", {"ask_form": form}, status=422)
    return retarget(reswap(response, "innerHTML"), "#ask-errors")


@_FORM
def chat_rename(request: PageRequest, pk: str) -> HttpResponse:
    chat = chat_for(request, pk)
    form = NameForm(request.POST or None, initial={"name": chat.name})
    if form.is_valid():
        with errors_on(form):
            services.rename_chat(chat, user=request.user, name=form.cleaned_data["name"])
            return redirect("playground:chat-detail", pk)
    context = {**within(request, chat.playground.use_case, tab="chat"), "cancel_url": ".."}
    return form_response(request, form, title="Rename chat", submit="Save", context=context)


@_FORM
def chat_delete(request: PageRequest, pk: str) -> HttpResponse:
    chat = chat_for(request, pk)
    if request.method == "POST":
        services.delete_chat(chat, user=request.user)
        url = redirect("playground:playground-detail", chat.playground_id)
        url.headers["Location"] += f"?blueprint={chat.blueprint_id}"
        return url
    context = {
        **within(request, chat.playground.use_case, tab="chat"),
        "note": f"“{chat.name}” is deleted with its questions and answers.",
        "is_danger": True,
        "cancel_url": "..",
    }
    return form_response(
        request, ConfirmForm(), title="Delete this chat?", submit="Delete", context=context
    )
