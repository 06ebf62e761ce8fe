"""The prompt editor: a version's settings in a form, run as often as wanted, saved when asked."""

from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.pages import PageRequest, within
from accounts.services import require_editor
from blueprints.models import Blueprint, BlueprintVersion
from blueprints.settings import AnswerSettings
from config.pages import errors_on
from playground.prompt_pages import running, saving
from playground.prompt_pages.finding import version_at
from playground.prompt_pages.forms import INPUT, EditorForm, RunForm
from playground.prompt_pages.paths import page_of
from playground.prompt_pages.small_forms import VersionForm
from playground.v5.messages import ROLES

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@require_safe
def blueprint_editor(request: PageRequest, pk: str, version_pk: str) -> HttpResponse:
    version = version_at(request, pk, version_pk)
    require_editor(version.blueprint.use_case, request.user)
    form = EditorForm(use_case=version.blueprint.use_case, settings=_settings(version))
    return _page(request, version, form, VersionForm())


@require_POST
def blueprint_save(request: PageRequest, pk: str, version_pk: str) -> HttpResponse:
    """As a version of its own; that of the address stays as it is."""
    version = version_at(request, pk, version_pk)
    blueprint = version.blueprint
    require_editor(blueprint.use_case, request.user)
    form = EditorForm(request.POST, use_case=blueprint.use_case, settings=_settings(version))
    named = VersionForm(request.POST)
    if form.is_valid() and named.is_valid():
        with errors_on(form):
            saved, is_new = saving.save_version(
                blueprint, form.answer_settings(), user=request.user, **named.cleaned_data
            )
            told = "was saved" if is_new else "says just that already: nothing new was made"
            messages.success(request, f"v{saved.number} of {blueprint.path} {told}.")
            return redirect("playground:blueprint-version", pk, saved.pk)
    return _page(request, version, form, named, status=422)


@require_POST
def blueprint_run(request: PageRequest, pk: str, version_pk: str) -> HttpResponseBase:
    """Answers as lines of JSON, while they come; what is wrong with the form as a list."""
    version = version_at(request, pk, version_pk)
    blueprint = version.blueprint
    require_editor(blueprint.use_case, request.user)
    form = EditorForm(request.POST, use_case=blueprint.use_case, settings=_settings(version))
    run = RunForm(request.POST)
    if form.is_valid() and run.is_valid():
        with errors_on(form):
            call, caller = running.prepare(
                blueprint,
                form.answer_settings(),
                user=request.user,
                message=run.cleaned_data["message"].replace("\r\n", "\n"),
                inputs=run.inputs_of(form.variables),
                samples=run.cleaned_data["samples"],
            )
            return StreamingHttpResponse(
                running.lines(call, caller),
                content_type="application/x-ndjson",
                headers=_HEADERS,
            )
    context = {"problems": [*_problems(form), *_problems(run), *_rows_problems(form)]}
    return render(request, "playground/prompts/_problems.html", context, status=422)


def _page(
    request: PageRequest,
    version: BlueprintVersion,
    form: EditorForm,
    named: VersionForm,
    *,
    status: int = 200,
) -> HttpResponse:
    blueprint: Blueprint = version.blueprint
    run = RunForm(initial={"samples": request.POST.get("samples", "1")})
    arguments = [blueprint.pk, version.pk]
    context: dict[str, Any] = {
        **within(request, blueprint.use_case, tab="prompts"),
        "crumb": blueprint.path,
        "blueprint": blueprint,
        "file_url": page_of(blueprint),
        "version": version,
        "form": form,
        "named": named,
        "run": run,
        "roles": ROLES,
        "input": INPUT,
        "inputs": [(name, request.POST.get(f"{INPUT}{name}", "")) for name in form.variables],
        "message": request.POST.get("message", ""),
        "save_url": reverse("playground:blueprint-save", args=arguments),
        "run_url": reverse("playground:blueprint-run", args=arguments),
    }
    return render(request, "playground/prompts/editor.html", context, status=status)


def _settings(version: BlueprintVersion) -> AnswerSettings:
    return AnswerSettings.of_version(version)


def _problems(form: Form) -> list[dict[str, str]]:
    """Each with the field that it is about, and where that stands."""
    found = []
    for name, errors in form.errors.items():
        field = form[name] if name in form.fields else None
        for error in errors:
            label, place = (field.label, field.id_for_label) if field is not None else ("", "")
            found.append({"label": str(label), "id": str(place), "message": str(error)})
    return found


def _rows_problems(form: EditorForm) -> list[dict[str, str]]:
    return [
        {"label": f"Message {number}", "id": f"message-{number}", "message": row.error}
        for number, row in enumerate(form.rows, start=1)
        if row.error
    ]
