"""What the addresses of these pages name, as far as the reader may see it."""

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404

from accounts.models import UseCase
from accounts.pages import PageRequest
from blueprints.environments import ensure_environments
from blueprints.kinds import PROMPT_VERSIONS
from blueprints.models import Blueprint, BlueprintVersion, Environment, File


def use_case_at(request: PageRequest, pk: str) -> UseCase:
    return get_object_or_404(UseCase.objects.visible_to(request.user), pk=pk)


def blueprint_at(request: PageRequest, pk: str) -> Blueprint:
    blueprints = Blueprint.objects.visible_to(request.user).with_settings()
    return get_object_or_404(blueprints, pk=pk)


def file_at(request: PageRequest, pk: str) -> File:
    files = File.objects.visible_to(request.user).select_related("use_case")
    return get_object_or_404(files, pk=pk)


def version_at(request: PageRequest, pk: str, version_pk: str) -> BlueprintVersion:
    """One of the blueprint with the key `pk`."""
    blueprint = blueprint_at(request, pk)
    version = get_object_or_404(PROMPT_VERSIONS.filter(blueprint=blueprint), pk=version_pk)
    version.blueprint = blueprint
    return version


def numbered(blueprint: Blueprint, number: str) -> BlueprintVersion:
    """Raises Http404 for what is no number of a version."""
    if not number.isascii() or not number.isdecimal() or len(number) > 9:
        raise Http404
    return get_object_or_404(PROMPT_VERSIONS.filter(blueprint=blueprint), number=int(number))


def environments_of(use_case: UseCase) -> Any:
    """All of them, the default one first; a use case that has none yet gets its first two."""
    ensure_environments(use_case)
    return Environment.objects.filter(use_case=use_case)
