"""The one event stream of a page: server-sent events about the chats, comparisons, databases and logs
it shows."""

import asyncio
import json
import re
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.decorators import login_not_required
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.views.decorators.http import require_GET

from accounts.models import UseCase, User
from accounts.services import authenticate_token
from config.converters import IdConverter
from config.listener import GAP, Listener, Message, listener
from config.status import Status
from config.threads import in_thread
from playground.compare.news import JOINED, columns_of, revision_of, topic_of
from playground.models import Chat, ChatPrompt, ComparisonChat
from tracing.announcing import topic as topic_of_logs
from vectordb.models import VectorDatabase

_KEEP_ALIVE_SECONDS = 15.0
# The browser connects again by itself, and who may see what is checked again then.
_LONGEST_STREAM_SECONDS = 600.0
_MOST_TOPICS = 100
_PARAMETERS = ("chat", "vector_database", "comparison", "logs")
_ID = re.compile(IdConverter.regex)
_MOST_TEXTS = 2_000
_STORED_SOON_SECONDS = 0.2
_STORED_SURELY_SECONDS = 0.8


class Tails:
    """Remembers the running answers' latest text, which the database learns a little later.

    Stored text and tail together are everything up to now, so that whoever connects in mid-answer
    misses nothing and gets nothing twice.
    """

    def __init__(self) -> None:
        # By topic, the pieces as they came: few are ever asked for, so they are not parsed here.
        self._pieces: OrderedDict[str, list[Message]] = OrderedDict()
        self._heard_since = time.monotonic()

    def settling(self) -> float:
        """Seconds until what was said before this process began to listen is stored."""
        return max(0.0, self._heard_since + _STORED_SURELY_SECONDS - time.monotonic())

    def hear(self, message: Message) -> None:
        if message is GAP:
            self._pieces.clear()
            self._heard_since = time.monotonic()
        elif message.event == "delta":
            self._pieces.setdefault(message.topic, []).append(message)
            if len(self._pieces) > _MOST_TEXTS:
                self._pieces.popitem(last=False)
        elif message.event in {"restarted", "finished", "deleted"}:
            self._forget(message)

    def _forget(self, message: Message) -> None:
        """What was told of one prompt. Those that evaluations ask are answered side by side: of others
        in the same chat the pieces stay."""
        told = f'"prompt":"{message.data["prompt"]}"'
        pieces = self._pieces.pop(message.topic, [])
        if left := [piece for piece in pieces if told not in piece.raw]:
            self._pieces[message.topic] = left

    def complete(self, row: "_Unfinished") -> str | None:
        """All text so far, or None while what is stored does not yet reach up to the tail."""
        text = row.text
        for message in self._pieces.get(f"chat:{row.chat_id}", []):
            piece = message.data
            if (piece["prompt"], piece["attempt"]) != (row.prompt_id, row.attempt):
                continue
            if piece["end"] <= len(text):
                continue
            if piece["offset"] > len(text):
                return None
            text = text[: piece["offset"]] + piece["text"]
        return text


_tails: WeakKeyDictionary[Listener, Tails] = WeakKeyDictionary()


def tails() -> Tails:
    ears = listener()
    if ears not in _tails:
        _tails[ears] = Tails()
        ears.observe(_tails[ears].hear)
    return _tails[ears]


@dataclass(frozen=True, slots=True)
class Watched:
    """`columns` are the chats of the comparisons."""

    chat_ids: tuple[str, ...]
    database_ids: tuple[str, ...]
    comparison_ids: tuple[str, ...] = ()
    # Use cases whose logs are watched.
    logs_of: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def topics(self) -> list[str]:
        chats = [f"chat:{pk}" for pk in self.chat_ids + self.columns]
        databases = [f"vector_database:{pk}" for pk in self.database_ids]
        logs = map(topic_of_logs, self.logs_of)
        return [*chats, *map(topic_of, self.comparison_ids), *databases, *logs]

    @property
    def ids(self) -> tuple[str, ...]:
        return self.chat_ids + self.database_ids + self.comparison_ids + self.logs_of

    def of_now(self) -> "Watched":
        """With the columns that the comparisons have by now."""
        return replace(self, columns=columns_of(self.comparison_ids))


