"""Work that others begin before it is on disk, and that is on disk before anybody relies on it."""

import pytest
from django.db import connection, transaction

from accounts.services import create_use_case
from config.durability import let_others_begin

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def use_case(alice):
    return create_use_case(user=alice, name="Durable")


def value(statement: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
    return str(row[0]) if row else ""


def test_only_this_transaction_does_not_wait_for_the_disk():
    usual = value("SHOW synchronous_commit")

    with transaction.atomic():
        let_others_begin()
        inside = value("SHOW synchronous_commit")

    assert (inside, value("SHOW synchronous_commit")) == ("off", usual)


def test_what_was_committed_is_on_disk_when_the_block_is_left(use_case):
    committed = []
    with transaction.atomic():
        use_case.name = "Renamed"
        use_case.save()
        transaction.on_commit(
            lambda: committed.append(value("SELECT pg_current_wal_insert_lsn()::text"))
        )
        let_others_begin()

    flushed = f"SELECT pg_current_wal_flush_lsn() >= '{committed[0]}'::pg_lsn"
    assert value(flushed) == "True"


def test_a_transaction_that_fails_leaves_nothing_to_wait_for(django_assert_num_queries):
    with transaction.atomic():
        let_others_begin()
        transaction.set_rollback(True)

    with django_assert_num_queries(1):
        value("SELECT 1")


def test_many_questions_wait_once(django_assert_num_queries):
    with django_assert_num_queries(6), transaction.atomic():  # begin, three times set, commit, wait
        for _ in range(3):
            let_others_begin()
