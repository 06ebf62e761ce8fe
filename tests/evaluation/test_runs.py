"""Every question of a dataset to some blueprints, and figures over their answers."""

import asyncio

import pytest
from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.jobs import Job

from blueprints.models import PromptType
from blueprints.settings import AnswerSettings, SettingsChanges
from config.errors import Conflict, Forbidden, InvalidInput
from config.status import Status
from evaluation import datasets, run_steps, runs, tasks
from evaluation.datasets import Columns
from evaluation.models import EvaluationRow, EvaluationRun, MetricAggregation
from playground import recovery
from playground import services as playgrounds
from playground.models import Chat, ChatPrompt
from tests.llm_server import Behaviour, failing
from vectordb import services as vectordb
from vectordb.models import Dataset

QUESTIONS = "question,answer\nWhich oil?,Rapeseed.\nWho pays?,The county.\nSince when?,1850.\n"
LATENCY = {"insight_name": "latency"}


@pytest.fixture
def configuration(alice, playground, upload):
    return datasets.create_configuration(
        user=alice,
        playground=playground,
        dataset=upload(questions_csv=QUESTIONS),
        name="Oil",
        columns=Columns("question", "answer"),
    )


@pytest.fixture
def blueprint(alice, playground, llm):
    return make_blueprint(alice, playground, llm, "Baseline")


def make_blueprint(alice, playground, llm, name, **settings):
    return playgrounds.create_blueprint(
        user=alice,
        playground=playground,
        name=name,
        settings=AnswerSettings(llm_id=llm.pk, **settings),
    )


@pytest.fixture
def start(alice, configuration, blueprint):
    def begin(*blueprints, insights=(LATENCY,), user=alice, name="Nightly") -> EvaluationRun:
        return runs.start_run(
            user=user,
            configuration=configuration,
            blueprints=blueprints or [blueprint],
            chat_name=name,
            insights=insights,
        )

    return begin


def ended(run):
    run.refresh_from_db()
    return run.status, run.message


def figures():
    return list(
        MetricAggregation.objects.order_by("evaluation_chat", "pk").values_list(
            "metric_name", "aggregation_type", "value", "error_message"
        )
    )


def test_every_question_is_asked_once_in_a_frozen_chat(start, run_jobs, llm_server):
    run = start()
    run_jobs()

    assert ended(run) == (Status.COMPLETED, "")
    chat = Chat.objects.get()
    assert (chat.name, chat.is_frozen) == ("Nightly", True)
    prompts = chat.prompts.order_by("evaluation_row__number")
    assert [prompt.text for prompt in prompts] == ["Which oil?", "Who pays?", "Since when?"]
    assert {prompt.status for prompt in prompts} == {Status.COMPLETED}
    assert [prompt.evaluation_row.reference for prompt in prompts] == [
        "Rapeseed.",
        "The county.",
        "1850.",
    ]
    assert len(llm_server.prompts) == 3


def test_questions_know_nothing_of_each_other(start, run_jobs, llm_server):
    start()
    run_jobs()

    prompts = ChatPrompt.objects.all()
    assert len({prompt.context_id for prompt in prompts}) == 3
    assert [prompt.history_ids for prompt in prompts] == [[], [], []]
    assert all(len(body["messages"]) == 2 for body in llm_server.prompts)


def test_every_blueprint_gets_a_chat_of_its_own(alice, playground, llm, blueprint, start, run_jobs):
    other = make_blueprint(alice, playground, llm, "Other", prompt_type=PromptType.ONE_TIME_PROMPT)
    start(blueprint, other)
    run_jobs()

    assert {chat.blueprint for chat in Chat.objects.all()} == {blueprint, other}
    assert [chat.prompts.count() for chat in Chat.objects.all()] == [3, 3]
    assert len(figures()) == 2


