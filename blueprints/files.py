"""What programs call by a path: prompts (which are blueprints), flows, tools, evaluators.

`kind` says which one is meant. Ids are those of the rows; they are looked up wherever the user may
look, paths in one use case.
"""

from django.db import transaction

from accounts.models import UseCase, User
from accounts.services import require_editor
from blueprints.environments import deploy_first, deployed_version, ensure_environments
from blueprints.file_finding import KIND_NAMES, find_file
from blueprints.kinds import (
    FILE_VERSIONS,
    PROMPT,
    PROMPT_VERSIONS,
    AnyFile,
    AnyVersion,
    Kind,
    file_of,
    kind_of,
    versions_of,
)
from blueprints.known_versions import known_version, newest_of, remember
from blueprints.models import Blueprint, BlueprintVersion, File
from blueprints.paths import checked_path, claim_path, hold_paths, last_name
from blueprints.prompt_details import JSON
from blueprints.versions import find_or_make_version, lock_versions
from config.errors import Conflict, InvalidInput, NotFound

_LONGEST_NAME = 200
_NO_VERSION = "Version not found."


def select_version(
    *,
    user: User,
    use_case: UseCase,
    kind: Kind,
    path: str | None = None,
    file_id: str | None = None,
    details: JSON | None = None,
    version_id: str | None = None,
    environment: str | None = None,
) -> AnyVersion:
    """The version that a program means: that with these details, made if there is none; the one with
    this id; the one in the environment of this name; else the one in the default environment.

    Details at a path where nothing is yet make something new there. Raises InvalidInput for details
    together with a version or an environment, NotFound where nothing fits, Forbidden where a viewer
    would make something, and what `find_file` raises.
    """
    if details is not None:
        if version_id is not None or environment is not None:
            raise InvalidInput(
                "Details choose the version: leave out version_id and environment.", field=kind
            )
        return get_or_make(
            user=user, use_case=use_case, kind=kind, path=path, file_id=file_id, details=details
        )
    if version_id is not None and path is None and file_id is None:
        version = _version_by_id(user, kind, version_id)
        if version is None:
            raise NotFound(_NO_VERSION)
        return version
    file = find_file(user=user, use_case=use_case, kind=kind, path=path, file_id=file_id)
    if file is None:
        raise NotFound(f"{KIND_NAMES[kind]} not found: without details nothing is made.")
    return version_in(file, version_id=version_id, environment=environment)


def version_in(
    file: AnyFile, *, version_id: str | None = None, environment: str | None = None
) -> AnyVersion:
    """As `select_version`, of what was found already."""
    if version_id is not None:
        version = versions_of(file).filter(pk=version_id).first()
        if version is None:
            raise NotFound(_NO_VERSION)
        return version
    version = deployed_version(file, environment)
    if version is None:
        where = "the default environment" if environment is None else "this environment"
        raise NotFound(f"Nothing is deployed to {where}: deploy a version, or name one by its id.")
    return version


def get_or_make(
    *,
    user: User,
    use_case: UseCase,
    kind: Kind,
    path: str | None,
    file_id: str | None,
    details: JSON,
) -> AnyVersion:
    """The version with these details, and what it is a version of; both made where they are not
    there. A new thing's first version is deployed to the default environment."""
    names = {"path": path, "file_id": file_id}
    if kind == PROMPT and path is not None and file_id is None:
        known = known_version(use_case, path, details)
        if known is not None:
            return known
    file = find_file(user=user, use_case=use_case, kind=kind, **names)
    if file is not None:
        return _find_or_make(file, details, user=user, use_case=use_case, path=path)
    require_editor(use_case, user)
    with transaction.atomic():
        hold_paths(use_case)
        file = find_file(user=user, use_case=use_case, kind=kind, **names)
        if file is not None:
            return find_or_make_version(file, details, user=user)
        return _make(user=user, use_case=use_case, kind=kind, path=path or "", details=details)


@transaction.atomic
def upsert(
    *,
    user: User,
    use_case: UseCase,
    kind: Kind,
    path: str | None,
    file_id: str | None,
    details: JSON,
    described: JSON,
) -> AnyVersion:
    """As `get_or_make`, and describes them: `version_name` and `version_description`, `description`,
    `tags` and `readme`, each where it is given.

    Raises Conflict where another version has the name.
    """
    version = get_or_make(
        user=user, use_case=use_case, kind=kind, path=path, file_id=file_id, details=details
    )
    file = file_of(version)
    require_editor(file.use_case, user)
    told = {
        name: described[name] for name in ("description", "tags", "readme") if name in described
    }
    for name, value in told.items():
        setattr(file, name, value)
    if told:
        file.save(update_fields=[*told, "updated_at"])
    name_version(
        version,
        user=user,
        name=described.get("version_name"),
        description=described.get("version_description"),
        field="version_name",
    )
    return version


