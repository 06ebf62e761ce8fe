import json

import psycopg
import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from config.database import connection_parameters
from config.notify import close_hints, encode, hint, pack, publish


@given(st.lists(st.text(max_size=3_000).filter(lambda text: len(json.dumps(text)) < 7_000)))
def test_packed_messages_come_out_as_they_went_in(texts):
    messages = [encode(topic="chat:1", event="delta", data={"text": text}) for text in texts]
    payloads = list(pack(messages))

    assert all(len(payload.encode()) < 8_000 for payload in payloads)
    lines = [line for payload in payloads for line in payload.split("\n")]
    assert [json.loads(line.split(" ", 2)[2])["text"] for line in lines] == texts


def test_short_messages_share_a_payload():
    messages = [encode(topic="chat:1", event="delta", data={"text": "word"})] * 50
    assert len(list(pack(messages))) == 1


def test_nothing_makes_no_payload():
    assert list(pack([])) == []


def heard(connection: psycopg.Connection) -> list[str]:
    """What was told by hints so far."""
    close_hints()
    connection.execute("SELECT 1")
    return [note.payload for note in connection.notifies(timeout=0)]


@pytest.mark.django_db
def test_a_hint_is_told_before_the_transaction_ends():
    with psycopg.connect(**connection_parameters() | {"autocommit": True}) as ears:
        ears.execute("LISTEN hinted")
        with transaction.atomic():
            publish(topic="t", event="told", data={}, channel="hinted")
            hint(topic="t", event="hinted", data={"a": 1}, channel="hinted")
            assert heard(ears) == ['t hinted {"a":1}']


@pytest.mark.django_db
def test_a_hint_that_is_too_long_is_not_told():
    with psycopg.connect(**connection_parameters() | {"autocommit": True}) as ears:
        ears.execute("LISTEN hinted")
        hint(topic="t", event="long", data={"text": "x" * 8_000}, channel="hinted")
        hint(topic="t", event="short", data={}, channel="hinted")
        assert heard(ears) == ["t short {}"]


@pytest.mark.django_db
def test_hints_survive_the_loss_of_their_connection():
    with psycopg.connect(**connection_parameters() | {"autocommit": True}) as ears:
        ears.execute("LISTEN hinted")
        hint(topic="t", event="first", data={}, channel="hinted")
        [first] = ears.notifies(stop_after=1)
        ears.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE application_name = 'groundwork hints'"
        )
        hint(topic="t", event="lost", data={}, channel="hinted")
        hint(topic="t", event="second", data={}, channel="hinted")
        assert (first.payload, heard(ears)) == ("t first {}", ["t second {}"])
