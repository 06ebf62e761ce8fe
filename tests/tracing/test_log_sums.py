"""Figures of summed hours are those of the logs themselves, whatever becomes of the logs."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.services import create_use_case
from blueprints.models import BlueprintVersion, FileKind
from config.errors import Conflict
from config.status import Status
from tests.tracing.conftest import version_at
from tracing import deleting, log_pages, log_sums, logs, retention, summing
from tracing.durations import ACCURACY
from tracing.judgments import judge
from tracing.log_filters import Wanted
from tracing.log_sums import Grouped, Sums, figures_by
from tracing.models import Face, Log, LogKind
from tracing.sum_models import LogSum, StaleHour, Step
from tracing.time_span import Span

DAY = datetime(2024, 5, 1, tzinfo=UTC)
NOW = DAY + timedelta(days=6, hours=5, minutes=20)
WAYS = (("at",), ("blueprint_version_id", "file_version_id"), ("model_name",), ("blueprint_id",))


@pytest.fixture
def versions(prompt, tool, flow) -> list[Any]:
    other = BlueprintVersion.objects.create(
        blueprint=prompt.blueprint, number=2, content_hash="2", created_by=prompt.created_by
    )
    return [prompt, other, tool, flow]


@pytest.fixture
def many(use_case, versions) -> list[Log]:
    """Logs of six days, at all hours, of all kinds, some below others, and some that say little."""
    chance = random.Random(7)  # noqa: S311
    made: list[Log] = []
    for number in range(400):
        version = chance.choice(versions)
        at = DAY + timedelta(seconds=chance.randrange(6 * 86_400))
        is_prompt = isinstance(version, BlueprintVersion)
        parent = chance.choice([None, None, *made[-3:]]) if made else None
        has_cost = chance.random() < 0.6
        log = Log(
            use_case=use_case,
            kind=LogKind.ANSWER if is_prompt else version.file.kind,
            parent=parent,
            root=(parent.root or parent) if parent else None,
            blueprint=version.blueprint if is_prompt else None,
            blueprint_version=version if is_prompt else None,
            file=None if is_prompt else version.file,
            file_version=None if is_prompt else version,
            model_name=chance.choice(["", "large", "small"]),
            status=chance.choice([Status.COMPLETED] * 4 + [Status.ERROR, Status.RUNNING]),
            created_at=at,
            started_at=at,
            ended_at=chance.choice([None, at + timedelta(seconds=chance.randrange(90))]),
            latency_ms=chance.choice([None, 0.0, chance.lognormvariate(5, 2)]),
            input_tokens=chance.choice([None, number]),
            output_tokens=number,
            cost=Decimal(number) / 1000 if has_cost else None,
        )
        made.append(log)
        if number % 7 == 0:
            made.append(Log(use_case=use_case, kind=LogKind.RETRIEVE, parent=log, root=log.root or log,
                            created_at=at, started_at=at, blueprint=log.blueprint))  # fmt: skip
    Log.objects.bulk_create(made)
    return made


_Groups = list[dict[tuple[Any, ...], Sums]]


@pytest.fixture
def by_sums(monkeypatch, use_case) -> Callable[..., _Groups]:
    """What is found with as many sums as there are, after it was compared with what is counted."""

    def find(wanted: Wanted | None = None, span: Span | None = None, **more: Any) -> _Groups:
        wanted, span = wanted or Wanted(), span or Span(DAY, NOW, "day")

        def ask(few: int) -> Grouped:
            monkeypatch.setattr(log_sums, "FEW", few)
            return figures_by(use_case, wanted, span, *WAYS, **more)

        summed, counted = ask(-1), ask(10**9)
        assert (summed.is_exact, counted.is_exact) == (False, True)
        for some, others in zip(summed.groups, counted.groups, strict=True):
            assert some.keys() == others.keys()
            for key in some:
                assert_alike(some[key], others[key])
        return summed.groups

    return find


def assert_alike(summed: Sums, counted: Sums) -> None:
    for name in Sums.__slots__:
        one, other = getattr(summed, name), getattr(counted, name)
        assert type(one) is type(other), name
        if name in ("p50", "p95") and other is not None:
            # What takes less than a hundredth of a millisecond is said to take one.
            assert abs(one - other) <= ACCURACY * 1.001 * other + 0.01, name
        else:
            assert one == other, name


def stale_hours() -> int:
    return StaleHour.objects.count()


def test_sums_tell_what_the_logs_tell(many, by_sums, prompt, versions):
    summing.sum_up(NOW)
    assert stale_hours() == 0
    assert LogSum.objects.filter(step=Step.DAY).values("start").distinct().count() == 6

    for wanted in (
        Wanted(),
        Wanted(is_deep=True),
        Wanted(file=prompt.blueprint, is_deep=True),
        Wanted(file=prompt.blueprint, version=prompt),
        Wanted(file=versions[2].file, is_deep=True),
        Wanted(version=versions[3], is_deep=True),
        Wanted(status=Status.ERROR),
    ):
        found = by_sums(wanted)
        assert found[0]
    assert by_sums(timed="status = 'COMPLETED'")


@pytest.mark.parametrize(
    ("start", "end", "step"),
    [
        (timedelta(hours=7, minutes=31), timedelta(days=5, hours=3, seconds=1), "day"),
        (timedelta(hours=7, minutes=31), timedelta(days=2), "hour"),
        (timedelta(days=-30), timedelta(days=200), "week"),
        (timedelta(days=1, minutes=10), timedelta(days=1, hours=2, minutes=20), "hour"),
    ],
)
def test_any_time_is_put_together_of_days_hours_and_logs(many, by_sums, start, end, step):
    summing.sum_up(NOW)

    by_sums(span=Span(DAY + start, DAY + end, step))


def test_a_time_within_an_hour_is_counted(many, use_case, monkeypatch):
    summing.sum_up(NOW)
    monkeypatch.setattr(log_sums, "FEW", -1)
    span = Span(DAY + timedelta(minutes=5), DAY + timedelta(minutes=50), "hour")

    assert figures_by(use_case, Wanted(), span, ("at",)).is_exact


def test_few_logs_are_counted_one_by_one(many, use_case):
    summing.sum_up(NOW)

    assert figures_by(use_case, Wanted(), Span(DAY, NOW, "day"), ("at",)).is_exact


@pytest.mark.parametrize("more", [{"source": "x"}, {"text": "x"}, {"cost_from": Decimal(0)}])
def test_what_sums_do_not_tell_apart_is_counted(many, use_case, monkeypatch, more):
    summing.sum_up(NOW)
    monkeypatch.setattr(log_sums, "FEW", -1)

    assert figures_by(use_case, Wanted(**more), Span(DAY, NOW, "day"), ("at",)).is_exact


def test_what_changes_counts_at_once_and_is_summed_the_next_time(
    many, by_sums, log_of, tool, evaluator, alice, use_case
):
    summing.sum_up(NOW)

    def late_log():
        log_of(tool, created_at=DAY + timedelta(hours=3), latency_ms=70_000.0)

    def change():
        log = Log.objects.get(pk=many[0].pk)
        logs.patch(log, user=alice, changes={"error_message": "No", "input_tokens": 1_000_000})

    def move_in_time():
        Log.objects.filter(pk=many[2].pk).update(created_at=DAY + timedelta(days=5, hours=23))

    def rating():
        fields = {"judgment": "bad", "created_at": DAY + timedelta(days=2)}
        judge(many[4], user=alice, version=evaluator, face=Face.PROMPTS, fields=fields)

    def deletion():
        deleting.delete(Log.objects.filter(pk__in=[many[6].pk, many[8].pk]), user=alice)

    def end_of_a_file():
        tool.file.delete()

    for happen in (late_log, change, move_in_time, rating, deletion, end_of_a_file):
        before = by_sums(Wanted(is_deep=True))
        happen()
        assert stale_hours(), happen
        assert by_sums(Wanted(is_deep=True)) != before, happen
        by_sums()
        summing.sum_up(NOW)
        assert not stale_hours(), happen
        by_sums()
        by_sums(Wanted(is_deep=True))


def test_retention_takes_from_the_sums(many, by_sums, use_case, alice):
    summing.sum_up(NOW)
    retention.keep_for(use_case, user=alice, payload_days=1, log_days=3)
    retention.run(NOW)

    first = by_sums()
    summing.sum_up(NOW)

    assert by_sums() == first
    assert min(at for (at,) in first[0]) >= DAY + timedelta(days=3)
    assert not LogSum.objects.filter(is_root=True, start__lt=DAY + timedelta(days=2)).exists()


def test_what_figures_do_not_show_makes_nothing_stale(many, use_case):
    summing.sum_up(NOW)

    Log.objects.update(is_payload_kept=False, metadata={"a": 1}, source="elsewhere")

    assert not stale_hours()


def test_a_use_case_that_goes_takes_its_sums(many, use_case, tool, log_of):
    summing.sum_up(NOW)
    use_case.delete()
    assert stale_hours()

    summing.sum_up(NOW)

    assert not stale_hours()
    assert not LogSum.objects.exists()


def test_the_current_hour_is_noted_once_and_summed_when_it_is_over(log_of, tool, by_sums):
    for minute in range(5):
        log_of(tool, created_at=NOW - timedelta(minutes=minute))
    log_of(tool, created_at=NOW - timedelta(days=2))

    summing.sum_up(NOW)
    assert (stale_hours(), LogSum.objects.filter(step=Step.HOUR).count()) == (1, 1)
    by_sums(span=Span(DAY, NOW + timedelta(hours=1), "day"))
    summing.sum_up(NOW + timedelta(hours=1))
    assert (stale_hours(), LogSum.objects.filter(step=Step.HOUR).count()) == (0, 2)


def test_a_worker_that_is_to_end_leaves_the_rest_for_the_next_run(many):
    asked = iter([False, True])

    summing.sum_up(NOW, should_end=lambda: next(asked))

    assert LogSum.objects.filter(step=Step.DAY).values("start").distinct().count() == 1
    assert stale_hours()


def test_use_cases_are_summed_apart(many, by_sums, alice, use_case):
    theirs = create_use_case(user=alice, name="Other")
    version = version_at(theirs, FileKind.TOOL, "t")
    for hour in range(30):
        fields = {"created_at": DAY + timedelta(hours=hour), "latency_ms": 1.0}
        logs.create(user=alice, version=version, face=Face.PROMPTS, fields=fields)

    summing.sum_up(NOW)

    by_sums()
    [days] = figures_by(theirs, Wanted(), Span(DAY, NOW, "day"), ("at",)).groups
    assert [sums.count for sums in days.values()] == [24, 6]


def test_too_much_to_count_is_said(many, use_case, monkeypatch):
    monkeypatch.setattr(log_pages, "_MOST_SECONDS", 0.001)
    slow = "pg_sleep(1) IS NOT NULL"
    with pytest.raises(Conflict, match="too much"):
        figures_by(use_case, Wanted(), Span(DAY, NOW, "day"), ("at",), timed=slow)
