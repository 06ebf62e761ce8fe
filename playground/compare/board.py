"""What can be done on the page of a comparison: ask all, choose who answers, stop, retry, prefer."""

import random
from collections.abc import Collection, Sequence

from django.db import transaction

from accounts.models import User
from accounts.services import require_editor, role_of
from blueprints.models import Blueprint
from config.errors import Conflict, Forbidden, InvalidInput
from playground import comparisons
from playground.asking import check_text, delete_prompt, stop
from playground.compare.joining import ask_missing, chosen
from playground.compare.news import tell
from playground.joining_tasks import enqueue_missing
from playground.models import ChatPrompt, ComparisonChat, ComparisonPrompt, Playground, Preference

_NAME_LENGTH = 60
_UNNAMED = "New comparison"


@transaction.atomic
def begin(
    *,
    user: User,
    playground: Playground,
    blueprints: Sequence[Blueprint],
    text: str,
    is_blind: bool = False,
) -> ComparisonPrompt:
    """The first question of a new comparison, which is named after it. Raises InvalidInput."""
    check_text(text)
    lines = text.strip().splitlines()
    comparison = comparisons.create_comparison_chat(
        user=user, playground=playground, name=lines[0][:_NAME_LENGTH] if lines else _UNNAMED
    )
    ComparisonChat.objects.filter(pk=comparison.pk).update(is_blind=is_blind)
    return _ask(comparison, user=user, blueprints=blueprints, text=text)


def ask_all(comparison: ComparisonChat, *, user: User, text: str) -> ComparisonPrompt:
    """A further question to all that are chosen. Raises InvalidInput."""
    return _ask(comparison, user=user, blueprints=chosen(comparison), text=text)


def _ask(
    comparison: ComparisonChat, *, user: User, blueprints: Sequence[Blueprint], text: str
) -> ComparisonPrompt:
    if not blueprints:
        raise InvalidInput("Tick at least one blueprint at the left, then ask.")
    # In a blind comparison, the order in which answers begin would tell whose they are.
    in_any_order = random.SystemRandom().sample(blueprints, len(blueprints))
    return comparisons.compare(
        user=user, blueprints=in_any_order, text=text, chat=comparison, with_drafts=True
    )


@transaction.atomic
def choose(comparison: ComparisonChat, *, user: User, blueprints: Sequence[Blueprint]) -> None:
    """From now on these are asked. Who joins answers all that was asked so far, in order; the answers
    of those who leave are kept for their return. Of a long comparison the first questions are asked at
    once, the others by workers. Raises InvalidInput."""
    require_editor(comparison.playground.use_case, user)
    # Two who choose at once: the later one's choice holds.
    comparisons.lock(comparison)
    comparison.blueprints.set(blueprints)
    if ask_missing(comparison, user=user):
        enqueue_missing(comparison, user=user)
    tell(comparison.pk)


@transaction.atomic
def set_blind(comparison: ComparisonChat, *, user: User, is_blind: bool) -> None:
    """Whether names are hidden from those who have not voted on a question."""
    require_editor(comparison.playground.use_case, user)
    comparison.is_blind = is_blind
    comparison.save(update_fields=["is_blind"])
    tell(comparison.pk)


def stop_all(comparison: ComparisonChat, *, user: User) -> None:
    """End every answer where it is; what has been written of them stays."""
    require_editor(comparison.playground.use_case, user)
    running = ChatPrompt.objects.filter(comparison_prompt__chat=comparison).unfinished()
    for result in running.select_related("chat__playground__use_case"):
        stop(result, user=user)


@transaction.atomic
def answer_again(result: ChatPrompt, *, user: User) -> None:
    """Have the blueprint, as it is now, answer anew in its place. Votes for the answer before go with
    it. Raises InvalidInput where it cannot answer, and Conflict while it does."""
    question = result.comparison_prompt
    if question is None:
        raise Conflict("This answer is not part of a comparison.")
    if not result.is_finished:
        raise Conflict("This answer is still being written: stop it first.")
    comparisons.lock(question.chat)
    delete_prompt(result, user=user)
    blueprint = result.chat.blueprint
    comparisons.add_blueprints(question, user=user, blueprints=[blueprint], with_drafts=True)


@transaction.atomic
def prefer(
    question: ComparisonPrompt,
    *,
    user: User,
    best: ChatPrompt | None,
    seen: Collection[str] | None = None,
) -> None:
    """One person's choice among the answers, in place of the one before; None is a tie. Every member
    may choose, once all have answered. Raises InvalidInput, and Conflict where the answers are not
    those with the ids in `seen`: then the choice was between others."""
    _require_member(question, user)
    # Whoever retries one waits, or has already put another in its place.
    comparisons.lock(question.chat)
    shown = list(question.results.filter(chat__blueprint__in=question.chat.blueprints.all()))
    if not all(result.is_finished for result in shown):
        raise InvalidInput("Wait until all have answered, or stop them: then choose.")
    if seen is not None and set(seen) != {result.pk for result in shown}:
        raise Conflict("The answers changed meanwhile: read them, then choose.")
    candidates = [result for result in shown if result.result_text]
    if not candidates or (best is not None and best not in candidates):
        raise InvalidInput("There is no answer to prefer: choose another one.")
    vote, _ = Preference.objects.update_or_create(
        question=question, user=user, defaults={"best": best}
    )
    vote.candidates.set(candidates)
    tell(question.chat_id, question.pk)


@transaction.atomic
def withdraw(question: ComparisonPrompt, *, user: User) -> None:
    """Take one's own choice back; without one nothing happens."""
    _require_member(question, user)
    question.preferences.filter(user=user).delete()
    tell(question.chat_id, question.pk)


def _require_member(question: ComparisonPrompt, user: User) -> None:
    if role_of(question.chat.playground.use_case, user) is None:
        raise Forbidden("Only members of the use case may judge its answers.")
