"""The embedding models. Only for staff: to others these pages do not exist."""

from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.forms import ConfirmForm
from accounts.pages import PageRequest, staff_only
from config.pages import errors_on, form_response
from vectordb import services
from vectordb.embedding_entries import EmbeddingEntry, EmbeddingKind
from vectordb.embedding_forms import (
    DescriptionForm,
    EndpointEditForm,
    EndpointEmbeddingForm,
    LocalEmbeddingForm,
)
from vectordb.embedding_models import PACKAGED

_FORM = require_http_methods(["GET", "HEAD", "POST"])
_BACK: dict[str, Any] = {"cancel_url": "/embedding-models/"}


@require_safe
@staff_only
def embedding_list(request: PageRequest) -> HttpResponse:
    entries = list(EmbeddingEntry.objects.present())
    usage = services.embedding_usage()
    context = {
        "rows": [(entry, usage.get(entry.name, 0)) for entry in entries],
        "packaged": [(model, usage.get(model.id, 0)) for model in PACKAGED],
    }
    return render(request, "vectordb/embeddings.html", context)


@require_safe
@staff_only
def embedding_detail(request: PageRequest, pk: str) -> HttpResponse:
    """The part of the page that shows one model, while a worker reads it."""
    entry = _entry(pk)
    context = {"entry": entry, "used": services.embedding_usage().get(entry.name, 0)}
    return render(request, "vectordb/_embedding.html", context)


@_FORM
@staff_only
def embedding_create_local(request: PageRequest) -> HttpResponse:
    form = LocalEmbeddingForm(request.POST or None)
    if form.is_valid():
        with errors_on(form):
            services.add_local_embedding(user=request.user, **form.cleaned_data)
            return redirect("vectordb:embedding-list")
    return form_response(request, form, title="New local model", submit="Add", context=_BACK)


@sensitive_post_parameters("api_key")
@_FORM
@staff_only
def embedding_create_endpoint(request: PageRequest) -> HttpResponse:
    form = EndpointEmbeddingForm(request.POST or None)
    if form.is_valid():
        with errors_on(form):
            entry = services.add_endpoint_embedding(user=request.user, **form.cleaned_data)
            messages.success(request, f"{entry.name} gives {entry.dimensions:,} dimensions.")
            return redirect("vectordb:embedding-list")
    context = {**_BACK, "note": "The server is asked for a few vectors before the model is added."}
    return form_response(
        request, form, title="New embedding endpoint", submit="Add", context=context
    )


@sensitive_post_parameters("api_key")
@_FORM
@staff_only
def embedding_edit(request: PageRequest, pk: str) -> HttpResponse:
    entry = _entry(pk)
    is_endpoint = entry.kind == EmbeddingKind.ENDPOINT
    form: Form = (
        EndpointEditForm(request.POST or None, entry=entry)
        if is_endpoint
        else DescriptionForm(request.POST or None, initial={"description": entry.description})
    )
    if form.is_valid():
        with errors_on(form):
            data = form.cleaned_data
            if is_endpoint:
                data["api_key"] = data["api_key"] or None
                services.update_endpoint_embedding(entry, user=request.user, **data)
            else:
                services.describe_embedding(entry, user=request.user, **data)
            return redirect("vectordb:embedding-list")
    note = "What decides about vectors never changes: for that, add another model."
    context = {**_BACK, "note": note}
    return form_response(request, form, title=f"Edit {entry.name}", submit="Save", context=context)


@require_POST
@staff_only
def embedding_test(request: PageRequest, pk: str) -> HttpResponse:
    """Whether the server answers as it did when the model was added."""
    entry = get_object_or_404(EmbeddingEntry.objects.present(), pk=pk, kind=EmbeddingKind.ENDPOINT)
    check = services.check_embedding(entry)
    if request.htmx:
        return render(request, "vectordb/_embedding_check.html", {"check": check})
    messages.add_message(request, messages.SUCCESS if check.ok else messages.ERROR, check.message)
    return redirect("vectordb:embedding-list")


@require_POST
@staff_only
def embedding_retry(request: PageRequest, pk: str) -> HttpResponse:
    services.read_again(_entry(pk), user=request.user)
    return redirect("vectordb:embedding-list")


@require_POST
@staff_only
def embedding_switch(request: PageRequest, pk: str) -> HttpResponse:
    entry = _entry(pk)
    services.switch_embedding(entry, user=request.user, is_active=not entry.is_active)
    return redirect("vectordb:embedding-list")


@_FORM
@staff_only
def embedding_delete(request: PageRequest, pk: str) -> HttpResponse:
    entry = _entry(pk)
    if request.method == "POST":
        services.delete_embedding(entry, user=request.user)
        return redirect("vectordb:embedding-list")
    context = {
        **_BACK,
        "note": f"“{entry.name}” is taken out of every list, and its key is forgotten. The name cannot "
        "be used again.",
        "is_danger": True,
    }
    return form_response(
        request, ConfirmForm(), title="Delete this model?", submit="Delete", context=context
    )


def _entry(pk: str) -> EmbeddingEntry:
    return get_object_or_404(EmbeddingEntry.objects.present(), pk=pk)
