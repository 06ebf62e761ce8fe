"""What stands under a path: a blueprint, which programs call a prompt, or another file."""

from typing import Any, Final, Literal, cast

from django.db.models import QuerySet

from blueprints.models import Blueprint, BlueprintVersion, File, FileKind, FileVersion

PROMPT: Final = "prompt"

# "prompt", or what FileKind has.
Kind = Literal["prompt", "flow", "tool", "evaluator"]
AnyFile = Blueprint | File
AnyVersion = BlueprintVersion | FileVersion

PROMPT_VERSIONS = BlueprintVersion.objects.select_related(
    "blueprint__use_case", "llm__endpoint", "vector_database", "created_by"
)
FILE_VERSIONS = FileVersion.objects.select_related("file__use_case", "created_by")


def kind_of(file: AnyFile) -> Kind:
    return PROMPT if isinstance(file, Blueprint) else cast("Kind", str(FileKind(file.kind)))


def file_of(version: AnyVersion) -> AnyFile:
    """What it is a version of."""
    return version.blueprint if isinstance(version, BlueprintVersion) else version.file


def versions_of(file: AnyFile) -> QuerySet[BlueprintVersion] | QuerySet[FileVersion]:
    """With what a call needs to know of them, the newest first."""
    if isinstance(file, Blueprint):
        return PROMPT_VERSIONS.filter(blueprint=file)
    return FILE_VERSIONS.filter(file=file)


def deployment_of(file: AnyFile) -> dict[str, Any]:
    """By which column deployments name it."""
    return {"blueprint": file} if isinstance(file, Blueprint) else {"file": file}


def deployed(version: AnyVersion) -> dict[str, Any]:
    """By which column deployments name it."""
    is_prompt = isinstance(version, BlueprintVersion)
    return {"version": version} if is_prompt else {"file_version": version}
