"""Many questions to many blueprints: begun, asked by workers, stopped, gone on with, deleted."""

import pytest

from blueprints.settings import AnswerSettings, SettingsChanges
from config.errors import Conflict, Forbidden, InvalidInput
from config.status import Status
from evaluation import run_steps
from evaluation.grid import asking, corpora
from evaluation.grid.ordering import View, order_of, sorts_of
from evaluation.grid.showing import columns_of, rows_of
from evaluation.grid.summary import progress_of, summary_of
from evaluation.models import EvaluationRow, EvaluationRun, Grid
from evaluation.question_sets import NewQuestion
from playground import services as playgrounds
from playground.models import Chat, ChatPrompt
from tests.llm_server import Behaviour, failing
from tracing.models import Log

QUESTIONS = [
    NewQuestion("Which oil?", "Rapeseed oil."),
    NewQuestion("Who pays?"),
    NewQuestion("Since when?"),
]


@pytest.fixture
def pair(alice, playground, llm):
    return [
        playgrounds.create_blueprint(
            user=alice, playground=playground, name=name, settings=AnswerSettings(llm_id=llm.pk)
        )
        for name in ("First", "Second")
    ]


@pytest.fixture
def begin(alice, playground, pair):
    def begin(questions=QUESTIONS, blueprints=None, user=alice, **more) -> Grid:
        return asking.begin(
            user=user,
            playground=playground,
            blueprints=pair if blueprints is None else blueprints,
            questions=questions,
            **more,
        ).grid

    return begin


@pytest.fixture
def answered(begin, llm_server, run_jobs):
    """A grid in which each answer tells which of both blueprints it is from: the first one is asked
    a row's question before the second."""
    llm_server.replies = lambda body: f"So it is: {body['messages'][-1]['content']}"
    grid = begin()
    run_jobs()
    grid.refresh_from_db()
    return grid


def shown(grid, numbers=(1, 2, 3)):
    run = EvaluationRun.objects.select_related("playground").get(pk=grid.run_id)
    return rows_of(run, columns_of(run), numbers)


def state(grid):
    return EvaluationRun.objects.values_list("status", "message").get(pk=grid.run_id)


def texts(grid):
    return [[cell.prompt and cell.prompt.result_text for cell in row.cells] for row in shown(grid)]


def set_text(row, place, text, **figures):
    ChatPrompt.objects.filter(pk=row.cells[place].prompt.pk).update(result_text=text, **figures)


def test_every_blueprint_is_asked_every_question_and_leaves_a_trace(answered):
    assert state(answered) == (Status.COMPLETED, "")
    assert texts(answered) == [[f"So it is: {question.text}"] * 2 for question in QUESTIONS]
    prompts = ChatPrompt.objects.all()
    assert {prompt.log for prompt in prompts} == set(Log.objects.filter(parent=None))
    assert all(prompt.history_ids == [] for prompt in prompts)
    assert [column.name for column in columns_of(answered.run)] == ["First", "Second"]


def test_it_is_named_after_its_source_else_its_first_question(begin):
    assert begin().name == "Which oil?"
    assert begin(source="oils.csv").name == "oils.csv"
    assert begin(source="oils.csv", name=" Oils ").name == "Oils"


def test_repeated_questions_are_asked_once_and_counted(alice, playground, pair):
    begun = asking.begin(
        user=alice,
        playground=playground,
        blueprints=pair[:1],
        questions=[NewQuestion("a?"), NewQuestion(" a? ", "Yes."), NewQuestion("b?")],
    )

    assert begun.repeated == 1
    rows = EvaluationRow.objects.order_by("number").values_list("number", "text", "reference")
    assert list(rows) == [(1, "a?", "Yes."), (2, "b?", "")]


