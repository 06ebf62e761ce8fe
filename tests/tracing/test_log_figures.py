"""Figures of logs, by time, version and LLM, and the charts of them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from blueprints.models import BlueprintVersion
from config.errors import InvalidInput
from tracing.judgments import evaluator as evaluator_of
from tracing.judgments import judge
from tracing.log_charts import HEIGHT, WIDTH, charts_of, nice_top
from tracing.log_figures import Figures, figures_of
from tracing.log_filters import Wanted
from tracing.log_sums import Sums
from tracing.models import Face
from tracing.time_span import Span

DAY = datetime(2024, 5, 1, tzinfo=UTC)


def span(days: float = 3.5) -> Span:
    return Span.of(DAY, DAY + timedelta(days=days))


@pytest.fixture
def figures(use_case):
    def figures(wanted: Wanted | None = None, within: Span | None = None) -> Figures:
        return figures_of(use_case, wanted or Wanted(), within or span())

    return figures


def test_each_day_has_its_sums(figures, log_of, prompt, tool, alice, use_case):
    for hour, latency in ((1, 100.0), (2, 200.0), (23, 300.0), (25, 50.0)):
        log = log_of(
            prompt,
            created_at=DAY + timedelta(hours=hour),
            latency_ms=latency,
            input_tokens=10,
            output_tokens=2,
            output_cost=Decimal("0.25"),
        )
    log_of(prompt, created_at=DAY + timedelta(hours=26), error_message="No", latency_ms=None)
    rating = evaluator_of(user=alice, use_case=use_case, path="rating")
    judge(log, user=alice, version=rating, face=Face.PROMPTS, fields={"judgment": "good"})
    for outside in (-timedelta(seconds=1), timedelta(days=3.5)):
        log_of(tool, created_at=DAY + outside)

    found = figures()

    first = Sums(3, 0, 200.0, 290.0, 30, 6, Decimal("0.75"))
    second = Sums(2, 1, 50.0, 50.0, 10, 2, Decimal("0.25"), good=1, thumbs_up=1)
    empty = [(DAY + timedelta(days=day), Sums()) for day in (2, 3)]
    assert found.by_time == [(DAY, first), (DAY + timedelta(days=1), second), *empty]
    assert found.count == 5
    assert first.tokens == 36


def test_a_filter_counts_here_too(figures, log_of, prompt):
    log_of(prompt, created_at=DAY, source="nightly")
    log_of(prompt, created_at=DAY, source="website")

    assert figures(Wanted(source="nightly")).count == 1


def test_versions_and_llms_are_ordered_by_how_often_they_were_called(figures, log_of, prompt, tool):
    other = BlueprintVersion.objects.create(
        blueprint=prompt.blueprint, number=2, content_hash="2", created_by=prompt.created_by
    )
    for version, count in ((prompt, 1), (other, 3), (tool, 2)):
        for _ in range(count):
            log_of(version, created_at=DAY, model_name="large" if version == other else "")

    found = figures()

    named = [(group.name, group.sums.count, group.query) for group in found.by_version]
    assert named == [
        ("persona v2", 3, {"path": "persona", "version": "2"}),
        ("tools/search v1", 2, {"path": "tools/search", "version": "1"}),
        ("persona v1", 1, {"path": "persona", "version": "1"}),
    ]
    assert {group.name: group.sums.count for group in found.by_model} == {
        "large": 3,
        "none": 2,
        prompt.llm_id: 1,
    }


@pytest.mark.parametrize(
    ("days", "step", "count"),
    [(1, "hour", 24), (3, "hour", 72), (3.5, "day", 4), (120, "day", 120), (121, "week", 18)],
)
def test_the_step_fits_the_time(days, step, count):
    chosen = span(days)

    assert (chosen.step, len(chosen.moments)) == (step, count)
    assert chosen.moments[0] <= chosen.start < chosen.moments[1]


def test_weeks_begin_on_mondays_as_the_databases_do(figures, log_of, tool):
    log_of(tool, created_at=DAY + timedelta(days=3))

    found = figures(within=span(200))

    assert [at.isoweekday() for at, _ in found.by_time] == [1] * len(found.by_time)
    assert found.count == 1


def test_by_itself_it_is_the_last_fourteen_days():
    chosen = Span.of(None, None)

    assert chosen.end - chosen.start == timedelta(days=14)
    assert Span.of(None, DAY) == Span(DAY - timedelta(days=14), DAY, "day")


def test_a_time_that_is_too_long_is_refused():
    with pytest.raises(InvalidInput, match="up to 1,100 days") as refused:
        span(1_101)
    assert refused.value.field == "since"


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 1), (0.003, 0.004), (1, 1), (1.1, 2), (7, 10), (61, 100), (2500, 4000)]
)
def test_an_axis_ends_at_a_number_that_is_easy_to_halve(highest, top):
    assert nice_top(highest) == pytest.approx(top)


def test_bars_stand_upon_each_other_and_end_where_their_value_is(figures):
    rows = [(DAY, Sums(4, input_tokens=30, output_tokens=10)), (DAY + timedelta(days=1), Sums())]
    tokens = next(one for one in charts_of(Figures(span(), rows, [], [])) if one.name == "Tokens")

    below, above = tokens.bars
    zero, middle, top = tokens.heights
    assert (zero.text, middle.text, top.text) == ("0", "20", "40")
    assert below.y + below.height == pytest.approx(zero.at)
    assert above.y + above.height == pytest.approx(below.y, abs=0.02)
    assert above.y == pytest.approx(top.at, abs=0.02)
    assert (below.kind, above.kind) == ("main", "other")
    assert tokens.columns[0].told == "1 May: 30 read, 10 written"


def test_a_line_breaks_off_where_nothing_was_measured():
    values = [10.0, 20.0, None, 40.0]
    rows = [(DAY + timedelta(days=day), Sums(p50=value)) for day, value in enumerate(values)]
    latency = next(one for one in charts_of(Figures(span(), rows, [], [])) if one.name == "Latency")

    assert [len(line.points.split()) for line in latency.lines] == [2, 2]
    assert [line.is_lone for line in latency.lines] == [False, True]
    assert latency.columns[2].told == "3 May: none"


def test_nothing_is_drawn_outside_of_the_picture(figures, log_of, prompt):
    for hour in range(60):
        log_of(prompt, created_at=DAY + timedelta(hours=hour), latency_ms=float(hour**3))

    charts = charts_of(figures(within=span(2.5)))

    assert [chart.name for chart in charts] == [
        "Logs",
        "Latency",
        "Tokens",
        "Cost",
        "Errors",
        "Feedback",
    ]
    for chart in charts:
        assert all(bar.x >= 0 and bar.x + bar.width <= WIDTH for bar in chart.bars)
        assert all(bar.y >= 0 and bar.y + bar.height <= HEIGHT for bar in chart.bars)
        for line in chart.lines:
            for point in line.points.split():
                x, y = map(float, point.split(","))
                assert 0 <= x <= WIDTH
                assert 0 <= y <= HEIGHT
        assert len(chart.times) <= 6


def test_a_single_log_has_no_half():
    rows = [(DAY, Sums(1)), (DAY + timedelta(days=1), Sums())]

    [logs, *_] = charts_of(Figures(span(), rows, [], []))

    assert [label.text for label in logs.heights] == ["0", "1"]
    assert logs.heights[0].at == logs.bars[0].y + logs.bars[0].height
