"""How the blueprints of a comparison did so far, computed by the database."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from math import sqrt
from typing import Any

from django.db.models import (
    Aggregate,
    Avg,
    Case,
    Count,
    F,
    FloatField,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)

from accounts.models import User
from config.formats import dollars, duration
from config.status import UNFINISHED, Status
from playground.compare.showing import places_of
from playground.models import (
    ChatPrompt,
    ComparisonChat,
    ComparisonPrompt,
    PlaygroundBlueprint,
    Preference,
)

# The quantile of the normal distribution that leaves 2.5 % at either end.
_Z = 1.959964


class Median(Aggregate):
    """Halfway between the two in the middle where their number is even."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


@dataclass(frozen=True, slots=True)
class Row:
    """A blueprint's value of one measure. `share` of the bar is filled, 0 to 1."""

    name: str
    hue: int
    text: str
    share: float


@dataclass(frozen=True, slots=True)
class Measure:
    """Its rows, the best first. `hint` says how it is computed."""

    name: str
    hint: str
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Summary:
    questions: int
    votes: int
    measures: list[Measure]


def summary_of(comparison: ComparisonChat, *, user: User) -> Summary:
    """In a blind comparison, of the questions on which the reader has voted: figures of the others
    would tell who answered what."""
    questions = comparison.prompts.order_by()
    if comparison.is_blind:
        questions = questions.filter(preferences__user=user)
    places = places_of(comparison)
    figures, votes = _figures(questions), _votes(questions)
    return Summary(
        questions=questions.count(),
        votes=Preference.objects.filter(question__in=questions).count(),
        measures=[
            _preferred(places, votes),
            _measure(
                "Median latency",
                "Of finished answers, from the moment a worker began",
                places,
                figures,
                "median",
                duration,
            ),
            _measure(
                "Cost per 1,000",
                "Of 1,000 answers like those so far",
                places,
                figures,
                "cost",
                lambda value: dollars(Decimal(value)),
            ),
            _errors(places, figures),
        ],
    )


def wilson(wins: float, count: int) -> tuple[float, float]:
    """The score interval of a share of `wins` among `count`, at 95 %.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of
    the American Statistical Association 22 (1927), 209-212. Unlike the usual one it is never empty
    and never leaves 0 to 1, however few there are.
    """
    share, z2 = wins / count, _Z * _Z
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    spread = _Z / (1 + z2 / count) * sqrt(share * (1 - share) / count + z2 / (4 * count**2))
    return max(0.0, middle - spread), min(1.0, middle + spread)


def _figures(questions: QuerySet[ComparisonPrompt]) -> dict[str, dict[str, Any]]:
    answered = Q(status=Status.COMPLETED)
    # What was stopped took as long as somebody wanted.
    whole = answered & ~Q(finish_reason="stopped")
    rows = (
        ChatPrompt.objects.filter(comparison_prompt__in=questions)
        .exclude(status__in=UNFINISHED)
        .order_by()
        .values(blueprint=F("chat__blueprint"))
        .annotate(
            median=Median("latency_ms", filter=whole),
            cost=Avg("cost", filter=answered) * 1_000,
            errors=Count("pk", filter=Q(status=Status.ERROR)),
            finished=Count("pk"),
        )
    )
    return {row["blueprint"]: dict(row) for row in rows}


def _votes(questions: QuerySet[ComparisonPrompt]) -> dict[str, dict[str, Any]]:
    """By blueprint, in how many votes an answer of it could be chosen, and how many of them it won;
    ties count half."""
    won = Case(
        When(best=F("candidates__pk"), then=Value(1.0)),
        When(best=None, then=Value(0.5)),
        default=Value(0.0),
        output_field=FloatField(),
    )
    rows = (
        Preference.objects.filter(question__in=questions, candidates__isnull=False)
        .order_by()
        .values(blueprint=F("candidates__chat__blueprint"))
        .annotate(wins=Sum(won), votes=Count("pk"))
    )
    return {row["blueprint"]: dict(row) for row in rows}


def _preferred(places: list[PlaygroundBlueprint], votes: dict[str, dict[str, Any]]) -> Measure:
    rows = []
    for place in places:
        if vote := votes.get(place.blueprint_id):
            share = vote["wins"] / vote["votes"]
            low, high = wilson(vote["wins"], vote["votes"])
            text = f"{share:.0%} ({low * 100:.0f}\N{EN DASH}{high:.0%})"
            rows.append(Row(place.blueprint.name, place.hue, text, share))
    rows.sort(key=lambda row: -row.share)
    hint = "Share of votes won, ties half, with Wilson's interval at 95 %"
    return Measure("Preferred", hint, rows)


def _measure(
    name: str,
    hint: str,
    places: list[PlaygroundBlueprint],
    figures: dict[str, dict[str, Any]],
    key: str,
    shown: Callable[[Any], str],
) -> Measure:
    """Of less is better: the bars are shares of the most."""
    known = [
        (figures[place.blueprint_id][key], place)
        for place in places
        if place.blueprint_id in figures and figures[place.blueprint_id][key] is not None
    ]
    most = max((float(value) for value, _ in known), default=0.0)
    known.sort(key=lambda pair: pair[0])
    rows = [
        Row(place.blueprint.name, place.hue, shown(value), float(value) / most if most else 0.0)
        for value, place in known
    ]
    return Measure(name, hint, rows)


def _errors(places: list[PlaygroundBlueprint], figures: dict[str, dict[str, Any]]) -> Measure:
    """Only of those that had some."""
    rows = []
    for place in places:
        found = figures.get(place.blueprint_id)
        if found and found["errors"]:
            errors, finished = found["errors"], found["finished"]
            text = f"{errors} of {finished}"
            rows.append(Row(place.blueprint.name, place.hue, text, errors / finished))
    return Measure("Errors", "Questions that were not answered", rows)
