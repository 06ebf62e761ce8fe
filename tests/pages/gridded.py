"""A grid with answers written by hand."""

from dataclasses import dataclass

from accounts.models import User
from blueprints.settings import AnswerSettings
from config.status import Status
from evaluation.grid import asking
from evaluation.grid.showing import Row, columns_of, rows_of
from evaluation.models import EvaluationRun, Grid
from evaluation.question_sets import NewQuestion
from playground import services
from playground.independent import ask_independently
from playground.models import ChatPrompt, Playground
from tests.pages.compared import answer

QUESTIONS = (NewQuestion("How long may I wait?", "Thirty days."), NewQuestion("Who <b>pays</b>?"))


@dataclass(frozen=True)
class Gridded:
    grid: Grid
    prompt: ChatPrompt  # the first answer of the first row

    def rows(self) -> list[Row]:
        run = EvaluationRun.objects.get(pk=self.grid.run_id)
        numbers = sorted(set(run.chats.values_list("rows__number", flat=True)))
        return rows_of(run, columns_of(run), numbers)


def gridded_by(
    user: User,
    playground: Playground,
    *names: str,
    questions: tuple[NewQuestion, ...] = QUESTIONS,
) -> Gridded:
    """All questions to new blueprints of these names, answered by each with its name."""
    settings = AnswerSettings(llm_id="extractive")
    blueprints = [
        services.create_blueprint(user=user, playground=playground, name=name, settings=settings)
        for name in names or ("Brief", "Wordy")
    ]
    grid = asking.begin(
        user=user, playground=playground, blueprints=blueprints, questions=questions, name="Waiting"
    ).grid
    for chat in grid.run.chats.select_related("chat__blueprint", "blueprint_version"):
        for row in chat.rows.all():
            row.prompt = ask_independently(
                user=user, chat=chat.chat, version=chat.blueprint_version, text=row.text
            )
            row.save()
            text = f"Thirty days, says {chat.chat.blueprint.name} [1]."
            answer(row.prompt, text, latency_ms=1_000.0 * row.number)
    EvaluationRun.objects.filter(pk=grid.run_id).update(status=Status.COMPLETED)
    grid = Grid.objects.select_related("run__playground__use_case").get(pk=grid.pk)
    [first, *_] = Gridded(grid, ChatPrompt()).rows()
    prompt = first.cells[0].prompt
    assert prompt is not None
    return Gridded(grid, ChatPrompt.objects.get(pk=prompt.pk))
