"""What stands in each environment, and what stood there before, as pages tell of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from blueprints.kinds import AnyFile, AnyVersion, deployment_of, versions_of
from blueprints.models import Blueprint, Deployment, DeploymentChange, Environment
from blueprints.roll_back import changes_of, keys_before

SHOWN_CHANGES = 30


@dataclass(frozen=True, slots=True)
class Place:
    """An environment with what it has of one file, and what it would be rolled back to."""

    environment: Environment
    deployment: Deployment | None
    number: int | None
    before: AnyVersion | None


@dataclass(frozen=True, slots=True)
class Deployments:
    """`by_version` are the environments that have a version, by its key."""

    places: list[Place]
    by_version: dict[str, list[Environment]]
    changes: list[DeploymentChange]


def deployments_of(file: AnyFile, environments: Iterable[Environment]) -> Deployments:
    rows = Deployment.objects.filter(**deployment_of(file)).select_related(
        "deployed_by", "version", "file_version"
    )
    there = {row.environment_id: row for row in rows}
    changes = list(changes_of(file))
    before = keys_before(changes)
    versions = {version.pk: version for version in versions_of(file).filter(pk__in=before.values())}
    places = []
    by_version: dict[str, list[Environment]] = {}
    for environment in environments:
        row = there.get(environment.pk)
        version = (row.version or row.file_version) if row is not None else None
        if version is not None:
            by_version.setdefault(version.pk, []).append(environment)
        key = before.get(environment.pk, "")
        number = version.number if version is not None else None
        places.append(Place(environment, row, number, versions.get(key)))
    return Deployments(places, by_version, changes[:SHOWN_CHANGES])


def numbers_in(file: AnyFile) -> dict[str, int]:
    """Of the versions that environments have, by the environment's key."""
    column = "version" if isinstance(file, Blueprint) else "file_version"
    rows = Deployment.objects.filter(**deployment_of(file))
    return dict(rows.values_list("environment", f"{column}__number"))
