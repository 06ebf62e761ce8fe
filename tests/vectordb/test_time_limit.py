"""Searches that take too long are cancelled in the database, and nothing else is."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import OperationalError, connection

from config.database import connection_parameters
from config.errors import AppError
from config.threads import in_thread
from vectordb.retrieval import retrieve
from vectordb.retrieval_settings import RetrievalSettings
from vectordb.time_limit import search_in_thread

pytestmark = pytest.mark.django_db(transaction=True)

TOO_LONG = "The search took longer than 1 s: narrow the metadata filter"
_WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


@pytest.fixture
def one_second(settings):
    settings.SEARCH_SECONDS = 1.0


@contextmanager
def held_still() -> Iterator[psycopg.Connection]:
    """Searches wait for a lock that another connection holds."""
    with psycopg.connect(**connection_parameters()) as link:
        link.execute("LOCK TABLE vectordb_chunk IN ACCESS EXCLUSIVE MODE")
        yield link


async def until_waiting(link: psycopg.Connection, count: int) -> None:
    async with asyncio.timeout(30):
        while link.execute(_WAITING).fetchone() != (count,):
            await asyncio.sleep(0.01)


def fetched(statement: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()


async def search(database, **settings):
    return await retrieve(database, "When is it closed?", RetrievalSettings(**settings))


@pytest.mark.parametrize("search_mode", ["hybrid", "vector", "keyword"])
def test_a_search_that_takes_too_long_ends_in_a_clear_error(handbook, one_second, search_mode):
    with held_still() as link:
        with pytest.raises(AppError, match=TOO_LONG):
            asyncio.run(search(handbook, search_mode=search_mode))
        assert link.execute(_WAITING).fetchone() == (0,)

    # The connection serves the next one.
    found = asyncio.run(search(handbook, search_mode=search_mode))
    assert "closed on Mondays" in found.passages[0].text


def test_who_stops_waiting_ends_the_search(handbook):
    async def stopped(link: psycopg.Connection) -> None:
        searching = asyncio.create_task(search(handbook))
        await until_waiting(link, 1)
        searching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await searching
        await until_waiting(link, 0)

    with held_still() as link:
        asyncio.run(stopped(link))


def test_what_computes_meanwhile_ends_with_its_next_statement(db, one_second):
    def compute_then_ask() -> object:
        end = time.monotonic() + 1.2
        while time.monotonic() < end:
            fetched("SELECT 1")
        return fetched("SELECT pg_sleep(600)")

    with pytest.raises(AppError, match=TOO_LONG):
        asyncio.run(search_in_thread(compute_then_ask))


def test_the_wait_for_a_thread_does_not_count(db, settings):
    """More than there are threads, which together take longer than one may."""
    settings.SEARCH_SECONDS = 1.5

    async def many() -> list[object]:
        return await asyncio.gather(
            *(search_in_thread(fetched, "SELECT pg_sleep(0.5)::text") for _ in range(33))
        )

    assert asyncio.run(many()) == [("",)] * 33


def test_another_who_cancels_is_not_taken_for_the_limit(db):
    with pytest.raises(AppError, match="The database cancelled the search"):
        asyncio.run(
            search_in_thread(fetched, "SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(60)")
        )


def test_other_failures_of_the_database_stay_what_they_are(db):
    statement = "SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(60)"
    with pytest.raises(OperationalError):
        asyncio.run(search_in_thread(fetched, statement))


def test_nothing_but_the_search_is_cancelled(db, one_second):
    async def both() -> list[object]:
        search = search_in_thread(fetched, "SELECT pg_sleep(60)")
        ingestion = in_thread(fetched, "SELECT pg_sleep(2)::text")
        return list(await asyncio.gather(search, ingestion, return_exceptions=True))

    late, done = asyncio.run(both())
    assert isinstance(late, AppError)
    assert done == ("",)
