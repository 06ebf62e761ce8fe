"""Locks: the settings of a blueprint stay as they are, for everybody, until it is unlocked."""

from django.db import transaction

from accounts.models import User
from accounts.services import require_editor
from blueprints.models import Blueprint
from blueprints.versions import lock_versions
from config.errors import InvalidInput


@transaction.atomic
def set_lock(blueprint: Blueprint, *, user: User, is_locked: bool) -> None:
    """Whoever may edit the blueprint locks and unlocks it."""
    require_editor(blueprint.use_case, user)
    lock_versions(blueprint)
    blueprint.refresh_from_db(fields=["locked_by"])
    if is_locked != blueprint.is_locked:
        blueprint.locked_by = user if is_locked else None
        blueprint.save(update_fields=["locked_by"])


def require_changeable(blueprint: Blueprint) -> None:
    """Raise InvalidInput where the settings stay as they are, for everybody."""
    if blueprint.is_saved:
        raise InvalidInput(
            "This blueprint is saved, so its settings are fixed. Copy it to change them."
        )
    if blueprint.locked_by is not None:
        raise InvalidInput(
            f"{blueprint.locked_by.display_name} locked this blueprint: unlock it to change its "
            "settings, or copy it."
        )
