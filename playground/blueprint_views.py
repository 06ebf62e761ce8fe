"""Making, changing and deleting the blueprints of a playground."""

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.forms import ConfirmForm
from accounts.pages import PageRequest, within
from accounts.services import require_editor
from blueprints.catalogue import EXTRACTIVE_ID
from blueprints.forms import BlueprintForm
from blueprints.models import Blueprint
from blueprints.settings import AnswerSettings
from config.pages import errors_on, form_response
from config.status import Status
from playground import services
from playground.models import Playground

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
    return _form_page(request, form, playground, title="New blueprint", submit="Create")


@_FORM
def blueprint_edit(request: PageRequest, pk: str, blueprint_pk: str) -> HttpResponse:
    playground = _playground(request, pk)
    blueprint = get_object_or_404(
        Blueprint.objects.with_settings().filter(playgrounds=playground), pk=blueprint_pk
    )
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


def _form_page(
    request: PageRequest, form: BlueprintForm, playground: Playground, *, title: str, submit: str
) -> HttpResponse:
    context: dict[str, Any] = {
        **within(request, playground.use_case, tab="chat"),
        "playground": playground,
        "form": form,
        "title": title,
        "submit": submit,
    }
    status = 422 if form.errors else 200
    return render(request, "playground/blueprint_form.html", context, status=status)


def _suggested(playground: Playground) -> AnswerSettings:
    """The built-in LLM, which works everywhere, with the newest database that can be searched."""
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
