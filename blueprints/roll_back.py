"""Going back to what an environment had before."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from accounts.services import require_editor
from blueprints.environments import deploy
from blueprints.kinds import AnyFile, AnyVersion, deployment_of, versions_of
from blueprints.models import DeploymentChange, Environment
from blueprints.versions import lock_versions
from config.errors import Conflict


def changes_of(file: AnyFile) -> QuerySet[DeploymentChange]:
    """What was deployed where, the newest first."""
    return DeploymentChange.objects.filter(**deployment_of(file)).select_related(
        "environment", "made_by"
    )


def version_before(file: AnyFile, environment: Environment) -> AnyVersion | None:
    """What the environment would be rolled back to; None where there is nothing."""
    key = keys_before(changes_of(file)).get(environment.pk)
    return versions_of(file).filter(pk=key).first() if key is not None else None


def keys_before(changes: Iterable[DeploymentChange]) -> dict[str, str]:
    """By environment, the key of the version that it would be rolled back to. `changes` are all of
    one file, the newest first."""
    stacks: dict[str, list[str | None]] = {}
    for change in reversed(list(changes)):
        stack = stacks.setdefault(change.environment_id, [])
        if change.is_roll_back:
            _pop_to(stack, change.version_key)
        elif change.number is None or change.version_key is not None:
            # What was deleted since cannot be gone back to.
            stack.append(change.version_key)
    found = {}
    for environment, stack in stacks.items():
        now = stack[-1] if stack else None
        before = next((key for key in reversed(stack) if key not in (None, now)), None)
        if before is not None:
            found[environment] = before
    return found


@transaction.atomic
def roll_back(file: AnyFile, environment: Environment, *, user: User, expected: str) -> AnyVersion:
    """Deploy what was there before what is there now, each time one step further back.

    Raises Conflict unless that is the version with the key `expected`, which its user has read of.
    """
    require_editor(file.use_case, user)
    lock_versions(file)
    version = version_before(file, environment)
    if version is None:
        raise Conflict(f"Nothing else was deployed to {environment} before.")
    if version.pk != expected:
        raise Conflict("Somebody deployed something meanwhile: look again, then roll back.")
    deploy(version, environment, user=user, is_roll_back=True)
    return version


def _pop_to(stack: list[str | None], key: str | None) -> None:
    """Forget what came after it, so that rolling back twice goes two steps back; where it was deleted
    since, one step."""
    if key is None:
        del stack[-1:]
        return
    while stack and stack[-1] != key:
        stack.pop()
    if not stack:
        stack.append(key)
