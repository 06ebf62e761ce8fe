"""Which version of a blueprint programs get that ask for none, or for an environment's."""

from django.db import transaction

from accounts.models import UseCase, User
from accounts.services import require_editor
from blueprints.models import (
    PRODUCTION,
    STAGING,
    Blueprint,
    BlueprintVersion,
    Deployment,
    Environment,
)
from config.errors import InvalidInput

_LONGEST_NAME = 100


def ensure_environments(use_case: UseCase) -> Environment:
    """The default environment; a use case that has none yet gets it, and one to try things in."""
    default = use_case.environments.filter(is_default=True).first()
    if default is not None:
        return default
    Environment.objects.bulk_create(
        [
            Environment(use_case=use_case, name=PRODUCTION, is_default=True),
            Environment(use_case=use_case, name=STAGING),
        ],
        # Whoever came at the same time made the same two.
        ignore_conflicts=True,
    )
    return use_case.environments.get(is_default=True)


def create_environment(use_case: UseCase, *, user: User, name: str) -> Environment:
    """Raises InvalidInput for a name that is taken, or none."""
    require_editor(use_case, user)
    ensure_environments(use_case)
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME:
        raise InvalidInput(f"A name of 1 to {_LONGEST_NAME} characters, please.", field="name")
    environment, is_new = Environment.objects.get_or_create(use_case=use_case, name=name)
    if not is_new:
        raise InvalidInput("There is an environment of this name: choose another.", field="name")
    return environment


def delete_environment(environment: Environment, *, user: User) -> None:
    """With what is deployed there. Raises InvalidInput for the default one."""
    require_editor(environment.use_case, user)
    if environment.is_default:
        raise InvalidInput("The default environment stays: programs get their versions from it.")
    environment.delete()


@transaction.atomic
def deploy(version: BlueprintVersion, environment: Environment, *, user: User) -> Deployment:
    """From now on the environment has this version of its blueprint. Raises InvalidInput where they
    are of different use cases."""
    blueprint = version.blueprint
    require_editor(blueprint.use_case, user)
    if environment.use_case_id != blueprint.use_case_id:
        raise InvalidInput("The environment is one of another use case.", field="environment")
    deployment, _ = Deployment.objects.update_or_create(
        environment=environment,
        blueprint=blueprint,
        defaults={"version": version, "deployed_by": user},
    )
    return deployment


def deploy_first(version: BlueprintVersion, *, user: User) -> None:
    """A new blueprint's first version goes to the default environment by itself."""
    default = ensure_environments(version.blueprint.use_case)
    Deployment.objects.create(
        environment=default, blueprint=version.blueprint, version=version, deployed_by=user
    )


def undeploy(blueprint: Blueprint, environment: Environment, *, user: User) -> None:
    require_editor(blueprint.use_case, user)
    Deployment.objects.filter(environment=environment, blueprint=blueprint).delete()


def deployed_version(blueprint: Blueprint, environment: str | None) -> BlueprintVersion | None:
    """What the environment of this name has of the blueprint, or the default one; None: nothing."""
    versions = BlueprintVersion.objects.filter(deployments__blueprint=blueprint)
    if environment is None:
        return versions.filter(deployments__environment__is_default=True).first()
    return versions.filter(deployments__environment__name=environment).first()
