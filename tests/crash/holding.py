"""Holds a worker still at a chosen moment of its work, where it waits for a lock that a test holds, or
refuses it room on the disk there."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import psycopg

from config.postgres import embedded_url
from tests.stack import Stack
from tests.visitors import wait_for

# Whatever the product does, the database takes a lock named after it, which is free unless a test
# holds it. Moments: "reading" and "embedding" (a progress report of a database), "storing" (a chunk
# in the middle of its document), "using" (a blueprint changes), "putting" (a compared question goes to a
# blueprint), and all that makes or changes tables and indexes by what it is and what it is done to.
_HOOKS = """
CREATE TABLE no_room (moment text);
CREATE FUNCTION pass_by(moment text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    IF EXISTS (SELECT FROM no_room WHERE no_room.moment = pass_by.moment) THEN
        RAISE disk_full USING MESSAGE = 'could not extend file: No space left on device';
    END IF;
    PERFORM pg_advisory_xact_lock(4711, hashtext(pass_by.moment));
END $$;

CREATE FUNCTION on_report() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pass_by(CASE
        WHEN OLD.status = 'NEW' THEN 'beginning'
        WHEN NEW.chunks_count = 0 THEN 'reading ' || NEW.vector_database_id
        ELSE 'embedding ' || NEW.vector_database_id END);
    RETURN NEW;
END $$;
CREATE TRIGGER hold BEFORE UPDATE ON vectordb_ingestion FOR EACH ROW
    WHEN (NEW.status = 'RUNNING') EXECUTE FUNCTION on_report();

CREATE FUNCTION on_chunk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pass_by('storing ' || NEW.vector_database_id || ' ' || NEW.id / 1000000);
    RETURN NEW;
END $$;
CREATE TRIGGER hold BEFORE INSERT ON vectordb_chunk FOR EACH ROW
    WHEN (NEW.position = 5) EXECUTE FUNCTION on_chunk();

CREATE FUNCTION on_blueprint() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pass_by('using ' || NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER hold AFTER UPDATE ON blueprints_blueprint FOR EACH ROW
    EXECUTE FUNCTION on_blueprint();

CREATE FUNCTION on_put() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pass_by('putting ' || NEW.comparison_prompt_id);
    RETURN NEW;
END $$;
CREATE TRIGGER hold BEFORE INSERT ON playground_chatprompt FOR EACH ROW
    WHEN (NEW.comparison_prompt_id IS NOT NULL) EXECUTE FUNCTION on_put();

CREATE FUNCTION on_definition() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pass_by(command_tag || ' ' || object_identity) FROM pg_event_trigger_ddl_commands();
END $$;
CREATE EVENT TRIGGER hold ON ddl_command_end EXECUTE FUNCTION on_definition();
"""


def prepare(stack: Stack) -> None:
    """Once, before anything is held there."""
    stack.change(_HOOKS)


@contextmanager
def full_disk(stack: Stack, *moments: str) -> Iterator[None]:
    """While it is entered, the database answers at these moments as it does when its disk is full."""
    for moment in moments:
        stack.change("INSERT INTO no_room VALUES (%s)", moment)
    try:
        yield
    finally:
        stack.change("DELETE FROM no_room")


class Hold:
    """While it is entered, whoever comes to one of these moments waits there."""

    def __init__(self, stack: Stack, *moments: str) -> None:
        self._stack = stack
        self._moments = moments

    def __enter__(self) -> Self:
        url = embedded_url(self._stack.running.data / "postgres")
        self._link = psycopg.connect(url, autocommit=True)
        for moment in self._moments:
            self._link.execute("SELECT pg_advisory_lock(4711, hashtext(%s))", [moment])
        return self

    def __exit__(self, *_: object) -> None:
        self._link.close()

    def wait(self) -> None:
        """Return when somebody waits at each of the moments."""
        try:
            wait_for(lambda: not self._missing(), "somebody at each moment")
        except AssertionError:
            raise AssertionError(f"nobody came to {self._missing()}") from None

    def _missing(self) -> list[str]:
        waiting = self._stack.sql(
            "SELECT objid::bigint FROM pg_locks"
            " WHERE locktype = 'advisory' AND classid = 4711 AND NOT granted"
        )
        keys = self._stack.sql(
            "SELECT moment, hashtext(moment)::bigint & 4294967295 FROM unnest(%s::text[]) moment",
            list(self._moments),
        )
        return [moment for moment, key in keys if (key,) not in waiting]
