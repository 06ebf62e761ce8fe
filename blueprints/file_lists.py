"""Lists of prompts, flows and tools, and the one version of each that they show."""

from collections.abc import Sequence
from typing import Any

from django.db.models import CharField, F, Func, Q, QuerySet, Value
from django.db.models.functions import Lower

from accounts.models import UseCase
from blueprints.kinds import FILE_VERSIONS, PROMPT, PROMPT_VERSIONS, AnyFile, AnyVersion, Kind
from blueprints.models import Blueprint, BlueprintVersion, Deployment, File, FileVersion

Rows = QuerySet[Blueprint] | QuerySet[File]


def listed(
    *, use_case: UseCase, kind: Kind, name: str = "", user: str = "", sort_by: str, order: str
) -> Rows:
    """Those whose name, and whose maker's address or name, contain these, in a total order by
    "created_at", "updated_at" or "name"."""
    rows: Rows = _filtered(_rows(use_case, kind), name=name)
    if user:
        rows = rows.filter(
            Q(created_by__email__icontains=user) | Q(created_by__name__icontains=user)
        )
    sign = "-" if order == "desc" else ""
    column = "lower_name" if sort_by == "name" else sort_by
    return rows.order_by(f"{sign}{column}", f"{sign}pk")


def listed_ids(
    *,
    use_case: UseCase,
    kinds: Sequence[Kind],
    name: str = "",
    directory: str = "",
    environment: str | None = None,
    sort_by: str,
    order: str,
) -> Any:
    """Ids of all kinds together: what is in or below the directory and deployed to the environment.
    A query of (id, …)."""
    column = "lower_name" if sort_by == "name" else sort_by
    parts = []
    for kind in kinds:
        rows = _filtered(_rows(use_case, kind), name=name)
        if directory:
            rows = rows.filter(path__startswith=f"{directory}/")
        if environment is not None:
            rows = rows.filter(deployments__environment__name=environment)
        ordered: Any = rows.order_by().annotate(sorted_by=F(column)).values_list("pk", "sorted_by")
        parts.append(ordered)
    sign = "-" if order == "desc" else ""
    joined = parts[0].union(*parts[1:], all=True) if parts[1:] else parts[0]
    return joined.order_by(f"{sign}sorted_by", f"{sign}pk")


def files_of(ids: Sequence[str]) -> list[AnyFile]:
    """In this order."""
    found: dict[str, AnyFile] = {}
    for rows in (Blueprint.objects, File.objects):
        found |= {file.pk: file for file in rows.filter(pk__in=ids)}
    return [found[pk] for pk in ids if pk in found]


def shown_versions(files: Sequence[AnyFile], environment: str | None = None) -> list[AnyVersion]:
    """Of each the version in the environment of this name, or in the default one; where nothing is
    deployed there, the newest."""
    chosen = _deployed(files, environment)
    rest = [file for file in files if file.pk not in chosen]
    chosen |= _newest(rest)
    found: dict[str, AnyVersion] = {}
    for rows in (PROMPT_VERSIONS, FILE_VERSIONS):
        found |= {version.pk: version for version in rows.filter(pk__in=chosen.values())}
    return [found[chosen[file.pk]] for file in files if file.pk in chosen]


def _rows(use_case: UseCase, kind: Kind) -> Any:
    if kind == PROMPT:
        return Blueprint.objects.filter(use_case=use_case)
    return File.objects.filter(use_case=use_case, kind=kind)


def _filtered(rows: Any, *, name: str) -> Any:
    last = Func(
        F("path"),
        Value("^.*/"),
        Value(""),
        function="regexp_replace",
        output_field=CharField(),
    )
    rows = rows.annotate(lower_name=Lower(last))
    return rows.filter(lower_name__contains=name.lower()) if name else rows


def _deployed(files: Sequence[AnyFile], environment: str | None) -> dict[str, str]:
    """Ids of versions by those of files."""
    pks = [file.pk for file in files]
    rows = Deployment.objects.filter(Q(blueprint__in=pks) | Q(file__in=pks))
    if environment is None:
        rows = rows.filter(environment__is_default=True)
    else:
        rows = rows.filter(environment__name=environment)
    return {
        row.blueprint_id or row.file_id or "": row.version_id or row.file_version_id or ""
        for row in rows
    }


def _newest(files: Sequence[AnyFile]) -> dict[str, str]:
    pks = [file.pk for file in files]
    if not pks:
        return {}
    prompts = BlueprintVersion.objects.filter(blueprint__in=pks).order_by("blueprint_id", "-number")
    others = FileVersion.objects.filter(file__in=pks).order_by("file_id", "-number")
    newest = dict(prompts.distinct("blueprint_id").values_list("blueprint_id", "pk"))
    return newest | dict(others.distinct("file_id").values_list("file_id", "pk"))
