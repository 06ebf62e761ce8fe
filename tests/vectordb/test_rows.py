"""The shortest way from a statement to its rows."""

import pytest
from django.db import DataError, OperationalError, connection, transaction
from psycopg import errors, sql

from vectordb import rows

pytestmark = pytest.mark.django_db(transaction=True)

_ASKED = sql.SQL("SELECT $1::int + {}, current_setting('work_mem')").format(sql.Literal(1))


def test_settings_hold_for_their_statement_alone():
    with connection.cursor() as cursor:
        cursor.execute("SHOW work_mem")
        [usual] = cursor.fetchone()

    for number in range(6):  # the last of them prepared
        assert rows.fetch(_ASKED, [number], {"work_mem": "77MB"}) == [(number + 1, "77MB")]
        assert rows.fetch(_ASKED, [number]) == [(number + 1, usual)]


def test_a_percent_sign_is_one():
    statement = sql.SQL("SELECT {}::text, $1::text").format(sql.Literal("5%s %"))
    assert rows.fetch(statement, ["%s"]) == [("5%s %", "%s")]


def test_a_vector_arrives_as_it_was_sent():
    statement = sql.SQL("SELECT $1 <=> {}::halfvec, ($1)::text").format(sql.Literal("[0,1]"))
    assert rows.fetch(statement, [rows.halfvec((0.0, 0.5))]) == [(0.0, "[0,0.5]")]


@pytest.mark.parametrize("local", [None, {"work_mem": "77MB"}])
def test_what_fails_is_heard_of_and_leaves_the_connection_usable(local):
    failing = sql.SQL("SELECT 1 / $1::int").format()
    with pytest.raises(DataError):
        rows.fetch(failing, [0], local)
    assert rows.fetch(failing, [1], local) == [(1,)]


def test_what_the_database_cancels_is_told_apart():
    slow = sql.SQL("SELECT pg_sleep($1)").format()
    with pytest.raises(OperationalError) as caught:
        rows.fetch(slow, [9], {"statement_timeout": "20ms"})
    assert isinstance(caught.value.__cause__, errors.QueryCanceled)


def test_it_takes_part_in_a_transaction():
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE seen ON COMMIT DROP AS SELECT 7 AS number")
        statement = sql.SQL("SELECT number FROM seen").format()
        assert rows.fetch(statement, [], {"work_mem": "77MB"}) == [(7,)]
