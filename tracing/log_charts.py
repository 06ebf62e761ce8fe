"""Figures of logs drawn as charts: what stands where, in the units of the picture."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.contrib.humanize.templatetags.humanize import intcomma

from config.formats import dollars, duration
from tracing.log_figures import Figures
from tracing.log_sums import Sums

WIDTH, HEIGHT = 480, 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 4, 8, 22
_GAP = 0.2  # between bars, of a step's width
_MOST_LABELS = 6


@dataclass(frozen=True, slots=True)
class Bar:
    """`kind` says which colour it has."""

    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True, slots=True)
class Line:
    """`is_lone` where it is but a point."""

    points: str
    kind: str
    is_lone: bool


@dataclass(frozen=True, slots=True)
class Label:
    """`at` along its axis."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """One step in time over the whole height, with what a reader who points there is told."""

    x: float
    width: float
    told: str


@dataclass(frozen=True, slots=True)
class Chart:
    """`keys` are the kinds that it shows and their names; `told` says the whole in a sentence."""

    name: str
    told: str
    keys: list[tuple[str, str]]
    bars: list[Bar]
    lines: list[Line]
    columns: list[Column]
    heights: list[Label]
    times: list[Label]


@dataclass(frozen=True, slots=True)
class _Series:
    kind: str
    name: str
    value: Callable[[Sums], float | None]


@dataclass(frozen=True, slots=True)
class _Plan:
    """Bars stand upon each other; with `is_line` each series is a line of its own."""

    name: str
    series: tuple[_Series, ...]
    shown: Callable[[float], str]
    is_line: bool = False


def _count(value: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= size:
            unit = 1e3 if letter == "k" else size
            return f"{value / unit:.3g}{letter}"
    return intcomma(round(value))


def _money(value: float) -> str:
    return dollars(Decimal(str(value)))


def _time(value: float) -> str:
    return duration(value) if value else "0"


_PLANS = (
    _Plan("Logs", (_Series("main", "logs", lambda sums: sums.count),), _count),
    _Plan(
        "Latency",
        (
            _Series("main", "half are below (p50)", lambda sums: sums.p50),
            _Series("other", "95 % are below (p95)", lambda sums: sums.p95),
        ),
        _time,
        is_line=True,
    ),
    _Plan(
        "Tokens",
        (
            _Series("main", "read", lambda sums: sums.input_tokens),
            _Series("other", "written", lambda sums: sums.output_tokens),
        ),
        _count,
    ),
    _Plan("Cost", (_Series("main", "US dollars", lambda sums: float(sums.cost or 0)),), _money),
    _Plan("Errors", (_Series("bad", "failed", lambda sums: sums.errors),), _count),
    _Plan(
        "Feedback",
        (
            _Series("good", "good", lambda sums: sums.good),
            _Series("bad", "bad", lambda sums: sums.bad),
        ),
        _count,
    ),
)


def charts_of(figures: Figures) -> list[Chart]:
    return [_chart(plan, figures) for plan in _PLANS]


def _chart(plan: _Plan, figures: Figures) -> Chart:
    rows = figures.by_time
    values = [[one.value(sums) for one in plan.series] for _, sums in rows]
    if plan.is_line:
        highest = max((value for row in values for value in row if value), default=0.0)
    else:
        highest = max((sum(value or 0 for value in row) for row in values), default=0.0)
    top = nice_top(highest)
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(rows))
    names = [_named(at, figures.span.step) for at, _ in rows]
    return Chart(
        name=plan.name,
        told=_told(plan, values, names),
        keys=[(one.kind, one.name) for one in plan.series],
        bars=[] if plan.is_line else _bars(plan, values, top, step),
        lines=_lines(plan, values, top, step) if plan.is_line else [],
        columns=[
            Column(_round(_LEFT + number * step), _round(step), f"{name}: {_said(plan, row)}")
            for number, (name, row) in enumerate(zip(names, values, strict=True))
        ],
        heights=_heights(plan, top),
        times=_times(rows, figures.span.step, step),
    )


def _heights(plan: _Plan, top: float) -> list[Label]:
    """The ground, the half and the top, each text once: there is no half of a single log."""
    named = {plan.shown(top * part): top * part for part in (1, 0.5, 0)}
    return [Label(_y(value, top), text) for text, value in reversed(named.items())]


def nice_top(highest: float) -> float:
    """The next number that is easy to halve: 1, 2, 4, 6 or 10 times a power of ten."""
    if highest <= 0:
        return 1.0
    power: float = 10.0 ** math.floor(math.log10(highest))
    return next(power * factor for factor in (1, 2, 4, 6, 10, 20) if power * factor >= highest)


def _bars(
    plan: _Plan, values: Sequence[Sequence[float | None]], top: float, step: float
) -> list[Bar]:
    bars = []
    for number, row in enumerate(values):
        below = 0.0
        for one, value in zip(plan.series, row, strict=True):
            if not value:
                continue
            upper, lower = _y(below + value, top), _y(below, top)
            x = _LEFT + (number + _GAP / 2) * step
            height = max(1.0, lower - upper)
            bars.append(Bar(_round(x), lower - height, _round(step * (1 - _GAP)), height, one.kind))
            below += value
    return bars


def _lines(
    plan: _Plan, values: Sequence[Sequence[float | None]], top: float, step: float
) -> list[Line]:
    """A line breaks off where nothing was measured."""
    lines = []
    for place, one in enumerate(plan.series):
        points: list[str] = []
        for number, row in enumerate([*values, [None] * len(plan.series)]):
            value = row[place]
            if value is not None:
                points.append(f"{_round(_LEFT + (number + 0.5) * step)},{_y(value, top)}")
            elif points:
                # A single point is no line: it becomes a short one.
                is_lone = len(points) == 1
                lines.append(Line(" ".join(points * 2 if is_lone else points), one.kind, is_lone))
                points = []
    return lines


def _times(rows: Sequence[tuple[datetime, Sums]], unit: str, step: float) -> list[Label]:
    every = max(1, math.ceil(len(rows) / _MOST_LABELS))
    return [
        Label(_round(_LEFT + (number + 0.5) * step), _named(rows[number][0], unit))
        for number in range(every // 2, len(rows), every)
    ]


def _named(at: datetime, unit: str) -> str:
    day = f"{at.day} {at:%b}"
    return f"{day} {at:%H:%M}" if unit == "hour" else day


def _said(plan: _Plan, row: Sequence[float | None]) -> str:
    parts = [
        f"{plan.shown(value)} {one.name}" if len(plan.series) > 1 else plan.shown(value)
        for one, value in zip(plan.series, row, strict=True)
        if value is not None
    ]
    return ", ".join(parts) or "none"


def _told(plan: _Plan, values: Sequence[Sequence[float | None]], names: Sequence[str]) -> str:
    if not names:
        return f"{plan.name}: no time to show"
    last = "newest" if plan.is_line else "last"
    return f"{plan.name} from {names[0]} to {names[-1]}; {last}: {_said(plan, values[-1])}"


def _y(value: float, top: float) -> float:
    return _round(HEIGHT - _BOTTOM - value / top * (HEIGHT - _BOTTOM - _TOP))


def _round(value: float) -> float:
    return round(value, 2)
