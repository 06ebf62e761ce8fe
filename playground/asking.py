"""Questions: put, retried, stopped, judged, deleted. The answers are made in `answering`."""

from typing import Any

from django.db import transaction
from django.db.models import OuterRef, Subquery

from accounts.models import Membership, User
from accounts.services import require_editing, require_editor
from blueprints import services as blueprint_services
from blueprints.llm_settings import LONGEST_PROMPT
from blueprints.models import Blueprint
from blueprints.settings import AnswerSettings, SettingsChanges
from config.compiled import Compiled, given
from config.durability import let_others_begin
from config.errors import Conflict, InvalidInput, NotFound
from config.ids import new_id
from config.inserting import insert
from config.notify import publish
from config.status import UNFINISHED, Status
from playground import tasks
from playground.chat.settings import clear_overridden, effective_settings, write_back
from playground.models import (
    Chat,
    ChatPrompt,
    ComparisonPrompt,
    PlaygroundBlueprint,
)
from vectordb.retrieval import validate_metadata_filter

_NAME_LENGTH = 60
_UNNAMED = "New chat"


@transaction.atomic
def ask(
    *,
    user: User,
    text: str,
    chat: Chat | str | None = None,
    blueprint: Blueprint | None = None,
    changes: SettingsChanges | None = None,
    metadata_filter: dict[str, Any] | None = None,
) -> ChatPrompt:
    """Put a question; a worker answers it. A refused question changes nothing.

    With `chat`, or its id, `changes` are used and kept as the chat's own; with only `blueprint`, they
    become the blueprint's and the question goes to its oldest chat (made when there is none).
    Raises InvalidInput, and NotFound for the id of a chat that the user may not see.
    """
    changes = changes or SettingsChanges()
    check_text(text)
    chat, through_chat = _chat_for(user=user, chat=chat, blueprint=blueprint)
    if chat.is_frozen or chat.comparison is not None:
        raise InvalidInput("This chat is frozen: ask in another one.", field="chat_id")
    if changes:
        blueprint_services.require_changeable(chat.blueprint)
    settings = _settings_for(chat, changes, through_chat=through_chat)
    # What is refused in the end was embedded in vain; all others wait that much less.
    tasks.announce_question(text, settings.vector_database_id)
    check_can_answer(settings, chat, user)
    validate_metadata_filter(metadata_filter)

    if changes:
        _keep(changes, chat, user=user, through_chat=through_chat)
    prompt = _record(chat, user, text, settings, metadata_filter)
    _enqueue(prompt)
    return prompt


@transaction.atomic
def ask_as_is(
    chat: Chat,
    *,
    user: User,
    text: str,
    metadata_filter: dict[str, Any] | None = None,
    comparison_prompt: ComparisonPrompt | None = None,
) -> ChatPrompt:
    """Ask with what holds in the chat, also where people cannot: in columns of comparisons."""
    check_text(text)
    chat = _locked(chat.pk, user)
    settings = effective_settings(chat)
    check_can_answer(settings, chat, user)
    validate_metadata_filter(metadata_filter)
    prompt = _record(chat, user, text, settings, metadata_filter, comparison_prompt)
    _enqueue(prompt)
    return prompt


def retry(prompt: ChatPrompt, *, user: User) -> ChatPrompt:
    """Start a failed answer over in its place."""
    require_editor(prompt.chat.playground.use_case, user)
    if not prompt.is_finished:
        raise Conflict("This answer is still being written: stop it first.")
    if prompt.status == Status.COMPLETED:
        raise Conflict("This question is answered: only what failed is tried again.")
    with transaction.atomic():
        restarted = ChatPrompt.objects.filter(pk=prompt.pk, status=prompt.status).update(
            status=Status.NEW,
            copy_of="",
            attempt=0,
            stop_requested=False,
            error_message="",
            result_text="",
            finished_at=None,
        )
        if restarted:
            _enqueue(prompt)
    prompt.refresh_from_db()
    return prompt


@transaction.atomic
def stop(prompt: ChatPrompt, *, user: User) -> None:
    """End the answer where it is; what has been written of it stays."""
    require_editor(prompt.chat.playground.use_case, user)
    ChatPrompt.objects.filter(pk=prompt.pk, status__in=UNFINISHED).update(stop_requested=True)
    tasks.tell_workers_to_stop(prompt.pk)


@transaction.atomic
def delete_prompt(prompt: ChatPrompt, *, user: User) -> None:
    """Remove question and answer, also while it is being written."""
    require_editor(prompt.chat.playground.use_case, user)
    prompt_id, chat_id = prompt.pk, prompt.chat_id
    if not prompt.is_superseded and (newest := prompt.other_versions().newest()):
        ChatPrompt.objects.filter(pk=newest.pk).update(is_superseded=False)
    prompt.delete()
    tasks.tell_workers_to_stop(prompt_id)
    publish(topic=f"chat:{chat_id}", event="deleted", data={"prompt": prompt_id})


def chat_name(question: str) -> str:
    """What a chat is called after its first question."""
    first_line = next(iter(question.strip().splitlines()), "")
    return first_line[:_NAME_LENGTH] or _UNNAMED


def check_text(text: str) -> None:
    if len(text) > LONGEST_PROMPT:
        raise InvalidInput(
            f"The question has {len(text):,} characters; at most {LONGEST_PROMPT:,} are possible.",
            field="text",
        )
    if "\x00" in text:
        raise InvalidInput("The question holds a NUL character: remove it.", field="text")


