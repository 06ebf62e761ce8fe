"""A blueprint's versions beside what holds in a chat: what each changed, and going back to one."""

from dataclasses import dataclass

from django.db import transaction

from accounts.models import User
from blueprints.kinds import PROMPT_VERSIONS
from blueprints.models import Blueprint, BlueprintVersion
from blueprints.settings import AnswerSettings
from blueprints.versions import as_version
from playground.chat.drafts import keep_draft, take_settings
from playground.models import Chat
from playground.prompt_pages import saving
from playground.prompt_pages.diffs import VersionDiff, changed_names, diff_of

_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class PastVersion:
    """`changed` are the names of what differs from the version before; `is_here` is what the chat's
    next prompt is answered with."""

    version: BlueprintVersion
    changed: list[str]
    is_first: bool
    is_in_force: bool
    is_here: bool


@dataclass(frozen=True, slots=True)
class Restored:
    """`kept` is the version that the chat's own settings became, `left` what a chat could not take."""

    kept: BlueprintVersion | None
    left: list[str]


def history_of(
    blueprint: Blueprint, settings: AnswerSettings, *, before: int | None = None
) -> tuple[list[PastVersion], int | None]:
    """The newest versions with a number under `before`, and the number under which it goes on."""
    rows = PROMPT_VERSIONS.filter(blueprint=blueprint).order_by("-number")
    if before is not None:
        rows = rows.filter(number__lt=before)
    versions = list(rows[: _AT_ONCE + 1])
    older = [*versions[1:], None]
    here = settings.content_hash()
    found = [
        PastVersion(
            version=version,
            changed=changed_names(previous, version) if previous else [],
            is_first=previous is None,
            is_in_force=version.pk == blueprint.version_id,
            is_here=version.content_hash == here,
        )
        for version, previous in zip(versions, older, strict=True)
    ][:_AT_ONCE]
    return found, found[-1].version.number if len(versions) > _AT_ONCE else None


def change_by(
    version: BlueprintVersion, blueprint: Blueprint, settings: AnswerSettings
) -> VersionDiff:
    """What would change if the version held in the place of `settings`."""
    return diff_of(as_version(blueprint, settings), version)


@transaction.atomic
def try_version(version: BlueprintVersion, chat: Chat, *, user: User) -> Restored:
    """Answer the chat's next prompts as the version says. What the chat had of its own becomes a
    version first. Raises InvalidInput where nobody can answer so (any more)."""
    kept = keep_draft(chat, user=user)
    left = take_settings(chat, user=user, settings=AnswerSettings.of_version(version))
    return Restored(kept, left)


@transaction.atomic
def restore_version(version: BlueprintVersion, chat: Chat | None, *, user: User) -> Restored:
    """Have all chats with the blueprint answered as the version says. What this chat had of its own
    becomes a version first. Raises Conflict for a locked blueprint, InvalidInput as above."""
    kept = keep_draft(chat, user=user) if chat is not None else None
    saving.use_version(version, user=user)
    return Restored(kept, [])
