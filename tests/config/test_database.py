import os
import subprocess
import sys

import pytest

from config.data_folder import ROOT
from config.database import (
    database_problem,
    extension_problem,
    require_usable_database,
    version_problem,
)


def manage(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_tests_own_server_is_usable(db):
    assert database_problem() is None
    require_usable_database()


@pytest.mark.parametrize("command", [["migrate"], ["check", "--database", "default"], ["worker"]])
def test_no_connection_is_one_sentence_and_no_trace(tmp_path, command):
    result = manage(*command, DATABASE_URL=f"postgresql://nobody@/none?host={tmp_path}")
    assert result.returncode == 1
    assert result.stderr.startswith("The database cannot be reached (")
    assert "DATABASE_URL" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_database_that_does_not_exist_is_named(db):
    url = os.environ["DATABASE_URL"].replace("/groundwork?", "/elsewhere?")
    result = manage("migrate", DATABASE_URL=url)
    assert result.returncode == 1
    assert 'database "elsewhere" does not exist' in result.stderr


@pytest.mark.parametrize(("number", "shown"), [(140_012, "14.12"), (90_600, "9.600")])
def test_an_old_postgres_is_refused(number, shown):
    problem = version_problem(number)
    assert problem is not None
    assert f"needs PostgreSQL 15 or newer and this server is {shown}" in problem


@pytest.mark.parametrize("number", [150_000, 180_001])
def test_a_new_postgres_is_fine(number):
    assert version_problem(number) is None


@pytest.mark.parametrize(
    ("available", "installed", "words"),
    [
        (None, None, "This PostgreSQL has no pgvector"),
        ("0.7.4", None, "this server has 0.7.4"),
        ("0.8.1", "0.5.1", "this database uses 0.5.1"),
    ],
)
def test_a_missing_or_old_pgvector_is_refused(available, installed, words):
    problem = extension_problem(available, installed)
    assert problem is not None
    assert words in problem
    assert "0.8" in problem


@pytest.mark.parametrize(
    ("available", "installed"), [("0.8.0", None), ("0.8.2", "0.8.0"), ("1.0", "1.0")]
)
def test_a_new_pgvector_is_fine(available, installed):
    assert extension_problem(available, installed) is None
