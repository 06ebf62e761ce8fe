"""The chips of a composer: which passages the chat's questions may be answered from."""

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import reswap, retarget

from accounts.pages import PageRequest, within
from accounts.services import require_editor
from blueprints.settings import AnswerSettings
from config.pages import errors_on
from playground import services
from playground.chat import filters
from playground.chat.lookups import blueprint_in, chat_for, playground_for
from playground.forms import FilterForm
from playground.models import Chat, Playground
from vectordb.metadata_values import Field, fields_of
from vectordb.models import VectorDatabase

_FORM = require_http_methods(["GET", "HEAD", "POST"])


@_FORM
def chat_filter(request: PageRequest, pk: str) -> HttpResponse:
    """A condition more. While it is being written, `?name=` tells the values of that field."""
    chat = chat_for(request, pk)
    require_editor(chat.playground.use_case, request.user)
    fields = _fields(chat.playground, services.effective_settings(chat))
    if request.htmx and "name" in request.GET:
        return _values(request, fields)
    form = FilterForm(request.POST or None, fields=fields, url=request.path)
    if form.is_valid():
        with errors_on(form):
            filters.add_condition(chat, user=request.user, fields=fields, **form.condition())
            return _chips(request, chat)
    return _form(request, chat.playground, form, cancel_url="..")


@_FORM
def chat_filter_new(request: PageRequest, pk: str) -> HttpResponse:
    """A new chat of `blueprint`, begun by a condition."""
    playground = playground_for(request, pk)
    require_editor(playground.use_case, request.user)
    named = request.POST.get("blueprint") or request.GET.get("blueprint")
    blueprint = blueprint_in(playground, named)
    if blueprint is None:
        raise Http404
    fields = _fields(playground, AnswerSettings.of_version(blueprint.current))
    if request.htmx and "name" in request.GET:
        return _values(request, fields)
    form = FilterForm(
        request.POST or None,
        fields=fields,
        url=f"{request.path}?blueprint={blueprint.pk}",
        blueprint_id=blueprint.pk,
    )
    if form.is_valid():
        with errors_on(form), transaction.atomic():
            chat = services.create_chat(
                user=request.user, playground=playground, blueprint=blueprint
            )
            filters.add_condition(chat, user=request.user, fields=fields, **form.condition())
            return redirect("playground:chat-detail", chat.pk)
    cancel = f"../../?blueprint={blueprint.pk}&new"
    return _form(request, playground, form, cancel_url=cancel)


@require_POST
def chat_filter_remove(request: PageRequest, pk: str) -> HttpResponse:
    chat = chat_for(request, pk)
    filters.remove_field(chat, user=request.user, name=request.POST.get("name", ""))
    return _chips(request, chat)


def _fields(playground: Playground, settings: AnswerSettings) -> list[Field]:
    databases = VectorDatabase.objects.filter(use_case=playground.use_case_id)
    database = databases.filter(pk=settings.vector_database_id or "").first()
    return fields_of(database) if database else []


def _values(request: PageRequest, fields: list[Field]) -> HttpResponse:
    values = filters.values_of(request.GET["name"], fields)
    return render(request, "playground/_filter_values.html", {"values": values})


def _form(
    request: PageRequest, playground: Playground, form: FilterForm, *, cancel_url: str
) -> HttpResponse:
    context = {
        **within(request, playground.use_case, tab="chat"),
        "form": form,
        "values": form.chosen_values(),
        "title": "Filter sources",
        "submit": "Add",
        "note": "Only passages for which it holds are searched, until the filter is taken out."
        if form.has_fields
        else "Nothing in this vector database can be filtered by, or it is not built yet.",
        "cancel_url": cancel_url,
    }
    status = 422 if form.errors else 200
    return render(request, "playground/filter_form.html", context, status=status)


def _chips(request: PageRequest, chat: Chat) -> HttpResponse:
    if not request.htmx:
        return redirect("playground:chat-detail", chat.pk)
    context = {"chat": chat, "chips": filters.chips_of(chat.metadata_filter)}
    response = render(request, "playground/_filter_chips.html", context)
    return retarget(reswap(response, "outerHTML"), "#filter-chips")
