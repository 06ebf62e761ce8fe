"""Comparisons answered for real, and the order in which what is compared is known."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from procrastinate.contrib.django.models import ProcrastinateJob

from blueprints.models import PromptType
from blueprints.settings import AnswerSettings
from config.errors import Conflict, InvalidInput
from config.status import Status
from playground import comparisons, services
from playground.models import Chat, ChatPrompt, ComparisonChat
from tests import llm_server as servers
from tracing.models import Log, LogKind

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def saved(alice, playground, llm):
    """Makes a saved blueprint."""

    def make(name, **settings):
        blueprint = services.create_blueprint(
            user=alice,
            playground=playground,
            name=name,
            settings=AnswerSettings(llm_id=llm.pk, **settings),
        )
        return services.update_blueprint(blueprint, user=alice, is_saved=True)

    return make


@pytest.fixture
def aware(saved):
    return saved("Aware")


@pytest.fixture
def one_time(saved):
    return saved("One time", prompt_type=PromptType.ONE_TIME_PROMPT)


@pytest.fixture
def chat(alice, playground):
    return comparisons.create_comparison_chat(user=alice, playground=playground, name="Oils")


@pytest.fixture
def compared(alice, run_jobs):
    """Compares and works the queue off; gives the results by the name of their blueprint."""

    def ask(text, *blueprints, **more):
        comparison = comparisons.compare(user=alice, blueprints=blueprints, text=text, **more)
        run_jobs()
        return comparison, results_of(comparison)

    return ask


def results_of(comparison):
    found = comparison.results.select_related("chat__blueprint")
    return {result.chat.blueprint.name: result for result in found}


def test_every_blueprint_answers_with_figures_and_a_trace(compared, aware, one_time, llm_server):
    llm_server.script(servers.Behaviour(text="Rapeseed."), servers.failing(400, "No."))

    _, results = compared("Which oil?", aware, one_time)

    assert sorted(result.status for result in results.values()) == [
        Status.COMPLETED,
        Status.ERROR,
    ]
    for result in results.values():
        assert result.latency_ms > 0
        assert result.log.kind == LogKind.ANSWER
    [done] = [one for one in results.values() if one.status == Status.COMPLETED]
    assert done.result_text == "Rapeseed."
    assert done.cost > 0
    assert Log.objects.filter(kind=LogKind.GENERATE).count() == 2


def test_each_blueprint_knows_its_own_history_in_a_comparison_chat(
    compared, aware, one_time, chat, llm_server
):
    _, first = compared("One?", aware, one_time, chat=chat)
    _, second = compared("Two?", aware, one_time, chat=chat)
    _, third = compared("Three?", aware, chat=chat)

    assert second["Aware"].history_ids == [first["Aware"].pk]
    assert third["Aware"].history_ids == [first["Aware"].pk, second["Aware"].pk]
    assert second["One time"].history_ids == []
    assert {one["Aware"].context_id for one in (first, second, third)} == {
        first["Aware"].context_id
    }
    said = [message["content"] for message in llm_server.prompts[-1]["messages"]]
    assert said[1:] == ["One?", servers.DEFAULT_TEXT, "Two?", servers.DEFAULT_TEXT, "Three?"]


def test_comparisons_that_stand_alone_know_nothing_of_each_other(compared, aware):
    compared("One?", aware)
    _, second = compared("Two?", aware)

    assert second["Aware"].history_ids == []


def test_a_comparison_knows_nothing_of_the_blueprints_chats(
    alice, compared, aware, playground, chat, run_jobs
):
    other = services.create_chat(user=alice, playground=playground, blueprint=aware)
    asked = services.ask(user=alice, chat=other, text="Before?")
    run_jobs()

    _, results = compared("One?", aware, chat=chat)

    assert results["Aware"].history_ids == []
    after = services.ask(user=alice, chat=other, text="After?")
    run_jobs()
    after.refresh_from_db()
    assert after.history_ids == [asked.pk]


def test_failed_and_deleted_comparisons_are_no_history(alice, compared, aware, chat, llm_server):
    deleted, _ = compared("One?", aware, chat=chat)
    comparisons.delete_comparison(deleted, user=alice)
    llm_server.script(servers.failing(400, "No."))
    compared("Two?", aware, chat=chat)

    _, third = compared("Three?", aware, chat=chat)

    assert third["Aware"].history_ids == []


def test_a_blueprint_added_late_knows_only_what_was_compared_before(
    alice, compared, aware, saved, chat, run_jobs
):
    late = saved("Late")
    first, _ = compared("One?", aware, chat=chat)
    second, _ = compared("Two?", aware, chat=chat)
    third, _ = compared("Three?", aware, chat=chat)

    # The last one first, and the others in the order in which nobody would.
    for comparison in (third, first, second):
        comparisons.add_blueprints(comparison, user=alice, blueprints=[late])
        run_jobs()

    answers = [results_of(one)["Late"] for one in (first, second, third)]
    assert [answer.history_ids for answer in answers] == [[], [answers[0].pk], []]
    _, fourth = compared("Four?", late, chat=chat)
    assert fourth["Late"].history_ids == [answer.pk for answer in answers]


def test_a_filter_holds_for_this_comparison_only(compared, saved, handbook, chat):
    reading = saved("Reading", vector_database_id=handbook.pk)

    _, first = compared("One?", reading, chat=chat, metadata_filter={"source": "shipping.md"})
    _, second = compared("Two?", reading, chat=chat)

    assert first["Reading"].metadata_filter == {"source": "shipping.md"}
    assert second["Reading"].metadata_filter is None
    assert len(second["Reading"].citations) > len(first["Reading"].citations)


def test_the_results_of_one_comparison_do_not_wait_for_each_other(alice, saved):
    comparisons.compare(user=alice, blueprints=[saved("First"), saved("Second")], text="a")

    locks = ProcrastinateJob.objects.values_list("lock", flat=True)
    assert len(locks) == len(set(locks)) == 2


def test_a_blueprint_that_is_added_twice_at_once_answers_once(alice, aware, one_time):
    comparison = comparisons.compare(user=alice, blueprints=[aware], text="a")

    def add(_):
        try:
            comparisons.add_blueprints(comparison, user=alice, blueprints=[one_time])
        except InvalidInput as error:
            return error.field
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        ends = set(pool.map(add, range(2)))

    assert ends == {None, "additional_llm_blueprint_ids"}
    assert comparison.results.count() == 2


def test_deleting_leaves_jobs_that_find_nothing_to_do(alice, aware, one_time, run_jobs, llm_server):
    comparison = comparisons.compare(user=alice, blueprints=[aware, one_time], text="a")
    comparisons.delete_comparison(comparison, user=alice)

    run_jobs()

    assert llm_server.prompts == []
    assert not ComparisonChat.objects.exists()


def test_a_refused_comparison_changes_nothing(alice, saved, aware, chat, llm):
    other = saved("Other")
    llm.is_active = False
    llm.save()

    with pytest.raises(InvalidInput, match="“Aware” cannot answer") as refused:
        comparisons.compare(user=alice, blueprints=[aware, other], text="a", chat=chat)

    assert refused.value.field == "llm_blueprint_ids"
    assert not Chat.objects.exists()
    assert not chat.prompts.exists()


@pytest.mark.parametrize(
    ("question", "field"),
    [({"text": "a\x00"}, "text"), ({"metadata_filter": {"a": {"$like": 1}}}, "metadata_filter")],
)
def test_what_is_wrong_with_the_question_is_not_the_blueprints_fault(alice, aware, question, field):
    with pytest.raises(InvalidInput) as refused:
        comparisons.compare(user=alice, blueprints=[aware], **({"text": "a"} | question))

    assert refused.value.field == field
    assert not ComparisonChat.objects.exists()


def test_nobody_to_ask_is_refused(alice):
    with pytest.raises(InvalidInput) as refused:
        comparisons.compare(user=alice, blueprints=[], text="a")

    assert refused.value.field == "llm_blueprint_ids"


def test_what_was_deleted_meanwhile_takes_nothing_more(alice, aware, one_time, chat):
    comparison = comparisons.compare(user=alice, blueprints=[aware], text="a", chat=chat)
    gone = ComparisonChat.objects.get(pk=chat.pk)
    chat.delete()

    with pytest.raises(Conflict):
        comparisons.add_blueprints(comparison, user=alice, blueprints=[one_time])
    with pytest.raises(Conflict):
        comparisons.compare(user=alice, blueprints=[aware], text="a", chat=gone)
    comparisons.delete_comparison(comparison, user=alice)
    assert not ChatPrompt.objects.exists()


def test_a_column_takes_no_questions_of_its_own(alice, compared, aware):
    _, results = compared("One?", aware)
    result = results["Aware"]

    with pytest.raises(InvalidInput):
        services.ask(user=alice, chat=result.chat, text="Two?")
    with pytest.raises(Conflict):
        services.retry(result, user=alice)


def test_a_failed_result_is_tried_again_in_its_place(alice, compared, aware, llm_server, run_jobs):
    llm_server.script(servers.failing(400, "No."))
    comparison, results = compared("One?", aware)

    services.retry(results["Aware"], user=alice)
    run_jobs()

    again = results_of(comparison)["Aware"]
    assert (again.pk, again.status) == (results["Aware"].pk, Status.COMPLETED)
