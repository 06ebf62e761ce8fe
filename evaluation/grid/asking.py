"""What can be done with grids: begin, stop, ask again, rename, delete."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from accounts.services import require_editor
from blueprints.models import Blueprint
from config.errors import Conflict, InvalidInput
from config.status import UNFINISHED, Status
from config.storable import storable
from evaluation import run_steps, runs, tasks
from evaluation.datasets import QuestionRow
from evaluation.models import EvaluationRow, EvaluationRun, Grid
from evaluation.question_sets import NewQuestion
from playground import services as playgrounds
from playground.asking import check_text
from playground.independent import ask_independently
from playground.models import Chat, ChatPrompt, Playground

# Each answer is a call to an LLM that somebody pays for.
MOST_CELLS = 5_000
MOST_QUESTIONS = 1_000
# The page watches a chat for each of them.
MOST_BLUEPRINTS = 50
_LONGEST_NAME = 200
_SHORT_NAME = 60


@dataclass(frozen=True, slots=True)
class Begun:
    """`repeated` are the questions that were left out since they were there already."""

    grid: Grid
    repeated: int


@transaction.atomic
def begin(
    *,
    user: User,
    playground: Playground,
    blueprints: Sequence[Blueprint],
    questions: Iterable[NewQuestion],
    source: str = "",
    name: str = "",
) -> Begun:
    """Have all blueprints, as they are now, asked all questions; workers do that. `source` tells where
    the questions are from. Raises InvalidInput."""
    require_editor(playground.use_case, user)
    given = list(questions)
    rows = _rows(given)
    _check_size(len(rows), len(blueprints))
    for row in rows:
        check_text(row.text)
    name = _name(name) if name.strip() else (source or rows[0].text[:_SHORT_NAME])
    run = EvaluationRun.objects.create(
        playground=playground, dataset_id="", dataset_name=source[:_LONGEST_NAME], created_by=user
    )
    grid = Grid.objects.create(run=run, name=name)
    for blueprint in blueprints:
        runs.add_chat(run, blueprint, name, rows)
    tasks.enqueue_step(run.pk)
    return Begun(grid, repeated=len(given) - len(rows))


def _rows(questions: Iterable[NewQuestion]) -> list[QuestionRow]:
    """Each question once. Of the same one twice, the first that says what is expected counts."""
    found: dict[str, QuestionRow] = {}
    for question in questions:
        text, expected = (
            storable(one).strip() for one in (question.text, question.expected_answer)
        )
        known = found.get(text)
        if text and (known is None or (expected and not known.reference)):
            found[text] = QuestionRow(text, expected)
    return list(found.values())


def _check_size(questions: int, blueprints: int) -> None:
    if not questions:
        raise InvalidInput("Write or choose at least one question.")
    if not blueprints:
        raise InvalidInput("Tick at least one blueprint at the left.")
    if questions > MOST_QUESTIONS:
        raise InvalidInput(
            f"These are {questions:,} questions; {MOST_QUESTIONS:,} is the most: begin several grids."
        )
    if blueprints > MOST_BLUEPRINTS:
        raise InvalidInput(
            f"These are {blueprints:,} blueprints; {MOST_BLUEPRINTS:,} is the most: untick some."
        )
    if questions * blueprints > MOST_CELLS:
        raise InvalidInput(
            f"{questions:,} questions to {blueprints:,} blueprints are {questions * blueprints:,} "
            f"answers; {MOST_CELLS:,} is the most: untick some blueprints, or ask fewer questions."
        )


def _name(name: str) -> str:
    name = storable(name).strip()
    if not name or len(name) > _LONGEST_NAME:
        raise InvalidInput(f"A name of 1 to {_LONGEST_NAME} characters, please.", field="name")
    return name


def rename(grid: Grid, *, user: User, name: str) -> None:
    """Raises InvalidInput."""
    require_editor(grid.run.playground.use_case, user)
    grid.name = _name(name)
    grid.save(update_fields=["name"])


def stop(grid: Grid, *, user: User) -> None:
    """End every answer where it is, and ask nothing more. What was written stays."""
    runs.cancel_run(grid.run, user=user)


@transaction.atomic
def delete(grid: Grid, *, user: User) -> None:
    """With its answers, also while they are being written. Their traces stay."""
    require_editor(grid.run.playground.use_case, user)
    run = _locked(grid)
    for chat in Chat.objects.filter(evaluation__run=run).select_related("playground__use_case"):
        playgrounds.delete_chat(chat, user=user)
    run.delete()


def unanswered(rows: Any) -> Any:
    """Those of the rows that have no whole answer, and get none any more: failed, stopped, or never
    asked."""
    broken = Q(prompt__status__in=[Status.ERROR, Status.SKIPPED])
    return rows.filter(Q(prompt=None) | broken | Q(prompt__finish_reason="stopped"))


@transaction.atomic
def ask_again(grid: Grid, *, user: User) -> None:
    """Ask what has no whole answer once more, each blueprint as it was when the grid began. Raises
    Conflict while it is still being asked."""
    require_editor(grid.run.playground.use_case, user)
    run = _locked(grid)
    if run.status in UNFINISHED:
        raise Conflict("This grid is still being asked: stop it first.")
    rows = EvaluationRow.objects.filter(evaluation_chat__run=run)
    _forget_answers(unanswered(rows).exclude(prompt=None), user)
    run.chats.update(is_cancelled=False)
    _go_on(run)


@transaction.atomic
def ask_cell_again(prompt: ChatPrompt, *, user: User) -> ChatPrompt:
    """Have one question answered anew, by the blueprint as it was when the grid began. Raises Conflict
    while it is being answered."""
    require_editor(prompt.chat.playground.use_case, user)
    row = EvaluationRow.objects.select_related("evaluation_chat__run__grid").get(prompt=prompt)
    run = _locked(row.evaluation_chat.run.grid)
    if not prompt.is_finished:
        raise Conflict("This answer is still being written: stop the grid first.")
    _forget_answers(EvaluationRow.objects.filter(pk=row.pk), user)
    row.prompt = ask_independently(
        user=user,
        chat=prompt.chat,
        version=row.evaluation_chat.blueprint_version,
        text=row.text,
    )
    row.save(update_fields=["prompt"])
    if run.status not in UNFINISHED:
        _go_on(run)
    return row.prompt


def _locked(grid: Grid) -> EvaluationRun:
    """Its run, which no step moves on meanwhile. Raises Conflict where it is gone."""
    runs_of_it = EvaluationRun.objects.select_for_update(no_key=True).filter(pk=grid.run_id)
    run = runs_of_it.first()
    if run is None:
        raise Conflict("This grid was deleted meanwhile.")
    return run


def _forget_answers(rows: Any, user: User) -> None:
    """The rows stay: with their prompts they would go, too."""
    answered = list(rows.select_related("prompt__chat__playground__use_case"))
    EvaluationRow.objects.filter(pk__in=[row.pk for row in answered]).update(
        prompt=None, word_f1=None
    )
    for row in answered:
        playgrounds.delete_prompt(row.prompt, user=user)


def _go_on(run: EvaluationRun) -> None:
    EvaluationRun.objects.filter(pk=run.pk).update(
        status=Status.RUNNING, message="", finished_at=None
    )
    tasks.enqueue_step(run.pk)
    run_steps.tell_pages(run)
