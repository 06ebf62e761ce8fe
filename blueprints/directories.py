"""What can be done with directories. Files come and go by their paths; see `paths`."""

from typing import Any

from django.db import transaction

from accounts.models import UseCase, User
from accounts.services import require_editor
from blueprints.kinds import AnyFile
from blueprints.models import Blueprint, Directory, File
from blueprints.paths import checked_path, directories_of, ensure_directories, hold_paths, last_name
from config.errors import Conflict, InvalidInput


@transaction.atomic
def create_directory(
    use_case: UseCase, *, user: User, path: str | None, name: str | None, parent: Directory | None
) -> Directory:
    """At this path, or under this name in the parent, or at the top. Raises Conflict where there is
    one already."""
    require_editor(use_case, user)
    if path is None and name is None:
        raise InvalidInput("Give a path, or a name.", field="path")
    path = _path(path, parent.path if parent is not None else "", name or "")
    hold_paths(use_case)
    _check_free(use_case, path)
    ensure_directories(use_case, [*directories_of(path), path])
    return use_case.directories.get(path=path)


@transaction.atomic
def move_directory(
    directory: Directory,
    *,
    user: User,
    path: str | None,
    name: str | None,
    parent: Directory | None,
) -> None:
    """With all that is in it; what is not given stays as it is. Raises Conflict where the path is
    taken, InvalidInput where it lies within the directory itself."""
    use_case, old = directory.use_case, directory.path
    require_editor(use_case, user)
    within = parent.path if parent is not None else old.rpartition("/")[0]
    new = _path(path, within, name or last_name(old))
    if new == old:
        return
    if new.startswith(f"{old}/"):
        raise InvalidInput("A directory cannot be moved into itself.", field="path")
    hold_paths(use_case)
    # What lies below a path is in a directory there: nothing else can be in the way.
    _check_free(use_case, new)
    ensure_directories(use_case, directories_of(new))
    for rows in (Blueprint.objects, File.objects, Directory.objects):
        moved: Any = list(rows.filter(use_case=use_case, path__startswith=f"{old}/"))
        for row in moved:
            row.path = checked_path(new + row.path.removeprefix(old))
        rows.bulk_update(moved, ["path"])
    directory.path = new
    directory.save()


@transaction.atomic
def delete_directory(directory: Directory, *, user: User) -> None:
    """Raises Conflict unless it is empty."""
    use_case = directory.use_case
    require_editor(use_case, user)
    hold_paths(use_case)
    within = {"path__startswith": f"{directory.path}/"}
    kinds = (use_case.blueprints, use_case.files, use_case.directories)
    if any(rows.filter(**within).exists() for rows in kinds):
        raise Conflict("The directory is not empty: move or delete what is in it first.")
    directory.delete()


def contents(directory: Directory) -> tuple[list[Directory], list[AnyFile]]:
    """The directories and the files right in it, by their paths."""
    begin = f"{directory.path}/"

    def inside(rows: Any) -> list[Any]:
        found = rows.filter(use_case=directory.use_case, path__startswith=begin).order_by("path")
        return [row for row in found if "/" not in row.path.removeprefix(begin)]

    files = inside(Blueprint.objects) + inside(File.objects)
    return inside(Directory.objects), sorted(files, key=lambda file: str(file.path))


def parents(directory: Directory) -> list[Directory]:
    """The outermost first."""
    paths = directories_of(directory.path)
    return list(directory.use_case.directories.filter(path__in=paths).order_by("path"))


def _path(path: str | None, directory: str, name: str) -> str:
    if path is not None:
        return checked_path(path)
    if "/" in name:
        raise InvalidInput("A name has no /: give a path instead.", field="name")
    return checked_path(f"{directory}/{name}", field="name")


def _check_free(use_case: UseCase, path: str) -> None:
    if use_case.directories.filter(path=path).exists():
        raise Conflict("There is a directory at this path already.", field="path")
