"""What happens here with the versions of a vector database: what they are measured by, and who uses
which."""

import logging

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from accounts.services import require_editor
from blueprints.models import Blueprint
from blueprints.settings import SettingsChanges
from config.errors import AppError, Conflict
from config.status import Status
from playground import services
from playground.gold_tasks import enqueue_measurement
from playground.models import GoldLabel, GoldQuestion
from vectordb import versions
from vectordb.models import VectorDatabase

logger = logging.getLogger(__name__)


@versions.when_complete
def take_over(database: VectorDatabase) -> None:
    """The drafts with the parent go over to the version, where that was asked for."""
    if database.updates_blueprints and database.parent_id is not None:
        drafts = _drafts(database).filter(version__vector_database=database.parent_id)
        for name in _move(drafts, database, user=database.created_by):
            # Its LLM is gone, say: that must not undo the version.
            logger.warning("Blueprint %s stays with %s", name, database.parent)


@versions.when_complete
def measure(database: VectorDatabase) -> None:
    """Put the gold questions of the family to it, if there are any."""
    if _has_gold(database):
        enqueue_measurement(database)


@versions.when_deleted
def forget(database: VectorDatabase) -> None:
    """With the last version of a family go its gold questions."""
    if not VectorDatabase.objects.filter(family_id=database.family_id).exists():
        GoldQuestion.objects.filter(family_id=database.family_id).delete()


@transaction.atomic
def measure_again(database: VectorDatabase, *, user: User) -> None:
    """Put the gold questions as they are now to this version. Raises Conflict without any, and for
    a version that is not complete."""
    require_editor(database.use_case, user)
    _require_complete(database)
    if not _has_gold(database):
        raise Conflict(
            "There is no gold question yet: open a source of an answer and say whether it helps."
        )
    enqueue_measurement(database)


@transaction.atomic
def use_version(database: VectorDatabase, *, user: User) -> list[str]:
    """Have every blueprint that uses another version of the family use this one, all at once; to
    roll back is to use an earlier one. Saved blueprints stay as they were saved.

    Gives the names of those that stay because their settings cannot be saved: their LLM is gone,
    say. Raises Conflict for a version that is not complete.
    """
    require_editor(database.use_case, user)
    _require_complete(database)
    family = VectorDatabase.objects.filter(family_id=database.family_id).exclude(pk=database.pk)
    return _move(_drafts(database).filter(version__vector_database__in=family), database, user=user)


def users_of_family(database: VectorDatabase) -> dict[str, int]:
    """How many blueprints use each version of the family, by its id."""
    family = VectorDatabase.objects.filter(family_id=database.family_id)
    used = Blueprint.objects.filter(version__vector_database__in=family)
    counts: dict[str, int] = {}
    for pk in used.values_list("version__vector_database", flat=True):
        counts[str(pk)] = counts.get(str(pk), 0) + 1
    return counts


def _has_gold(database: VectorDatabase) -> bool:
    return GoldLabel.objects.filter(question__family_id=database.family_id).exists()


def _require_complete(database: VectorDatabase) -> None:
    if database.status != Status.COMPLETED:
        raise Conflict("This version is not complete: wait until it is built.")


def _drafts(database: VectorDatabase) -> QuerySet[Blueprint]:
    drafts = Blueprint.objects.with_settings().filter(use_case=database.use_case_id, is_saved=False)
    return drafts.order_by("pk")


def _move(drafts: QuerySet[Blueprint], database: VectorDatabase, *, user: User) -> list[str]:
    changes = SettingsChanges(vector_database_id=database.pk)
    stay = []
    for blueprint in drafts:
        try:
            with transaction.atomic():
                services.update_blueprint(blueprint, user=user, changes=changes)
        except AppError:
            stay.append(blueprint.name)
    return stay
