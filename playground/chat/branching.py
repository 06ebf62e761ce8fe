"""Other ways on from a question: another answer to it, and branches of its chat.

A branch is a chat of its own with copies of what was asked before, so that either chat may be changed
or deleted without the other. Copies say what they are of, and are counted nowhere.
"""

from django.db import transaction

from accounts.models import User
from accounts.services import require_editor
from config.errors import Conflict, InvalidInput
from config.ids import new_id
from config.status import UNFINISHED
from playground.asking import ask, chat_name, check_text
from playground.models import Chat, ChatPrompt

_AT_ONCE = 500
_LONGEST_NAME = 200
_OWN = (
    *("llm_id", "llm_settings", "vector_database_id", "retrieval_settings"),
    "metadata_filter",
)
# A copy has these of its own; a trace belongs to one prompt.
_NOT_COPIED = {
    *("id", "chat_id", "context_id", "history_ids", "log_id"),
    *("copy_of", "question_id", "is_superseded"),
}


@transaction.atomic
def regenerate(prompt: ChatPrompt, *, user: User) -> ChatPrompt:
    """Answer the chat's last question once more, with what holds in the chat now. The answers before
    stay, as other versions of it; the chat goes on from the newest.

    Raises Conflict for a question that others followed: they were answered knowing its answer.
    """
    require_editor(prompt.chat.playground.use_case, user)
    if not prompt.is_finished:
        raise Conflict("This answer is still being written: stop it first.")
    if prompt.comparison_prompt is not None:
        raise Conflict("This answer is part of a comparison: compare once more instead.")
    again = ask(
        user=user, text=prompt.text, chat=prompt.chat, metadata_filter=prompt.metadata_filter
    )
    # The chat is locked by now, so that nothing is asked in it meanwhile.
    current = prompt.chat.prompts.current().exclude(pk=again.pk).newest()
    question_id = prompt.question_id or prompt.pk
    if current is None or (current.question_id or current.pk) != question_id:
        raise Conflict(
            "Other questions followed this one: edit it, or branch from it, to have it answered anew."
        )
    ChatPrompt.objects.filter(pk=current.pk).update(question_id=question_id, is_superseded=True)
    ChatPrompt.objects.filter(pk=again.pk).update(question_id=question_id)
    again.question_id = question_id
    return again


@transaction.atomic
def branch(prompt: ChatPrompt, *, user: User) -> Chat:
    """A new chat that begins with this question, its answer and all before them."""
    require_editor(prompt.chat.playground.use_case, user)
    if not prompt.is_finished:
        raise Conflict("This answer is still being written: wait for it, or stop it first.")
    return _branch(prompt, user, name=f"Branch of {prompt.chat.name}", is_included=True)


@transaction.atomic
def edit(prompt: ChatPrompt, *, user: User, text: str) -> ChatPrompt:
    """Ask the question in other words, in a branch that begins with what was asked before it.

    Raises InvalidInput where it cannot be asked; then there is no branch either.
    """
    require_editor(prompt.chat.playground.use_case, user)
    check_text(text)
    if not text.strip():
        raise InvalidInput("Write a question first.", field="text")
    chat = _branch(prompt, user, name=chat_name(text), is_included=False)
    return ask(user=user, text=text, chat=chat, metadata_filter=prompt.metadata_filter)


def _branch(prompt: ChatPrompt, user: User, *, name: str, is_included: bool) -> Chat:
    source = prompt.chat
    own = {field: getattr(source, field) for field in _OWN}
    chat = Chat.objects.create(
        playground=source.playground,
        blueprint=source.blueprint,
        name=name[:_LONGEST_NAME],
        origin=source,
        created_by=user,
        **own,
    )
    earlier = source.prompts.before(prompt).exclude(question_id=prompt.question_id or prompt.pk)
    finished = earlier.current().exclude(status__in=UNFINISHED)
    rows = [*finished.order_by("created_at", "id"), *([prompt] if is_included else [])]
    _copy(rows, chat)
    return chat


def _copy(prompts: list[ChatPrompt], chat: Chat) -> None:
    names = [field.attname for field in ChatPrompt._meta.concrete_fields]
    kept = [name for name in names if name not in _NOT_COPIED]
    ids = {prompt.pk: new_id() for prompt in prompts}
    contexts = {prompt.context_id: new_id() for prompt in prompts}
    copies = [
        ChatPrompt(
            id=ids[prompt.pk],
            chat=chat,
            context_id=contexts[prompt.context_id],
            history_ids=[ids.get(pk, pk) for pk in prompt.history_ids],
            copy_of=prompt.copy_of or prompt.pk,
            **{name: getattr(prompt, name) for name in kept},
        )
        for prompt in prompts
    ]
    ChatPrompt.objects.bulk_create(copies, batch_size=_AT_ONCE)
    # Made now, they were asked then: that is their order.
    for copy, prompt in zip(copies, prompts, strict=True):
        copy.created_at = prompt.created_at
    ChatPrompt.objects.bulk_update(copies, ["created_at"], batch_size=_AT_ONCE)
