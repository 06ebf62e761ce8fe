"""Comparisons: one question to several blueprints, and their answers side by side.

Each blueprint has a hidden chat in the comparison chat, its column, in which it is asked as in any
other chat: so history, streaming and retries are the same there.
"""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.services import require_editor
from blueprints.models import Blueprint
from config.errors import Conflict, InvalidInput
from playground.asking import ask_as_is, check_text, delete_prompt
from playground.compare.news import tell, tell_joined
from playground.models import Chat, ChatPrompt, ComparisonChat, ComparisonPrompt, Playground
from vectordb.retrieval import validate_metadata_filter


def create_comparison_chat(*, user: User, playground: Playground, name: str) -> ComparisonChat:
    require_editor(playground.use_case, user)
    return ComparisonChat.objects.create(playground=playground, name=name, created_by=user)


def rename_comparison_chat(chat: ComparisonChat, *, user: User, name: str) -> ComparisonChat:
    require_editor(chat.playground.use_case, user)
    chat.name = name
    chat.save(update_fields=["name"])
    return chat


@transaction.atomic
def delete_comparison_chat(chat: ComparisonChat, *, user: User) -> None:
    """Delete it with its comparisons. Answers that are still being written are ended."""
    require_editor(chat.playground.use_case, user)
    lock(chat)
    _end_answers(ChatPrompt.objects.filter(chat__comparison=chat).unfinished(), user)
    chat.delete()


@transaction.atomic
def compare(
    *,
    user: User,
    blueprints: Sequence[Blueprint],
    text: str,
    chat: ComparisonChat | None = None,
    metadata_filter: dict[str, Any] | None = None,
    with_drafts: bool = False,
) -> ComparisonPrompt:
    """Ask several blueprints of one playground, saved ones unless `with_drafts`; workers answer. A
    refused comparison changes nothing.

    In a comparison chat each blueprint knows what it was asked there before; without one, nothing.
    Raises InvalidInput with the field: llm_blueprint_ids, text or metadata_filter.
    """
    if not blueprints:
        raise InvalidInput("Choose at least one blueprint.", field="llm_blueprint_ids")
    playground = chat.playground if chat else _common_playground(blueprints)
    require_editor(playground.use_case, user)
    check_text(text)
    validate_metadata_filter(metadata_filter)
    if chat is None:
        chat = ComparisonChat.objects.create(playground=playground, is_hidden=True, created_by=user)
    elif not lock(chat):
        raise Conflict("This comparison chat was deleted meanwhile: choose another.")
    comparison = ComparisonPrompt.objects.create(
        chat=chat, text=text, metadata_filter=metadata_filter, created_by=user
    )
    blueprints = _checked(comparison, blueprints, "llm_blueprint_ids", with_drafts=with_drafts)
    _ask(comparison, blueprints, user=user, field="llm_blueprint_ids")
    return comparison


@transaction.atomic
def add_blueprints(
    comparison: ComparisonPrompt,
    *,
    user: User,
    blueprints: Sequence[Blueprint],
    with_drafts: bool = False,
) -> None:
    """Ask further blueprints the same question. Raises InvalidInput, and Conflict when the
    comparison was deleted meanwhile."""
    require_editor(comparison.chat.playground.use_case, user)
    lock(comparison.chat)
    # Looked up after waiting for the lock.
    if not ComparisonPrompt.objects.filter(pk=comparison.pk).exists():
        raise Conflict("This comparison was deleted meanwhile.")
    field = "additional_llm_blueprint_ids"
    blueprints = _checked(comparison, blueprints, field, with_drafts=with_drafts)
    _ask(comparison, blueprints, user=user, field=field)


@transaction.atomic
def delete_comparison(comparison: ComparisonPrompt, *, user: User) -> None:
    """Remove the question and all answers, also while they are being written."""
    require_editor(comparison.chat.playground.use_case, user)
    lock(comparison.chat)
    _end_answers(comparison.results.all(), user)
    if comparison.chat.is_hidden:
        comparison.chat.delete()
    else:
        comparison.delete()
        tell(comparison.chat_id)


def forget_empty_comparisons(playground: Playground) -> None:
    """Drop the comparisons that stood alone and lost their last result, with its blueprint."""
    playground.comparison_chats.filter(is_hidden=True, prompts__results=None).delete()


def lock(chat: ComparisonChat) -> bool:
    """One change of a comparison chat after the other: what is asked in it has an order. False
    when it is gone."""
    return ComparisonChat.objects.select_for_update(no_key=True).filter(pk=chat.pk).exists()


def _common_playground(blueprints: Sequence[Blueprint]) -> Playground:
    """The home of the first one, or else another playground in which all of them stand."""
    wanted = {blueprint.pk for blueprint in blueprints}
    places = blueprints[0].places.order_by("-is_home", "pk").select_related("playground__use_case")
    for place in places:
        if place.playground.places.filter(blueprint__in=wanted).count() == len(wanted):
            return place.playground
    raise InvalidInput(
        "Only blueprints of one playground can be compared.", field="llm_blueprint_ids"
    )


def _ask(
    comparison: ComparisonPrompt, blueprints: Sequence[Blueprint], *, user: User, field: str
) -> None:
    """Each of the blueprints, which stand in the comparison's chat from now on."""
    are_new = False
    for blueprint in blueprints:
        column, is_new = Chat.objects.get_or_create(
            comparison=comparison.chat,
            blueprint=blueprint,
            defaults={
                "playground": comparison.chat.playground,
                "created_by": user,
            },
        )
        try:
            ask_as_is(
                column,
                user=user,
                text=comparison.text,
                metadata_filter=comparison.metadata_filter,
                comparison_prompt=comparison,
            )
        except InvalidInput as error:
            message = f"“{blueprint.name}” cannot answer. {error.message}"
            raise InvalidInput(message, field=field) from error
        are_new = are_new or is_new
    comparison.chat.blueprints.add(*blueprints)
    if are_new:
        tell_joined(comparison.chat_id)
    tell(comparison.chat_id, comparison.pk)


def _checked(
    comparison: ComparisonPrompt,
    blueprints: Sequence[Blueprint],
    field: str,
    *,
    with_drafts: bool,
) -> list[Blueprint]:
    """The blueprints, locked so that none is deleted before the comparison is stored."""
    ids = [blueprint.pk for blueprint in blueprints]
    known = set(comparison.results.values_list("chat__blueprint", flat=True))
    if len(set(ids)) < len(ids) or known.intersection(ids):
        raise InvalidInput("Each blueprint answers a comparison once.", field=field)
    locked = Blueprint.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    by_id = {blueprint.pk: blueprint for blueprint in locked}
    if len(by_id) < len(ids):
        raise InvalidInput("One of the blueprints was deleted meanwhile.", field=field)
    placed = comparison.chat.playground.places.filter(blueprint__in=ids)
    if placed.count() < len(ids):
        raise InvalidInput("Only blueprints of one playground can be compared.", field=field)
    drafts = [blueprint.name for blueprint in by_id.values() if not blueprint.is_saved]
    if drafts and not with_drafts:
        names = ", ".join(f"“{name}”" for name in drafts)
        raise InvalidInput(f"Save {names} first: drafts cannot be compared.", field=field)
    return [by_id[pk] for pk in ids]


def _end_answers(prompts: Any, user: User) -> None:
    for prompt in prompts.select_related("chat__playground__use_case"):
        delete_prompt(prompt, user=user)
