"""What can be done with playgrounds, the blueprints in them, and chats.

Questions and answers have a module of their own, `playground.asking`; its verbs are offered here
too, so that the faces need one import.
"""

from typing import Any

from django.db import transaction

from accounts.models import UseCase, User
from accounts.services import require_editor
from blueprints import services as blueprint_services
from blueprints.models import Blueprint, BlueprintVersion
from blueprints.settings import UNSET, AnswerSettings, SettingsChanges, Unset
from config.errors import Conflict, InvalidInput
from playground.asking import ask, delete_prompt, retry, stop
from playground.chat.branching import branch, edit, regenerate
from playground.chat.drafts import keep_draft, take_settings
from playground.chat.settings import (
    change_chat_settings,
    clear_overridden,
    effective_settings,
    put_back,
    reset_chat_settings,
)
from playground.comparisons import forget_empty_comparisons
from playground.export_tasks import enqueue_export
from playground.gold import (
    delete_gold_question,
    label_passage,
    own_label,
    searched_database,
)
from playground.judging import add_metrics, set_feedback
from playground.models import Chat, Playground, PlaygroundType, TraceExport
from playground.places import (
    add_blueprint,
    move_blueprint,
    pattern_of,
    remove_blueprint,
    set_pattern,
)

__all__ = [
    "add_blueprint",
    "add_metrics",
    "ask",
    "branch",
    "change_chat_settings",
    "copy_blueprint",
    "create_blueprint",
    "create_chat",
    "create_playground",
    "delete_blueprint",
    "delete_chat",
    "delete_gold_question",
    "delete_playground",
    "delete_prompt",
    "edit",
    "effective_settings",
    "export_traces",
    "keep_draft",
    "label_passage",
    "move_blueprint",
    "own_label",
    "pattern_of",
    "put_back",
    "regenerate",
    "remove_blueprint",
    "rename_chat",
    "reset_chat_settings",
    "retry",
    "save_as_blueprint",
    "save_as_defaults",
    "searched_database",
    "set_feedback",
    "set_pattern",
    "stop",
    "take_settings",
    "update_blueprint",
    "update_playground",
]


@transaction.atomic
def create_playground(
    *,
    user: User,
    use_case: UseCase,
    name: str,
    description: str = "",
    playground_type: str = PlaygroundType.RAG,
) -> Playground:
    require_editor(use_case, user)
    return Playground.objects.create(
        use_case=use_case,
        name=name,
        description=description,
        playground_type=playground_type,
        created_by=user,
        updated_by=user,
    )


def update_playground(playground: Playground, *, user: User, **changes: str | bool) -> Playground:
    """Change `name`, `description` and `suggests_questions`."""
    require_editor(playground.use_case, user)
    for field in ("name", "description", "suggests_questions"):
        if field in changes:
            setattr(playground, field, changes[field])
    playground.updated_by = user
    playground.save(force_update=True)  # one that was deleted meanwhile stays so
    return playground


@transaction.atomic
def delete_playground(playground: Playground, *, user: User) -> None:
    """Its chats go with it, and the blueprints that stand in no other playground."""
    require_editor(playground.use_case, user)
    for place in playground.places.select_related("blueprint"):
        remove_blueprint(playground, user=user, blueprint=place.blueprint)
    playground.delete()


@transaction.atomic
def delete_blueprint(blueprint: Blueprint, *, user: User) -> None:
    """Delete it with its chats, and take its results out of comparisons."""
    playgrounds = list(blueprint.playgrounds.all())
    blueprint_services.delete_blueprint(blueprint, user=user)
    for playground in playgrounds:
        forget_empty_comparisons(playground)


@transaction.atomic
def create_blueprint(
    *,
    user: User,
    playground: Playground,
    name: str,
    description: str = "",
    settings: AnswerSettings,
) -> Blueprint:
    """A new blueprint whose home is this playground."""
    blueprint = blueprint_services.create_blueprint(
        user=user,
        use_case=playground.use_case,
        name=name,
        description=description,
        settings=settings,
    )
    add_blueprint(playground, user=user, blueprint=blueprint)
    return blueprint


