"""Blueprints called like models: by path, alone or with an environment or a version behind an @."""

from django.db.models import Q

from accounts.models import UseCase
from blueprints.models import Blueprint, BlueprintVersion
from config.compiled import Compiled, given
from config.errors import NotFound
from config.storable import storable


def _versions(which: Q) -> Compiled[BlueprintVersion]:
    return Compiled(
        lambda: BlueprintVersion.objects.select_related(
            "blueprint__use_case", "llm__endpoint", "vector_database"
        ).filter(which, blueprint__use_case=given("use_case"), blueprint__path=given("path"))
    )


_IN_DEFAULT = _versions(Q(deployments__environment__is_default=True))
_IN_NAMED = _versions(Q(deployments__environment__name=given("environment")))
_NUMBERED = _versions(Q(number=given("number")))


def version_called(name: str, use_case: UseCase) -> BlueprintVersion:
    """What answers for `refunds/baseline`, `refunds/baseline@staging` or `refunds/baseline@3`, with
    all that a call reads of it. Raises NotFound, which says what is missing."""
    name = storable(name)
    path, at, place = name.rpartition("@")
    version = _IN_DEFAULT.first(use_case=use_case.pk, path=name)
    if version is None and at:
        version = _at(use_case, path, place)
    if version is None:
        raise NotFound(_why_not(name, use_case))
    return version


def _at(use_case: UseCase, path: str, place: str) -> BlueprintVersion | None:
    """An environment may have a number for a name; then it is meant."""
    at_path = {"use_case": use_case.pk, "path": path}
    version = _IN_NAMED.first(environment=place, **at_path)
    number = place.removeprefix("v")
    if version is None and number.isascii() and number.isdecimal() and len(number) < 10:
        version = _NUMBERED.first(number=int(number), **at_path)
    return version


def _why_not(name: str, use_case: UseCase) -> str:
    paths = Blueprint.objects.filter(use_case=use_case).values_list("path", flat=True)
    if name in paths:
        return (
            f"No version of {name} is deployed to the default environment: deploy one, or name a "
            f"version, as in {name}@1."
        )
    path, at, place = name.rpartition("@")
    if at and path in paths:
        return (
            f"{path} has no version {place}, and none is deployed to an environment of this name."
        )
    return (
        f"There is no blueprint with the path {name} in the use case {use_case.name}, which this token "
        "addresses. GET /v1/models lists those that there are."
    )
