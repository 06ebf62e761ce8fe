"""What stands at a path or has an id, of whatever kind it is."""

from typing import Any

from accounts.models import UseCase, User
from blueprints.kinds import PROMPT, AnyFile, Kind, kind_of
from blueprints.models import Blueprint, File
from blueprints.paths import checked_path
from config.compiled import Compiled, given
from config.errors import InvalidInput, NotFound

KIND_NAMES = {"prompt": "Prompt", "flow": "Flow", "tool": "Tool", "evaluator": "Evaluator"}
_BLUEPRINT_AT = Compiled(
    lambda: Blueprint.objects.select_related("use_case").filter(
        use_case=given("use_case"), path=given("path")
    )
)
_FILE_AT = Compiled(
    lambda: File.objects.select_related("use_case").filter(
        use_case=given("use_case"), path=given("path")
    )
)


def find_by_id(*, user: User, kind: Kind, file_id: str) -> AnyFile | None:
    rows: Any = Blueprint.objects if kind == PROMPT else File.objects.filter(kind=kind)
    found: AnyFile | None = (
        rows.visible_to(user).select_related("use_case").filter(pk=file_id).first()
    )
    return found


def find_by_path(*, use_case: UseCase, path: str) -> AnyFile | None:
    """Whatever kind it is."""
    at = {"use_case": use_case.pk, "path": path}
    return _BLUEPRINT_AT.first(**at) or _FILE_AT.first(**at)


def find_file(
    *, user: User, use_case: UseCase, kind: Kind, path: str | None, file_id: str | None
) -> AnyFile | None:
    """By its id, its path, or both, which must then mean the same. None: no such path.

    Raises NotFound for an unknown id, InvalidInput where neither is given, or they do not fit.
    """
    by_id = None
    if file_id is not None:
        by_id = find_by_id(user=user, kind=kind, file_id=file_id)
        if by_id is None:
            raise NotFound(f"{KIND_NAMES[kind]} not found.")
    if path is None:
        if by_id is None:
            raise InvalidInput("Give a path, or an id.", field="path")
        return by_id
    by_path = find_by_path(use_case=use_case, path=checked_path(path))
    if by_id is not None and by_path != by_id:
        raise InvalidInput("The path and the id mean different things: give one.", field="path")
    if by_path is not None and kind_of(by_path) != kind:
        raise InvalidInput(
            f"At this path is a {kind_of(by_path)}, no {kind}: choose another path.", field="path"
        )
    return by_path
