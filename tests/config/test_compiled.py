"""Compiled queries give what the ORM gives."""

from typing import Any

import pytest
from django.db import transaction
from django.db.models import Count
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiToken, Membership, UseCase
from accounts.services import create_use_case
from config.compiled import Compiled, among, given

pytestmark = pytest.mark.django_db


def found(compiled: Compiled[Any], **values: object) -> Any:
    return compiled.first(**values)


@pytest.fixture
def use_case(alice):
    return create_use_case(user=alice, name="Compiled")


def test_finds_the_object_with_the_given_values(use_case, alice, bob):
    of = Compiled(lambda: UseCase.objects.visible_to(given("user")).filter(pk=given("id")))

    assert of.first(id=use_case.pk, user=alice.pk) == use_case
    assert of.first(id=use_case.pk, user=bob.pk) is None


def test_fields_are_those_of_the_orm(use_case):
    compiled = Compiled(lambda: UseCase.objects.filter(pk=given("id")))

    made = compiled.first(id=use_case.pk)

    assert vars_of(made) == vars_of(UseCase.objects.get(pk=use_case.pk))


def vars_of(found) -> dict[str, object]:
    return {name: value for name, value in vars(found).items() if name != "_state"}


def test_related_objects_come_along(use_case, alice, django_assert_num_queries):
    compiled = Compiled(
        lambda: Membership.objects.select_related("use_case", "user").filter(use_case=given("id"))
    )

    with django_assert_num_queries(1):
        made = found(compiled, id=use_case.pk)
        assert (made.use_case, made.user) == (use_case, alice)


def test_missing_related_objects_are_none(alice):
    from blueprints.models import LLM

    LLM.objects.create(id="none/here", label="None here", provider="extractive")
    compiled = Compiled(lambda: LLM.objects.select_related("endpoint").filter(pk=given("id")))

    assert found(compiled, id="none/here").endpoint is None


def test_annotations_are_set(use_case):
    compiled = Compiled(
        lambda: UseCase.objects.annotate(members_count=Count("members")).filter(pk=given("id"))
    )

    assert found(compiled, id=use_case.pk).members_count == 1


def test_first_follows_the_order(alice):
    create_use_case(user=alice, name="b")
    create_use_case(user=alice, name="a")
    compiled = Compiled(lambda: UseCase.objects.filter(created_by=given("user")).order_by("-name"))

    assert found(compiled, user=alice.pk).name == "b"


@pytest.fixture
def named(alice):
    """Of alice's use cases, those with a name of letters, from the last to the first."""
    for name in ["a", "c", "1", "b"]:
        create_use_case(user=alice, name=name)
    return Compiled(
        lambda: (
            UseCase.objects.visible_to(given("user")).filter(name__gte="a").order_by("-name", "pk")
        )
    )


def test_all_are_found_in_order(named, alice, bob):
    assert [use_case.name for use_case in named.all(user=alice.pk)] == ["c", "b", "a"]
    assert named.all(user=bob.pk) == []


def test_a_page_is_a_cut_of_the_keys_and_the_count_of_all(named, alice, bob):
    keys = [use_case.pk for use_case in named.all(user=alice.pk)]

    for start, end in [(0, 2), (1, 3), (2, 9), (3, 4)]:
        assert named.page(start, end, user=alice.pk) == (keys[start:end], 3)
    assert named.page(0, 9, user=bob.pk) == ([], 0)


def test_what_is_among_given_keys_is_found(named, alice):
    compiled = Compiled(lambda: UseCase.objects.filter(pk__in=among("ids")).order_by("name"))
    ids, _ = named.page(0, 2, user=alice.pk)

    assert [use_case.name for use_case in compiled.all(ids=[*ids, "0" * 24])] == ["b", "c"]
    assert compiled.all(ids=[]) == []


def test_what_was_made_is_saved_like_any_other(use_case):
    compiled = Compiled(lambda: UseCase.objects.filter(pk=given("id")))

    made = found(compiled, id=use_case.pk)
    made.name = "Renamed"
    made.save()

    assert UseCase.objects.get(pk=use_case.pk).name == "Renamed"


def test_deferred_fields_are_read_when_asked_for(use_case):
    compiled = Compiled(lambda: UseCase.objects.only("id").filter(pk=given("id")))

    assert found(compiled, id=use_case.pk).name == "Compiled"


def test_sql_is_made_once(use_case, monkeypatch):
    built = []

    def build():
        built.append(1)
        return UseCase.objects.filter(pk=given("id"))

    compiled = Compiled(build)
    compiled.first(id=use_case.pk)
    compiled.first(id=use_case.pk)

    assert built == [1]


def test_locks_where_the_query_does(use_case):
    compiled = Compiled(
        lambda: UseCase.objects.select_for_update(of=("self",), no_key=True).filter(pk=given("id"))
    )
    from django.db import connection

    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        compiled.first(id=use_case.pk)

    assert "FOR NO KEY UPDATE" in queries[0]["sql"]


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800", "x\udfff"])
def test_what_cannot_be_stored_is_equal_to_nothing(text):
    compiled = Compiled(lambda: ApiToken.objects.filter(digest=given("digest")))

    assert compiled.first(digest=text) is None
    assert compiled.all(digest=text) == []
    assert compiled.page(0, 1, digest=text) == ([], 0)


def test_a_value_that_is_not_given_is_an_error(use_case):
    compiled = Compiled(lambda: UseCase.objects.filter(pk=given("id")))

    with pytest.raises(KeyError):
        compiled.first(pk=use_case.pk)
