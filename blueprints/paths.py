"""Paths: what programs call blueprints, flows, tools and evaluators by, and people sort them by.

A path is one thing's own in its use case, whatever kind it is.
"""

from django.db.models import QuerySet
from django.utils.text import slugify

from accounts.models import UseCase
from blueprints.models import LONGEST_PATH, Blueprint, Directory, File
from config.errors import Conflict, InvalidInput


def checked_path(path: str, *, field: str = "path") -> str:
    """Without slashes at its ends. Raises InvalidInput for what is no path."""
    path = path.strip("/")
    parts = path.split("/")
    if len(path) > LONGEST_PATH or not all(map(_is_name, parts)):
        raise InvalidInput(
            "A path is made of names divided by /, such as refunds/baseline, with no blanks around "
            f"them and {LONGEST_PATH} characters at most.",
            field=field,
        )
    return path


def last_name(path: str) -> str:
    return path.rpartition("/")[2]


def directories_of(path: str) -> list[str]:
    """Those that the path leads through, the outermost first: "a/b/c" → "a", "a/b"."""
    return [path[:at] for at, letter in enumerate(path) if letter == "/"]


def hold_paths(use_case: UseCase) -> None:
    """Until the commit nobody else takes a path in the use case. It hinders nothing else."""
    UseCase.objects.select_for_update(no_key=True).only("pk").get(pk=use_case.pk)


def claim_path(use_case: UseCase, path: str) -> str:
    """The path, checked, for something that is about to be stored in this transaction; its
    directories are there afterwards. Raises InvalidInput, or Conflict where the path is taken."""
    path = checked_path(path)
    hold_paths(use_case)
    prompts, files = _with_paths(use_case)
    if prompts.filter(path=path).exists() or files.filter(path=path).exists():
        raise Conflict(
            "Something else of this use case has this path: choose another.", field="path"
        )
    ensure_directories(use_case, directories_of(path))
    return path


def free_path(use_case: UseCase, name: str) -> str:
    """The name's slug, numbered when it is taken; to be stored in this transaction, so that two of
    one name, created at once, do not get the same."""
    hold_paths(use_case)
    stem = slugify(name)[: LONGEST_PATH - 10].strip("-") or "blueprint"
    prompts, files = _with_paths(use_case)
    taken = set(prompts.filter(path__startswith=stem).values_list("path", flat=True))
    taken.update(files.filter(path__startswith=stem).values_list("path", flat=True))
    if stem not in taken:
        return stem
    return next(f"{stem}-{n}" for n in range(2, len(taken) + 3) if f"{stem}-{n}" not in taken)


def ensure_directories(use_case: UseCase, paths: list[str]) -> None:
    there = set(use_case.directories.filter(path__in=paths).values_list("path", flat=True))
    missing = [path for path in paths if path not in there]
    Directory.objects.bulk_create(
        [Directory(use_case=use_case, path=path) for path in missing], ignore_conflicts=True
    )


def _with_paths(use_case: UseCase) -> tuple[QuerySet[Blueprint], QuerySet[File]]:
    return Blueprint.objects.filter(use_case=use_case), File.objects.filter(use_case=use_case)


def _is_name(part: str) -> bool:
    return part.isprintable() and part == part.strip() and part not in {"", ".", ".."}
