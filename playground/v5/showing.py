"""Prompts, flows and tools as answers tell of them: always one version of each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q

from accounts.models import User
from blueprints.kernel import kernel_of
from blueprints.kinds import AnyFile, AnyVersion, file_of, kind_of
from blueprints.models import (
    Blueprint,
    BlueprintVersion,
    Deployment,
    Directory,
    Environment,
    FileKind,
    FileVersion,
)
from blueprints.paths import last_name
from blueprints.prompt_details import JSON
from blueprints.prompt_files import write_prompt_file
from blueprints.templates import variables
from blueprints.tools import linked_tools
from config.api.case import moment
from playground.v5 import ids
from tracing.models import FILE_KINDS, Log


def show(version: AnyVersion) -> JSON:
    return show_all([version])[0]


def show_all(versions: Sequence[AnyVersion]) -> list[JSON]:
    """The same of many, in a constant number of queries. They must come with what `versions_of`
    loads with them."""
    around = _around(versions)
    return [_shown(version, around) for version in versions]


def with_text(shown: JSON, version: AnyVersion) -> JSON:
    """And a prompt's text as a `.prompt` file."""
    if not isinstance(version, BlueprintVersion):
        return shown
    return shown | {"raw_file_content": write_prompt_file(sent_kernel(kernel_of(version)))}


def sent_kernel(kernel: JSON) -> JSON:
    """As programs send it: with ids as they are on the wire."""
    tools = kernel["linked_tools"]
    return kernel | {"linked_tools": tools and [ids.file_id("tool", pk) for pk in tools]}


def show_environment(environment: Environment) -> JSON:
    return {
        "id": f"{ids.ENVIRONMENT}_{environment.pk}",
        "created_at": moment(environment.created_at),
        "name": environment.name,
        "tag": "default" if environment.is_default else "other",
    }


@dataclass(frozen=True, slots=True)
class _Around:
    """What is told of versions and is no part of them. Keys are primary keys."""

    environments: dict[str, list[JSON]]
    directories: dict[tuple[str, str], str]
    logs_of_versions: "Counter[str]"
    logs_of_files: "Counter[str]"
    tools: dict[str, FileVersion]


def _around(versions: Sequence[AnyVersion]) -> _Around:
    files = [file_of(version) for version in versions]
    return _Around(
        environments=_environments(versions),
        directories=_directories(files),
        logs_of_versions=_counted(("blueprint_version", "file_version"), versions),
        logs_of_files=_counted(("blueprint", "file"), files),
        tools=_linked(versions),
    )


def _environments(versions: Sequence[AnyVersion]) -> dict[str, list[JSON]]:
    pks = [version.pk for version in versions]
    found: dict[str, list[JSON]] = {}
    rows = Deployment.objects.filter(Q(version__in=pks) | Q(file_version__in=pks))
    for row in rows.select_related("environment").order_by("environment__created_at", "pk"):
        shown = show_environment(row.environment)
        found.setdefault(row.version_id or row.file_version_id or "", []).append(shown)
    return found


def _directories(files: Sequence[AnyFile]) -> dict[tuple[str, str], str]:
    """Ids of directories by use case and path."""
    paths = {_directory(file) for file in files} - {""}
    if not paths:
        return {}
    rows = Directory.objects.filter(
        use_case__in={file.use_case_id for file in files}, path__in=paths
    )
    return {(row.use_case_id, row.path): row.pk for row in rows}


def _counted(columns: tuple[str, str], rows: Sequence[Any]) -> "Counter[str]":
    """How many logs name each of these in one of the two columns."""
    counts: Counter[str] = Counter()
    of_prompts, of_files = columns
    prompts = [row for row in rows if _is_prompts(row)]
    others = [row for row in rows if not _is_prompts(row)]
    for column, some in ((of_prompts, prompts), (of_files, others)):
        if some:
            logs = Log.objects.filter(**{f"{column}__in": some}, kind__in=FILE_KINDS)
            counts.update(dict(logs.values_list(column).annotate(Count("pk"))))
    return counts


def _is_prompts(row: Any) -> bool:
    return isinstance(row, Blueprint | BlueprintVersion)


def _linked(versions: Sequence[AnyVersion]) -> dict[str, FileVersion]:
    prompts = [version for version in versions if isinstance(version, BlueprintVersion)]
    wanted = {pk for version in prompts for pk in version.prompt.linked_tools or ()}
    use_cases = {version.blueprint.use_case_id for version in prompts}
    return linked_tools(use_cases, wanted) if wanted else {}


def _shown(version: AnyVersion, around: _Around) -> JSON:
    file = file_of(version)
    kind = kind_of(file)
    directory = around.directories.get((file.use_case_id, _directory(file)))
    return {
        "path": file.path,
        "id": ids.file_id(kind, file.pk),
        "directory_id": f"{ids.DIRECTORY}_{directory}" if directory else None,
        "name": last_name(file.path),
        "description": file.description or None,
        "readme": file.readme or None,
        "tags": file.tags,
        "type": kind,
        "version_id": ids.version_id(kind, version.pk),
        "version_name": version.name or None,
        "version_description": version.description or None,
        "environments": around.environments.get(version.pk, []),
        "created_at": _time(version.created_at),
        "updated_at": _time(version.created_at),
        "last_used_at": _time(version.last_used_at or version.created_at),
        "created_by": _person(version.created_by),
        "version_logs_count": around.logs_of_versions[version.pk],
        "total_logs_count": around.logs_of_files[file.pk],
        "evaluators": [],
        "evaluator_aggregates": None,
        **_content(version, around),
    }


def _content(version: AnyVersion, around: _Around) -> JSON:
    if isinstance(version, BlueprintVersion):
        return _prompt(version, around)
    if version.file.kind == FileKind.FLOW:
        return {"attributes": version.content.get("attributes", {})}
    if version.file.kind == FileKind.TOOL:
        return _tool(version.content)
    return {"inputs": [], **version.content}


def _prompt(version: BlueprintVersion, around: _Around) -> JSON:
    kernel = kernel_of(version)
    if kernel["linked_tools"]:
        found = [around.tools[pk] for pk in kernel["linked_tools"] if pk in around.tools]
        kernel["linked_tools"] = [_linked_tool(tool) for tool in found]
    names = variables(kernel["template"], kernel["template_language"])
    return kernel | {
        "inputs": [{"name": name} for name in names],
        "schema": None,
        "raw_file_content": None,
    }


def _tool(content: JSON) -> JSON:
    function = content.get("function")
    parameters = (function or {}).get("parameters", {})
    properties = parameters.get("properties")
    names = properties if isinstance(properties, dict) else {}
    return {
        "function": function,
        "source_code": content.get("source_code"),
        "setup_values": content.get("setup_values"),
        "attributes": content.get("attributes"),
        "tool_type": content.get("tool_type")
        or ("python" if content.get("source_code") else "json_schema"),
        "inputs": [{"name": name} for name in names],
    }


def _linked_tool(tool: FileVersion) -> JSON:
    function: JSON = tool.content["function"]
    return function | {
        "id": ids.file_id("tool", tool.file_id),
        "version_id": ids.version_id("tool", tool.pk),
    }


def _person(user: User) -> JSON:
    return {
        "id": f"{ids.USER}_{user.pk}",
        "email_address": user.email,
        "full_name": user.name or None,
    }


def _directory(file: AnyFile) -> str:
    return file.path.rpartition("/")[0]


def _time(value: datetime) -> str:
    return str(moment(value))
