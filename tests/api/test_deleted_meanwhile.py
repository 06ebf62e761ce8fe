"""What is deleted between the look at it and the change of it: the change finds nothing, as if it
had come later, and brings nothing back."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connections
from psycopg import sql

from config.database import connection_parameters
from evaluation.models import CostConfiguration, EvaluationDatasetConfiguration
from playground.models import Chat, ComparisonChat, Playground
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
    assert not model.objects.filter(pk=row.pk).exists()


def test_nothing_is_put_into_what_is_gone(api, rows):
    playground = rows["playground"]
    body = {"name": "New", "playgroundId": playground.pk}

    response = while_deleted(playground, lambda: api.post("genai/comparisonChats/", body))

    assert response.status_code == 404, response.content
    assert not ComparisonChat.objects.filter(name="New").exists()


def test_pages_say_so_too(client, alice, rows):
    client.force_login(alice)
    playground = rows["playground"]
    client.raise_request_exception = False

    def send():
        return client.post(f"/playgrounds/{playground.pk}/rename/", {"name": "Other"})

    response = while_deleted(playground, send)

    assert response.status_code == 404
    assert b"it was deleted" in response.content
    assert not Playground.objects.filter(pk=playground.pk).exists()
