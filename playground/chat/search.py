"""Finding a chat of a use case by what was said in it."""

from dataclasses import dataclass

from django.db import OperationalError, connection, transaction
from django.db.models import Q
from django.urls import reverse
from psycopg import errors

from accounts.models import UseCase
from config.errors import InvalidInput
from config.storable import storable
from playground.chat.lookups import at
from playground.models import Chat, ChatPrompt

MOST_FOUND = 50
_LONGEST_SEARCH = "3s"
_AROUND = 80


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Where the words stand: `found` is as the text has it."""

    before: str
    found: str
    after: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A chat whose name says it, or a prompt of it with what its question and its answer say."""

    chat: Chat
    prompt: ChatPrompt | None
    excerpts: list[Excerpt]

    @property
    def url(self) -> str:
        if self.prompt is None:
            return reverse("playground:chat-detail", args=[self.chat.pk])
        return at(self.prompt)


def search_chats(use_case: UseCase, text: str) -> list[Hit]:
    """Chats by their names first, then questions and answers, each the newest first.

    Raises InvalidInput when the database takes longer than 3 s over it.
    """
    text = storable(text).strip()
    if not text:
        return []
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = '{_LONGEST_SEARCH}'")
            said = _by_words(use_case, text)
            # A chat is mostly called after its first question: what is found there is not told twice.
            known = {hit.chat.pk for hit in said}
            named = [hit for hit in _by_name(use_case, text) if hit.chat.pk not in known]
            return [*named, *said]
    except OperationalError as error:
        if not isinstance(error.__cause__, errors.QueryCanceled):
            raise
        raise InvalidInput(
            "There is too much to look through for this: search for something rarer."
        ) from error


def _by_name(use_case: UseCase, text: str) -> list[Hit]:
    chats = Chat.objects.conversations().filter(playground__use_case=use_case)
    found = chats.filter(name__icontains=text).select_related("playground", "blueprint")
    return [Hit(chat, None, _excerpts(text, chat.name)) for chat in found[:MOST_FOUND]]


def _by_words(use_case: UseCase, text: str) -> list[Hit]:
    """What a branch has copied is found where it was asked."""
    prompts = ChatPrompt.objects.filter(
        Q(text__icontains=text) | Q(result_text__icontains=text),
        chat__playground__use_case=use_case,
        chat__comparison=None,
        copy_of="",
    )
    found = prompts.select_related("chat__playground", "chat__blueprint").order_by(
        "-created_at", "-id"
    )
    return [
        Hit(prompt.chat, prompt, _excerpts(text, prompt.text, prompt.result_text))
        for prompt in found.defer("citations", "final_prompt")[:MOST_FOUND]
    ]


def _excerpts(wanted: str, *texts: str) -> list[Excerpt]:
    return [found for text in texts if (found := _excerpt(wanted, text))]


def _excerpt(wanted: str, text: str) -> Excerpt | None:
    at = text.lower().find(wanted.lower())
    # Few letters change their length with their case: PostgreSQL may find what this does not.
    if at < 0:
        return None
    start, end = max(0, at - _AROUND), at + len(wanted)
    return Excerpt(
        before=f"{'…' if start else ''}{text[start:at]}",
        found=text[at:end],
        after=f"{text[end : end + _AROUND]}{'…' if end + _AROUND < len(text) else ''}",
    )
