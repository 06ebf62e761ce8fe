"""The rows and columns of a grid, as pages and files show them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db.models import Prefetch

from blueprints.models import LLM
from config.status import Status
from evaluation.models import EvaluationChat, EvaluationRow, EvaluationRun
from evaluation.overlap import agreement, word_f1
from playground.compare.figures import Figure, figures_of
from playground.models import ChatPrompt, PlaygroundBlueprint

WORD_F1 = "word f1"
_WORD_F1_HINT = "Words in common with the expected answer: F1, of which 1 is all and no others"
# Long, and of use only where one answer is looked at.
_UNREAD = ("final_prompt", "prompt_details", "llm_settings", "retrieval_settings")


@dataclass(frozen=True, slots=True)
class Column:
    """A blueprint, as it was when the grid began. `warning` tells that it is not that any more."""

    chat: EvaluationChat
    name: str
    hue: int
    llm: str
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One answer, or the place of one that was not asked for: `is_waiting` where it will be."""

    column: Column
    prompt: ChatPrompt | None
    is_waiting: bool = False
    figures: list[Figure] = field(default_factory=list)

    @property
    def is_failed(self) -> bool:
        return self.prompt is not None and self.prompt.status in {Status.ERROR, Status.SKIPPED}

    @property
    def known_figures(self) -> list[Figure]:
        return [figure for figure in self.figures if figure.value is not None]


@dataclass(frozen=True, slots=True)
class Row:
    """A question. `agreement` is how much of their words its answers share, 0 to 1."""

    number: int
    text: str
    reference: str
    cells: list[Cell]
    agreement: float | None

    @property
    def is_unfinished(self) -> bool:
        return any(
            cell.is_waiting or (cell.prompt is not None and not cell.prompt.is_finished)
            for cell in self.cells
        )


def columns_of(run: EvaluationRun) -> list[Column]:
    """In the playground's order, in a constant number of queries."""
    chats = run.chats.select_related(
        "chat__blueprint__version", "blueprint_version__blueprint", "blueprint_version__llm"
    )
    places = PlaygroundBlueprint.objects.filter(playground=run.playground_id)
    by_blueprint = {place.blueprint_id: place for place in places}
    columns = [_column(chat, by_blueprint) for chat in chats]
    return sorted(columns, key=lambda column: _rank(column, by_blueprint))


def _rank(column: Column, places: dict[str, PlaygroundBlueprint]) -> tuple[int, int]:
    place = places.get(column.chat.chat.blueprint_id)
    return (place.position if place else len(places), column.chat.pk)


def _column(chat: EvaluationChat, places: dict[str, PlaygroundBlueprint]) -> Column:
    blueprint, version = chat.chat.blueprint, chat.blueprint_version
    place = places.get(blueprint.pk)
    llm: LLM | None = version.llm
    changed = version.pk != blueprint.version_id
    return Column(
        chat=chat,
        name=blueprint.name,
        hue=place.hue if place else 1,
        llm=llm.label if llm else "",
        warning=_changed(version.number, blueprint.current.number) if changed else "",
    )


def _changed(then: int, now: int) -> str:
    return f"Changed since the grid began: it was version {then}, and is {now} now."


def rows_of(
    run: EvaluationRun,
    columns: Sequence[Column],
    numbers: Iterable[int],
    *,
    with_sources: bool = False,
) -> list[Row]:
    """The rows of these numbers, in this order; numbers that there are not are left out. The sources
    of their answers are read only where they are wanted."""
    numbers = list(numbers)
    prompts = ChatPrompt.objects.defer(*_UNREAD, *(() if with_sources else ("citations",)))
    found = EvaluationRow.objects.filter(evaluation_chat__run=run, number__in=numbers)
    by_number: dict[int, dict[int, EvaluationRow]] = {}
    for row in found.prefetch_related(Prefetch("prompt", queryset=prompts)):
        by_number.setdefault(row.number, {})[row.evaluation_chat_id] = row
    return [
        _row(number, by_number[number], columns, is_active=not Status(run.status).is_final)
        for number in numbers
        if number in by_number
    ]


def _row(
    number: int, rows: dict[int, EvaluationRow], columns: Sequence[Column], *, is_active: bool
) -> Row:
    first = next(iter(rows.values()))
    prompts = [_prompt_of(rows.get(column.chat.pk)) for column in columns]
    figures = figures_of(prompts, more=_f1_figures(rows.values()))
    cells = [
        Cell(
            column=column,
            prompt=prompt,
            is_waiting=prompt is None and is_active and column.chat.pk in rows,
            figures=of_prompt,
        )
        for column, prompt, of_prompt in zip(columns, prompts, figures, strict=True)
    ]
    texts = [prompt.result_text for prompt in prompts if prompt and is_answered(prompt)]
    return Row(number, first.text, first.reference, cells, agreement(texts))


def _prompt_of(row: EvaluationRow | None) -> ChatPrompt | None:
    return row.prompt if row else None


def is_answered(prompt: ChatPrompt) -> bool:
    return prompt.status == Status.COMPLETED


def _f1_figures(rows: Iterable[EvaluationRow]) -> dict[str, Figure]:
    """By prompt. An answer is shown as soon as it ends, a moment before the worker has measured it."""
    found = {}
    for row in rows:
        if row.prompt is not None and row.reference and is_answered(row.prompt):
            value = word_f1(row.prompt.result_text, row.reference)
            found[row.prompt.pk] = Figure(WORD_F1, f"{value:.2f}", value, _WORD_F1_HINT)
    return found
