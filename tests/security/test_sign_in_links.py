"""One link, one sign-in, however many browsers open it at once."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connections

from accounts import services as accounts
from accounts.models import SignInLink
from config.database import connection_parameters

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


def redeem(secret: str) -> bool:
    try:
        return SignInLink.objects.redeem(secret) is not None
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_of_many_who_redeem_a_link_at_once_one_succeeds(alice):
    secret = accounts.create_sign_in_link(alice)
    with (
        ThreadPoolExecutor(4) as browsers,
        psycopg.connect(**connection_parameters()) as holder,
        psycopg.connect(**connection_parameters() | {"autocommit": True}) as watcher,
    ):
        # All are let go at the same moment, when each waits for the link's row.
        holder.execute("SELECT 1 FROM accounts_signinlink FOR UPDATE")
        answers = [browsers.submit(redeem, secret) for _ in range(4)]
        while watcher.execute(_WAITING).fetchone() != (4,):
            pass
        holder.commit()

        assert sorted(answer.result() for answer in answers) == [False, False, False, True]
