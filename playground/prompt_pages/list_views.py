"""The list of all that programs call by a path, and the environments of a use case."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.forms import ConfirmForm
from accounts.pages import PageRequest, within
from accounts.services import require_editor
from blueprints import environments
from blueprints.models import Environment
from config.errors import Conflict
from config.pages import errors_on, form_response
from config.storable import storable
from playground.prompt_pages import paths
from playground.prompt_pages.figures import DAYS
from playground.prompt_pages.finding import environments_of, use_case_at
from playground.prompt_pages.small_forms import EnvironmentForm
from playground.v5 import log_lines
from tracing.list_views import export_of

_FORM = require_http_methods(["GET", "HEAD", "POST"])
_LONGEST_WORDS = 250


@require_safe
def path_list(request: PageRequest, pk: str) -> HttpResponse:
    use_case = use_case_at(request, pk)
    words = storable(request.GET.get("q", "")).strip()[:_LONGEST_WORDS]
    kind = request.GET.get("kind", "")
    if kind and kind not in paths.KINDS:
        raise Http404
    try:
        listed = paths.listed(use_case, words=words, kind=kind)
    except Conflict as error:
        listed = paths.Listed([], is_cut=False, problem=error.message)
    context: dict[str, Any] = {
        **within(request, use_case, tab="prompts"),
        "listed": listed,
        "environments": environments_of(use_case),
        "words": words,
        "kind": kind,
        "kinds": paths.KINDS,
        "most": paths.MOST_ROWS,
        "days": DAYS,
    }
    return render(request, "playground/prompts/list.html", context)


@require_safe
def log_export_api(request: PageRequest, pk: str) -> HttpResponseBase:
    """The logs that the address asks for, as the prompt API shows them, for `import_humanloop`."""
    return export_of(request, pk, log_lines.lines, "api.jsonl", "application/jsonl")


@_FORM
def environment_create(request: PageRequest, pk: str) -> HttpResponse:
    use_case = use_case_at(request, pk)
    require_editor(use_case, request.user)
    form = EnvironmentForm(request.POST or None)
    back = reverse("playground:path-list", args=[pk])
    if form.is_valid():
        with errors_on(form):
            made = environments.create_environment(
                use_case, user=request.user, name=form.cleaned_data["name"]
            )
            messages.success(request, f"The environment “{made}” is there. Nothing is in it yet.")
            return redirect(back)
    context = {
        **within(request, use_case, tab="prompts"),
        "note": "A place for versions that programs ask for by its name: "
        "environment=… in the prompt API, path@… for a model.",
        "cancel_url": back,
    }
    return form_response(request, form, title="New environment", submit="Create", context=context)


@_FORM
def environment_delete(request: PageRequest, pk: str) -> HttpResponse:
    visible = Environment.objects.visible_to(request.user).select_related("use_case")
    environment = get_object_or_404(visible, pk=pk)
    require_editor(environment.use_case, request.user)
    back = reverse("playground:path-list", args=[environment.use_case_id])
    if request.method == "POST":
        environments.delete_environment(environment, user=request.user)
        messages.success(request, f"The environment “{environment}” was deleted.")
        return redirect(back)
    count = environment.deployments.count()
    context = {
        **within(request, environment.use_case, tab="prompts"),
        "note": f"Programs that ask for “{environment}” get an error from now on. {count} deployed "
        f"there {'is' if count == 1 else 'are'} taken out; the versions themselves stay.",
        "is_danger": True,
        "cancel_url": back,
    }
    return form_response(
        request,
        ConfirmForm(),
        title=f"Delete the environment “{environment}”?",
        submit="Delete",
        context=context,
    )
