"""The panel at the right of a chat: the settings that hold in it."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import reswap, retarget

from accounts.pages import PageRequest, within
from blueprints.forms import SettingsForm
from blueprints.models import Blueprint
from blueprints.settings import AnswerSettings, SettingsChanges
from config.errors import InvalidInput
from config.pages import errors_on, form_response
from playground import services
from playground.chat.lookups import chat_for, playground_for
from playground.chat.page import render_chat_page, settings_context
from playground.forms import NameForm
from playground.models import Chat, Playground

_FORM = require_http_methods(["GET", "HEAD", "POST"])


@require_POST
def chat_create(request: PageRequest, pk: str) -> HttpResponseBase:
    """A new chat, begun by changing a setting before anything was asked."""
    playground = playground_for(request, pk)
    blueprint = get_object_or_404(playground.blueprints, pk=request.POST.get("blueprint", ""))
    defaults = AnswerSettings.of_version(blueprint.current)
    form = SettingsForm(request.POST, use_case=playground.use_case, settings=defaults)
    if form.is_valid():
        with errors_on(form):
            chat = services.create_chat(
                user=request.user, playground=playground, blueprint=blueprint
            )
            _change(chat, form.changes(), request)
            return redirect("playground:chat-detail", chat.pk)
    if request.htmx:
        return _settings_with_errors(request, playground, blueprint, None, form)
    return render_chat_page(
        request, playground=playground, blueprint=blueprint, settings_form=form, status=422
    )


@require_POST
def chat_settings(request: PageRequest, pk: str) -> HttpResponseBase:
    """Keep what was changed in the panel for the chat's next prompts."""
    chat = chat_for(request, pk)
    settings = services.effective_settings(chat)
    form = SettingsForm(request.POST, use_case=chat.playground.use_case, settings=settings)
    if form.is_valid():
        with errors_on(form):
            _change(chat, form.changes(), request)
            if not request.htmx:
                return redirect("playground:chat-detail", pk)
            chat = chat_for(request, pk)
            context = _panel_context(request, chat.playground, chat.blueprint, chat, None)
            return render(request, "playground/_settings_state.html", context)
    if request.htmx:
        return _settings_with_errors(request, chat.playground, chat.blueprint, chat, form)
    return render_chat_page(
        request,
        playground=chat.playground,
        blueprint=chat.blueprint,
        chat=chat,
        settings_form=form,
        status=422,
    )


def _change(chat: Chat, changes: SettingsChanges, request: PageRequest) -> None:
    """The chat's own settings, but for the use of its history, which is the blueprint's."""
    given = changes.given()
    if "prompt_type" in given:
        services.update_blueprint(
            chat.blueprint,
            user=request.user,
            changes=SettingsChanges(prompt_type=given.pop("prompt_type")),
        )
    theirs = chat.blueprint.current.vector_database_id
    if theirs and given.get("vector_database_id", theirs) is None:
        # A chat's own settings stand beside the blueprint's: "none" would mean the blueprint's.
        raise InvalidInput(
            f"A chat cannot go without the database of {chat.blueprint}: "
            "make a blueprint without one.",
            field="vector_database_id",
        )
    if given:
        services.change_chat_settings(chat, user=request.user, changes=SettingsChanges(**given))


def _settings_with_errors(
    request: PageRequest,
    playground: Playground,
    blueprint: Blueprint,
    chat: Chat | None,
    form: SettingsForm,
) -> HttpResponse:
    context = _panel_context(request, playground, blueprint, chat, form)
    response = render(request, "playground/_settings.html", context, status=422)
    return retarget(reswap(response, "outerHTML"), "#settings")


def _panel_context(
    request: PageRequest,
    playground: Playground,
    blueprint: Blueprint,
    chat: Chat | None,
    form: SettingsForm | None,
) -> dict[str, object]:
    return {
        **within(request, playground.use_case, tab="chat"),
        **settings_context(playground, blueprint, chat, form),
        "playground": playground,
        "blueprint": blueprint,
        "chat": chat,
    }


@require_POST
def chat_settings_reset(request: PageRequest, pk: str) -> HttpResponse:
    """All that the chat has of its own, or only the `field` that is named."""
    chat = chat_for(request, pk)
    if name := request.POST.get("field"):
        services.put_back(chat, user=request.user, name=name)
    else:
        services.reset_chat_settings(chat, user=request.user)
    if not request.htmx:
        return redirect("playground:chat-detail", chat.pk)
    context = _panel_context(request, chat.playground, chat.blueprint, chat, None)
    return render(request, "playground/_settings.html", context | {"is_again": True})


@require_POST
def chat_settings_save(request: PageRequest, pk: str) -> HttpResponse:
    chat = chat_for(request, pk)
    version = services.save_as_defaults(chat, user=request.user)
    messages.success(
        request, f"These are the defaults of {chat.blueprint} now (version {version.number})."
    )
    return redirect("playground:chat-detail", pk)


@_FORM
def chat_settings_copy(request: PageRequest, pk: str) -> HttpResponse:
    chat = chat_for(request, pk)
    form = NameForm(request.POST or None, initial={"name": f"{chat.blueprint.name} 2"})
    if form.is_valid():
        with errors_on(form):
            blueprint = services.save_as_blueprint(
                chat, user=request.user, name=form.cleaned_data["name"]
            )
            url = redirect("playground:playground-detail", chat.playground_id)
            url.headers["Location"] += f"?blueprint={blueprint.pk}"
            return url
    context = {
        **within(request, chat.playground.use_case, tab="chat"),
        "note": "A new blueprint with the settings of this chat. The old one stays as it is.",
        "cancel_url": "../..",
    }
    return form_response(
        request, form, title="Save as new blueprint", submit="Save", context=context
    )
