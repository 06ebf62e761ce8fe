"""The settings that an answer was given with: how they differ from those of now, and using them again."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max

from accounts.models import User
from blueprints.llm_settings import LLMSettings
from blueprints.models import Blueprint
from blueprints.prompt_details import PromptDetails
from blueprints.settings import AnswerSettings
from blueprints.versions import as_version
from config.errors import InvalidInput
from playground.chat.drafts import keep_draft, take_settings
from playground.chat.settings import effective_settings
from playground.models import Chat, ChatPrompt
from playground.prompt_pages.diffs import ChangedValue, diff_of
from vectordb.models import VectorDatabase
from vectordb.retrieval_settings import RetrievalSettings


def settings_of(prompt: ChatPrompt) -> AnswerSettings:
    """As they were when the question was put."""
    return AnswerSettings(
        llm_id=prompt.llm_id or None,
        llm_settings=LLMSettings.from_json(prompt.llm_settings),
        prompt=PromptDetails.from_json(prompt.prompt_details),
        vector_database_id=prompt.vector_database_id,
        retrieval_settings=RetrievalSettings.from_json(prompt.retrieval_settings or {}),
        prompt_type=prompt.prompt_type,
    )


@dataclass(frozen=True, slots=True)
class Adopted:
    """`changed` are the settings that hold in the chat from now on. `is_rest_kept`: the answer's also
    differ in what only the blueprint itself can have, which stays as it is."""

    changed: list[ChangedValue]
    is_rest_kept: bool


@transaction.atomic
def adopt_settings(chat: Chat, *, user: User, settings: AnswerSettings) -> Adopted:
    """Make these the chat's own, its draft: saved as defaults they become the blueprint's. What the
    blueprint has as well goes on following it, and the draft from before is kept. Raises InvalidInput where they cannot work any more, and
    for a locked blueprint."""
    before = effective_settings(chat)
    defaults = AnswerSettings.of_version(chat.blueprint.current)
    if defaults.vector_database_id and settings.vector_database_id is None:
        raise InvalidInput(
            f"This answer was given without a vector database, and a chat cannot go without that of "
            f"{chat.blueprint}: make a blueprint without one.",
            field="vector_database_id",
        )
    keep_draft(chat, user=user)
    take_settings(chat, user=user, settings=settings)
    after = effective_settings(chat)
    return Adopted(_changed(chat.blueprint, before, after), is_rest_kept=after != settings)


def _changed(
    blueprint: Blueprint, before: AnswerSettings, after: AnswerSettings
) -> list[ChangedValue]:
    diff = diff_of(as_version(blueprint, before), as_version(blueprint, after))
    prompts = [text for text in diff.texts if text.change != "same"]
    texts = [ChangedValue("System prompt", "another", "the answer's")] if prompts else []
    return [*texts, *diff.settings, *diff.retrieval]


def moved_since(prompts: Sequence[ChatPrompt]) -> dict[str, list[str]]:
    """Of finished answers of chats, by id, what is not as it was any more: what it was given to read,
    and what the chat is answered with."""
    own = [one for one in prompts if not one.comparison_prompt_id and one.is_finished]
    read = {one.vector_database_id for one in own if one.vector_database_id}
    databases = (
        VectorDatabase.objects.filter(pk__in=read)
        .annotate(filled_at=Max("ingestions__finished_at"))
        .in_bulk()
        if read
        else {}
    )
    now = {one.chat_id: one.chat for one in own}
    hashes = {pk: effective_settings(chat).content_hash() for pk, chat in now.items()}
    moved: dict[str, list[str]] = {one.pk: [] for one in own}
    for one in own:
        if one.vector_database_id and (what := _corpus(one, databases)):
            moved[one.pk].append(what)
        if settings_of(one).content_hash() != hashes[one.chat_id]:
            moved[one.pk].append("settings changed since")
    return moved


def _corpus(prompt: ChatPrompt, databases: dict[str, VectorDatabase]) -> str:
    database = databases.get(prompt.vector_database_id or "")
    if database is None:
        return "documents deleted since"
    filled_at = database.filled_at  # type: ignore[attr-defined] # annotated
    moments = (database.edited_at, database.chunks_removed_at, filled_at)
    changed = any(moment and moment > prompt.created_at for moment in moments)
    return "documents changed since" if changed else ""
