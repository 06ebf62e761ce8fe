"""The one event stream of a page: server-sent events about the chats and databases it shows."""

import asyncio
import json
import re
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.decorators import login_not_required
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.views.decorators.http import require_GET

from accounts.models import User
from accounts.services import authenticate_token
from config.converters import IdConverter
from config.listener import GAP, Listener, Message, listener
from config.status import Status
from config.threads import in_thread
from playground.models import Chat, ChatPrompt
from vectordb.models import VectorDatabase

_KEEP_ALIVE_SECONDS = 15.0
# The browser connects again by itself, and who may see what is checked again then.
_LONGEST_STREAM_SECONDS = 600.0
_MOST_TOPICS = 100
_ID = re.compile(IdConverter.regex)
_MOST_TEXTS = 2_000
_STORED_SOON_SECONDS = 0.2
_STORED_SURELY_SECONDS = 0.8


class Tails:
    """Remembers the running answers' latest text, which the database learns a little later.

    Stored text and tail together are everything up to now, so that whoever connects in mid-answer
    misses nothing and gets nothing twice. A chat answers one prompt at a time.
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
            self._pieces.pop(message.topic, None)

    def complete(self, chat_id: str, prompt_id: str, stored: str) -> str | None:
        """All text so far, or None while what is stored does not yet reach up to the tail."""
        text = stored
        for message in self._pieces.get(f"chat:{chat_id}", []):
            piece = message.data
            if piece["prompt"] != prompt_id or piece["end"] <= len(text):
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
    chat_ids: tuple[str, ...]
    database_ids: tuple[str, ...]

    @property
    def topics(self) -> list[str]:
        chats = [f"chat:{pk}" for pk in self.chat_ids]
        return [*chats, *(f"vector_database:{pk}" for pk in self.database_ids)]


@login_not_required
@require_GET
async def event_stream(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """GET /events/?chat=ID&chat=ID&vector_database=ID, by session or by API token.

    401 without either, 404 when one of the ids is unknown or not visible, 422 without any.
    """
    # In a thread that gives its connection back: a stream must not hold one for its whole life.
    user = await in_thread(_user, request)
    if user is None:
        return JsonResponse({"detail": "Sign in, or send an API token."}, status=401)
    chat_ids = dict.fromkeys(request.GET.getlist("chat"))
    database_ids = dict.fromkeys(request.GET.getlist("vector_database"))
    if not 0 < len(chat_ids) + len(database_ids) <= _MOST_TOPICS:
        return JsonResponse(
            {"detail": f"Name 1 to {_MOST_TOPICS} chats or vector databases to watch."}, status=422
        )
    watched = Watched(tuple(chat_ids), tuple(database_ids))
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
    if not all(map(_ID.fullmatch, watched.chat_ids + watched.database_ids)):
        return False
    chats = Chat.objects.watchable_by(user).filter(pk__in=watched.chat_ids).count()
    databases = VectorDatabase.objects.visible_to(user).filter(pk__in=watched.database_ids)
    return chats == len(watched.chat_ids) and databases.count() == len(watched.database_ids)


async def _stream(watched: Watched) -> AsyncIterator[bytes]:
    tails()
    ends_at = time.monotonic() + _LONGEST_STREAM_SECONDS
    async with listener().subscribe(*watched.topics) as queue:
        yield await _catch_up(watched)
        while (left := ends_at - time.monotonic()) > 0:
            try:
                message = await asyncio.wait_for(queue.get(), min(left, _KEEP_ALIVE_SECONDS))
            except TimeoutError:
                yield b": still here\n\n"
                continue
            batch = [message]
            while not queue.empty():
                batch.append(queue.get_nowait())
            if GAP in batch:
                yield await _catch_up(watched)
            yield b"".join(_encode(one.event, one.raw) for one in batch if one is not GAP)


async def _catch_up(watched: Watched) -> bytes:
    """Which answers are running, and all their text so far."""
    while True:
        rows = await in_thread(_unfinished, watched.chat_ids)
        # From here to the return nothing awaits: the tails cannot move on.
        texts = {pk: tails().complete(chat, pk, stored) for pk, chat, _, stored in rows}
        is_running = any(status == Status.RUNNING for _, _, status, _ in rows)
        if None not in texts.values() and not (is_running and tails().settling()):
            break
        await asyncio.sleep(tails().settling() or _STORED_SOON_SECONDS)
    events = [_encode("sync", json.dumps({"unfinished": [pk for pk, *_ in rows]}))]
    for pk, _, status, _ in rows:
        text = texts[pk] or ""
        data = {"prompt": pk, "status": status, "text": text, "end": len(text)}
        events.append(_encode("snapshot", json.dumps(data)))
    return b"".join(events)


def _unfinished(chat_ids: tuple[str, ...]) -> list[tuple[str, str, str, str]]:
    prompts = ChatPrompt.objects.filter(chat__in=chat_ids).unfinished()
    return list(prompts.values_list("id", "chat_id", "status", "result_text"))


def _encode(event: str, data: str) -> bytes:
    return f"event: {event}\ndata: {data}\n\n".encode()