@login_not_required
@require_GET
async def event_stream(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """GET /events/?chat=ID&comparison=ID&vector_database=ID&logs=USE_CASE, by session or by API token.

    401 without either, 404 when one of the ids is unknown or not visible, 422 without any.
    """
    # In a thread that gives its connection back: a stream must not hold one for its whole life.
    user = await in_thread(_user, request)
    if user is None:
        return JsonResponse({"detail": "Sign in, or send an API token."}, status=401)
    watched = Watched(*(tuple(dict.fromkeys(request.GET.getlist(name))) for name in _PARAMETERS))
    if not 0 < len(watched.ids) <= _MOST_TOPICS:
        message = f"Name 1 to {_MOST_TOPICS} chats, comparisons, vector databases or use cases' logs to watch."
        return JsonResponse({"detail": message}, status=422)
    if not await in_thread(_all_visible, user, watched):
        return JsonResponse({"detail": "Not found."}, status=404)
    return StreamingHttpResponse(
        _stream(watched),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _user(request: HttpRequest) -> User | None:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme in {"Bearer", "Token"}:
        token = authenticate_token(secret.strip())
        return token.user if token else None
    # Event streams pass no session middleware.
    session_key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    request.session = SessionStore(session_key)
    user = get_user(request)
    return user if isinstance(user, User) else None


def _all_visible(user: User, watched: Watched) -> bool:
    if not all(map(_ID.fullmatch, watched.ids)):
        return False
    chats = Chat.objects.watchable_by(user).filter(pk__in=watched.chat_ids)
    databases = VectorDatabase.objects.visible_to(user).filter(pk__in=watched.database_ids)
    comparisons = ComparisonChat.objects.visible_to(user).filter(pk__in=watched.comparison_ids)
    logs = UseCase.objects.visible_to(user).filter(pk__in=watched.logs_of)
    return (
        chats.count() == len(watched.chat_ids)
        and databases.count() == len(watched.database_ids)
        and comparisons.count() == len(watched.comparison_ids)
        and logs.count() == len(watched.logs_of)
    )


async def _stream(watched: Watched) -> AsyncGenerator[bytes, None]:
    tails()
    ends_at = time.monotonic() + _LONGEST_STREAM_SECONDS
    while time.monotonic() < ends_at:
        if watched.comparison_ids:
            watched = await in_thread(watched.of_now)
        async with aclosing(_until_joined(watched, ends_at)) as pieces:
            async for piece in pieces:
                yield piece


async def _until_joined(watched: Watched, ends_at: float) -> AsyncGenerator[bytes, None]:
    """What is told until a comparison has a further column, which is to be heard too."""
    async with listener().subscribe(*watched.topics) as queue:
        # One that came before this began to listen was told to nobody here.
        if watched.comparison_ids and await in_thread(watched.of_now) != watched:
            return
        batch = [GAP]
        while (left := ends_at - time.monotonic()) > 0:
            while GAP in batch:
                caught_up = await _catch_up(watched)
                yield caught_up.events
                known = [message for message in batch if message is not GAP]
                batch = caught_up.news(known + _waiting(queue))
            if batch:
                yield b"".join(_encode(message.event, message.raw) for message in batch)
            if any(message.event == JOINED for message in batch):
                return
            try:
                first = await asyncio.wait_for(queue.get(), min(left, _KEEP_ALIVE_SECONDS))
                batch = [first, *_waiting(queue)]
            except TimeoutError:
                yield b": still here\n\n"
                batch = []


def _waiting(queue: asyncio.Queue[Message]) -> list[Message]:
    return [queue.get_nowait() for _ in range(queue.qsize())]


@dataclass(frozen=True, slots=True)
class _Unfinished:
    """A prompt without its whole answer. `text` is what is stored of its latest attempt."""

    prompt_id: str
    chat_id: str
    status: str
    attempt: int
    text: str


@dataclass(frozen=True, slots=True)
class _CaughtUp:
    """The encoded events that say how things are, and by prompt the attempt they speak of."""

    events: bytes
    attempts: dict[str, int]

    def news(self, messages: list[Message]) -> list[Message]:
        """Without what was said of attempts before: an earlier one's text does not join this one's."""
        return [one for one in messages if not self._is_old(one)]

    def _is_old(self, message: Message) -> bool:
        if message.event not in {"delta", "restarted"}:
            return False
        data = message.data
        latest = self.attempts.get(data["prompt"], 0)
        return bool(data["attempt"] < latest + (message.event == "restarted"))


async def _catch_up(watched: Watched) -> _CaughtUp:
    """Which answers are running, and all their text so far."""
    while True:
        revisions = await in_thread(_revisions, watched) if watched.comparison_ids else []
        rows = await in_thread(_unfinished, watched.chat_ids + watched.columns)
        # From here to the return nothing awaits: the tails cannot move on.
        texts = [tails().complete(row) for row in rows]
        is_running = any(row.status == Status.RUNNING for row in rows)
        if None not in texts and not (is_running and tails().settling()):
            break
        await asyncio.sleep(tails().settling() or _STORED_SOON_SECONDS)
    events = [_encode("sync", json.dumps({"unfinished": [row.prompt_id for row in rows]}))]
    for row, text in zip(rows, texts, strict=True):
        text = text or ""
        data = {"prompt": row.prompt_id, "status": row.status, "text": text, "end": len(text)}
        events.append(_encode("snapshot", json.dumps(data)))
    events += [_encode("compared", json.dumps(one)) for one in revisions]
    return _CaughtUp(b"".join(events), {row.prompt_id: row.attempt for row in rows})


def _unfinished(chat_ids: tuple[str, ...]) -> list[_Unfinished]:
    prompts = ChatPrompt.objects.filter(chat__in=chat_ids).unfinished()
    rows = prompts.values_list("id", "chat_id", "status", "attempt", "result_text")
    return [_Unfinished(*row) for row in rows]


def _revisions(watched: Watched) -> list[dict[str, Any]]:
    return [revision_of(pk) for pk in watched.comparison_ids]


def _encode(event: str, data: str) -> bytes:
    return f"event: {event}\ndata: {data}\n\n".encode()