def test_the_figures_are_those_of_the_answers(start, run_jobs, llm_server):
    llm_server.script(Behaviour(text="one"), Behaviour(text="one two"), Behaviour(text="a b c"))
    tokens = {"insight_name": "Length", "ootb_metric_name": "response_tokens"}
    start(insights=[tokens, {"insight_name": "all_tokens", "aggregation_types": ["average"]}])
    run_jobs()

    read = sum(prompt.input_tokens or 0 for prompt in ChatPrompt.objects.all())
    assert figures() == [
        ("Length", "average", 2.0, ""),
        ("all_tokens", "average", pytest.approx((read + 6) / 3), ""),
    ]


def test_several_ways_of_aggregating_one_metric(start, run_jobs):
    ways = ["average", "percentYes", "classPercentCoverage", "guardConditionPercentYes", "average"]
    insight = {"insight_name": "citations", "aggregation_types": ways}
    start(insights=[insight])
    run_jobs()

    assert figures() == [
        ("citations", "average", 0.0, ""),
        ("citations", "percentYes", 0.0, ""),
        ("citations", "classPercentCoverage", [{"item": "0", "value": 100.0}], ""),
        (
            "citations",
            "guardConditionPercentYes",
            None,
            "This metric has no guard condition.",
        ),
    ]


def test_a_configured_metric_is_read_from_the_answers(alice, playground, start, run_jobs):
    metric = playground.metrics.create(
        name="response_tokens",
        custom_name="Verbosity",
        moderation={
            "guard_conditions": [{"comparator": "greaterThan", "comparand": 1}],
            "intervention": {"action": "report", "message": "Long."},
        },
        created_by=alice,
    )
    guard = ["guardConditionPercentYes"]
    by_id = {"insight_name": "x", "ootb_metric_id": metric.pk, "aggregation_types": guard}
    start(insights=[by_id, {"insight_name": "Verbosity"}])
    run_jobs()

    [guarded, average] = figures()
    assert guarded == ("x", "guardConditionPercentYes", 100.0, "")
    assert average[:2] == ("Verbosity", "average")
    assert average[2] > 1


def test_questions_that_fail_are_told_and_left_out(start, run_jobs, llm_server):
    llm_server.always = failing(400, "Not today.")
    run = start()
    run_jobs()

    status, message = ended(run)
    assert status == Status.COMPLETED
    assert message.startswith("3 of 3 questions could not be answered: ")
    assert figures() == [("latency", "average", None, "No answer has a value of this metric.")]


def test_one_failure_does_not_spoil_the_others(start, run_jobs, llm_server):
    llm_server.script(failing(400, "Not today."))
    run = start()
    run_jobs()

    assert ended(run)[1].startswith("1 of 3 questions could not be answered")
    [(_, _, value, error)] = figures()
    assert value > 0
    assert error == ""


def test_only_so_many_questions_wait_at_once(settings, start, transactional_db):
    settings.EVALUATION_CONCURRENCY = 2
    run = start()

    assert [run_steps.advance(run.pk) for _ in range(3)] == [True] * 3
    assert ChatPrompt.objects.count() == 2

    ChatPrompt.objects.filter(text="Which oil?").update(status=Status.COMPLETED, latency_ms=1)
    assert run_steps.advance(run.pk)
    assert set(ChatPrompt.objects.values_list("text", flat=True)) == {
        "Which oil?",
        "Who pays?",
        "Since when?",
    }
    assert runs.progress(run) == "1 of 3 questions answered."

    ChatPrompt.objects.update(status=Status.COMPLETED, latency_ms=1)
    assert not run_steps.advance(run.pk)
    assert ended(run) == (Status.COMPLETED, "")
    assert not run_steps.advance(run.pk)
    assert len(figures()) == 1


def test_people_go_first(alice, playground, blueprint, start, db):
    run = start()
    run_steps.advance(run.pk)
    chat = playgrounds.create_chat(user=alice, playground=playground, blueprint=blueprint)
    playgrounds.ask(user=alice, text="Now?", chat=chat)

    by_priority = ProcrastinateJob.objects.filter(queue_name="chat").order_by("-priority", "id")
    first = ChatPrompt.objects.get(pk=by_priority[0].args["prompt_id"])
    assert first.text == "Now?"


