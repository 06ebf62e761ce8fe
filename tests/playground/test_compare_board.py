"""What people do on the page of a comparison, answered for real."""

from dataclasses import replace

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import Membership, Role
from blueprints.models import LLM
from blueprints.settings import AnswerSettings, SettingsChanges
from config.errors import Conflict, Forbidden, InvalidInput
from config.status import Status
from playground import comparisons, services
from playground.compare import board, joining
from playground.models import ChatPrompt, ComparisonChat, Preference
from playground.relay import Relay
from tests import llm_server as servers

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def blueprint(alice, playground, llm):
    """Makes a blueprint, which nobody has locked."""

    def make(name, **settings):
        return services.create_blueprint(
            user=alice,
            playground=playground,
            name=name,
            settings=AnswerSettings(llm_id=llm.pk, **settings),
        )

    return make


@pytest.fixture
def pair(blueprint):
    return [blueprint("First"), blueprint("Second")]


@pytest.fixture
def begun(alice, playground, pair, run_jobs):
    """A comparison with one answered question."""
    question = board.begin(
        user=alice, playground=playground, blueprints=pair, text="Which oil?\nTell me."
    )
    run_jobs()
    return question


def answers(question):
    found = question.results.select_related("chat__blueprint", "chat__playground__use_case")
    return {result.chat.blueprint.name: result for result in found}


def test_a_comparison_begins_with_its_first_question_and_its_name(begun, pair):
    assert begun.chat.name == "Which oil?"
    assert set(begun.chat.blueprints.all()) == set(pair)
    assert {one.status for one in answers(begun).values()} == {Status.COMPLETED}


def test_a_further_question_goes_to_those_who_are_chosen(alice, begun, pair, run_jobs):
    board.choose(begun.chat, user=alice, blueprints=pair[:1])

    second = board.ask_all(begun.chat, user=alice, text="And at night?")
    run_jobs()

    assert set(answers(second)) == {"First"}
    assert answers(second)["First"].history_ids == [answers(begun)["First"].pk]


def test_who_joins_late_answers_the_whole_thread_in_order(
    alice, begun, pair, blueprint, run_jobs, llm_server
):
    second = board.ask_all(begun.chat, user=alice, text="And at night?")
    run_jobs()
    late = blueprint("Late")

    board.choose(begun.chat, user=alice, blueprints=[*pair, late])
    run_jobs()

    first_answer, second_answer = answers(begun)["Late"], answers(second)["Late"]
    assert (first_answer.history_ids, second_answer.history_ids) == ([], [first_answer.pk])
    assert second_answer.status == Status.COMPLETED
    assert [one.name for one in joining.chosen(begun.chat)] == ["First", "Second", "Late"]
    assert len(llm_server.prompts) == 6


def test_of_a_long_comparison_some_are_asked_at_once_and_the_others_by_a_worker(
    alice, begun, pair, blueprint, run_jobs, monkeypatch
):
    monkeypatch.setattr(joining, "_AT_ONCE", 2)
    others = [board.ask_all(begun.chat, user=alice, text=f"And {number}?") for number in range(4)]
    run_jobs()
    late = blueprint("Late")

    board.choose(begun.chat, user=alice, blueprints=[*pair, late])
    at_once = late.chats.get().prompts.count()
    run_jobs()

    questions = [begun, *others]
    late_answers = [answers(question)["Late"] for question in questions]
    assert at_once == 2
    assert [one.status for one in late_answers] == [Status.COMPLETED] * 5
    assert late_answers[4].history_ids == [one.pk for one in late_answers[:4]]
    assert late.chats.get().prompts.count() == 5