@pytest.mark.parametrize(
    ("questions", "said"),
    [
        ([], "at least one question"),
        ([NewQuestion(" ")], "at least one question"),
        ([NewQuestion(f"{one}?") for one in range(1_001)], "1,000 is the most"),
        ([NewQuestion("x" * 500_001)], "characters"),
    ],
)
def test_what_is_none_or_too_much_is_refused(begin, questions, said):
    with pytest.raises(InvalidInput, match=said):
        begin(questions)

    assert not Grid.objects.exists()


def test_the_number_of_answers_is_bounded(begin, monkeypatch, pair):
    monkeypatch.setattr(asking, "MOST_CELLS", 5)
    with pytest.raises(
        InvalidInput, match="3 questions to 2 blueprints are 6 answers; 5 is the most"
    ):
        begin()
    with pytest.raises(InvalidInput, match="Tick at least one blueprint"):
        begin(blueprints=[])
    monkeypatch.setattr(asking, "MOST_BLUEPRINTS", 1)
    with pytest.raises(InvalidInput, match="2 blueprints; 1 is the most"):
        begin(QUESTIONS[:1])


def test_a_blueprint_that_cannot_answer_is_told_at_once(begin, llm):
    llm.is_active = False
    llm.save()
    with pytest.raises(InvalidInput, match="First: "):
        begin()

    assert not Chat.objects.exists()


def test_a_viewer_begins_changes_and_repeats_nothing(vera, begin, answered):
    with pytest.raises(Forbidden):
        begin(user=vera)
    for verb in (asking.stop, asking.ask_again, asking.delete):
        with pytest.raises(Forbidden):
            verb(answered, user=vera)
    with pytest.raises(Forbidden):
        asking.rename(answered, user=vera, name="Mine")
    with pytest.raises(Forbidden):
        asking.ask_cell_again(shown(answered)[0].cells[0].prompt, user=vera)


def test_strangers_see_none_and_the_api_shows_no_run_of_one(alice, bob, answered):
    assert list(Grid.objects.visible_to(alice)) == [answered]
    assert not Grid.objects.visible_to(bob).exists()
    assert not EvaluationRun.objects.visible_to(alice).exists()


def test_a_stopped_grid_goes_on_where_it_was(alice, begin, run_jobs, settings):
    settings.EVALUATION_CONCURRENCY = 2
    grid = begin()
    run_steps.advance(grid.run_id)
    asking.stop(grid, user=alice)
    run_jobs()

    assert state(grid) == (Status.CANCELLED, "Cancelled.")
    progress = progress_of(EvaluationRun.objects.get(pk=grid.run_id))
    assert (progress.cells, progress.finished, progress.missing) == (6, 2, 6)
    assert not progress.is_active
    assert [cell.is_waiting for cell in shown(grid)[2].cells] == [False, False]

    asking.ask_again(grid, user=alice)
    assert progress_of(EvaluationRun.objects.get(pk=grid.run_id)).is_active
    run_jobs()

    assert state(grid) == (Status.COMPLETED, "")
    assert ChatPrompt.objects.filter(status=Status.COMPLETED).count() == 6


def test_only_what_failed_is_asked_once_more(alice, begin, run_jobs, llm_server):
    llm_server.script(failing(401))
    grid = begin()
    run_jobs()
    assert "1 of 6 questions could not be answered" in state(grid)[1]
    before = set(ChatPrompt.objects.filter(status=Status.COMPLETED).values_list("pk", flat=True))
    # All are asked at once: which of them got the failure is chance.
    failed = [row.number for row in shown(grid) if any(cell.is_failed for cell in row.cells)]
    assert len(failed) == 1
    assert order_of(grid.run, View(show="failed")) == failed

    asking.ask_again(grid, user=alice)
    run_jobs()

    assert state(grid) == (Status.COMPLETED, "")
    now = set(ChatPrompt.objects.filter(status=Status.COMPLETED).values_list("pk", flat=True))
    assert len(now) == 6
    assert before < now
    assert EvaluationRow.objects.count() == 6


def test_nothing_is_asked_again_while_it_is_being_asked(alice, begin):
    with pytest.raises(Conflict, match="stop it first"):
        asking.ask_again(begin(), user=alice)


