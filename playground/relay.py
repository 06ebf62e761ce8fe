"""The worker's voice: sends the pieces of answers to whoever watches, and stores them as they grow.

One task on one connection drains whatever gathered while its last statement was in flight. First
tokens leave at once; events and the other pieces wait a moment that grows with the number of
answers, one millisecond each: unseen by a reader, it keeps the cost of a stream from growing with
its tokens. Its commits are not flushed to disk; only finished answers are.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import psycopg

from config.database import connection_parameters
from config.notify import CHANNEL, encode, pack
from config.storable import storable

logger = logging.getLogger(__name__)

# A payload holds less than 8,000 bytes; JSON needs at most six for one character.
_PIECE_CHARACTERS = 1_200
_STORE_SECONDS = 0.4
_PAUSE_PER_ANSWER = 0.001
_LONGEST_PAUSE = 0.1
_RECONNECT_SECONDS = 0.5

_NOTIFY = "SELECT pg_notify(%s, %s)"
_STORE = """
UPDATE playground_chatprompt AS prompt SET result_text = piece.text
FROM unnest(%s::text[], %s::int[], %s::text[]) AS piece (id, attempt, text)
WHERE prompt.id = piece.id AND prompt.attempt = piece.attempt AND prompt.status = 'RUNNING'
"""


@dataclass(slots=True)
class AnswerText:
    """The text of one running answer. `sent` characters of it have been told already."""

    prompt_id: str
    chat_id: str
    attempt: int
    pieces: list[str] = field(default_factory=list)
    length: int = 0
    unsent: list[str] = field(default_factory=list)
    sent: int = 0
    stored: int = 0

    def text(self) -> str:
        if len(self.pieces) > 1:
            self.pieces = ["".join(self.pieces)]
        return self.pieces[0] if self.pieces else ""


class Relay:
    def __init__(self) -> None:
        self._answers: dict[str, AnswerText] = {}
        self._dirty: dict[str, AnswerText] = {}
        self._events: list[str] = []
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._piece_timer: asyncio.TimerHandle | None = None
        self._store_timer: asyncio.TimerHandle | None = None
        self._is_time_to_store = False
        self._task: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> Any:
        self._task = asyncio.create_task(self._run(), name="relay")
        try:
            yield self
        finally:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def begin(self, *, prompt_id: str, chat_id: str, attempt: int) -> AnswerText:
        answer = AnswerText(prompt_id=prompt_id, chat_id=chat_id, attempt=attempt)
        self._answers[prompt_id] = answer
        return answer

    def end(self, answer: AnswerText) -> None:
        if self._answers.get(answer.prompt_id) is answer:
            del self._answers[answer.prompt_id]

    def add(self, answer: AnswerText, text: str) -> None:
        """Append a piece; it is sent with the next statement."""
        text = storable(text)  # offsets count what is stored
        answer.pieces.append(text)
        answer.unsent.append(text)
        answer.length += len(text)
        self._dirty[answer.prompt_id] = answer
        self._idle.clear()
        if answer.length == len(text):
            self._wake.set()
        else:
            self._wake_soon()
        if self._store_timer is None:
            self._store_timer = _later(_STORE_SECONDS, self._store_now)

    def tell(self, answer: AnswerText, event: str, data: dict[str, Any] | None = None) -> None:
        payload = encode(
            topic=f"chat:{answer.chat_id}",
            event=event,
            data={"prompt": answer.prompt_id, **(data or {})},
        )
        self._collect_pieces()
        self._events.append(payload)
        self._idle.clear()
        self._wake_soon()

    def _wake_soon(self) -> None:
        if self._piece_timer is None:
            pause = min(_PAUSE_PER_ANSWER * len(self._answers), _LONGEST_PAUSE)
            self._piece_timer = _later(pause, self._wake.set)

    async def drained(self) -> None:
        """Wait until all that was added so far has been sent."""
        if not self._idle.is_set():
            self._wake.set()
        await self._idle.wait()

    def _collect_pieces(self) -> None:
        """Turn unsent text into payloads, so that events keep their order among the pieces."""
        for answer in self._dirty.values():
            text = "".join(answer.unsent)
            answer.unsent.clear()
            for start in range(0, len(text), _PIECE_CHARACTERS):
                piece = text[start : start + _PIECE_CHARACTERS]
                offset, answer.sent = answer.sent, answer.sent + len(piece)
                self._events.append(
                    encode(
                        topic=f"chat:{answer.chat_id}",
                        event="delta",
                        data={
                            "prompt": answer.prompt_id,
                            "attempt": answer.attempt,
                            "offset": offset,
                            "end": answer.sent,
                            "text": piece,
                        },
                    )
                )
        self._dirty.clear()

    async def _run(self) -> None:
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(
                    **connection_parameters() | {"autocommit": True},
                    options="-c synchronous_commit=off",
                    application_name="groundwork relay",
                )
                async with connection:
                    await self._drain_forever(connection)
            except psycopg.Error as exc:
                logger.warning("The database connection for answers was lost: %s", exc)
                await asyncio.sleep(_RECONNECT_SECONDS)

    async def _drain_forever(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._wake.set()
        self._store_later()
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._piece_timer is not None:
                self._piece_timer.cancel()
                self._piece_timer = None
            self._collect_pieces()
            messages, self._events = self._events, []
            try:
                for payload in pack(messages):
                    await connection.execute(_NOTIFY, [CHANNEL, payload])
            except psycopg.Error:
                # Whoever got them after all knows by the offsets.
                self._events[:0] = messages
                raise
            if self._is_time_to_store:
                self._is_time_to_store = False
                await self._store(connection)
            if not self._events and not self._dirty:
                self._idle.set()

    async def _store(self, connection: psycopg.AsyncConnection[Any]) -> None:
        # Not more than was sent: whoever connects goes on from here, and pieces must join it.
        grown = [answer for answer in self._answers.values() if answer.stored < answer.sent]
        texts = [answer.text()[: answer.sent] for answer in grown]
        await connection.execute(
            _STORE,
            [
                [answer.prompt_id for answer in grown],
                [answer.attempt for answer in grown],
                texts,
            ],
        )
        for answer, text in zip(grown, texts, strict=True):
            answer.stored = len(text)
        self._store_later()

    def _store_later(self) -> None:
        """What could not be stored now is, even when nothing more is said."""
        is_behind = any(answer.stored < answer.length for answer in self._answers.values())
        if is_behind and self._store_timer is None:
            self._store_timer = _later(_STORE_SECONDS, self._store_now)

    def _store_now(self) -> None:
        # Said, not asked of the clock: timers may fire a moment before their time.
        self._store_timer = None
        self._is_time_to_store = True
        self._wake.set()


def _later(seconds: float, call: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(seconds, call)


_relays: WeakKeyDictionary[asyncio.AbstractEventLoop, Relay] = WeakKeyDictionary()


def relay() -> Relay:
    """The running loop's relay. The worker keeps it running."""
    return _relays.setdefault(asyncio.get_running_loop(), Relay())
