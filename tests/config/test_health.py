import pytest
from django.db import connection

from config.health import healthz


@pytest.fixture
def worker(transactional_db):
    """A worker that has just reported; /readyz looks from a connection of its own."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")


def test_healthz_answers_anyone_without_the_database(client):
    response = client.get("/healthz")
    assert response.status_code == 200
    assert response.json() == {"healthy": True}
    assert not response.cookies


def test_health_views_only_read(client):
    assert client.post("/healthz").status_code == 405
    assert vars(healthz)["login_required"] is False


def test_readyz_is_ready_with_a_live_worker(client, worker):
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"ready": True, "problems": []}
    assert not response.cookies


def test_readyz_misses_a_worker_that_reported_long_ago(client, worker):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 min'")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["problems"] == [
        "No worker is running: start one with `manage.py worker`."
    ]


def test_readyz_sees_migrations_that_were_not_applied(client, worker):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_migrations SET name = 'x' || name WHERE app = 'accounts'")
    try:
        response = client.get("/readyz")
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE django_migrations SET name = substr(name, 2) WHERE app = 'accounts'"
            )
    assert response.status_code == 503
    assert "manage.py migrate" in response.json()["problems"][0]


def test_readyz_says_that_the_database_does_not_answer(client, tmp_path):
    host = connection.settings_dict["HOST"]
    connection.settings_dict["HOST"] = str(tmp_path)
    try:
        response = client.get("/readyz")
    finally:
        connection.settings_dict["HOST"] = host
    assert response.status_code == 503
    assert response.json()["problems"] == ["The database does not answer."]
