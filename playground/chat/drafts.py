"""A chat's own settings as a whole: its draft. Taken from elsewhere, and kept before it goes."""

from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.services import require_editor
from blueprints.models import BlueprintVersion
from blueprints.settings import AnswerSettings, SettingsChanges
from blueprints.versions import lock_versions, make_version
from playground.chat.settings import (
    change_chat_settings,
    effective_settings,
    own_settings,
    reset_chat_settings,
)
from playground.models import Chat

_OWN = ("llm_id", "llm_settings", "vector_database_id", "retrieval_settings")


@transaction.atomic
def take_settings(chat: Chat, *, user: User, settings: AnswerSettings) -> list[str]:
    """Answer the chat's next prompts with these, as far as a chat can have settings of its own, and
    give what it cannot: in words, empty where everything was taken.

    The blueprint stays as it is, and what the chat had of its own goes: see `keep_draft`. Raises
    InvalidInput for a locked blueprint, and where nobody can answer so (any more).
    """
    defaults = AnswerSettings.of_version(chat.blueprint.current)
    reset_chat_settings(chat, user=user)
    given: dict[str, Any] = {
        name: getattr(settings, name)
        for name in _OWN
        if getattr(settings, name) != getattr(defaults, name)
    }
    left = _left_out(settings, defaults)
    if given.get("vector_database_id", "") is None:
        del given["vector_database_id"]
    change_chat_settings(chat, user=user, changes=SettingsChanges(**given))
    return left


@transaction.atomic
def keep_draft(chat: Chat, *, user: User) -> BlueprintVersion | None:
    """The version that says what holds in the chat, made where there is none: it is in force nowhere.
    None where the chat has nothing of its own."""
    require_editor(chat.playground.use_case, user)
    settings = effective_settings(chat)
    if not own_settings(chat) or settings == AnswerSettings.of_version(chat.blueprint.current):
        return None
    lock_versions(chat.blueprint)
    same = chat.blueprint.versions.filter(content_hash=settings.content_hash()).first()
    return same or make_version(chat.blueprint, settings, user=user)


def _left_out(settings: AnswerSettings, defaults: AnswerSettings) -> list[str]:
    """What only a blueprint has, and what only a blueprint can go without."""
    left = []
    if settings.vector_database_id is None and defaults.vector_database_id is not None:
        left.append("to go without a vector database")
    if settings.prompt_type != defaults.prompt_type:
        left.append("the use of earlier turns")
    if settings.prompt != defaults.prompt:
        left.append("its further messages, tools and parameters")
    return left
