"""The cast: alice owns things, bob is a stranger, vera may look at alice's things."""

from collections.abc import Iterator

import pytest
from django.db import connection

from accounts import services as accounts
from accounts.models import Membership, Role, UseCase, User
from config.notify import close_hints

pytest_plugins = [
    "tests.jobs",
    "tests.llm_fixtures",
    "tests.running",
    "tests.stack",
    "tests.browser",
    "tests.cross_encoders",
]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """The database cannot be dropped while somebody is connected to it."""
    yield
    close_hints()


@pytest.fixture
def alice(db) -> User:
    return User.objects.create_user("alice@example.com", "correct horse battery")


@pytest.fixture
def bob(db) -> User:
    return User.objects.create_user("bob@example.com", "correct horse battery")


@pytest.fixture
def vera(db, use_case) -> User:
    user = User.objects.create_user("vera@example.com", "correct horse battery")
    Membership.objects.create(use_case=use_case, user=user, role=Role.VIEWER)
    return user


@pytest.fixture
def use_case(alice) -> UseCase:
    return accounts.create_use_case(user=alice, name="Support")


@pytest.fixture(autouse=True)
def nothing_is_left_in_unmanaged_tables(request):
    """Django empties the tables of its own models after a test that commits: not the queue's, and
    not those of chunks and of their keywords."""
    marker = request.node.get_closest_marker("django_db")
    commits = marker is not None and marker.kwargs.get("transaction")
    if not commits and "transactional_db" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs; DELETE FROM procrastinate_workers")
        cursor.execute("DELETE FROM vectordb_disabled_chunk")
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'vectordb_chunk'::regclass"
            " UNION SELECT tablename FROM pg_tables WHERE tablename LIKE 'vectordb_keywords_%'"
        )
        for (partition,) in cursor.fetchall():
            cursor.execute(f"DROP TABLE {partition}")