def _chat_for(
    *, user: User, chat: Chat | str | None, blueprint: Blueprint | None
) -> tuple[Chat, bool]:
    """The chat to ask in, locked, and whether it was named itself (else only its blueprint)."""
    if chat is not None:
        chat = _visible(chat, user) if isinstance(chat, str) else _locked(chat.pk, user)
        if blueprint is not None and chat.blueprint_id != blueprint.pk:
            raise InvalidInput("The chat belongs to another blueprint.", field="chat_id")
        return chat, True
    if blueprint is None:
        raise InvalidInput("Name a chat or a blueprint to ask.")
    # Frozen ones, which evaluations make, take no questions.
    open_chats = blueprint.chats.conversations().filter(is_frozen=False)
    oldest = open_chats.order_by("created_at", "id").first()
    if oldest is None:
        home = PlaygroundBlueprint.objects.filter(blueprint=blueprint, is_home=True).first()
        if home is None:
            raise InvalidInput("Put the blueprint into a playground first.")
        oldest = Chat.objects.create(
            playground=home.playground, blueprint=blueprint, name=_UNNAMED, created_by=user
        )
    return _locked(oldest.pk, user), False


_ROLE = Membership.objects.filter(
    use_case=OuterRef("playground__use_case"), user=given("user")
).values("role")
_LOCKED = Compiled(
    lambda: (
        Chat.objects.select_for_update(of=("self",), no_key=True)
        .select_related("playground__use_case", "blueprint__version")
        .annotate(role=Subquery(_ROLE))
        .filter(pk=given("id"))
        .order_by()
    )
)
_LAST = Compiled(
    lambda: (
        ChatPrompt.objects.filter(chat=given("chat"))
        .order_by("-created_at", "-id")
        .only("chat_id", "context_id", "prompt_type")
    )
)


def _locked(chat_id: str, user: User) -> Chat:
    """The chat for an editor of it. Locked, its prompts and contexts have one order for everybody."""
    chat = _LOCKED.first(id=chat_id, user=user.pk)
    if chat is None:
        raise InvalidInput("The chat was deleted meanwhile: ask in another one.", field="chat_id")
    require_editing(chat.role)  # type: ignore[attr-defined] # annotated above
    return chat


def _visible(chat_id: str, user: User) -> Chat:
    """Likewise by an id that anybody may have sent, and none of a comparison's columns."""
    chat = _LOCKED.first(id=chat_id, user=user.pk)
    role: Any = getattr(chat, "role", None)
    if chat is None or role is None or chat.comparison is not None:
        raise NotFound("Chat not found.")
    require_editing(role)
    return chat


def _settings_for(chat: Chat, changes: SettingsChanges, *, through_chat: bool) -> AnswerSettings:
    if through_chat:
        return changes.apply_to(effective_settings(chat))
    return changes.apply_to(AnswerSettings.of_version(chat.blueprint.current))


def check_can_answer(settings: AnswerSettings, chat: Chat, user: User) -> None:
    """Raise InvalidInput unless these settings can answer now."""
    database = blueprint_services.check_settings(
        settings, user=user, use_case=chat.playground.use_case
    )
    if settings.llm_id is None:
        raise InvalidInput("Choose an LLM first.", field="llm_id")
    if database is not None and database.status != Status.COMPLETED:
        raise InvalidInput(
            "The vector database is not ready: wait until it is built, or choose another.",
            field="vector_database_id",
        )


def _keep(changes: SettingsChanges, chat: Chat, *, user: User, through_chat: bool) -> None:
    if through_chat:
        write_back(chat, changes)
    else:
        blueprint_services.update_blueprint(chat.blueprint, user=user, changes=changes)
        clear_overridden(chat.blueprint, changes)
        chat.blueprint.refresh_from_db()


def _record(
    chat: Chat,
    user: User,
    text: str,
    settings: AnswerSettings,
    metadata_filter: dict[str, Any] | None,
    comparison_prompt: ComparisonPrompt | None = None,
) -> ChatPrompt:
    last = _LAST.first(chat=chat.pk)
    same_context = last is not None and last.prompt_type == settings.prompt_type
    if last is None and chat.name == _UNNAMED:
        chat.name = chat_name(text)
        chat.save(update_fields=["name"])
    prompt = ChatPrompt(
        chat=chat,
        comparison_prompt=comparison_prompt,
        text=text,
        context_id=last.context_id if last is not None and same_context else new_id(),
        prompt_type=settings.prompt_type,
        blueprint_version=_version_with(chat, settings),
        llm_id=settings.llm_id or "",
        llm_settings=settings.llm_settings.to_json(),
        prompt_details=settings.prompt.to_json(),
        vector_database_id=settings.vector_database_id,
        retrieval_settings=settings.retrieval_settings.to_json(),
        metadata_filter=metadata_filter,
        created_by=user,
    )
    insert(prompt)
    return prompt


def _version_with(chat: Chat, settings: AnswerSettings) -> Any:
    """The blueprint's current version, if it is what answers; a chat's own settings have none."""
    version = chat.blueprint.current
    return version if version.content_hash == settings.content_hash() else None


def _enqueue(prompt: ChatPrompt) -> None:
    """In the transaction of the row, so that neither is ever there without the other."""
    tasks.enqueue_answer(prompt_id=prompt.pk, chat_id=prompt.chat_id)
    # Not in which chat: where answers are compared blindly, that would tell whose it is.
    publish(topic=f"chat:{prompt.chat_id}", event="asked", data={"prompt": prompt.pk})
    let_others_begin()