def test_a_step_that_is_done_twice_asks_nothing_twice(start, run_jobs):
    run = start()
    run_steps.advance(run.pk)
    run_steps.advance(run.pk)
    run_jobs()

    assert ended(run) == (Status.COMPLETED, "")
    assert ChatPrompt.objects.count() == 3


def test_a_run_is_about_what_was_there_when_it_began(
    alice, blueprint, configuration, start, run_jobs, llm_server
):
    run = start()
    playgrounds.update_blueprint(
        blueprint, user=alice, changes=SettingsChanges(prompt_type=PromptType.ONE_TIME_PROMPT)
    )
    datasets.delete_configuration(configuration, user=alice)
    vectordb.delete_dataset(Dataset.objects.get(), user=alice)
    run_jobs()

    assert ended(run) == (Status.COMPLETED, "")
    assert {prompt.prompt_type for prompt in ChatPrompt.objects.all()} == {
        PromptType.CHAT_HISTORY_AWARE
    }
    assert (run.configuration, run.dataset_name) == (None, "Questions")


def test_cancelling_ends_it_with_what_was_answered(alice, settings, start, run_jobs):
    settings.EVALUATION_CONCURRENCY = 1
    run = start()
    run_steps.advance(run.pk)
    ChatPrompt.objects.update(status=Status.COMPLETED)
    run_steps.advance(run.pk)

    runs.cancel_run(run, user=alice)
    run_jobs()

    assert ended(run) == (Status.CANCELLED, "Cancelled.")
    statuses = ChatPrompt.objects.order_by("evaluation_row__number").values_list("status")
    assert [status for (status,) in statuses] == [Status.COMPLETED, Status.SKIPPED]
    assert figures() == []


def test_an_ended_run_is_not_cancelled(alice, start, run_jobs):
    run = start()
    run_jobs()

    runs.cancel_run(run, user=alice)

    assert ended(run) == (Status.COMPLETED, "")
    assert len(figures()) == 1


def test_one_blueprint_can_be_taken_out(alice, playground, llm, blueprint, start, run_jobs):
    other = make_blueprint(alice, playground, llm, "Other")
    run = start(blueprint, other)
    run_steps.advance(run.pk)

    runs.delete_aggregations(run.chats.filter(chat__blueprint=other), user=alice)
    run_jobs()

    assert ended(run) == (Status.COMPLETED, "")
    assert MetricAggregation.objects.get().evaluation_chat.chat.blueprint == blueprint
    assert not other.chats.get().prompts.filter(status=Status.COMPLETED).exists()


def test_a_deleted_chat_is_no_part_of_it_any_more(alice, start, run_jobs):
    run = start()
    run_steps.advance(run.pk)
    playgrounds.delete_chat(Chat.objects.get(), user=alice)
    run_jobs()

    assert ended(run) == (Status.CANCELLED, "Its chats were deleted.")


def test_a_deleted_question_is_not_asked_again(alice, start, run_jobs):
    run = start()
    run_steps.advance(run.pk)
    playgrounds.delete_prompt(ChatPrompt.objects.get(text="Who pays?"), user=alice)
    run_jobs()

    assert ended(run) == (Status.COMPLETED, "")
    assert EvaluationRow.objects.count() == ChatPrompt.objects.count() == 2


def test_deleting_the_playground_ends_it(alice, playground, start, run_jobs):
    start()
    playgrounds.delete_playground(playground, user=alice)
    run_jobs()

    assert not EvaluationRun.objects.exists()
    assert not ProcrastinateJob.objects.exists()


