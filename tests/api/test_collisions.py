"""Two who change the same things at the same moment: all is as if one of them had come later. What was
deleted between the look at it and the change of it is not found, and not brought back."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connections
from psycopg import sql

from config.database import connection_parameters
from config.ids import new_id
from evaluation.models import CostConfiguration, EvaluationDatasetConfiguration
from playground.models import Chat, ComparisonChat, ComparisonPrompt, Playground
from vectordb.models import Dataset

pytestmark = pytest.mark.django_db(transaction=True)

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
DELETED = {
    "playground": (Playground, "genai/playgrounds/{}/"),
    "chat": (Chat, "genai/chats/{}/"),
    "comparison chat": (ComparisonChat, "genai/comparisonChats/{}/"),
    "prices": (CostConfiguration, "genai/costMetricConfigurations/{}/"),
    "evaluation dataset": (
        EvaluationDatasetConfiguration,
        "genai/evaluationDatasetConfigurations/{}/",
    ),
    "dataset": (Dataset, "datasets/{}/"),
}


def while_deleted(row, send):
    """What `send` comes to when the row's deletion is committed while it waits for the row."""
    delete = sql.SQL("DELETE FROM {} WHERE id = %s").format(sql.Identifier(row._meta.db_table))

    def request():
        try:
            return send()
        finally:
            connections.close_all()

    with (
        psycopg.connect(**connection_parameters()) as other,
        psycopg.connect(**connection_parameters() | {"autocommit": True}) as watching,
        ThreadPoolExecutor(1) as pool,
    ):
        other.execute(delete, [row.pk])
        answer = pool.submit(request)
        while not answer.done() and watching.execute(_WAITING).fetchone() == (0,):
            pass
        other.commit()
        return answer.result()


@pytest.fixture
def rows(alice, use_case, playground, blueprint):
    """One of each, with nothing that depends on it."""
    home = Playground.objects.create(
        use_case=use_case, name="Home", created_by=alice, updated_by=alice
    )
    common = {"name": "Mine", "created_by": alice}
    return {
        "playground": Playground.objects.create(use_case=use_case, updated_by=alice, **common),
        "chat": Chat.objects.create(playground=playground, blueprint=blueprint, **common),
        "comparison chat": ComparisonChat.objects.create(playground=home, **common),
        "prices": CostConfiguration.objects.create(playground=home, **common),
        "evaluation dataset": EvaluationDatasetConfiguration.objects.create(
            playground=home, size=1, rows_count=1, **common
        ),
        "dataset": Dataset.objects.create(**common),
    }


@pytest.mark.parametrize("what", DELETED)
def test_nobody_renames_what_is_gone(api, rows, what):
    model, path = DELETED[what]
    row = rows[what]

    response = while_deleted(row, lambda: api.patch(path.format(row.pk), {"name": "Other"}))

    assert response.status_code == 404, response.content
    assert not model._default_manager.filter(pk=row.pk).exists()


def test_nothing_is_put_into_what_is_gone(api, rows):
    playground = rows["playground"]
    body = {"name": "New", "playgroundId": playground.pk}

    response = while_deleted(playground, lambda: api.post("genai/comparisonChats/", body))

    assert response.status_code == 404, response.content
    assert not ComparisonChat.objects.filter(name="New").exists()


def test_of_two_who_wait_for_each_other_both_get_through(api, alice, rows):
    chat = rows["comparison chat"]
    compared = ComparisonPrompt.objects.create(chat=chat, text="Which?", created_by=alice)

    def request():
        try:
            return api.delete(f"genai/comparisonChats/{chat.pk}/")
        finally:
            connections.close_all()

    with (
        psycopg.connect(**connection_parameters()) as other,
        psycopg.connect(**connection_parameters() | {"autocommit": True}) as watching,
        ThreadPoolExecutor(1) as pool,
    ):
        # It is the request that notices, and is undone.
        other.execute("SET deadlock_timeout = '1min'")
        other.execute("SELECT 1 FROM playground_comparisonprompt FOR UPDATE")
        answer = pool.submit(request)
        while not answer.done() and watching.execute(_WAITING).fetchone() == (0,):
            pass
        other.execute("UPDATE playground_comparisonchat SET name = 'Other'")
        other.commit()

        assert answer.result().status_code == 204
    assert not ComparisonPrompt.objects.filter(pk=compared.pk).exists()


def test_what_is_put_into_it_meanwhile_is_deleted_too(api, alice, rows):
    playground = rows["playground"]

    def request():
        try:
            return api.delete(f"genai/playgrounds/{playground.pk}/")
        finally:
            connections.close_all()

    with (
        psycopg.connect(**connection_parameters()) as other,
        psycopg.connect(**connection_parameters() | {"autocommit": True}) as watching,
        ThreadPoolExecutor(1) as pool,
    ):
        other.execute(
            "INSERT INTO playground_comparisonchat (id, playground_id, name, is_hidden, "
            "is_blind, revision, created_by_id, created_at) "
            "VALUES (%s, %s, 'New', false, false, 0, %s, now())",
            [new_id(), playground.pk, alice.pk],
        )
        other.execute("SET CONSTRAINTS ALL IMMEDIATE")  # now it holds on to the playground
        answer = pool.submit(request)
        while not answer.done() and watching.execute(_WAITING).fetchone() == (0,):
            pass
        other.commit()

        assert answer.result().status_code == 204
    assert not Playground.objects.filter(pk=playground.pk).exists()
    assert not ComparisonChat.objects.filter(name="New").exists()


def test_pages_say_so_too(client, alice, rows):
    client.force_login(alice)
    playground = rows["playground"]
    client.raise_request_exception = False

    def send():
        return client.post(f"/playgrounds/{playground.pk}/rename/", {"name": "Other"})

    response = while_deleted(playground, send)

    assert response.status_code == 409
    assert b"at the same moment" in response.content
    assert not Playground.objects.filter(pk=playground.pk).exists()
