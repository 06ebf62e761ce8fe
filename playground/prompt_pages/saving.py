"""What the pages do with a prompt's versions, beside deploying them."""

from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.services import require_editor
from blueprints import services as blueprint_services
from blueprints.files import name_version
from blueprints.models import Blueprint, BlueprintVersion
from blueprints.settings import AnswerSettings, SettingsChanges
from blueprints.versions import lock_versions, make_version
from config.errors import Conflict
from playground import services
from playground.chat.settings import clear_overridden
from playground.models import Playground


def version_with(blueprint: Blueprint, settings: AnswerSettings) -> BlueprintVersion | None:
    """The version that says just this."""
    return blueprint.versions.filter(content_hash=settings.content_hash()).first()


@transaction.atomic
def save_version(
    blueprint: Blueprint, settings: AnswerSettings, *, user: User, name: str, description: str
) -> tuple[BlueprintVersion, bool]:
    """A version with these settings, and whether it is new; one that is there already is kept, and
    named anew. It is deployed nowhere, and chats go on as before.

    Raises InvalidInput where nobody can answer so, Conflict for another version's name.
    """
    require_editor(blueprint.use_case, user)
    lock_versions(blueprint)
    version = version_with(blueprint, settings)
    is_new = version is None
    if version is None:
        _check(blueprint, settings, user)
        version = make_version(blueprint, settings, user=user)
    name_version(version, user=user, name=name or None, description=description or None)
    return version, is_new


@transaction.atomic
def use_version(version: BlueprintVersion, *, user: User) -> None:
    """Have chats answered with it: in all playgrounds, and also in chats with settings of their own.

    Raises Conflict for a locked blueprint, InvalidInput where nobody can answer so any more.
    """
    blueprint = version.blueprint
    require_editor(blueprint.use_case, user)
    if blueprint.is_fixed:
        raise Conflict(
            "This blueprint is locked, so its chats keep its settings: open the version in a "
            "playground as a blueprint of its own."
        )
    settings = AnswerSettings.of_version(version)
    blueprint_services.check_settings(settings, user=user, use_case=blueprint.use_case)
    blueprint_services.save_version(blueprint, user=user, settings=settings)
    everything: dict[str, Any] = {
        "llm_id": settings.llm_id,
        "llm_settings": settings.llm_settings,
        "vector_database_id": settings.vector_database_id,
        "retrieval_settings": settings.retrieval_settings,
    }
    clear_overridden(blueprint, SettingsChanges(**everything))


@transaction.atomic
def open_in_playground(
    version: BlueprintVersion,
    *,
    user: User,
    playground: Playground | None,
    name: str,
    is_copy: bool | None,
) -> tuple[Playground, Blueprint]:
    """Put the version into a playground, else into a new one of this name. As a copy it becomes a
    blueprint of its own; otherwise the blueprint's chats use it from now on, if they do not yet."""
    blueprint = version.blueprint
    if playground is None:
        playground = services.create_playground(
            user=user, use_case=blueprint.use_case, name=name.strip()
        )
    if version.pk == blueprint.version_id:
        services.add_blueprint(playground, user=user, blueprint=blueprint)
        return playground, blueprint
    if is_copy is False:
        use_version(version, user=user)
        services.add_blueprint(playground, user=user, blueprint=blueprint)
        return playground, blueprint
    copy = services.copy_blueprint(
        blueprint,
        user=user,
        playground=playground,
        name=f"{blueprint.name[:180]} v{version.number}",
        settings=AnswerSettings.of_version(version),
    )
    return playground, copy


def _check(blueprint: Blueprint, settings: AnswerSettings, user: User) -> None:
    """A model that only its program knows is found, or not, when it is called."""
    use_case = blueprint.use_case
    if settings.llm_id is None and settings.prompt.model:
        blueprint_services.check_retrieval(settings, user=user, use_case=use_case)
        return
    blueprint_services.check_settings(settings, user=user, use_case=use_case)
