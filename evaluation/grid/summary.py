"""How far a grid has come, and how its blueprints did so far. Computed by the database."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import fmean
from typing import Any

from django.db.models import Avg, Count, F, FloatField, Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.utils import timezone

from config.formats import dollars, duration
from config.status import UNFINISHED, Status
from evaluation.grid.asking import unanswered
from evaluation.grid.showing import WORD_F1, Column
from evaluation.models import EvaluationRow, EvaluationRun
from playground.compare.figures import Figure, marked
from playground.compare.summary import Median
from playground.models import ChatPrompt

_LATEST = 40
_NO_SCORES = {"latency", "first token", "tokens", "cost", "agreement"}
_MEDIAN = "How long half of the answers took, without those that were stopped"
_COST = "Of 1,000 answers like those so far"
_MEAN = "The mean of all answers"
_NONE = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Progress:
    """`missing` are the answers that are not whole and that nobody is at; `left_ms` is an estimate,
    None where there is nothing to tell it by."""

    cells: int
    finished: int
    failed: int
    missing: int
    is_active: bool
    left_ms: float | None


def progress_of(run: EvaluationRun) -> Progress:
    rows = EvaluationRow.objects.filter(evaluation_chat__run=run)
    ended = Q(prompt__isnull=False) & ~Q(prompt__status__in=UNFINISHED)
    counts = rows.aggregate(
        cells=Count("pk"),
        finished=Count("pk", filter=ended),
        failed=Count("pk", filter=Q(prompt__status=Status.ERROR)),
    )
    is_active = not Status(run.status).is_final
    left = counts["cells"] - counts["finished"]
    return Progress(
        **counts,
        missing=0 if is_active else unanswered(rows).count(),
        is_active=is_active,
        left_ms=_time_for(run, left) if is_active else None,
    )


def _time_for(run: EvaluationRun, cells: int) -> float | None:
    """At the pace of the latest answers: one that was stopped for a night goes on as it was."""
    ended = ChatPrompt.objects.filter(
        evaluation_row__evaluation_chat__run=run, finished_at__isnull=False
    ).order_by("-finished_at")
    times = list(ended.values_list("finished_at", flat=True)[:_LATEST])
    if len(times) < 2 or times[-1] is None:
        return None
    spent = timezone.now() - times[-1]
    return spent.total_seconds() * 1_000 / len(times) * cells


def summary_of(
    run: EvaluationRun, columns: Sequence[Column], expected: Iterable[str]
) -> list[list[Figure]]:
    """For each column the same figures, the best of each kind marked. Scores that are `expected` have
    their place from the start, so that nothing moves when the first one is known."""
    known, scores = _figures(run), _mean_scores(run)
    names = dict.fromkeys(name for name in expected if name not in _NO_SCORES)
    names |= dict.fromkeys(name for one in scores.values() for name in one)
    return marked(
        [_summary(known.get(column.chat.pk), scores[column.chat.pk], names) for column in columns]
    )


def _summary(
    known: dict[str, Any] | None, scores: dict[str, float], names: dict[str, None]
) -> list[Figure]:
    known = known or {"median": None, "cost": None, "errors": 0, "finished": 0}
    median, cost = known["median"], known["cost"]
    errors = f"{known['errors']:,} of {known['finished']:,}"
    return [
        Figure("median latency", duration(median) or _NONE, _shown(median, 0), _MEDIAN),
        Figure("cost per 1,000", dollars(cost) or _NONE, _shown(cost, 6), _COST),
        Figure("errors", errors, float(known["errors"]), "Questions that were not answered"),
        *(_score(name, scores.get(name)) for name in names),
    ]


def _shown(value: float | Decimal | None, digits: int) -> float | None:
    """As exact as it is shown: nothing is the best by what nobody sees."""
    return None if value is None else round(float(value), digits)


def _score(name: str, value: float | None) -> Figure:
    text = _NONE if value is None else f"{value:,.3g}"
    return Figure(name, text, None if value is None else float(f"{value:.3g}"), _MEAN)


def _figures(run: EvaluationRun) -> dict[int, dict[str, Any]]:
    """By column."""
    answered = Q(status=Status.COMPLETED)
    rows = (
        ChatPrompt.objects.filter(evaluation_row__evaluation_chat__run=run)
        .exclude(status__in=UNFINISHED)
        .order_by()
        .values(column=F("evaluation_row__evaluation_chat"))
        .annotate(
            median=Median("latency_ms", filter=answered & ~Q(finish_reason="stopped")),
            cost=Avg("cost", filter=answered) * 1_000,
            errors=Count("pk", filter=Q(status=Status.ERROR)),
            finished=Count("pk"),
        )
    )
    return {row["column"]: dict(row) for row in rows}


def _mean_scores(run: EvaluationRun) -> dict[int, dict[str, float]]:
    """By column, of each score that some of its answers have."""
    answers = ChatPrompt.objects.filter(
        evaluation_row__evaluation_chat__run=run, status=Status.COMPLETED
    ).order_by()
    means = answers.values(column=F("evaluation_row__evaluation_chat")).annotate(
        rouge=Avg(Cast(KT("confidence_scores__rouge"), FloatField())),
        f1=Avg("evaluation_row__word_f1"),
    )
    found: dict[int, dict[str, float]] = defaultdict(dict)
    for row in means:
        named = {"rouge-1": row["rouge"], WORD_F1: row["f1"]}
        found[row["column"]] |= {name: value for name, value in named.items() if value is not None}
    for (column, name), values in _measured(answers).items():
        found[column][name] = fmean(values)
    return found


def _measured(answers: QuerySet[ChatPrompt]) -> dict[tuple[int, str], list[float]]:
    """What the playground's metrics say of them, by column and name."""
    found: dict[tuple[int, str], list[float]] = defaultdict(list)
    rows = answers.exclude(metrics=[]).values_list("evaluation_row__evaluation_chat", "metrics")
    for column, metrics in rows:
        for metric in metrics:
            if isinstance(value := metric.get("value"), int | float):
                name = str(metric.get("formatted_name") or metric["name"]).lower()
                found[column, name].append(float(value))
    return found