def test_one_answer_is_given_anew_by_the_blueprint_as_it_was(
    alice, answered, pair, run_jobs, llm_server
):
    then = pair[0].version_id
    playgrounds.update_blueprint(
        pair[0], user=alice, changes=SettingsChanges(prompt_type="ONE_TIME_PROMPT")
    )
    llm_server.replies = lambda body: "Otherwise."
    old = shown(answered)[0].cells[0].prompt

    again = asking.ask_cell_again(old, user=alice)
    run_jobs()

    assert texts(answered)[0] == ["Otherwise.", "So it is: Which oil?"]
    again.refresh_from_db()
    assert again.blueprint_version_id == then
    assert not ChatPrompt.objects.filter(pk=old.pk).exists()
    assert state(answered) == (Status.COMPLETED, "")
    [changed, other] = columns_of(EvaluationRun.objects.get(pk=answered.run_id))
    assert "it was version 1, and is 2 now" in changed.warning
    assert other.warning == ""


def test_one_answer_of_a_stopped_grid_is_given_anew_and_no_other(alice, begin, run_jobs):
    grid = begin()
    run_steps.advance(grid.run_id)
    asking.stop(grid, user=alice)
    run_jobs()
    asking.ask_cell_again(shown(grid)[1].cells[1].prompt, user=alice)
    run_jobs()

    assert ChatPrompt.objects.filter(status=Status.COMPLETED).count() == 1
    assert state(grid) == (Status.CANCELLED, "Cancelled.")


def test_an_answer_that_is_being_written_is_not_given_anew(alice, begin):
    grid = begin()
    run_steps.advance(grid.run_id)
    with pytest.raises(Conflict, match="still being written"):
        asking.ask_cell_again(shown(grid)[0].cells[0].prompt, user=alice)


def test_with_a_grid_its_answers_are_deleted_and_their_traces_stay(alice, answered):
    asking.delete(answered, user=alice)

    assert not Grid.objects.exists()
    assert not EvaluationRun.objects.exists()
    assert not Chat.objects.exists()
    assert Log.objects.filter(parent=None).count() == 6


def test_a_grid_may_be_deleted_while_it_is_asked(alice, begin, run_jobs):
    grid = begin()
    run_steps.advance(grid.run_id)
    asking.delete(grid, user=alice)
    run_jobs()

    assert not ChatPrompt.objects.exists()
    with pytest.raises(Conflict, match="deleted meanwhile"):
        asking.ask_again(grid, user=alice)


def test_with_a_blueprint_its_column_goes(alice, answered, pair):
    playgrounds.delete_blueprint(pair[0], user=alice)

    assert [column.name for column in columns_of(answered.run)] == ["Second"]
    assert texts(answered) == [[f"So it is: {question.text}"] for question in QUESTIONS]
    assert progress_of(answered.run).cells == 3


def test_answers_are_held_against_those_that_are_expected(begin, run_jobs, llm_server):
    llm_server.always = Behaviour(text="They burn rapeseed oil.")
    grid = begin()
    run_jobs()

    [row, other, _] = shown(grid)
    assert [figure.text for figure in row.cells[0].figures if figure.name == "word f1"] == ["0.67"]
    assert "word f1" not in [figure.name for figure in other.cells[0].known_figures]
    measured = EvaluationRow.objects.exclude(word_f1=None).values_list("number", "word_f1")
    assert [number for number, _ in measured] == [1, 1]
    assert [value for _, value in measured] == pytest.approx([2 / 3] * 2)


def test_rows_are_sorted_by_a_figure_of_all_or_of_one(answered):
    rows = shown(answered)
    for row, (first, second) in zip(rows, [(300, 10), (20, 200), (None, None)], strict=True):
        set_text(row, 0, "x", latency_ms=first)
        set_text(row, 1, "x", latency_ms=second)
    column = columns_of(answered.run)[1].chat.chat_id

    assert order_of(answered.run, View()) == [1, 2, 3]
    assert order_of(answered.run, View(is_descending=True)) == [3, 2, 1]
    assert order_of(answered.run, View(sort="latency")) == [2, 1, 3]
    assert order_of(answered.run, View(sort="latency", is_descending=True)) == [1, 2, 3]
    assert order_of(answered.run, View(sort="latency", column=column)) == [1, 2, 3]


