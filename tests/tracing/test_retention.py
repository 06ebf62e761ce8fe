"""What is older than a use case keeps goes, with its trace, and nothing else does."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from procrastinate.contrib.django import app
from procrastinate.periodic import PeriodicDeferrer

from accounts.services import create_use_case
from blueprints.models import FileKind
from config.errors import Forbidden, InvalidInput
from tests.tracing.conftest import version_at
from tracing import logs, retention, tasks
from tracing.judgments import judge
from tracing.list_models import Retention
from tracing.models import Face, Log, LogPayload, Session

NOW = datetime(2024, 5, 31, 3, 17, tzinfo=UTC)


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


@pytest.fixture
def keep(use_case, alice):
    def keep(payload_days: int | None, log_days: int | None) -> Retention:
        return retention.keep_for(
            use_case, user=alice, payload_days=payload_days, log_days=log_days
        )

    return keep


def sources() -> set[str]:
    return set(Log.objects.values_list("source", flat=True))


def with_payload() -> set[str]:
    return set(LogPayload.objects.values_list("log__source", flat=True))


def test_whole_traces_go_by_the_age_of_their_roots(keep, log_of, flow, tool, monkeypatch):
    monkeypatch.setattr(retention, "_TRACES_AT_ONCE", 2)
    for number in range(5):
        log_of(tool, source=f"old {number}", created_at=days_ago(31))
    trace = log_of(flow, source="old trace", created_at=days_ago(40))
    log_of(tool, source="late step", parent=trace, created_at=days_ago(1))
    young = log_of(flow, source="young trace", created_at=days_ago(29))
    log_of(tool, source="its old step", parent=young, created_at=days_ago(50))
    kept = keep(None, 30)

    retention.run(NOW)

    assert sources() == {"young trace", "its old step"}
    kept.refresh_from_db()
    assert (kept.last_run_at, kept.deleted_logs, kept.deleted_payloads) == (NOW, 7, 0)


def test_payloads_go_and_figures_stay(keep, log_of, tool, alice, monkeypatch):
    monkeypatch.setattr(retention, "_AT_ONCE", 2)
    for number in range(5):
        log_of(tool, source=f"old {number}", text="x", latency_ms=7.0, created_at=days_ago(8))
    log_of(tool, source="young", text="x", created_at=days_ago(6))
    kept = keep(7, None)

    retention.run(NOW)

    assert with_payload() == {"young"}
    assert Log.objects.filter(latency_ms=7.0, is_payload_kept=False).count() == 5
    kept.refresh_from_db()
    assert (kept.deleted_logs, kept.deleted_payloads) == (0, 5)
    retention.run(NOW)
    kept.refresh_from_db()
    assert kept.deleted_payloads == 0


def test_a_change_of_a_log_whose_payload_went_writes_none(keep, log_of, tool, alice):
    log = log_of(tool, text="x", created_at=days_ago(8))
    keep(7, None)
    retention.run(NOW)

    logs.patch(log, user=alice, changes={"text": "again", "input_tokens": 7})

    log.refresh_from_db()
    assert log.input_tokens == 7
    assert not LogPayload.objects.exists()


def test_judgments_go_with_what_they_are_about(keep, log_of, tool, evaluator, alice):
    old, young = (
        log_of(tool, source=name, created_at=days_ago(days)) for name, days in (("a", 31), ("b", 1))
    )
    for log in (old, young):
        fields = {"judgment": "good", "source": f"of {log.source}"}
        judge(log, user=alice, version=evaluator, face=Face.PROMPTS, fields=fields)
    keep(None, 30)

    retention.run(NOW)

    assert sources() == {"b", "of b"}


def test_sessions_without_a_log_go_too(keep, log_of, tool, use_case):
    empty, used = (
        Session.objects.create(use_case=use_case),
        Session.objects.create(use_case=use_case),
    )
    log_of(tool, session=used, created_at=days_ago(1))
    log_of(tool, session=empty, created_at=days_ago(31))
    Session.objects.update(updated_at=days_ago(31))
    keep(None, 30)

    retention.run(NOW)

    assert list(Session.objects.all()) == [used]


def test_use_cases_that_say_nothing_keep_everything(keep, log_of, tool, bob):
    theirs = version_at(create_use_case(user=bob), FileKind.TOOL, "t")
    fields = {"source": "theirs", "created_at": days_ago(400), "text": "x"}
    logs.create(user=bob, version=theirs, face=Face.PROMPTS, fields=fields)
    log_of(tool, source="mine", text="x", created_at=days_ago(400))

    retention.run(NOW)
    assert sources() == with_payload() == {"theirs", "mine"}
    keep(None, None)
    retention.run(NOW)
    assert sources() == with_payload() == {"theirs", "mine"}
    keep(3, 30)
    retention.run(NOW)
    assert sources() == with_payload() == {"theirs"}


def test_a_worker_that_is_to_end_leaves_the_rest_for_the_next_run(keep, log_of, tool, monkeypatch):
    monkeypatch.setattr(retention, "_TRACES_AT_ONCE", 1)
    for number in range(3):
        log_of(tool, source=f"{number}", created_at=days_ago(40 - number))
    keep(None, 30)
    asked = iter([False, False, True, True, True])

    retention.run(NOW, should_end=lambda: next(asked))

    assert sources() == {"1", "2"}
    retention.run(NOW)
    assert sources() == set()


@pytest.mark.parametrize(("payload_days", "log_days"), [(0, None), (None, 0), (-1, 5), (8, 7)])
def test_what_makes_no_sense_is_refused(keep, payload_days, log_days):
    with pytest.raises(InvalidInput):
        keep(payload_days, log_days)
    assert not Retention.objects.exists()


def test_only_owners_say_how_long(use_case, vera, alice):
    with pytest.raises(Forbidden):
        retention.keep_for(use_case, user=vera, payload_days=1, log_days=None)
    assert retention.retention_of(use_case) is None


def test_the_database_holds_no_less_than_a_day(keep):
    kept = keep(1, 1)
    kept.log_days = 0
    with pytest.raises(IntegrityError), transaction.atomic():
        kept.save()


@pytest.mark.django_db(transaction=True)
def test_it_is_in_the_queue_once_a_day_whoever_asks(run_jobs, keep, log_of, tool):
    log_of(tool, source="old", created_at=datetime(2024, 1, 1, tzinfo=UTC))
    keep(None, 30)
    [(key, task)] = [
        (key, task)
        for key, task in app.periodic_registry.periodic_tasks.items()
        if task.task is tasks.delete_old_logs
    ]
    assert key[0] == "tracing.delete_old_logs"
    deferrer = PeriodicDeferrer(app.periodic_registry)
    at = int(NOW.timestamp())
    due = list(deferrer.get_timestamps(task, since=at - 2 * 86_400, until=at))

    app.configure_task("tracing.delete_old_logs").defer(timestamp=due[-1])
    run_jobs()

    assert len(due) == 2
    assert sources() == set()
