"""Deleting what is yours must not take along what is somebody else's."""

from accounts import services as accounts
from accounts.models import Role
from playground.use_cases import delete_use_case
from vectordb import services as vectordb
from vectordb.models import Dataset


def test_what_somebody_else_brought_stays_theirs(alice, bob, use_case):
    vectordb.create_dataset(user=alice, name="Mine", use_case=use_case)
    theirs = vectordb.create_dataset(user=bob, name="Theirs")
    accounts.share(use_case, by=alice, email=bob.email, role=Role.EDITOR)
    vectordb.link_dataset(theirs, use_case=use_case, user=bob)

    delete_use_case(use_case, user=alice)

    assert list(Dataset.objects.all()) == [theirs]
    assert not Dataset.objects.visible_to(alice).exists()
