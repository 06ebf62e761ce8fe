"""Making, changing, ordering and deleting the blueprints of a playground."""

import re
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms import ConfirmForm
from accounts.pages import PageRequest, within
from accounts.services import require_editor
from blueprints import services as blueprint_services
from blueprints.catalogue import EXTRACTIVE_ID
from blueprints.forms import BlueprintForm
from blueprints.models import Blueprint
from blueprints.settings import AnswerSettings
from config.errors import InvalidInput
from config.pages import errors_on, form_response
from config.status import Status
from playground import services
from playground.forms import NameForm
from playground.models import Playground
from playground.presenting import places

_FORM = require_http_methods(["GET", "HEAD", "POST"])


@_FORM
def blueprint_create(request: PageRequest, pk: str) -> HttpResponse:
    playground = _playground(request, pk)
    require_editor(playground.use_case, request.user)
    form = BlueprintForm(
        request.POST or None, use_case=playground.use_case, settings=_suggested(playground)
    )
    if form.is_valid():
        with errors_on(form):
            blueprint = services.create_blueprint(
                user=request.user,
                playground=playground,
                name=form.cleaned_data["name"],
                description=form.cleaned_data["description"],
                settings=form.answer_settings(),
            )
            return _to(playground, blueprint)
    return _form_page(
        request,
        form,
        playground,
        title="New blueprint",
        submit="Create",
        pattern=services.pattern_of(playground),
    )


@_FORM
def blueprint_edit(request: PageRequest, pk: str, blueprint_pk: str) -> HttpResponse:
    playground = _playground(request, pk)
    blueprint = _blueprint(playground, blueprint_pk)
    require_editor(playground.use_case, request.user)
    form = BlueprintForm(
        request.POST or None,
        use_case=playground.use_case,
        settings=AnswerSettings.of_version(blueprint.current),
        initial={"name": blueprint.name, "description": blueprint.description},
    )
    if form.is_valid():
        with errors_on(form):
            services.update_blueprint(
                blueprint,
                user=request.user,
                name=form.cleaned_data["name"],
                description=form.cleaned_data["description"],
                changes=form.changes(),
            )
            return _to(playground, blueprint)
    return _form_page(request, form, playground, title=f"Edit {blueprint.name}", submit="Save")


@_FORM
def blueprint_remove(request: PageRequest, pk: str, blueprint_pk: str) -> HttpResponse:
    playground = _playground(request, pk)
    blueprint = get_object_or_404(playground.blueprints, pk=blueprint_pk)
    if request.method == "POST":
        services.remove_blueprint(playground, user=request.user, blueprint=blueprint)
        return redirect("playground:playground-detail", pk)
    context = {
        **within(request, playground.use_case, tab="chat"),
        "note": f"“{blueprint.name}” and its chats are deleted from this playground.",
        "is_danger": True,
        "cancel_url": "../../..",
    }
    return form_response(
        request, ConfirmForm(), title="Delete this blueprint?", submit="Delete", context=context
    )


@_FORM
def blueprint_duplicate(request: PageRequest, pk: str, blueprint_pk: str) -> HttpResponse:
    playground = _playground(request, pk)
    blueprint = _blueprint(playground, blueprint_pk)
    form = NameForm(request.POST or None, initial={"name": f"{blueprint.name} 2"})
    if form.is_valid():
        with errors_on(form):
            copy = services.copy_blueprint(
                blueprint,
                user=request.user,
                playground=playground,
                name=form.cleaned_data["name"],
            )
            return _to(playground, copy)
    context = {
        **within(request, playground.use_case, tab="chat"),
        "note": f"A blueprint with the settings of “{blueprint.name}”, without its chats.",
        "cancel_url": "../../..",
    }
    return form_response(
        request, form, title="Duplicate the blueprint", submit="Duplicate", context=context
    )


@require_POST
def blueprint_star(request: PageRequest, pk: str, blueprint_pk: str) -> HttpResponse:
    playground = _playground(request, pk)
    blueprint = _blueprint(playground, blueprint_pk)
    is_starred = request.POST.get("is_starred") == "1"
    services.update_blueprint(blueprint, user=request.user, is_starred=is_starred)
    told = "is starred and comes first" if is_starred else "has no star any more"
    return _list(request, playground, blueprint, f"{blueprint.name} {told}.")


