"""Which rows of a grid are shown, and in which order."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from django.db.models import QuerySet
from django.utils.http import urlencode

from config.status import UNFINISHED, Status
from evaluation.grid.showing import WORD_F1, Column
from evaluation.models import EvaluationRow, EvaluationRun
from evaluation.overlap import agreement, same_words
from playground.compare.figures import values_of
from playground.models import ChatPrompt

ALL, DIFFERENT, FAILED = "", "different", "failed"
SHOWN = ((ALL, "All questions"), (DIFFERENT, "Only different"), (FAILED, "With failures"))
AGREEMENT = "agreement"
_BY_FIGURES = ("latency", "first token", "tokens", "cost")
_READ = (
    *("latency_ms", "first_token_ms", "input_tokens", "output_tokens", "cost"),
    *("tokens_estimated", "confidence_scores", "metrics", "status"),
)
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class View:
    """How a reader wants to see a grid. `sort` is the name of a figure, or "" for the order of the
    questions; `column` the id of the chat whose figure it is, or "" for the mean of all."""

    show: str = ALL
    sort: str = ""
    column: str = ""
    is_descending: bool = False

    @property
    def query(self) -> str:
        """What the address says of it."""
        descending = "desc" if self.is_descending else ""
        named = {"show": self.show, "sort": self.sort, "of": self.column, "order": descending}
        return urlencode({name: value for name, value in named.items() if value})


def sorts_of(run: EvaluationRun, columns: Sequence[Column]) -> list[str]:
    """The figures that rows can be sorted by."""
    names = [*_BY_FIGURES]
    if any(column.chat.blueprint_version.saved_vector_database_id for column in columns):
        names.append("rouge-1")
    names += [str(metric).lower() for metric in run.playground.metrics.all()]
    if EvaluationRow.objects.filter(evaluation_chat__run=run).exclude(reference="").exists():
        names.append(WORD_F1)
    if len(columns) > 1:
        names.append(AGREEMENT)
    return list(dict.fromkeys(names))


def order_of(run: EvaluationRun, view: View) -> list[int]:
    """The numbers of the rows. Those without the figure come last."""
    numbers = _numbers(run, view)
    if not view.sort:
        return numbers[::-1] if view.is_descending else numbers
    values = _values(run, view)
    known = sorted(
        (number for number in numbers if number in values),
        key=lambda number: (values[number], number),
        reverse=view.is_descending,
    )
    return known + [number for number in numbers if number not in values]


def _numbers(run: EvaluationRun, view: View) -> list[int]:
    rows = EvaluationRow.objects.filter(evaluation_chat__run=run)
    if view.show == FAILED:
        rows = rows.filter(prompt__status__in=[Status.ERROR, Status.SKIPPED])
    numbers = list(rows.order_by("number").values_list("number", flat=True).distinct())
    if view.show == DIFFERENT:
        different = {number for number, texts in _texts(run) if not same_words(texts)}
        numbers = [number for number in numbers if number in different]
    return numbers


def _values(run: EvaluationRun, view: View) -> dict[int, float]:
    """By row the value to sort by."""
    if view.sort == AGREEMENT:
        shared = {number: agreement(texts) for number, texts in _texts(run)}
        return {number: value for number, value in shared.items() if value is not None}
    found: dict[int, list[float]] = defaultdict(list)
    rows = EvaluationRow.objects.filter(evaluation_chat__run=run)
    if view.column:
        rows = rows.filter(evaluation_chat__chat=view.column)
    for number, value in _figures(rows, view.sort):
        found[number].append(value)
    return {number: fmean(values) for number, values in found.items()}


def _figures(rows: QuerySet[EvaluationRow], name: str) -> Iterator[tuple[int, float]]:
    if name == WORD_F1:
        for number, measured in rows.values_list("number", "word_f1"):
            if measured is not None:
                yield number, measured
        return
    asked = rows.exclude(prompt=None).exclude(prompt__status__in=UNFINISHED)
    read = asked.select_related("prompt").only("number", *(f"prompt__{field}" for field in _READ))
    for row in read.iterator(_AT_ONCE):
        value = values_of(row.prompt).get(name) if row.prompt else None
        if value is not None:
            yield row.number, value


def _texts(run: EvaluationRun) -> Iterator[tuple[int, list[str]]]:
    """By row the answers that are there; of one that failed, nothing."""
    answers = ChatPrompt.objects.filter(evaluation_row__evaluation_chat__run=run)
    finished = answers.exclude(status__in=UNFINISHED).order_by("evaluation_row__number")
    found = finished.values_list("evaluation_row__number", "status", "result_text")
    last, texts = 0, list[str]()
    for number, status, text in found.iterator(_AT_ONCE):
        if number != last and texts:
            yield last, texts
            texts = []
        last = number
        texts.append(text if status == Status.COMPLETED else "")
    if texts:
        yield last, texts
