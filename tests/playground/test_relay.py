import asyncio

import pytest
import uvloop
from django.db import connection

from blueprints.models import Blueprint
from config import notify
from config.listener import Message, listener
from config.status import Status
from config.threads import in_thread
from playground import events
from playground.events import Tails, Watched, tails
from playground.models import Chat, ChatPrompt, Playground
from playground.relay import Relay

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def prompt(alice, use_case) -> ChatPrompt:
    """A question that a worker is answering."""
    playground = Playground.objects.create(
        use_case=use_case, name="Bot", created_by=alice, updated_by=alice
    )
    blueprint = Blueprint.objects.create(
        use_case=use_case, path="bot", name="Bot", created_by=alice, updated_by=alice
    )
    chat = Chat.objects.create(
        playground=playground, blueprint=blueprint, name="Chat", created_by=alice
    )
    return ChatPrompt.objects.create(
        chat=chat,
        text="Why?",
        context_id="c" * 24,
        prompt_type="ONE_TIME_PROMPT",
        llm_id="extractive",
        status=Status.RUNNING,
        attempt=1,
        created_by=alice,
    )


async def heard(queue, count):
    return [await asyncio.wait_for(queue.get(), 10) for _ in range(count)]


async def until_stored(prompt, text):
    async with asyncio.timeout(10):
        while True:
            await in_thread(prompt.refresh_from_db)
            if prompt.result_text == text:
                return
            await asyncio.sleep(0.02)


async def test_pieces_arrive_in_order_with_offsets_that_join(prompt):
    relay = Relay()
    async with listener().subscribe(f"chat:{prompt.chat_id}") as queue, relay.running():
        answer = relay.begin(prompt_id=prompt.pk, chat_id=prompt.chat_id, attempt=1)
        for piece in ("Be", "cause", " 😀 it", " is."):
            relay.add(answer, piece)
            await relay.drained()
        messages = await heard(queue, 4)
    assert "".join(message.data["text"] for message in messages) == "Because 😀 it is."
    ends = [message.data["end"] for message in messages]
    assert [message.data["offset"] for message in messages] == [0, *ends[:-1]]
    assert ends[-1] == len("Because 😀 it is.")
    await listener().stop()


async def test_pieces_that_gather_are_sent_together(prompt):
    relay = Relay()
    async with listener().subscribe(f"chat:{prompt.chat_id}") as queue, relay.running():
        answer = relay.begin(prompt_id=prompt.pk, chat_id=prompt.chat_id, attempt=1)
        for _ in range(100):
            relay.add(answer, "x")
        await relay.drained()
        [message] = await heard(queue, 1)
    assert message.data["text"] == "x" * 100
    await listener().stop()


async def test_a_long_piece_is_cut_to_what_a_notification_holds(prompt):
    relay = Relay()
    text = "\x01\u2028😀\\" * 3_000
    async with listener().subscribe(f"chat:{prompt.chat_id}") as queue, relay.running():
        answer = relay.begin(prompt_id=prompt.pk, chat_id=prompt.chat_id, attempt=1)
        relay.add(answer, text)
        relay.tell(answer, "retrieved", {"count": 1})
        messages = await heard(queue, 11)
    assert "".join(message.data["text"] for message in messages[:-1]) == text
    assert messages[-1].event == "retrieved"
    await listener().stop()


async def test_the_text_so_far_is_stored_without_a_nul(prompt):
    relay = Relay()
    async with relay.running():
        answer = relay.begin(prompt_id=prompt.pk, chat_id=prompt.chat_id, attempt=1)
        relay.add(answer, "Half \x00an")
        await until_stored(prompt, "Half an")
        relay.add(answer, " answer")
        await until_stored(prompt, "Half an answer")


async def test_halves_of_characters_are_replaced_and_offsets_count_what_is_stored(prompt):
    relay = Relay()
    async with listener().subscribe(f"chat:{prompt.chat_id}") as queue, relay.running():
        answer = relay.begin(prompt_id=prompt.pk, chat_id=prompt.chat_id, attempt=1)
        relay.add(answer, "A \ud83d half, a \ud83d\ude00 pair")
        [message] = await heard(queue, 1)
        await until_stored(prompt, "A \ufffd half, a 😀 pair")
    assert message.data["end"] == len("A \ufffd half, a 😀 pair")
    await listener().stop()


def test_the_last_words_before_a_silence_are_stored(prompt, monkeypatch):
    """The worker's event loop fires some of its timers a moment early."""
    monkeypatch.setattr("playground.relay._STORE_SECONDS", 0.005)

    async def say_and_be_silent() -> None:
        relay = Relay()
        async with relay.running(), asyncio.timeout(20):
            answer = relay.begin(prompt_id=prompt.pk, chat_id=prompt.chat_id, attempt=1)
            for _ in range(60):
                relay.add(answer, "word ")
                while answer.stored < answer.length:
                    await asyncio.sleep(0.002)

    uvloop.run(say_and_be_silent())


