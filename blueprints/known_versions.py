"""Which version a prompt's details meant the last time. Programs send the same ones with each of their
logs, and to find their version anew takes longer than to write the log."""

from dataclasses import dataclass

from django.db.models import OuterRef, Subquery

from accounts.models import UseCase
from blueprints.kernel import canonical_hash
from blueprints.kinds import PROMPT_VERSIONS
from blueprints.models import Blueprint, BlueprintVersion
from blueprints.prompt_details import JSON
from config.compiled import Compiled, given

_MOST = 1_000


@dataclass(frozen=True, slots=True)
class _Known:
    version: str
    path: str
    # What details leave open is as in the newest version: with another one they mean another.
    newest: str


_known: dict[tuple[str, str, str], _Known] = {}
_NEWEST = BlueprintVersion.objects.filter(blueprint=OuterRef("blueprint")).order_by("-number")
_STILL_SO = Compiled(
    lambda: PROMPT_VERSIONS.alias(newest=Subquery(_NEWEST.values("pk")[:1])).filter(
        pk=given("version"),
        blueprint__use_case=given("use_case"),
        blueprint__path=given("path"),
        newest=given("newest"),
    )
)


def known_version(use_case: UseCase, path: str, details: JSON) -> BlueprintVersion | None:
    """None: nobody has asked this process, or it is no longer so."""
    known = _known.get(_key(use_case, path, details))
    if known is None:
        return None
    return _STILL_SO.first(
        version=known.version, use_case=use_case.pk, path=known.path, newest=known.newest
    )


def newest_of(blueprint: Blueprint) -> str | None:
    """Asked before its version is looked for: one that comes in between makes no harm then."""
    newest: str | None = blueprint.versions.order_by("-number").values_list("pk", flat=True).first()
    return newest


def remember(
    use_case: UseCase, path: str, details: JSON, version: BlueprintVersion, newest: str
) -> None:
    if len(_known) >= _MOST:
        _known.clear()
    _known[_key(use_case, path, details)] = _Known(version.pk, version.blueprint.path, newest)


def _key(use_case: UseCase, path: str, details: JSON) -> tuple[str, str, str]:
    return use_case.pk, path, canonical_hash(details)
