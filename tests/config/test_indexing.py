"""Indexes that are built while the table is written to, by migrations that may be run again."""

from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from config.indexing import BuildIndex

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "log_good_newest"


@pytest.fixture
def build():
    """Call it to run the operation that builds the index, as its migration does."""
    executor = MigrationExecutor(connection)
    state = executor.loader.project_state()
    migration = executor.loader.get_migration("tracing", "0012_build_indexes")
    assert not migration.atomic
    builds = [one for one in migration.operations if isinstance(one, BuildIndex)]
    [operation] = [one for one in builds if one.index.name == NAME]

    def run() -> None:
        with connection.schema_editor(atomic=False) as editor:
            operation.database_forwards("tracing", editor, state, state)

    return run


def found() -> Any:
    """Its id, and whether it is valid; None where there is no index."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexrelid::bigint, indisvalid FROM pg_index"
            " WHERE indexrelid = to_regclass(%s)",
            [NAME],
        )
        return cursor.fetchone()


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_what_is_there_already_stays(build):
    before = found()

    build()

    assert found() == before


def test_what_is_missing_is_built(build):
    execute(f"DROP INDEX {NAME}")
    assert found() is None

    build()

    assert found()[1]


def test_what_a_broken_build_left_behind_is_built_anew(build):
    execute(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{NAME}'::regclass")  # noqa: S608
    broken, _ = found()

    build()

    built, is_valid = found()
    assert is_valid
    assert built != broken
