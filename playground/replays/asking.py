"""Asking for a replay of an answer."""

from django.db import transaction

from accounts.models import User
from accounts.services import require_editor
from config.errors import Conflict, InvalidInput
from playground import tasks
from playground.models import ChatPrompt, Replay
from playground.replays.replaying import end_before_it_begins, obstacle

# Of one user, whom the queue has beside everybody else.
MOST_UNFINISHED = 4


@transaction.atomic
def replay(prompt: ChatPrompt, *, user: User, is_exact: bool) -> Replay:
    """Have the answer given once more, beside it: from the same messages and passages, or from what a
    search finds today. Raises InvalidInput with the reason where that is impossible, and Conflict
    while as many of the user's replays as one may have wait or run."""
    require_editor(prompt.chat.playground.use_case, user)
    if reason := obstacle(prompt, is_exact=is_exact):
        raise InvalidInput(reason)
    # Locked, or replays that are asked for at one moment would not count each other.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if Replay.objects.unfinished().filter(created_by=user).count() >= MOST_UNFINISHED:
        raise Conflict(f"{MOST_UNFINISHED} of your replays are not done yet: wait until one is.")
    replay = Replay.objects.create(
        prompt=prompt,
        is_exact=is_exact,
        citations=prompt.citations if is_exact else [],
        created_by=user,
    )
    tasks.enqueue_replay(replay.pk)
    return replay


@transaction.atomic
def stop(made: Replay, *, user: User) -> None:
    """End it where it is; what has been written of it stays. One that is done stays as it is."""
    require_editor(made.prompt.chat.playground.use_case, user)
    if made.is_finished:
        return
    end_before_it_begins(made)
    tasks.tell_workers_to_stop(made.pk)
