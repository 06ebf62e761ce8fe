"""What failed after the documents were stored, or could not even be written down, is done again."""

import errno

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse
from psycopg import errors

from config.errors import Conflict
from config.status import Status
from tests.vectordb.conftest import add, create
from vectordb import ingest, outages, services, tasks
from vectordb.models import VectorDatabase

RETRY = "Retry</button>"


def progress_of(database: VectorDatabase) -> str:
    client = Client()
    client.force_login(database.created_by)
    url = reverse("vectordb:vector-database-progress", args=[database.pk])
    return client.get(url).content.decode()


@pytest.mark.parametrize(
    ("status", "afterwards"),
    [(Status.RUNNING, Status.ERROR), (Status.COMPLETED, Status.COMPLETED)],
)
def test_what_fails_after_the_documents_can_be_retried(handbook, alice, status, afterwards):
    VectorDatabase.objects.update(status=status)
    ingest.fail(handbook.pk, "There was no room for an index.")
    handbook.refresh_from_db()
    assert (handbook.status, handbook.error_message) == (
        afterwards,
        "There was no room for an index.",
    )
    assert RETRY in progress_of(handbook)

    services.retry_ingestion(handbook, user=alice)
    ingest.ingest(handbook.pk)

    handbook.refresh_from_db()
    assert (handbook.status, handbook.error_message) == (Status.COMPLETED, "")
    assert RETRY not in progress_of(handbook)


def test_a_database_cancelled_after_its_documents_can_be_retried(handbook, alice):
    VectorDatabase.objects.update(status=Status.RUNNING)
    services.cancel_ingestion(handbook, user=alice)

    services.retry_ingestion(handbook, user=alice)
    ingest.ingest(handbook.pk)

    handbook.refresh_from_db()
    assert handbook.status == Status.COMPLETED


def test_where_no_document_is_left_there_is_nothing_to_retry(handbook, alice):
    services.delete_document(handbook.ingestions.get().document, user=alice)
    ingest.ingest(handbook.pk)
    handbook.refresh_from_db()
    assert handbook.error_message

    assert RETRY not in progress_of(handbook)
    with pytest.raises(Conflict, match="nothing to retry"):
        services.retry_ingestion(handbook, user=alice)


@pytest.fixture
def two_refusals(transactional_db):
    """The database has no room for the first two changes of a vector database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE SEQUENCE refusals;"
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF nextval('refusals') <= 2 THEN RAISE disk_full; END IF; RETURN NEW; END $$;"
            "CREATE TRIGGER refuse BEFORE UPDATE ON vectordb_vectordatabase FOR EACH ROW"
            " EXECUTE FUNCTION refuse()"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION refuse CASCADE; DROP SEQUENCE refusals")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("two_refusals")
def test_a_job_whose_failure_cannot_be_written_down_is_not_over(dataset, run_jobs, monkeypatch):
    monkeypatch.setattr(tasks, "_ATTEMPTS", 1)
    add(dataset, "a.txt", b"words")
    database = create(dataset)

    run_jobs()

    database.refresh_from_db()
    assert (database.status, database.error_message) == (Status.COMPLETED, "")


def _from_the_server(cause: Exception) -> OperationalError:
    error = OperationalError()
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (_from_the_server(errors.DiskFull()), "The database's disk is full"),
        (OSError(errno.ENOSPC, "No space left on device"), "This server's disk is full"),
        (_from_the_server(errors.AdminShutdown()), "The database was away"),
        (FileNotFoundError(), "Something went wrong on our side. Retry it."),
        (ValueError("internal"), "Something went wrong on our side. Retry it."),
    ],
)
def test_what_ended_the_work_is_told(error, told):
    assert outages.what_to_do(error).startswith(told)
