"""The LLM endpoints and their LLMs. Only for staff: to others these pages do not exist."""

from typing import Any

from asgiref.sync import async_to_sync
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.forms import ConfirmForm
from accounts.pages import PageRequest, staff_only
from blueprints import services
from blueprints.forms import EndpointForm, LLMForm, ModelForm
from blueprints.models import LLM, LLMEndpoint
from blueprints.providers.base import ProviderError
from blueprints.settings import UNSET
from config.pages import errors_on, form_response

_FORM = require_http_methods(["GET", "HEAD", "POST"])
_BACK: dict[str, Any] = {"cancel_url": "/llms/"}


@require_safe
@staff_only
def endpoint_list(request: PageRequest) -> HttpResponse:
    context = {
        "endpoints": LLMEndpoint.objects.prefetch_related("llms"),
        "built_in": LLM.objects.filter(endpoint=None),
    }
    return render(request, "blueprints/endpoints.html", context)


@sensitive_post_parameters("api_key")
@_FORM
@staff_only
def endpoint_create(request: PageRequest) -> HttpResponse:
    form = EndpointForm(request.POST or None)
    if form.is_valid():
        with errors_on(form):
            endpoint = services.create_endpoint(user=request.user, **form.cleaned_data)
            _list_models(request, endpoint)
            return redirect("blueprints:endpoint-list")
    return form_response(request, form, title="New LLM endpoint", submit="Add", context=_BACK)


@sensitive_post_parameters("api_key")
@_FORM
@staff_only
def endpoint_edit(request: PageRequest, pk: str) -> HttpResponse:
    endpoint = get_object_or_404(LLMEndpoint, pk=pk)
    initial = {"name": endpoint.name, "base_url": endpoint.base_url}
    has_key = bool(endpoint.encrypted_key)
    form = EndpointForm(request.POST or None, initial=initial, has_key=has_key)
    if form.is_valid():
        with errors_on(form):
            data = form.cleaned_data
            services.update_endpoint(
                endpoint,
                user=request.user,
                name=data["name"],
                base_url=data["base_url"],
                api_key=data["api_key"] or UNSET,
            )
            return redirect("blueprints:endpoint-list")
    return form_response(request, form, title="Edit LLM endpoint", submit="Save", context=_BACK)


@require_POST
@staff_only
def endpoint_test(request: PageRequest, pk: str) -> HttpResponse:
    """What is wrong with it, or which models it has."""
    endpoint = get_object_or_404(LLMEndpoint, pk=pk)
    check = async_to_sync(services.test_endpoint)(endpoint)
    if request.htmx:
        return render(request, "blueprints/_check.html", {"endpoint": endpoint, "check": check})
    messages.add_message(request, messages.SUCCESS if check.ok else messages.ERROR, check.message)
    return redirect("blueprints:endpoint-list")


@require_POST
@staff_only
def endpoint_sync(request: PageRequest, pk: str) -> HttpResponse:
    _list_models(request, get_object_or_404(LLMEndpoint, pk=pk))
    return redirect("blueprints:endpoint-list")


def _list_models(request: PageRequest, endpoint: LLMEndpoint) -> None:
    """The endpoint is kept also when it does not answer now."""
    try:
        count = services.sync_models(endpoint)
    except ProviderError as error:
        messages.error(request, f"{endpoint.name}: {error.message}")
    else:
        messages.success(request, f"{endpoint.name} has {count} models.")


@require_POST
@staff_only
def endpoint_switch(request: PageRequest, pk: str) -> HttpResponse:
    endpoint = get_object_or_404(LLMEndpoint, pk=pk)
    services.update_endpoint(endpoint, user=request.user, is_active=not endpoint.is_active)
    return redirect("blueprints:endpoint-list")


@_FORM
@staff_only
def endpoint_delete(request: PageRequest, pk: str) -> HttpResponse:
    endpoint = get_object_or_404(LLMEndpoint, pk=pk)
    if request.method == "POST":
        services.delete_endpoint(endpoint, user=request.user)
        return redirect("blueprints:endpoint-list")
    context = {
        **_BACK,
        "note": f"Blueprints that use an LLM of “{endpoint.name}” have to choose another one.",
        "is_danger": True,
    }
    return form_response(
        request, ConfirmForm(), title="Delete this endpoint?", submit="Delete", context=context
    )


@_FORM
@staff_only
def llm_create(request: PageRequest, pk: str) -> HttpResponse:
    endpoint = get_object_or_404(LLMEndpoint, pk=pk)
    form = ModelForm(request.POST or None)
    if form.is_valid():
        with errors_on(form):
            services.add_model(endpoint, user=request.user, **form.cleaned_data)
            return redirect("blueprints:endpoint-list")
    title = f"Add a model of {endpoint.name}"
    return form_response(request, form, title=title, submit="Add", context=_BACK)


@_FORM
@staff_only
def llm_edit(request: PageRequest, pk: str) -> HttpResponse:
    llm = get_object_or_404(LLM, pk=pk)
    names = ("label", "context_size", "input_price", "output_price", "is_active")
    form = LLMForm(request.POST or None, initial={name: getattr(llm, name) for name in names})
    if form.is_valid():
        with errors_on(form):
            services.update_llm(llm, user=request.user, **form.cleaned_data)
            return redirect("blueprints:endpoint-list")
    return form_response(request, form, title=llm.label, submit="Save", context=_BACK)
