"""Versions of a vector database: one family, numbered, each made from the one before."""

from collections.abc import Callable

from config.errors import InvalidInput
from vectordb.models import Dataset, VectorDatabase

Follower = Callable[[VectorDatabase], None]
# The apps that use vector databases are above this one, and know what uses them.
_at_completion: list[Follower] = []
_at_deletion: list[Follower] = []


def when_complete(follower: Follower) -> Follower:
    """Have it called with each database that is complete, in the transaction that says so."""
    _at_completion.append(follower)
    return follower


def when_deleted(follower: Follower) -> Follower:
    """Have it called with each database that was deleted, in the transaction that does so."""
    _at_deletion.append(follower)
    return follower


def tell_complete(database: VectorDatabase) -> None:
    for follower in _at_completion:
        follower(database)
    if database.updates_blueprints:
        # Once: what blueprints use from here on is their owners' choice.
        VectorDatabase.objects.filter(pk=database.pk).update(updates_blueprints=False)


def tell_deleted(database: VectorDatabase) -> None:
    for follower in _at_deletion:
        follower(database)


def next_version(parent: VectorDatabase) -> int:
    """The number of the family's next version. Holds the family until the transaction ends."""
    family = VectorDatabase.objects.filter(family_id=parent.family_id)
    list(family.select_for_update().order_by("pk").values_list("pk"))
    # Read once the family is held: what another request made meanwhile counts.
    numbers = list(family.values_list("version", flat=True))
    return max(parent.version, *numbers) + 1


def added_to(parent: VectorDatabase, dataset: Dataset) -> list[dict[str, str]]:
    """The datasets beside the first that a version of `parent` with this one more is made of.

    Raises InvalidInput when one that the parent was made of is gone, with its documents.
    """
    kept = {str(added["id"]) for added in parent.added_datasets}
    there = Dataset.objects.filter(pk__in=kept).count()
    if parent.dataset is None or there < len(kept):
        raise InvalidInput(
            "A dataset that the parent was built from was deleted, so nothing can be added to it: "
            "give chunkingParameters to build the new version from this dataset alone.",
            field="dataset",
        )
    added: list[dict[str, str]] = list(parent.added_datasets)
    if dataset.pk not in kept and dataset.pk != parent.dataset.pk:
        added.append({"id": dataset.pk, "name": dataset.name})
    return added
