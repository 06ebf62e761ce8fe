"""The versions of a prompt, a flow or a tool: what they say, how they differ, what became of them."""

from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.pages import PageRequest, within
from accounts.services import require_editor
from blueprints.files import name_version
from blueprints.kinds import AnyFile, AnyVersion, kind_of, versions_of
from blueprints.models import Blueprint, BlueprintVersion, Environment
from config.pages import errors_on, form_response
from playground.models import PlaygroundBlueprint
from playground.prompt_pages import figures, saving
from playground.prompt_pages.contents import contents_of, pretty
from playground.prompt_pages.deployed import deployments_of
from playground.prompt_pages.diffs import diff_of
from playground.prompt_pages.figures import DAYS, Figures
from playground.prompt_pages.finding import (
    blueprint_at,
    environments_of,
    file_at,
    numbered,
    version_at,
)
from playground.prompt_pages.paths import llm_of, page_of, traces_url
from playground.prompt_pages.small_forms import OpenForm, VersionForm

_FORM = require_http_methods(["GET", "HEAD", "POST"])
_MOST_SHOWN = 200


@dataclass(slots=True)
class VersionRow:
    """`before` is the version that it would be compared with."""

    version: AnyVersion
    figures: Figures
    environments: list[Environment] = field(default_factory=list)
    is_in_chats: bool = False
    before: int | None = None
    content: str = ""

    @property
    def llm(self) -> str:
        return llm_of(self.version) if isinstance(self.version, BlueprintVersion) else ""


@require_safe
def blueprint_versions(request: PageRequest, pk: str) -> HttpResponse:
    blueprint = blueprint_at(request, pk)
    measured, problem = figures.or_problem(lambda: figures.of_versions(blueprint))
    context = _versions_context(request, blueprint, measured) | {
        "problem": problem,
        "blueprint": blueprint,
        "unsaved": measured.get(None),
        "places": PlaygroundBlueprint.objects.filter(blueprint=blueprint).select_related(
            "playground"
        ),
    }
    return render(request, "playground/prompts/versions.html", context)


@require_safe
def file_versions(request: PageRequest, pk: str) -> HttpResponse:
    """Of a flow, a tool or an evaluator."""
    file = file_at(request, pk)
    measured, problem = figures.or_problem(lambda: figures.of_file_versions(file))
    context = _versions_context(request, file, measured) | {"problem": problem}
    return render(request, "playground/prompts/versions.html", context)


@require_safe
def blueprint_version(request: PageRequest, pk: str, version_pk: str) -> HttpResponse:
    version = version_at(request, pk, version_pk)
    blueprint = version.blueprint
    deployments = deployments_of(blueprint, environments_of(blueprint.use_case))
    measured, problem = figures.or_problem(lambda: figures.of_versions(blueprint, version))
    context = {
        **_frame(request, blueprint),
        "blueprint": blueprint,
        "version": version,
        "contents": contents_of(version),
        "environments": deployments.by_version.get(version.pk, []),
        "figures": measured.get(version.pk, Figures()),
        "problem": problem,
        "is_in_chats": version.pk == blueprint.version_id,
        "is_in_playgrounds": blueprint.places.exists(),
        "before": _number_before(version),
        "days": DAYS,
        "traces_url": traces_url(blueprint, version),
    }
    return render(request, "playground/prompts/version.html", context)


@require_safe
def blueprint_diff(request: PageRequest, pk: str) -> HttpResponse:
    """`?from=1&to=2`; without them the newest version and the one before it."""
    blueprint = blueprint_at(request, pk)
    versions = blueprint.versions.order_by("-number")
    newest = [str(number) for number in versions.values_list("number", flat=True)[:2]]
    old = numbered(blueprint, request.GET.get("from") or newest[-1])
    new = numbered(blueprint, request.GET.get("to") or newest[0])
    context = {
        **_frame(request, blueprint),
        "blueprint": blueprint,
        "old": old,
        "new": new,
        "old_name": f"v{old.number}",
        "new_name": f"v{new.number}",
        "diff": diff_of(old, new),
        "versions": versions.only("number", "name"),
    }
    return render(request, "playground/prompts/diff.html", context)


