"""The database's disk is full, or the database restarts, while documents are brought in."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.crash.databases import FILES, LATER, RELATIONS, Databases
from tests.crash.holding import Hold, full_disk
from tests.stack import Stack
from tests.visitors import Browser, wait_for

NO_ROOM = (
    "The database's disk is full: ask whoever runs it to make room there, or delete vector "
    "databases that nobody needs any more. Then retry."
)


@pytest.fixture
def databases(held_stack: Stack, browser: Browser) -> Iterator[Databases]:
    held_stack.running.wait_until_ready()
    yield Databases(held_stack, browser)
    held_stack.nothing_is_left()


@contextmanager
def no_room_for(stack: Stack, table: str) -> Iterator[None]:
    """The kernel itself refuses whatever the server writes to the file of this table."""
    [(path,)] = stack.sql("SELECT pg_relation_filepath(%s)", table)
    file = stack.running.data / "postgres" / path
    aside = file.with_name(f"{file.name}.aside")
    # A change of the table makes all sessions open its file anew.
    reopen = f"ALTER TABLE {table} SET (fillfactor = {{}})"
    file.rename(aside)
    file.symlink_to("/dev/full")
    try:
        stack.change(reopen.format(90))
        yield
    finally:
        aside.replace(file)
        stack.change(reopen.format(100))


def test_a_full_disk_fails_all_documents_until_there_is_room(databases):
    stack = databases.stack
    with ExitStack() as trouble:
        with Hold(stack, "beginning") as gate:
            database = databases.build("chunks")
            gate.wait()
            trouble.enter_context(no_room_for(stack, f"vectordb_chunk_{database}"))
        stack.nothing_is_left()
        assert databases.state("chunks") == ("ERROR", NO_ROOM)
        assert databases.documents("chunks") == [(name, "ERROR", NO_ROOM, 0) for name in FILES]
        assert databases.chunks("chunks") == {}
        assert databases.relations("chunks") == ["vectordb_chunk_{id}", "vectordb_chunk_{id}_pkey"]

    databases.retry("chunks")
    stack.nothing_is_left()
    databases.is_whole("chunks")


_MOMENTS = {
    "the keyword table": "ALTER TABLE public.vectordb_keywords_{id}_new",
    "the index": "CREATE INDEX public.vectordb_chunk_{id}_hnsw_new",
}


@pytest.mark.parametrize("moment", _MOMENTS)
def test_there_is_no_room_for_what_is_made_of_the_chunks(databases, moment):
    stack = databases.stack
    with ExitStack() as trouble:
        with Hold(stack, "beginning") as gate:
            database = databases.build(moment)
            gate.wait()
            trouble.enter_context(full_disk(stack, _MOMENTS[moment].format(id=database)))
        stack.nothing_is_left()
        assert databases.state(moment) == ("ERROR", NO_ROOM)
        assert {status for _, status, *_ in databases.documents(moment)} == {"COMPLETED"}
        assert not any("new" in name for name in databases.relations(moment))

    databases.retry(moment)
    stack.nothing_is_left()
    databases.is_whole(moment)


@pytest.mark.parametrize("moment", _MOMENTS)
def test_a_database_in_use_stays_as_it_was_when_there_is_no_room(databases, moment):
    stack, name = databases.stack, f"{moment} of one in use"
    database = databases.build(name)
    stack.nothing_is_left()
    with full_disk(stack, _MOMENTS[moment].format(id=database)):
        databases.bring_in(name)
        stack.nothing_is_left()
        assert databases.state(name) == ("COMPLETED", NO_ROOM)
        assert databases.relations(name) == RELATIONS
    databases.retry(name)
    stack.nothing_is_left()
    databases.is_whole(name, FILES | LATER)


def _kill_postmaster(stack: Stack) -> None:
    stack.postmaster().kill()


def _restart(stack: Stack) -> None:
    """As an administrator does it: every session is ended."""
    stack.postmaster().send_signal(signal.SIGINT)


@pytest.mark.parametrize("away", [_kill_postmaster, _restart])
def test_a_restart_in_the_middle_of_storing_is_waited_for(databases, away: Callable[[Stack], None]):
    stack, name = databases.stack, away.__name__
    with ExitStack() as trouble:
        with Hold(stack, "beginning") as gate:
            database = databases.build(name)
            gate.wait()
            hold = trouble.enter_context(Hold(stack, f"storing {database} 2"))
        hold.wait()
        away(stack)
        wait_for(lambda: not stack.running.is_ready(), "the loss to be noticed")
        stack.running.wait_until_ready()

    stack.nothing_is_left()
    databases.is_whole(name)
