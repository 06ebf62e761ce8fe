"""Rows that are written by SQL made once."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from config.inserting import insert
from tracing.models import Log, LogKind, LogPayload

pytestmark = pytest.mark.django_db
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def log(use_case, alice) -> Log:
    return Log(
        use_case=use_case,
        user=alice,
        kind=LogKind.TOOL,
        started_at=NOON,
        cost=Decimal("0.000000000001"),
        metadata={"a": [1, None, "é"]},
        batches=["b"],
        judgment=False,
    )


def test_every_column_is_written_as_by_save(log, django_assert_num_queries):
    payload = LogPayload(log=log, inputs={"n": 2**70}, messages=[], text="a\n%s {} é")

    with django_assert_num_queries(1):
        insert(log, payload)

    stored = Log.objects.select_related("payload").get(pk=log.pk)
    for made, found in ((log, stored), (payload, stored.payload)):
        for field in type(made)._meta.concrete_fields:
            assert getattr(found, field.attname) == getattr(made, field.attname), field


def test_many_of_each_kind_are_written_in_one_statement(log, use_case, django_assert_num_queries):
    child = Log(use_case=use_case, kind=LogKind.RETRIEVE, started_at=NOON, parent=log, root=log)
    payloads = [LogPayload(log=log, text="whole"), LogPayload(log=child, text="part")]

    with django_assert_num_queries(1):
        insert(log, child, *payloads)

    stored = Log.objects.select_related("payload").get(parent=log)
    assert (stored.kind, stored.root_id, stored.payload.text) == (LogKind.RETRIEVE, log.pk, "part")
    assert LogPayload.objects.get(log=log).text == "whole"


def test_what_was_written_can_be_saved_again(log):
    insert(log)
    log.source = "changed"

    log.save()

    assert Log.objects.get().source == "changed"


def test_what_is_there_already_is_refused_as_a_whole(log, use_case):
    insert(log)
    other = Log(use_case=use_case, kind=LogKind.TOOL, started_at=NOON)

    with pytest.raises(IntegrityError), transaction.atomic():
        insert(other, log)

    assert Log.objects.count() == 1
