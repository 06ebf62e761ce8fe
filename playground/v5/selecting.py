"""Which file and version a request means, in the words of the prompt API."""

from typing import Any

from accounts.models import UseCase, User
from blueprints import files
from blueprints.file_finding import find_by_id
from blueprints.kinds import AnyFile, AnyVersion, Kind
from config.errors import NotFound
from playground.v5 import ids

# What `shapes.Named` and `shapes.VersionQuery` yield.
Given = dict[str, Any]


def version_for(
    *, user: User, use_case: UseCase, kind: Kind, body: Given, query: Given
) -> AnyVersion:
    """Of `path`, `id` and the details (under the kind's name) of a body, and `version_id` and
    `environment` of a query string; made where details ask for it. Raises as
    `blueprints.files.select_version`."""
    return files.select_version(
        user=user,
        use_case=use_case,
        kind=kind,
        details=body.get(kind),
        environment=query.get("environment"),
        version_id=bare_version(kind, query),
        **named(kind, body),
    )


def named(kind: Kind, body: Given) -> Given:
    """`path` and `file_id` for the services."""
    sent = body.get("id")
    file_id = ids.bare_file_id(kind, sent) if sent is not None else None
    return {"path": body.get("path"), "file_id": file_id}


def file_with(user: User, kind: Kind, sent: str) -> AnyFile:
    """The file with this id of the path. Raises NotFound."""
    file = find_by_id(user=user, kind=kind, file_id=ids.bare_file_id(kind, sent))
    if file is None:
        raise NotFound(f"{kind.title()} not found.")
    return file


def version_in(file: AnyFile, kind: Kind, query: Given) -> AnyVersion:
    """The file's version that the query string means. Raises NotFound."""
    return files.version_in(
        file, version_id=bare_version(kind, query), environment=query.get("environment")
    )


def bare_version(kind: Kind, query: Given) -> str | None:
    sent = query.get("version_id")
    return ids.bare_version_id(kind, sent) if sent is not None else None