@pytest.mark.parametrize(
    ("insight", "said"),
    [
        ({"insight_name": "wit"}, "no metric “wit”"),
        ({"insight_name": "latency", "ootb_metric_id": "0" * 24}, "no metric “latency”"),
        ({"insight_name": "cost", "cost_configuration_id": "0" * 24}, "no metric “cost”"),
        ({"insight_name": "Truth", "ootb_metric_name": "faithfulness"}, "no metric “Truth”"),
    ],
)
def test_a_metric_must_be_there(start, insight, said):
    with pytest.raises(InvalidInput, match=said) as refused:
        start(insights=[LATENCY, insight])

    assert refused.value.field == "insights_configuration"


def test_too_many_questions_are_refused(monkeypatch, alice, playground, llm, blueprint, start):
    monkeypatch.setattr(runs, "MOST_QUESTIONS", 5)
    other = make_blueprint(alice, playground, llm, "Other")
    start(blueprint)

    with pytest.raises(InvalidInput, match="3 questions to 2 blueprints are more than 5"):
        start(blueprint, other)

    assert Chat.objects.count() == 1


def test_a_blueprint_that_cannot_answer_is_refused(llm, start, blueprint):
    llm.is_active = False
    llm.save()

    with pytest.raises(InvalidInput, match="Baseline: ") as refused:
        start()

    assert refused.value.field == "llm_blueprint_ids"
    assert not Chat.objects.exists()
    assert not EvaluationRun.objects.exists()


def test_a_blueprint_of_another_playground_is_refused(alice, use_case, llm, start):
    elsewhere = playgrounds.create_playground(user=alice, use_case=use_case, name="Elsewhere")

    with pytest.raises(InvalidInput, match="not in this playground"):
        start(make_blueprint(alice, elsewhere, llm, "Other"))


def test_at_least_one_blueprint_is_needed(alice, configuration, db):
    with pytest.raises(InvalidInput):
        runs.start_run(
            user=alice, configuration=configuration, blueprints=[], chat_name="", insights=[]
        )


def test_a_viewer_runs_and_cancels_nothing(alice, vera, start):
    run = start()

    for verb in (
        lambda: start(user=vera),
        lambda: runs.cancel_run(run, user=vera),
        lambda: runs.delete_aggregations(run.chats.all(), user=vera),
    ):
        with pytest.raises(Forbidden):
            verb()
    assert ended(run) == (Status.NEW, "")


def test_a_file_that_is_gone_cannot_be_run(alice, configuration, start):
    vectordb.delete_dataset(Dataset.objects.get(), user=alice)
    configuration.refresh_from_db()

    with pytest.raises(Conflict):
        start()


def test_the_oldest_chat_of_a_blueprint_is_one_that_takes_questions(alice, blueprint, start):
    start()

    prompt = playgrounds.ask(user=alice, text="And now?", blueprint=blueprint)

    assert not prompt.chat.is_frozen


def test_a_run_that_lost_its_job_goes_on(start, run_jobs):
    run = start()
    ProcrastinateJob.objects.all().delete()

    recovery.tidy_up()
    recovery.tidy_up()
    run_jobs()

    assert ended(run) == (Status.COMPLETED, "")
    assert ChatPrompt.objects.count() == 3


def test_a_step_that_fails_again_and_again_ends_the_run(start, transactional_db, caplog):
    run = start(insights=[])
    EvaluationRun.objects.update(insights=[{"broken": True}])
    EvaluationRow.objects.all().delete()

    with pytest.raises(KeyError):
        take_step(run, attempts=0)
    assert ended(run) == (Status.NEW, "")

    take_step(run, attempts=6)
    status, message = ended(run)
    assert status == Status.ERROR
    assert message.startswith("Something went wrong on our side")
    assert "broken" not in message
    assert figures() == []


def take_step(run, *, attempts):
    job = Job(
        id=1,
        queue=tasks.QUEUE,
        lock=None,
        queueing_lock=None,
        task_name=tasks.advance_run.name,
        attempts=attempts,
    )
    context = JobContext(app=app, job=job, start_timestamp=0, abort_reason=lambda: None)
    asyncio.run(tasks.advance_run.func(context, run.pk))