@require_POST
def blueprint_move(request: PageRequest, pk: str, blueprint_pk: str) -> HttpResponse:
    """`to` is the place in the list, from 0."""
    playground = _playground(request, pk)
    blueprint = _blueprint(playground, blueprint_pk)
    to = request.POST.get("to", "")
    if not re.fullmatch(r"-?[0-9]{1,6}", to):
        raise InvalidInput("Say to which place it is to be moved.")
    index = services.move_blueprint(playground, user=request.user, blueprint=blueprint, to=int(to))
    told = f"{blueprint.name} is number {index + 1} of {playground.places.count()}."
    return _list(request, playground, blueprint, told)


@require_POST
def blueprint_pattern(request: PageRequest, pk: str, blueprint_pk: str) -> HttpResponse:
    """Whether new blueprints begin like this one."""
    playground = _playground(request, pk)
    blueprint = _blueprint(playground, blueprint_pk)
    is_pattern = request.POST.get("is_pattern") == "1"
    services.set_pattern(playground, user=request.user, blueprint=blueprint if is_pattern else None)
    like = f"like {blueprint.name}" if is_pattern else "afresh"
    return _list(request, playground, blueprint, f"New blueprints begin {like} from now on.")


@require_POST
def blueprint_lock(request: PageRequest, pk: str, blueprint_pk: str) -> HttpResponse:
    """Lock or unlock it, and go on where the reader stands, whose panel may be that of it."""
    playground = _playground(request, pk)
    blueprint = _blueprint(playground, blueprint_pk)
    is_locked = request.POST.get("is_locked") == "1"
    blueprint_services.set_lock(blueprint, user=request.user, is_locked=is_locked)
    told = "can be changed again" if not is_locked else "stay as they are until it is unlocked"
    messages.success(request, f"The settings of {blueprint.name} {told}.")
    if request.htmx and request.htmx.current_url_abs_path:
        return redirect(request.htmx.current_url_abs_path)
    return _to(playground, blueprint)


def _list(
    request: PageRequest, playground: Playground, changed: Blueprint, told: str
) -> HttpResponse:
    """The list at the left in its new order, with the menu open in which something was chosen."""
    pk = request.POST.get("current", "")
    current = playground.blueprints.filter(pk=pk).first() or changed
    if not request.htmx:
        return _to(playground, current)
    context = {
        **within(request, playground.use_case, tab="chat"),
        "playground": playground,
        "blueprint": current,
        "places": places(playground),
        "opened": changed.pk,
        "told": told,
    }
    return render(request, "playground/_blueprints.html", context)


def _blueprint(playground: Playground, pk: str) -> Blueprint:
    blueprints = Blueprint.objects.with_settings().filter(playgrounds=playground)
    return get_object_or_404(blueprints, pk=pk)


def _form_page(
    request: PageRequest,
    form: BlueprintForm,
    playground: Playground,
    *,
    title: str,
    submit: str,
    pattern: Blueprint | None = None,
) -> HttpResponse:
    context: dict[str, Any] = {
        **within(request, playground.use_case, tab="chat"),
        "playground": playground,
        "form": form,
        "title": title,
        "submit": submit,
        "pattern": pattern,
    }
    status = 422 if form.errors else 200
    return render(request, "playground/blueprint_form.html", context, status=status)


def _suggested(playground: Playground) -> AnswerSettings:
    """Those of the playground's pattern; else the built-in LLM, which works everywhere, with the newest
    database that can be searched."""
    if pattern := services.pattern_of(playground):
        return AnswerSettings.of_version(pattern.current)
    databases = playground.use_case.vector_databases.exclude(status=Status.ERROR)
    database = databases.first()
    return AnswerSettings(
        llm_id=EXTRACTIVE_ID, vector_database_id=database.pk if database else None
    )


def _to(playground: Playground, blueprint: Blueprint) -> HttpResponseRedirect:
    url = redirect("playground:playground-detail", playground.pk)
    url.headers["Location"] += f"?blueprint={blueprint.pk}"
    return url


def _playground(request: PageRequest, pk: str) -> Playground:
    playgrounds = Playground.objects.visible_to(request.user).select_related("use_case")
    return get_object_or_404(playgrounds, pk=pk)
