"""Which project, version, session and parent a request of version 4 means."""

from collections.abc import Mapping
from typing import Any

from accounts.models import UseCase, User
from blueprints import files
from blueprints.file_finding import find_by_path
from blueprints.kinds import AnyFile, AnyVersion, Kind, kind_of
from config.errors import InvalidInput, NotFound
from playground.v5 import ids, selecting
from tracing import logs, sessions
from tracing.logs import Place
from tracing.models import Log, Session

# The model of a project that begins with a log of which nobody says what made it.
UNSPECIFIED = "unspecified"

Given = Mapping[str, Any]


def project_with(user: User, project_id: str) -> AnyFile:
    """Raises NotFound."""
    kind = ids.kind_of(project_id)
    if kind is None:
        raise NotFound("Project not found.")
    return selecting.file_with(user, kind, project_id)


def version_for(user: User, use_case: UseCase, given: Given) -> AnyVersion:
    """The version that `config` or `config_id` names, or else what is deployed of the project. A new
    project comes into being. Raises InvalidInput and NotFound."""
    if "config" in given and "config_id" in given:
        raise InvalidInput("Give a config or a config_id, not both.", field="config_id")
    project = _project(user, use_case, given)
    if project is None and "config_id" not in given and "project" not in given:
        raise InvalidInput("Name the project, or give its project_id.", field="project")
    if "config_id" in given:
        return _version_with(user, use_case, project, given["config_id"])
    if "config" not in given and project is not None:
        return files.version_in(project)
    kind, details = next(iter(given.get("config", {"prompt": {"model": UNSPECIFIED}}).items()))
    if project is not None and kind_of(project) != kind:
        raise InvalidInput(
            f"The project is a {kind_of(project)}, and its config none of such: choose another.",
            field="project",
        )
    return files.get_or_make(
        user=user,
        use_case=project.use_case if project else use_case,
        kind=kind,
        path=None if project else given["project"],
        file_id=project.pk if project else None,
        details=details,
    )


def _project(user: User, use_case: UseCase, given: Given) -> AnyFile | None:
    if "project_id" in given:
        return project_with(user, given["project_id"])
    if "project" in given:
        return find_by_path(use_case=use_case, path=given["project"].strip("/"))
    return None


def _version_with(
    user: User, use_case: UseCase, project: AnyFile | None, config_id: str
) -> AnyVersion:
    kind = _kind_of_version(config_id)
    version_id = ids.bare_version_id(kind, config_id)
    if project is not None:
        return files.version_in(project, version_id=version_id)
    return files.select_version(user=user, use_case=use_case, kind=kind, version_id=version_id)


def _kind_of_version(config_id: str) -> Kind:
    prefix = config_id.partition("_")[0]
    kind = ids.kind_of(f"{prefix.removesuffix('v')}_") if prefix.endswith("v") else None
    if kind is None:
        raise NotFound("Config not found.")
    return kind


def place_for(use_case: UseCase, *, user: User, given: Given) -> Place:
    """The session and the parent that the request names. Raises NotFound, and InvalidInput where it
    names two."""
    return Place(
        reference_id=given.get("reference_id"),
        parent=_parent(use_case, given),
        session=_session(use_case, user, given),
    )


def _parent(use_case: UseCase, given: Given) -> Log | None:
    _only_one(given, "parent_id", "parent_reference_id")
    if "parent_id" in given:
        return logs.log_named(use_case, given["parent_id"], field="parent_id")
    if "parent_reference_id" in given:
        return logs.log_referred_to(use_case, given["parent_reference_id"])
    return None


def _session(use_case: UseCase, user: User, given: Given) -> Session | None:
    _only_one(given, "session_id", "session_reference_id")
    if "session_id" in given:
        return sessions.session_named(use_case, given["session_id"])
    reference_id = given.get("session_reference_id")
    if reference_id is None:
        return None
    return sessions.session_referred_to(use_case, user=user, reference_id=reference_id)


def _only_one(given: Given, one: str, other: str) -> None:
    if one in given and other in given:
        raise InvalidInput(f"Give {one} or {other}, not both.", field=other)