async def test_an_overruled_attempt_stores_nothing(prompt):
    relay = Relay()
    late = relay.begin(prompt_id=prompt.pk, chat_id=prompt.chat_id, attempt=0)
    async with relay.running():
        relay.add(late, "too late")
        async with asyncio.timeout(10):
            while late.stored == 0:
                await asyncio.sleep(0.02)
    await in_thread(prompt.refresh_from_db)
    assert prompt.result_text == ""


async def test_whoever_connects_late_gets_stored_text_and_tail(prompt):
    relay = Relay()
    tails()
    async with listener().subscribe(f"chat:{prompt.chat_id}") as queue, relay.running():
        answer = relay.begin(prompt_id=prompt.pk, chat_id=prompt.chat_id, attempt=1)
        relay.add(answer, "The first")
        await until_stored(prompt, "The first")
        relay.add(answer, " and the rest")
        await heard(queue, 2)
        stream = events._stream(Watched((prompt.chat_id,), ()))
        caught_up = await anext(stream)
        await stream.aclose()
    assert b'"text": "The first and the rest", "end": 22' in caught_up
    await listener().stop()


async def test_words_of_an_earlier_attempt_are_not_told_after_those_of_a_later_one(
    prompt, monkeypatch
):
    """As when a lost database is back at last, and the answer was begun again meanwhile."""

    async def tell() -> None:
        relay = Relay()
        async with listener().subscribe(f"chat:{prompt.chat_id}") as queue, relay.running():
            ids = {"prompt_id": prompt.pk, "chat_id": prompt.chat_id}
            relay.add(relay.begin(**ids, attempt=1), "Be")
            again = relay.begin(**ids, attempt=2)
            relay.tell(again, "restarted", {"attempt": 2})
            relay.add(again, "Bec")
            await relay.drained()
            relay.add(again, "ause")
            await heard(queue, 4)

    telling = [tell]

    async def in_thread_later(*args):
        while telling:
            await telling.pop()()
        return await in_thread(*args)

    await in_thread(ChatPrompt.objects.filter(pk=prompt.pk).update, attempt=2)
    monkeypatch.setattr(events, "in_thread", in_thread_later)
    stream = events._stream(Watched((prompt.chat_id,), ()))
    caught_up, rest = [await anext(stream) for _ in range(2)]
    await stream.aclose()

    assert b'"text": "Because", "end": 7' in caught_up
    assert (rest.count(b"event: delta"), rest.count(b'"attempt":2')) == (2, 2)
    assert b"restarted" not in rest
    await listener().stop()


def told(event, **data):
    """As it comes from the database."""
    return Message(*notify.encode(topic="chat:c", event=event, data=data).split(" ", 2))


def delta(offset, text, attempt=1, prompt="p"):
    end = offset + len(text)
    return told("delta", prompt=prompt, attempt=attempt, offset=offset, text=text, end=end)


def row(text, prompt_id="p"):
    return events._Unfinished(prompt_id, "c", Status.RUNNING, attempt=1, text=text)


def test_tails_wait_for_the_database_when_they_began_in_the_middle():
    known = Tails()
    known.hear(delta(5, "fg"))
    known.hear(delta(7, "h"))

    assert known.complete(row("abc")) is None
    assert known.complete(row("abcde")) == "abcdefgh"
    assert known.complete(row("abcdefg")) == "abcdefgh"
    assert known.complete(row("abcdefghi")) == "abcdefghi"
    assert known.complete(row("abc", "other")) == "abc"


def test_tails_of_other_attempts_do_not_count():
    known = Tails()
    known.hear(delta(0, "abcd", attempt=2))
    assert known.complete(row("ab")) == "ab"


@pytest.mark.parametrize("event", ["restarted", "finished", "deleted"])
def test_tails_forget_what_is_over(event):
    known = Tails()
    known.hear(delta(0, "abc"))
    known.hear(told(event, prompt="p"))
    assert known.complete(row("")) == ""


@pytest.mark.parametrize("event", ["restarted", "finished", "deleted"])
def test_tails_keep_what_is_told_of_others_in_the_same_chat(event):
    known = Tails()
    known.hear(delta(0, "abc"))
    known.hear(delta(0, 'says "prompt":"p"', prompt="other"))
    known.hear(told(event, prompt="p"))

    assert known.complete(row("", "other")) == 'says "prompt":"p"'
    assert known.complete(row("")) == ""


async def test_the_relay_goes_on_after_the_database_connection_was_cut(prompt):
    def cut():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'groundwork relay'"
            )

    relay = Relay()
    async with relay.running():
        answer = relay.begin(prompt_id=prompt.pk, chat_id=prompt.chat_id, attempt=1)
        relay.add(answer, "before")
        await until_stored(prompt, "before")
        await in_thread(cut)
        relay.add(answer, " and after")
        await until_stored(prompt, "before and after")