@_FORM
def blueprint_version_name(request: PageRequest, pk: str, version_pk: str) -> HttpResponse:
    version = version_at(request, pk, version_pk)
    require_editor(version.blueprint.use_case, request.user)
    initial = {"name": version.name, "description": version.description}
    form = VersionForm(request.POST or None, initial=initial)
    if form.is_valid():
        with errors_on(form):
            name_version(version, user=request.user, **form.cleaned_data)
            return redirect(_page(version))
    context = {**_frame(request, version.blueprint), "cancel_url": _page(version)}
    return form_response(
        request, form, title=f"Name and note of v{version.number}", submit="Save", context=context
    )


@require_POST
def blueprint_version_use(request: PageRequest, pk: str, version_pk: str) -> HttpResponse:
    version = version_at(request, pk, version_pk)
    saving.use_version(version, user=request.user)
    messages.success(
        request, f"Chats with {version.blueprint} are answered with v{version.number} from now on."
    )
    return redirect(_page(version))


@_FORM
def blueprint_version_open(request: PageRequest, pk: str, version_pk: str) -> HttpResponse:
    """Into a playground, and there into a chat."""
    version = version_at(request, pk, version_pk)
    use_case = version.blueprint.use_case
    require_editor(use_case, request.user)
    form = OpenForm(request.POST or None, version=version, use_case=use_case)
    if form.is_valid():
        with errors_on(form):
            data = form.cleaned_data
            playground, blueprint = saving.open_in_playground(
                version,
                user=request.user,
                playground=data["playground"],
                name=data["name"],
                is_copy=data.get("is_copy"),
            )
            url = reverse("playground:playground-detail", args=[playground.pk])
            return redirect(f"{url}?blueprint={blueprint.pk}")
    context = {**_frame(request, version.blueprint), "cancel_url": _page(version)}
    return form_response(
        request,
        form,
        title=f"Open v{version.number} in a playground",
        submit="Open",
        context=context,
    )


def _versions_context(
    request: PageRequest, file: AnyFile, measured: dict[str | None, Figures]
) -> dict[str, Any]:
    environments = environments_of(file.use_case)
    deployments = deployments_of(file, environments)
    versions: list[Any] = list(versions_of(file)[: _MOST_SHOWN + 1])
    rows = [
        VersionRow(
            version,
            measured.get(version.pk, Figures()),
            deployments.by_version.get(version.pk, []),
            is_in_chats=isinstance(file, Blueprint) and file.version_id == version.pk,
            content="" if isinstance(version, BlueprintVersion) else pretty(version.content),
        )
        for version in versions[:_MOST_SHOWN]
    ]
    for row, older in zip(rows, versions[1:], strict=False):
        row.before = older.number
    name = "blueprint" if isinstance(file, Blueprint) else "file"
    return {
        **_frame(request, file),
        "rows": rows,
        "is_cut": len(versions) > _MOST_SHOWN,
        "deployments": deployments,
        "days": DAYS,
        "traces_url": traces_url(file),
        "deploy_url": reverse(f"playground:{name}-deploy", args=[file.pk]),
        "url_names": {
            "roll_back": f"playground:{name}-roll-back",
            "take_out": f"playground:{name}-take-out",
        },
    }


def _frame(request: PageRequest, file: AnyFile) -> dict[str, Any]:
    return {
        **within(request, file.use_case, tab="prompts"),
        "crumb": file.path,
        "file": file,
        "kind": kind_of(file),
        "file_url": page_of(file),
    }


def _number_before(version: BlueprintVersion) -> int | None:
    older = version.blueprint.versions.filter(number__lt=version.number)
    return older.order_by("-number").values_list("number", flat=True).first()


def _page(version: BlueprintVersion) -> str:
    return reverse("playground:blueprint-version", args=[version.blueprint_id, version.pk])
