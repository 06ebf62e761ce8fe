"""Pages of logs: each log once, in order, whatever comes or goes in between."""

from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest

from config.errors import Conflict, InvalidInput
from tracing import log_pages
from tracing.log_filters import logs_in
from tracing.log_pages import Mark, Place, find
from tracing.models import Log, LogPayload

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def many(log_of, tool, use_case):
    """120 logs, of which each three have the same moment; every tenth one tells of pears."""
    template = log_of(tool)
    logs = [
        Log(
            use_case=use_case,
            kind=template.kind,
            face=template.face,
            file=template.file,
            created_at=NOON + timedelta(seconds=number // 3),
            started_at=NOON,
        )
        for number in range(120)
    ]
    template.delete()
    Log.objects.bulk_create(logs)
    LogPayload.objects.bulk_create(
        LogPayload(log=log, text="Pears, 50% off" if number % 10 == 0 else "Apples")
        for number, log in enumerate(logs)
    )
    return sorted(logs, key=lambda log: (log.created_at, log.pk), reverse=True)


def down(rows, text="") -> list[list[str]]:
    pages, place = [], Place()
    while True:
        page = find(rows, text, place)
        pages.append(page.ids)
        if page.older is None:
            return pages
        place = Place(older_than=page.older)


def test_pages_follow_each_other_and_lead_back(many, use_case):
    rows = logs_in(use_case)

    pages = down(rows)

    assert [len(page) for page in pages] == [50, 50, 20]
    assert [*chain(*pages)] == [log.pk for log in many]
    last = find(rows, "", Place(older_than=Mark(many[99].created_at, many[99].pk)))
    back = find(rows, "", Place(newer_than=last.newer))
    assert back.ids == pages[1]
    top = find(rows, "", Place(newer_than=back.newer))
    assert (top.ids, top.newer, top.older is None) == (pages[0], None, False)


def test_what_comes_and_goes_in_between_moves_nothing(many, use_case, log_of, tool):
    rows = logs_in(use_case)
    first = find(rows)

    log_of(tool)
    Log.objects.filter(pk=first.ids[-1]).delete()

    assert find(rows, "", Place(older_than=first.older)).ids == [log.pk for log in many[50:100]]


def test_a_page_that_is_full_to_the_last_log_leads_no_further(many, use_case):
    Log.objects.filter(pk__in=[log.pk for log in many[50:]]).delete()

    page = find(logs_in(use_case))

    assert (len(page.ids), page.older, page.newer) == (50, None, None)


def test_words_are_found_newest_first(many, use_case):
    expected = [
        log.pk for log in many if LogPayload.objects.filter(log=log, text__contains="Pears")
    ]

    assert find(logs_in(use_case), "pears, 50%").ids == expected
    assert find(logs_in(use_case), "50_").ids == []


def test_a_search_that_takes_too_long_says_how_far_it_came_and_goes_on(many, use_case, monkeypatch):
    monkeypatch.setattr(log_pages, "_SEARCH_SECONDS", 0.0)
    monkeypatch.setattr(log_pages, "_FIRST_STEP", 30)
    rows = logs_in(use_case)
    found, place, looked = [], Place(), 0
    for _ in range(10):
        page = find(rows, "pears", place)
        found += page.ids
        looked += page.looked_through
        if page.stopped_at is None:
            break
        assert page.looked_through == 30
        place = Place(older_than=page.stopped_at)

    assert looked == 120
    assert found == [
        log.pk for log in many if LogPayload.objects.filter(log=log, text__contains="Pears")
    ]


def test_a_walk_meets_each_log_once(many, use_case):
    rows = logs_in(use_case)

    assert [*chain(*log_pages.walk(rows, at_once=7))] == [log.pk for log in many]
    pears = [*chain(*log_pages.walk(rows, "pears", at_once=5))]
    assert len(pears) == len(set(pears)) == 12


@pytest.mark.parametrize(
    "text", ["", "x", "12", "12-xyz", f"{'9' * 18}-{'a' * 24}", "1-" + "g" * 24]
)
def test_a_place_that_is_none_is_refused(text):
    with pytest.raises(InvalidInput):
        Mark.read(text)


def test_a_place_is_read_as_it_was_written():
    mark = Mark(datetime(1969, 12, 31, 23, 59, 59, 123456, tzinfo=UTC), "0" * 24)

    assert Mark.read(str(mark)) == mark


def test_what_takes_too_long_says_what_to_do(db, monkeypatch):
    monkeypatch.setattr(log_pages, "_MOST_SECONDS", 0.05)
    sleep = "SELECT 1 AS id FROM pg_sleep(5)"
    with pytest.raises(Conflict, match="shorter time"), log_pages.bounded():
        list(Log.objects.raw(sleep))