@pytest.mark.parametrize("is_blind", [False, True])
def test_how_many_passages_are_read_is_not_told_of_what_is_blind(
    alice, playground, handbook, blueprint, run_jobs, monkeypatch, is_blind
):
    told = []
    monkeypatch.setattr(Relay, "tell", lambda self, text, event, data: told.append(event))

    question = board.begin(
        user=alice,
        playground=playground,
        blueprints=[blueprint("Reader", vector_database_id=handbook.pk)],
        text="Which oil?",
        is_blind=is_blind,
    )
    run_jobs()

    assert answers(question)["Reader"].citations
    assert told == ([] if is_blind else ["retrieved"])


def test_who_is_unticked_again_is_not_asked_what_is_left(
    alice, begun, pair, blueprint, run_jobs, monkeypatch
):
    monkeypatch.setattr(joining, "_AT_ONCE", 1)
    second = board.ask_all(begun.chat, user=alice, text="And at night?")
    run_jobs()
    board.choose(begun.chat, user=alice, blueprints=[*pair, blueprint("Late")])

    board.choose(begun.chat, user=alice, blueprints=pair)
    run_jobs()

    assert set(answers(begun)) == {"First", "Second", "Late"}
    assert set(answers(second)) == {"First", "Second"}


@pytest.mark.parametrize("loss", ["llm", "role", "comparison"])
def test_what_cannot_be_asked_any_more_ends_the_asking(
    alice, begun, pair, blueprint, run_jobs, monkeypatch, loss
):
    monkeypatch.setattr(joining, "_AT_ONCE", 1)
    board.ask_all(begun.chat, user=alice, text="And at night?")
    run_jobs()
    late = blueprint("Late")
    board.choose(begun.chat, user=alice, blueprints=[*pair, late])

    if loss == "llm":
        LLM.objects.update(is_active=False)
    elif loss == "role":
        Membership.objects.update(role=Role.VIEWER)
    else:
        comparisons.delete_comparison_chat(begun.chat, user=alice)
    run_jobs()

    assert ChatPrompt.objects.filter(chat__blueprint=late).count() == (loss != "comparison")
    assert not ProcrastinateJob.objects.filter(status__in=("todo", "doing", "failed")).exists()


def test_who_left_and_returns_answers_only_what_was_missed(alice, begun, pair, run_jobs):
    kept = answers(begun)["Second"].pk
    board.choose(begun.chat, user=alice, blueprints=pair[:1])
    missed = board.ask_all(begun.chat, user=alice, text="And at night?")

    board.choose(begun.chat, user=alice, blueprints=pair)
    run_jobs()

    assert answers(begun)["Second"].pk == kept
    assert answers(missed)["Second"].history_ids == [kept]


def test_who_cannot_answer_does_not_join_and_nothing_is_half_done(alice, begun, pair, blueprint):
    lost = blueprint("Lost")
    LLM.objects.update(is_active=False)

    with pytest.raises(InvalidInput, match="“Lost” cannot answer"):
        board.choose(begun.chat, user=alice, blueprints=[*pair, lost])

    assert set(begun.chat.blueprints.all()) == set(pair)
    assert set(answers(begun)) == {"First", "Second"}


def test_a_refused_first_question_leaves_no_comparison_behind(alice, playground, pair):
    for text, chosen in (("a\x00", pair), ("a", [])):
        with pytest.raises(InvalidInput):
            board.begin(user=alice, playground=playground, blueprints=chosen, text=text)

    assert not ComparisonChat.objects.exists()


def test_stopping_all_ends_what_runs_and_keeps_what_is_there(alice, begun, pair, run_jobs):
    second = board.ask_all(begun.chat, user=alice, text="And at night?")

    board.stop_all(begun.chat, user=alice)
    run_jobs()

    assert {one.status for one in answers(second).values()} == {Status.SKIPPED}
    assert {one.status for one in answers(begun).values()} == {Status.COMPLETED}


