"""Which version of a blueprint or file programs get that ask for none, or for an environment's."""

from typing import Any, overload

from django.db import transaction
from django.db.models import Q

from accounts.models import UseCase, User
from accounts.services import require_editor
from blueprints.kinds import (
    FILE_VERSIONS,
    PROMPT_VERSIONS,
    AnyFile,
    AnyVersion,
    deployed,
    deployment_of,
    file_of,
)
from blueprints.models import (
    PRODUCTION,
    STAGING,
    Blueprint,
    BlueprintVersion,
    Deployment,
    DeploymentChange,
    Environment,
    File,
    FileVersion,
)
from blueprints.versions import lock_versions
from config.compiled import Compiled, given
from config.errors import InvalidInput

_LONGEST_NAME = 100
_IN_DEFAULT = Q(deployments__environment__is_default=True)
_IN_NAMED = Q(deployments__environment__name=given("environment"))
_PROMPT_IN_DEFAULT = Compiled(lambda: PROMPT_VERSIONS.filter(_IN_DEFAULT, blueprint=given("file")))
_PROMPT_IN_NAMED = Compiled(lambda: PROMPT_VERSIONS.filter(_IN_NAMED, blueprint=given("file")))
_FILE_IN_DEFAULT = Compiled(lambda: FILE_VERSIONS.filter(_IN_DEFAULT, file=given("file")))
_FILE_IN_NAMED = Compiled(lambda: FILE_VERSIONS.filter(_IN_NAMED, file=given("file")))


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
def deploy(
    version: AnyVersion, environment: Environment, *, user: User, is_roll_back: bool = False
) -> Deployment:
    """From now on the environment has this version of its blueprint or file. Raises InvalidInput
    where they are of different use cases."""
    file = file_of(version)
    require_editor(file.use_case, user)
    if environment.use_case_id != file.use_case_id:
        raise InvalidInput("The environment is one of another use case.", field="environment")
    lock_versions(file)
    place: dict[str, Any] = {"environment": environment, **deployment_of(file)}
    is_news = not Deployment.objects.filter(**place, **deployed(version)).exists()
    deployment, _ = Deployment.objects.update_or_create(
        **place, defaults={**deployed(version), "deployed_by": user}
    )
    if is_news:
        _note(version, environment, user=user, is_roll_back=is_roll_back)
    return deployment


def deploy_first(version: AnyVersion, *, user: User) -> None:
    """The first version of something new goes to the default environment by itself."""
    file = file_of(version)
    environment = ensure_environments(file.use_case)
    Deployment.objects.create(
        environment=environment,
        deployed_by=user,
        **deployment_of(file),
        **deployed(version),
    )
    _note(version, environment, user=user)


@transaction.atomic
def undeploy(file: AnyFile, environment: Environment, *, user: User) -> None:
    """From now on the environment has nothing of it."""
    require_editor(file.use_case, user)
    lock_versions(file)
    place: dict[str, Any] = {"environment": environment, **deployment_of(file)}
    gone, _ = Deployment.objects.filter(**place).delete()
    if gone:
        DeploymentChange.objects.create(**place, made_by=user)


def _note(
    version: AnyVersion, environment: Environment, *, user: User, is_roll_back: bool = False
) -> None:
    DeploymentChange.objects.create(
        environment=environment,
        number=version.number,
        is_roll_back=is_roll_back,
        made_by=user,
        **deployment_of(file_of(version)),
        **deployed(version),
    )


@overload
def deployed_version(file: Blueprint, environment: str | None) -> BlueprintVersion | None: ...


@overload
def deployed_version(file: File, environment: str | None) -> FileVersion | None: ...


@overload
def deployed_version(file: AnyFile, environment: str | None) -> AnyVersion | None: ...


def deployed_version(file: AnyFile, environment: str | None) -> AnyVersion | None:
    """What the environment of this name has of it, or the default one; None: nothing."""
    is_prompt = isinstance(file, Blueprint)
    if environment is None:
        return (_PROMPT_IN_DEFAULT if is_prompt else _FILE_IN_DEFAULT).first(file=file.pk)
    named = _PROMPT_IN_NAMED if is_prompt else _FILE_IN_NAMED
    return named.first(file=file.pk, environment=environment)
