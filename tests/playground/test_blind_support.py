"""Who is told that an answer has support, where answers are compared blindly."""

import asyncio
import json

import psycopg
import pytest
from django.db import transaction

from blueprints.settings import AnswerSettings
from config.database import connection_parameters
from config.notify import CHANNEL
from playground import services, tasks
from playground.compare import board
from playground.models import ChatPrompt
from playground.support.telling import lock_blind
from tests.llm_server import Behaviour

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def heard():
    """All that was told so far, as pairs of event and data."""
    with psycopg.connect(**connection_parameters(), autocommit=True) as listening:
        listening.execute(f"LISTEN {CHANNEL}")

        def told():
            lines = []
            # What was told before comes before.
            with psycopg.connect(**connection_parameters(), autocommit=True) as other:
                other.execute("SELECT pg_notify(%s, %s)", [CHANNEL, "the end"])
            for one in listening.notifies(timeout=60):
                if one.payload == "the end":
                    break
                lines += one.payload.splitlines()
            return [
                (event, json.loads(data)) for _, event, data in (x.split(" ", 2) for x in lines)
            ]

        yield told


@pytest.fixture
def asked(alice, playground, handbook, llm, llm_server, run_jobs):
    """One question to a blueprint that reads the handbook, answered and measured."""

    def ask(*, is_blind):
        settings = AnswerSettings(llm_id=llm.pk, vector_database_id=handbook.pk)
        blueprint = services.create_blueprint(
            user=alice, playground=playground, name="Reader", settings=settings
        )
        llm_server.script(Behaviour(text="Opened items can be returned until day 60 [1]."))
        question = board.begin(
            user=alice,
            playground=playground,
            blueprints=[blueprint],
            text="Until when can opened items be returned?",
            is_blind=is_blind,
        )
        run_jobs()
        assert question.results.get().sentence_support
        return question

    return ask


def measure_again(question):
    ChatPrompt.objects.filter(comparison_prompt=question).update(support_due=True)
    asyncio.run(tasks.measure_support())
    assert not ChatPrompt.objects.filter(support_due=True).exists()


@pytest.mark.parametrize("is_blind", [False, True])
def test_that_an_answer_has_support_is_not_told_of_what_is_blind(asked, heard, is_blind):
    question = asked(is_blind=is_blind)

    told = [data["prompt"] for event, data in heard() if event == "supported"]
    assert told == ([] if is_blind else [question.results.get().pk])


def test_before_a_vote_not_even_that_something_changed_is_told(asked, heard):
    question = asked(is_blind=True)
    heard()

    measure_again(question)

    assert heard() == []


def test_who_voted_before_it_was_measured_is_told_to_look_again(alice, asked, heard):
    question = asked(is_blind=True)
    board.prefer(question, user=alice, best=None)
    heard()

    measure_again(question)

    [(event, data)] = heard()
    assert (event, data["question"]) == ("compared", question.pk)


def test_a_vote_waits_for_what_is_being_kept(asked):
    question = asked(is_blind=True)
    result = question.results.get()
    lock = "SELECT 1 FROM playground_comparisonchat WHERE id = %s FOR NO KEY UPDATE NOWAIT"

    with psycopg.connect(**connection_parameters(), autocommit=True) as other:
        with transaction.atomic():
            assert lock_blind([result.pk]) == {result.pk: question.pk}
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute(lock, [question.chat_id])
        other.execute(lock, [question.chat_id])