def test_a_retried_answer_is_given_by_the_blueprint_as_it_is_now(alice, begun, pair, run_jobs):
    old = answers(begun)["First"]
    board.prefer(begun, user=alice, best=old)
    hotter = replace(pair[0].current.llm_parameters, temperature=1.5)
    services.update_blueprint(pair[0], user=alice, changes=SettingsChanges(llm_settings=hotter))

    board.answer_again(old, user=alice)
    run_jobs()

    new = answers(begun)["First"]
    assert new.pk != old.pk
    assert new.llm_settings["temperature"] == 1.5
    assert new.blueprint_version.number == 2
    assert not ChatPrompt.objects.filter(pk=old.pk).exists()
    assert not Preference.objects.exists()


def test_a_running_answer_is_not_retried(alice, begun):
    second = board.ask_all(begun.chat, user=alice, text="And at night?")

    with pytest.raises(Conflict):
        board.answer_again(answers(second)["First"], user=alice)

    assert answers(second)["First"].status == Status.NEW


def test_one_may_choose_the_best_change_ones_mind_and_take_it_back(alice, begun):
    first, second = answers(begun)["First"], answers(begun)["Second"]

    board.prefer(begun, user=alice, best=first)
    board.prefer(begun, user=alice, best=second)
    assert Preference.objects.get().best == second
    assert set(Preference.objects.get().candidates.all()) == {first, second}
    board.prefer(begun, user=alice, best=None)
    assert Preference.objects.get().best is None
    board.withdraw(begun, user=alice)
    assert not Preference.objects.exists()


def test_everybody_has_a_vote_of_their_own_viewers_too(alice, vera, begun):
    board.prefer(begun, user=alice, best=None)
    board.prefer(begun, user=vera, best=answers(begun)["First"])

    assert Preference.objects.count() == 2


def test_strangers_have_no_vote(bob, begun):
    with pytest.raises(Forbidden):
        board.prefer(begun, user=bob, best=None)
    with pytest.raises(Forbidden):
        board.withdraw(begun, user=bob)


def test_what_is_not_all_answered_or_failed_cannot_be_preferred(
    alice, begun, pair, run_jobs, llm_server
):
    second = board.ask_all(begun.chat, user=alice, text="And at night?")
    with pytest.raises(InvalidInput, match="Wait until all have answered"):
        board.prefer(second, user=alice, best=None)
    llm_server.script(servers.failing(400, "No."))
    run_jobs()
    failed = next(one for one in answers(second).values() if one.status == Status.ERROR)
    answered = next(one for one in answers(second).values() if one.status == Status.COMPLETED)

    with pytest.raises(InvalidInput, match="no answer to prefer"):
        board.prefer(second, user=alice, best=failed)
    with pytest.raises(InvalidInput, match="no answer to prefer"):
        board.prefer(second, user=alice, best=answers(begun)["First"])
    board.prefer(second, user=alice, best=answered)

    assert list(Preference.objects.get().candidates.all()) == [answered]


def test_each_change_is_told_once_with_the_next_revision(alice, begun):
    before = ComparisonChat.objects.get().revision

    board.prefer(begun, user=alice, best=None)
    board.set_blind(begun.chat, user=alice, is_blind=True)
    comparisons.delete_comparison(begun, user=alice)

    assert ComparisonChat.objects.get().revision == before + 3


@pytest.mark.parametrize("verb", ["ask", "choose", "blind", "stop", "retry"])
def test_a_viewer_may_not(vera, begun, pair, verb):
    verbs = {
        "ask": lambda: board.ask_all(begun.chat, user=vera, text="Mine?"),
        "choose": lambda: board.choose(begun.chat, user=vera, blueprints=pair[:1]),
        "blind": lambda: board.set_blind(begun.chat, user=vera, is_blind=True),
        "stop": lambda: board.stop_all(begun.chat, user=vera),
        "retry": lambda: board.answer_again(answers(begun)["First"], user=vera),
    }

    with pytest.raises(Forbidden):
        verbs[verb]()

    assert set(begun.chat.blueprints.all()) == set(pair)
    assert ChatPrompt.objects.count() == 2
