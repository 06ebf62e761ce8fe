"""What makes answers to one question hard to compare: other documents, or another blueprint by now."""

from collections.abc import Sequence
from datetime import timedelta

from blueprints.models import Blueprint
from playground.models import ChatPrompt, PlaygroundBlueprint
from vectordb.models import VectorDatabase

# Apart from those who joined late or were retried, all sides are asked within one transaction.
_AT_ONCE = timedelta(seconds=1)


def changed_since(result: ChatPrompt, blueprint: Blueprint) -> str:
    """Empty while the blueprint is what answered."""
    then, now = result.blueprint_version, blueprint.current
    if then is None or then.pk == now.pk:
        return ""
    return f"Changed since this answer: it was version {then.number}, and is {now.number} now."


def corpus_warnings(
    results: Sequence[ChatPrompt],
    places: Sequence[PlaygroundBlueprint],
    databases: dict[str, VectorDatabase],
) -> list[str]:
    """Sides may search other databases by intention: two versions of one, or one that changed from
    one answer to the next, are told."""
    names = {place.blueprint_id: place.blueprint.name for place in places}
    reading: dict[str, list[ChatPrompt]] = {}
    for result in results:
        if result.vector_database_id in databases:
            reading.setdefault(result.vector_database_id or "", []).append(result)
    changed = [_change(databases[pk], sides) for pk, sides in reading.items()]
    return [*_versions(reading, databases, names), *filter(None, changed)]


def _versions(
    reading: dict[str, list[ChatPrompt]],
    databases: dict[str, VectorDatabase],
    names: dict[str, str],
) -> list[str]:
    families: dict[str, dict[int, str]] = {}
    for pk, sides in reading.items():
        who = ", ".join(dict.fromkeys(names[side.chat.blueprint_id] for side in sides))
        families.setdefault(databases[pk].family_id, {})[databases[pk].version] = who
    return [
        "These answers rest on different versions of one vector database: "
        + "; ".join(f"{who} on version {version}" for version, who in sorted(versions.items()))
        + "."
        for versions in families.values()
        if len(versions) > 1
    ]


def _change(database: VectorDatabase, sides: Sequence[ChatPrompt]) -> str:
    """What happened to the database after the first of the sides was asked, and before the last."""
    asked = [side.created_at for side in sides]
    first, last = min(asked), max(asked)
    if last - first < _AT_ONCE:
        return ""
    what = ""
    if database.edited_at is not None and first < database.edited_at < last:
        what = f"Chunks of “{database.name}” were edited"
    removed_at = database.chunks_removed_at
    is_less = removed_at is not None and first < removed_at < last
    if is_less or database.ingestions.filter(finished_at__gt=first, finished_at__lt=last).exists():
        what = f"The documents of “{database.name}” changed"
    ending = (
        "from one of these answers to the next: retry the older ones to compare like with like."
    )
    return f"{what} {ending}" if what else ""
