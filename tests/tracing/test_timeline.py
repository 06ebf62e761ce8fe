from datetime import UTC, datetime, timedelta

import pytest

from tracing.models import Log
from tracing.timeline import LENGTH, Bar, TimeLine

START = datetime(2026, 11, 1, 9, tzinfo=UTC)


def log(begins: float, lasts: float | None, **fields) -> Log:
    """Seconds."""
    start = START + timedelta(seconds=begins)
    ended = None if lasts is None else start + timedelta(seconds=lasts)
    return Log(started_at=start, ended_at=ended, **fields)


def test_a_call_takes_its_share_of_the_line():
    root = log(0, 10)

    line = TimeLine([root])

    assert line.bar(root) == Bar(0, LENGTH, None)
    assert line.bar(log(2.5, 5)) == Bar(250, 500, None)
    assert line.ticks == [0, 2_500, 5_000, 7_500, 10_000]
    assert line.pauses == []


def test_the_wait_for_the_first_token_is_a_part_of_the_bar():
    root = log(0, 10, first_token_ms=2_500.0)

    assert TimeLine([root]).bar(root).waiting == 250


def test_a_first_token_later_than_the_end_waits_for_all_of_it():
    root = log(0, 1, first_token_ms=9_000.0)

    assert TimeLine([root]).bar(root).waiting == LENGTH


@pytest.mark.parametrize("lasts", [0, None])
def test_what_took_no_time_or_has_not_ended_can_be_seen(lasts):
    root = log(0, 10)

    bar = TimeLine([root]).bar(log(10, lasts))

    assert bar.width > 0
    assert bar.start + bar.width <= LENGTH


def test_a_line_of_no_time_at_all_is_a_line():
    root = log(0, 0)

    assert TimeLine([root]).bar(root) == Bar(0, 4, None)


def test_what_ended_before_it_began_is_where_it_began():
    root = log(0, 10)

    assert TimeLine([root]).bar(log(5, -3)).start == 500


def test_time_in_which_nothing_ran_is_left_out():
    calls = [log(0, 1), log(86_400, 1), log(86_401, 2)]

    line = TimeLine(calls)
    bars = [line.bar(call) for call in calls]

    assert line.milliseconds == 4_000
    assert len(line.pauses) == 1
    assert bars[0].start + bars[0].width < line.pauses[0] < bars[1].start
    assert bars[2].start + bars[2].width == LENGTH
    assert bars[2].width == pytest.approx(2 * bars[1].width, abs=1)
    assert line.ticks == []


def test_of_very_many_pauses_none_leaves_the_calls_without_room():
    calls = [log(number * 100, 1) for number in range(300)]

    line = TimeLine(calls)
    starts = [line.bar(call).start for call in calls]

    assert starts == sorted(starts)
    assert starts[-1] <= LENGTH
