"""All that programs call by a path, as its page lists it: by folder, with figures."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.urls import reverse

from accounts.models import UseCase
from blueprints.file_lists import shown_versions
from blueprints.kinds import PROMPT, AnyFile, AnyVersion, Kind, file_of, kind_of
from blueprints.models import (
    Blueprint,
    BlueprintVersion,
    Deployment,
    Environment,
    File,
    FileKind,
)
from blueprints.paths import last_name
from playground.prompt_pages import figures
from playground.prompt_pages.figures import Figures
from tracing.log_pages import bounded
from tracing.models import Log

KINDS: dict[str, str] = {PROMPT: "Prompts"} | {
    FileKind.FLOW: "Flows",
    FileKind.TOOL: "Tools",
    FileKind.EVALUATOR: "Evaluators",
}
MOST_ROWS = 500


@dataclass(frozen=True, slots=True)
class Deployed:
    """What one environment has."""

    environment: Environment
    number: int


@dataclass(slots=True)
class Row:
    """One line of the list. `version` is what the default environment has, else the newest."""

    file: AnyFile
    kind: Kind
    version: AnyVersion | None = None
    deployments: list[Deployed] = field(default_factory=list)
    versions_count: int = 0
    figures: Figures = field(default_factory=Figures)
    last_call: Log | None = None

    @property
    def name(self) -> str:
        return last_name(self.file.path)

    @property
    def folder(self) -> str:
        return self.file.path.rpartition("/")[0]

    @property
    def url(self) -> str:
        return page_of(self.file)

    @property
    def llm(self) -> str:
        return llm_of(self.version) if isinstance(self.version, BlueprintVersion) else ""


@dataclass(frozen=True, slots=True)
class Folder:
    path: str
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Listed:
    """`problem` says why there are no figures, where there are none."""

    folders: list[Folder]
    is_cut: bool
    problem: str = ""


def listed(use_case: UseCase, *, words: str = "", kind: str = "") -> Listed:
    """What has these words in its path or name, in the order of paths; what is in no folder first.
    The number of queries does not depend on how much there is. Raises Conflict where it takes too long;
    of the figures alone the list says so."""
    with bounded("look for other words, or for one kind."):
        return _listed(use_case, words, kind)


def _listed(use_case: UseCase, words: str, kind: str) -> Listed:
    found = [
        file
        for one in ([kind] if kind else KINDS)
        for file in _matching(use_case, one, words)[: MOST_ROWS + 1]
    ]
    rows = [Row(file, kind_of(file)) for file in found]
    rows.sort(key=lambda row: (row.folder, row.name.lower(), row.file.path))
    shown = rows[:MOST_ROWS]
    problem = _fill(use_case, shown)
    folders = [Folder(path, list(some)) for path, some in groupby(shown, lambda row: row.folder)]
    return Listed(folders, is_cut=len(rows) > MOST_ROWS, problem=problem)


def page_of(file: AnyFile) -> str:
    name = "blueprint-versions" if isinstance(file, Blueprint) else "file-versions"
    return reverse(f"playground:{name}", args=[file.pk])


def llm_of(version: BlueprintVersion) -> str:
    """As people know it; else as the program that made the version named it."""
    prompt = version.prompt
    if version.llm is not None:
        return version.llm.label
    named = prompt.model or version.saved_llm_id
    return f"{named} ({prompt.provider})" if prompt.model and prompt.provider else named


def traces_url(file: AnyFile, version: AnyVersion | None = None) -> str:
    """The logs of all its calls, or of a version's, wherever in a trace they stand: filtered as by
    the form of that page."""
    filters = {"path": file.path, "levels": "all"}
    if version is not None:
        filters["version"] = str(version.number)
    return f"{reverse('tracing:log-list', args=[file.use_case_id])}?{urlencode(filters)}"


def _matching(use_case: UseCase, kind: str, words: str) -> Any:
    if kind == PROMPT:
        rows: Any = Blueprint.objects.filter(use_case=use_case)
        wanted = Q(path__icontains=words) | Q(name__icontains=words)
    else:
        rows = File.objects.filter(use_case=use_case, kind=kind)
        wanted = Q(path__icontains=words)
    return (rows.filter(wanted) if words else rows).order_by("path")


def _fill(use_case: UseCase, rows: Sequence[Row]) -> str:
    """What kept it from the figures, if anything did."""
    files = [row.file for row in rows]
    versions = {file_of(version).pk: version for version in shown_versions(files)}
    counts = _versions_counts(files)
    deployments = _deployments(files)
    measured, problem = figures.or_problem(lambda: figures.of_files(use_case))
    calls = figures.last_calls(files)
    for row in rows:
        key = row.file.pk
        row.version = versions.get(key)
        row.versions_count = counts.get(key, 0)
        row.deployments = deployments.get(key, [])
        row.figures = measured.get(key, row.figures)
        row.last_call = calls.get(key)
    return problem


def _versions_counts(files: Iterable[AnyFile]) -> dict[str, int]:
    pks = [file.pk for file in files]
    found: dict[str, int] = {}
    for rows in (Blueprint.objects, File.objects):
        counted = rows.filter(pk__in=pks).order_by().annotate(n=Count("versions"))
        found |= dict(counted.values_list("pk", "n"))
    return found


def _deployments(files: Iterable[AnyFile]) -> dict[str, list[Deployed]]:
    """By file, the default environment's first."""
    pks = [file.pk for file in files]
    rows = (
        Deployment.objects.filter(Q(blueprint__in=pks) | Q(file__in=pks))
        .select_related("environment", "version", "file_version")
        .order_by("-environment__is_default", "environment__created_at", "environment__pk")
    )
    found: dict[str, list[Deployed]] = {}
    for row in rows:
        version = row.version or row.file_version
        assert version is not None  # noqa: S101 - a constraint of the table
        told = Deployed(row.environment, version.number)
        found.setdefault(row.blueprint_id or row.file_id or "", []).append(told)
    return found