@transaction.atomic
def name_version(
    version: AnyVersion,
    *,
    user: User,
    name: str | None = None,
    description: str | None = None,
    field: str = "name",
) -> None:
    """Change what is given. Raises Conflict where another version of the same thing has the name."""
    file = file_of(version)
    require_editor(file.use_case, user)
    if name is not None and name != version.name:
        lock_versions(file)
        if name and versions_of(file).filter(name=name).exclude(pk=version.pk).exists():
            raise Conflict(f'Another version is called "{name}": choose another name.', field=field)
        version.name = name
    if description is not None:
        version.description = description
    version.save(update_fields=["name", "description"])


@transaction.atomic
def move(file: AnyFile, *, user: User, path: str | None, name: str | None) -> None:
    """To another path; with `name` alone, to that name in the same directory.

    Raises Conflict where the path is taken.
    """
    require_editor(file.use_case, user)
    target = checked_path(path) if path is not None else file.path
    if name is not None:
        if "/" in name:
            raise InvalidInput("A name has no /: give a path instead.", field="name")
        directory = target.rpartition("/")[0]
        target = checked_path(f"{directory}/{name}", field="name")
    if target == file.path:
        return
    old_name, file.path = last_name(file.path), claim_path(file.use_case, target)
    if isinstance(file, Blueprint) and file.name == old_name:
        file.name = last_name(target)[:_LONGEST_NAME]
        file.save(update_fields=["path", "name", "updated_at"])
        return
    file.save(update_fields=["path", "updated_at"])


@transaction.atomic
def delete_file(file: AnyFile, *, user: User) -> None:
    """With its versions."""
    require_editor(file.use_case, user)
    file.delete()


@transaction.atomic
def delete_version(version: AnyVersion, *, user: User) -> None:
    """Raises Conflict for a version that is in use: deployed, a blueprint's in the pages, the only
    one."""
    file = file_of(version)
    require_editor(file.use_case, user)
    lock_versions(file)
    if version.deployments.exists():
        raise Conflict("This version is deployed: deploy another, or take it out first.")
    if isinstance(file, Blueprint) and file.version_id == version.pk:
        raise Conflict("Chats are answered with this version: choose another in the pages first.")
    if not file.versions.exclude(pk=version.pk).exists():
        raise Conflict(f"This is the only version: delete the {kind_of(file)} instead.")
    version.delete()


def _find_or_make(
    file: AnyFile, details: JSON, *, user: User, use_case: UseCase, path: str | None
) -> AnyVersion:
    """And remember it for the next time, where it was called by its path."""
    newest = newest_of(file) if isinstance(file, Blueprint) and path is not None else None
    version = find_or_make_version(file, details, user=user)
    if newest is not None and path is not None and isinstance(version, BlueprintVersion):
        remember(use_case, path, details, version, newest)
    return version


def _make(*, user: User, use_case: UseCase, kind: Kind, path: str, details: JSON) -> AnyVersion:
    path = claim_path(use_case, path)
    ensure_environments(use_case)
    file: AnyFile
    if kind == PROMPT:
        file = Blueprint(name=last_name(path)[:_LONGEST_NAME], updated_by=user)
    else:
        file = File(kind=kind)
    file.use_case, file.path, file.created_by = use_case, path, user
    file.save()
    version = find_or_make_version(file, details, user=user)
    if isinstance(file, Blueprint):
        Blueprint.objects.filter(pk=file.pk).update(version=version.pk)
        file.version_id = version.pk
    deploy_first(version, user=user)
    return version


def _version_by_id(user: User, kind: Kind, version_id: str) -> AnyVersion | None:
    if kind == PROMPT:
        seen = Blueprint.objects.visible_to(user)
        return PROMPT_VERSIONS.filter(pk=version_id, blueprint__in=seen).first()
    files = File.objects.visible_to(user).filter(kind=kind)
    return FILE_VERSIONS.filter(pk=version_id, file__in=files).first()