@transaction.atomic
def copy_blueprint(
    blueprint: Blueprint,
    *,
    user: User,
    playground: Playground,
    name: str,
    description: str | None = None,
    settings: AnswerSettings | None = None,
) -> Blueprint:
    """A new draft with the same description and settings (or those given), at home in this
    playground."""
    copy = blueprint_services.copy_blueprint(
        blueprint, user=user, name=name, description=description, settings=settings
    )
    add_blueprint(playground, user=user, blueprint=copy)
    return copy


@transaction.atomic
def update_blueprint(
    blueprint: Blueprint,
    *,
    user: User,
    name: str | Unset = UNSET,
    description: str | Unset = UNSET,
    path: str | Unset = UNSET,
    is_starred: bool | Unset = UNSET,
    is_saved: bool | Unset = UNSET,
    changes: SettingsChanges | None = None,
) -> Blueprint:
    """Change a blueprint. What is changed of its settings holds in its chats at once: their own
    values of those fields are cleared, so that the last writer wins."""
    changes = changes or SettingsChanges()
    blueprint = blueprint_services.update_blueprint(
        blueprint,
        user=user,
        name=name,
        description=description,
        path=path,
        is_starred=is_starred,
        is_saved=is_saved,
        changes=changes,
    )
    clear_overridden(blueprint, changes)
    return blueprint


@transaction.atomic
def export_traces(playground: Playground, *, user: User) -> TraceExport:
    """Have all that was asked in the playground written into a new dataset of its use case."""
    require_editor(playground.use_case, user)
    export = TraceExport.objects.create(playground=playground, created_by=user)
    enqueue_export(export.pk)
    return export


def create_chat(
    *, user: User, playground: Playground, blueprint: Blueprint, name: str = ""
) -> Chat:
    require_editor(playground.use_case, user)
    if not playground.places.filter(blueprint=blueprint).exists():
        raise InvalidInput("The blueprint is not in this playground.", field="blueprint")
    return Chat.objects.create(
        playground=playground, blueprint=blueprint, name=name or "New chat", created_by=user
    )


def rename_chat(chat: Chat, *, user: User, name: str) -> Chat:
    require_editor(chat.playground.use_case, user)
    if not name.strip():
        raise InvalidInput("A chat needs a name.", field="name")
    chat.name = name
    chat.save(update_fields=["name"])
    return chat


@transaction.atomic
def delete_chat(chat: Chat, *, user: User) -> None:
    """The chat's answers that are still being written are ended."""
    require_editor(chat.playground.use_case, user)
    for prompt in chat.prompts.unfinished():
        delete_prompt(prompt, user=user)
    chat.delete()


@transaction.atomic
def save_as_defaults(chat: Chat, *, user: User) -> BlueprintVersion:
    """Make what holds in this chat the blueprint's settings, as a version of it."""
    require_editor(chat.playground.use_case, user)
    if chat.blueprint.is_fixed:
        raise Conflict("This blueprint is locked: use “Save as new blueprint” instead.")
    settings = effective_settings(chat)
    blueprint_services.check_settings(settings, user=user, use_case=chat.playground.use_case)
    version = blueprint_services.save_version(chat.blueprint, user=user, settings=settings)
    everything: dict[str, Any] = {
        "llm_id": settings.llm_id,
        "llm_settings": settings.llm_settings,
        "vector_database_id": settings.vector_database_id,
        "retrieval_settings": settings.retrieval_settings,
    }
    clear_overridden(chat.blueprint, SettingsChanges(**everything))
    return version


@transaction.atomic
def save_as_blueprint(chat: Chat, *, user: User, name: str) -> Blueprint:
    """A new blueprint with what holds in this chat; the old one and the chat stay as they are."""
    require_editor(chat.playground.use_case, user)
    if not name.strip():
        raise InvalidInput("A blueprint needs a name.", field="name")
    return copy_blueprint(
        chat.blueprint,
        user=user,
        playground=chat.playground,
        name=name,
        settings=effective_settings(chat),
    )
