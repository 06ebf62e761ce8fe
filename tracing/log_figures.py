"""Figures of logs by time, by version and by LLM."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from accounts.models import UseCase
from blueprints.models import BlueprintVersion, FileVersion
from tracing.log_filters import Wanted
from tracing.log_sums import Key, Sums, figures_by
from tracing.time_span import Span

_MOST_GROUPS = 12
_VERSIONS = ("blueprint_version_id", "file_version_id")


@dataclass(frozen=True, slots=True)
class Group:
    """`query` finds its logs in the list; blank: the list has no filter for it."""

    name: str
    sums: Sums
    query: dict[str, str]


@dataclass(frozen=True, slots=True)
class Figures:
    """Unless it `is_exact`, percentiles are as near as `durations.ACCURACY`."""

    span: Span
    by_time: list[tuple[datetime, Sums]]
    by_version: list[Group]
    by_model: list[Group]
    is_exact: bool = True

    @property
    def count(self) -> int:
        return sum(sums.count for _, sums in self.by_time)


def figures_of(use_case: UseCase, wanted: Wanted, span: Span) -> Figures:
    """Of those that are wanted and were made in the span. Raises Conflict where it takes too long."""
    found = figures_by(use_case, wanted, span, ("at",), _VERSIONS, ("model_name",))
    times, versions, models = found.groups
    by_time = [(at, _priced(times.get((at,), Sums()))) for at in span.moments]
    return Figures(span, by_time, _of_versions(versions), _of_models(models), found.is_exact)


def _priced(sums: Sums) -> Sums:
    """What has no known price adds nothing to a chart."""
    return sums if sums.cost is not None else replace(sums, cost=Decimal())


def _most(found: dict[Key, Sums]) -> list[tuple[Key, Sums]]:
    ordered = sorted(found.items(), key=lambda item: item[1].count, reverse=True)
    return [(key, _priced(sums)) for key, sums in ordered[:_MOST_GROUPS]]


def _of_versions(found: dict[Key, Sums]) -> list[Group]:
    most = _most(found)
    blueprints = BlueprintVersion.objects.filter(pk__in=[key[0] for key, _ in most])
    files = FileVersion.objects.filter(pk__in=[key[1] for key, _ in most])
    names: dict[str | None, tuple[str, int]] = {
        pk: (path, number)
        for rows in (
            blueprints.values_list("pk", "blueprint__path", "number"),
            files.values_list("pk", "file__path", "number"),
        )
        for pk, path, number in rows
    }
    groups = []
    for (blueprint, file), sums in most:
        path, number = names.get(blueprint or file, ("", 0))
        query = {"path": path, "version": str(number)} if path else {}
        groups.append(Group(f"{path} v{number}" if path else "no version", sums, query))
    return groups


def _of_models(found: dict[Key, Sums]) -> list[Group]:
    return [Group(model or "none", sums, {}) for (model,), sums in _most(found)]
