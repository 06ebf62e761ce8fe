"""The cast: alice owns things, bob is a stranger, vera may look at alice's things."""

import pytest

from accounts import services as accounts
from accounts.models import Membership, Role, UseCase, User

pytest_plugins = [
    "tests.jobs",
    "tests.llm_fixtures",
    "tests.running",
    "tests.stack",
    "tests.browser",
]


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
