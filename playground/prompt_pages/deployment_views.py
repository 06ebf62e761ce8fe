"""Deploying a version of a prompt, a flow or a tool, going back, and taking out what is deployed."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods

from accounts.forms import ConfirmForm
from accounts.pages import PageRequest, within
from accounts.services import require_editor
from blueprints import environments
from blueprints.kinds import AnyFile, AnyVersion, versions_of
from blueprints.models import Environment
from blueprints.roll_back import roll_back, version_before
from config.pages import form_response
from playground.prompt_pages.deployed import numbers_in
from playground.prompt_pages.finding import blueprint_at, environments_of, file_at
from playground.prompt_pages.paths import page_of
from playground.prompt_pages.small_forms import DeployForm, RollBackForm

_FORM = require_http_methods(["GET", "HEAD", "POST"])


@_FORM
def blueprint_deploy(request: PageRequest, pk: str) -> HttpResponse:
    return _deploy(request, blueprint_at(request, pk))


@_FORM
def file_deploy(request: PageRequest, pk: str) -> HttpResponse:
    return _deploy(request, file_at(request, pk))


@_FORM
def blueprint_roll_back(request: PageRequest, pk: str, environment_pk: str) -> HttpResponse:
    return _roll_back(request, blueprint_at(request, pk), environment_pk)


@_FORM
def file_roll_back(request: PageRequest, pk: str, environment_pk: str) -> HttpResponse:
    return _roll_back(request, file_at(request, pk), environment_pk)


@_FORM
def blueprint_take_out(request: PageRequest, pk: str, environment_pk: str) -> HttpResponse:
    return _take_out(request, blueprint_at(request, pk), environment_pk)


@_FORM
def file_take_out(request: PageRequest, pk: str, environment_pk: str) -> HttpResponse:
    return _take_out(request, file_at(request, pk), environment_pk)


def _deploy(request: PageRequest, file: AnyFile) -> HttpResponse:
    """`?version=ID&environment=ID` asks about just that; else both are chosen here."""
    require_editor(file.use_case, request.user)
    choices = {
        "versions": versions_of(file),
        "environments": environments_of(file.use_case),
        "numbers": numbers_in(file),
    }
    form = DeployForm(request.POST or None, **choices, initial=request.GET.dict())
    if form.is_valid():
        version, environment = form.cleaned_data["version"], form.cleaned_data["environment"]
        environments.deploy(version, environment, user=request.user)
        messages.success(request, f"{environment} has v{version.number} of {file.path} now.")
        return redirect(page_of(file))
    note = "Programs get the version at once, without any change to them."
    asked = DeployForm(request.GET, **choices)
    if not form.is_bound and asked.is_valid():
        form.hide()
        note = _consequence(file, asked.cleaned_data["environment"], asked.cleaned_data["version"])
    return _page(request, form, file, title=f"Deploy {file.path}", submit="Deploy", note=note)


def _roll_back(request: PageRequest, file: AnyFile, environment_pk: str) -> HttpResponse:
    require_editor(file.use_case, request.user)
    environment = get_object_or_404(environments_of(file.use_case), pk=environment_pk)
    before = version_before(file, environment)
    if before is None:
        messages.error(request, f"Nothing else was deployed to {environment} before.")
        return redirect(page_of(file))
    form = RollBackForm(request.POST or None, initial={"to": before.pk})
    if form.is_valid():
        expected = form.cleaned_data["to"]
        version = roll_back(file, environment, user=request.user, expected=expected)
        messages.success(request, f"{environment} has v{version.number} of {file.path} again.")
        return redirect(page_of(file))
    title = f"Roll {environment} back to v{before.number}?"
    note = _consequence(file, environment, before)
    return _page(request, form, file, title=title, submit="Roll back", note=note)


def _take_out(request: PageRequest, file: AnyFile, environment_pk: str) -> HttpResponse:
    require_editor(file.use_case, request.user)
    environment = get_object_or_404(environments_of(file.use_case), pk=environment_pk)
    if request.method == "POST":
        environments.undeploy(file, environment, user=request.user)
        messages.success(request, f"{environment} has nothing of {file.path} any more.")
        return redirect(page_of(file))
    note = f"{_programs(file, environment)} get an error from now on, until something is deployed there."
    title = f"Take {file.path} out of {environment}?"
    return _page(
        request, ConfirmForm(), file, title=title, submit="Take out", note=note, is_danger=True
    )


def _consequence(file: AnyFile, environment: Environment, version: AnyVersion) -> str:
    now = environments.deployed_version(file, environment.name)
    if now is not None and now.pk == version.pk:
        return f"{environment} has v{version.number} already: nothing changes for programs."
    instead = f"v{now.number}" if now is not None else "an error"
    return f"{_programs(file, environment)} get v{version.number} instead of {instead} from now on."


def _programs(file: AnyFile, environment: Environment) -> str:
    name = f"“{environment}”"
    asking = f"name {name} or no environment" if environment.is_default else f"ask for {name}"
    return f"Programs that call {file.path} and {asking}"


def _page(
    request: PageRequest, form: Any, file: AnyFile, *, title: str, submit: str, **more: Any
) -> HttpResponse:
    context = {
        **within(request, file.use_case, tab="prompts"),
        "crumb": file.path,
        "cancel_url": page_of(file),
        **more,
    }
    return form_response(request, form, title=title, submit=submit, context=context)