def test_rows_are_sorted_by_agreement_and_by_word_f1(answered):
    for row, text in zip(shown(answered), ["a b", "so it", "So it is: since when?"], strict=True):
        set_text(row, 0, text)

    assert order_of(answered.run, View(sort="agreement")) == [1, 2, 3]
    assert order_of(answered.run, View(sort="word f1")) == [1, 2, 3]
    assert sorts_of(answered.run, columns_of(answered.run))[-2:] == ["word f1", "agreement"]


def test_only_rows_whose_answers_differ_are_shown(answered):
    rows = shown(answered)
    set_text(rows[0], 0, "so it is, WHICH oil [1]")
    set_text(rows[1], 0, "Nobody.")
    set_text(rows[2], 0, "", status=Status.ERROR)

    assert order_of(answered.run, View(show="different")) == [2, 3]


def test_a_column_is_summed_up(answered):
    rows = shown(answered)
    for row, latency in zip(rows, [1_000, 3_000, 2_000], strict=True):
        set_text(row, 0, "x", latency_ms=latency, cost="0.002")
    set_text(rows[2], 1, "", status=Status.ERROR, latency_ms=9_000)
    columns = columns_of(answered.run)

    [first, second] = summary_of(answered.run, columns, sorts_of(answered.run, columns))

    assert [(figure.name, figure.text) for figure in first][:3] == [
        ("median latency", "2.00 s"),
        ("cost per 1,000", "$2.00"),
        ("errors", "0 of 3"),
    ]
    assert second[2].text == "1 of 3"
    assert [figure.name for figure in first if figure.name == "word f1"] == ["word f1"]
    assert [one.is_best for one in (first[2], second[2])] == [True, False]


def test_the_time_that_is_left_is_told_by_the_latest_answers(begin, run_jobs, settings):
    settings.EVALUATION_CONCURRENCY = 2
    grid = begin()
    run = EvaluationRun.objects.get(pk=grid.run_id)
    assert progress_of(run).left_ms is None
    run_steps.advance(grid.run_id)
    run_jobs()
    EvaluationRow.objects.filter(number=3).update(prompt=None)
    EvaluationRun.objects.update(status=Status.RUNNING)
    run.refresh_from_db()

    progress = progress_of(run)

    assert (progress.finished, progress.missing) == (4, 0)
    assert progress.left_ms is not None
    assert progress.left_ms > 0


def test_answers_from_other_documents_are_told(alice, use_case, reading_chat, begin, run_jobs):
    grid = begin(blueprints=[reading_chat.blueprint])
    run_jobs()
    assert corpora.warnings_of(grid.run) == []
    database = reading_chat.blueprint.version.vector_database
    last = ChatPrompt.objects.latest("created_at")
    ChatPrompt.objects.filter(pk=last.pk).update(created_at=last.created_at.replace(year=2099))
    database.edited_at = last.created_at.replace(year=2098)
    database.save(update_fields=["edited_at"])

    [warning] = corpora.warnings_of(grid.run)

    assert "were edited" in warning
    assert "rouge-1" in sorts_of(grid.run, columns_of(grid.run))


def test_looking_at_a_grid_takes_as_many_queries_however_large_it_is(
    answered, begin, run_jobs, django_assert_max_num_queries
):
    larger = begin([NewQuestion(f"{number}?") for number in range(12)])
    run_jobs()
    for grid in (answered, larger):
        run = EvaluationRun.objects.select_related("playground").get(pk=grid.run_id)
        with django_assert_max_num_queries(12):
            columns = columns_of(run)
            rows_of(run, columns, order_of(run, View()))
            summary_of(run, columns, sorts_of(run, columns))
