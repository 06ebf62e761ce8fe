"""Which settings hold in a chat: its own where it has them, else its blueprint's."""

from dataclasses import fields, replace
from typing import Any

from accounts.models import User
from accounts.services import require_editor
from blueprints import services as blueprint_services
from blueprints.llm_settings import LLMSettings
from blueprints.models import Blueprint
from blueprints.settings import AnswerSettings, SettingsChanges
from config.errors import InvalidInput
from playground.models import Chat
from vectordb.retrieval_settings import RetrievalSettings

_FIELDS = ("llm_id", "llm_settings", "vector_database_id", "retrieval_settings")
_PARTS: dict[str, type[LLMSettings] | type[RetrievalSettings]] = {
    "llm_settings": LLMSettings,
    "retrieval_settings": RetrievalSettings,
}


def own_settings(chat: Chat) -> SettingsChanges:
    """The chat's own values as changes to its blueprint's."""
    given: dict[str, Any] = {}
    if chat.llm_id is not None:
        given["llm_id"] = chat.llm_id
    if chat.llm_settings is not None:
        given["llm_settings"] = LLMSettings.from_json(chat.llm_settings)
    if chat.vector_database_id is not None:
        given["vector_database_id"] = chat.vector_database_id
    if chat.retrieval_settings is not None:
        given["retrieval_settings"] = RetrievalSettings.from_json(chat.retrieval_settings)
    return SettingsChanges(**given)


def effective_settings(chat: Chat) -> AnswerSettings:
    """What the chat's next prompt is answered with."""
    return own_settings(chat).apply_to(AnswerSettings.of_version(chat.blueprint.current))


def write_back(chat: Chat, changes: SettingsChanges) -> None:
    """Store `changes` as the chat's own values; the prompt type is always the blueprint's."""
    given = changes.given()
    own = [field for field in _FIELDS if field in given]
    for field in own:
        _keep_own(chat, field, given[field])
    chat.save(update_fields=own)


def change_chat_settings(chat: Chat, *, user: User, changes: SettingsChanges) -> Chat:
    """Change what holds for this chat's next prompts. Raises InvalidInput where it cannot work."""
    require_editor(chat.playground.use_case, user)
    blueprint_services.require_changeable(chat.blueprint)
    blueprint_services.check_settings(
        changes.apply_to(effective_settings(chat)), user=user, use_case=chat.playground.use_case
    )
    write_back(chat, changes)
    return chat


def reset_chat_settings(chat: Chat, *, user: User) -> Chat:
    """Back to the blueprint's settings."""
    require_editor(chat.playground.use_case, user)
    for field in _FIELDS:
        setattr(chat, field, None)
    chat.save(update_fields=_FIELDS)
    return chat


def put_back(chat: Chat, *, user: User, name: str) -> Chat:
    """Only one setting back to the blueprint's: the LLM, the database, or a value of the other two.

    Raises InvalidInput for a name that is none, and where the blueprint's value does not go with the
    chat's others.
    """
    require_editor(chat.playground.use_case, user)
    defaults = AnswerSettings.of_version(chat.blueprint.current)
    settings = effective_settings(chat)
    field = _field_of(name)
    value = getattr(defaults, field)
    if field in _PARTS:
        value = replace(getattr(settings, field), **{name: getattr(value, name)})
    blueprint_services.check_settings(
        replace(settings, **{field: value}), user=user, use_case=chat.playground.use_case
    )
    _keep_own(chat, field, None if value == getattr(defaults, field) else value)
    chat.save(update_fields=[field])
    return chat


def _field_of(name: str) -> str:
    """Where the chat keeps the setting of this name."""
    if name in {"llm_id", "vector_database_id"}:
        return name
    for field, settings in _PARTS.items():
        if name in {one.name for one in fields(settings)}:
            return field
    raise InvalidInput("There is no such setting in a chat.", field=name)


def _keep_own(chat: Chat, field: str, value: Any) -> None:
    """None follows the blueprint."""
    if isinstance(value, LLMSettings | RetrievalSettings):
        value = value.to_json()
    setattr(chat, field, value)


def clear_overridden(blueprint: Blueprint, changes: SettingsChanges) -> None:
    """Let the blueprint's chats follow it again in the fields that changed."""
    cleared: dict[str, Any] = {field: None for field in _FIELDS if field in changes.given()}
    if cleared:
        blueprint.chats.update(**cleared)
