"""How blueprints did so far: who is preferred, and what their answers took."""

import pytest

from accounts.models import Membership, Role, User
from config.status import Status
from playground.compare import board, joining
from playground.compare.summary import summary_of, wilson
from tests.pages.compared import answer, compared_by

pytestmark = pytest.mark.django_db


@pytest.fixture
def voters(use_case):
    made = [User.objects.create_user(f"voter{number}@example.com") for number in range(4)]
    for user in made:
        Membership.objects.create(use_case=use_case, user=user, role=Role.VIEWER)
    return made


@pytest.fixture
def compared(alice, playground):
    return compared_by(alice, playground)


def rows(comparison, user, name):
    [found] = [one for one in summary_of(comparison, user=user).measures if one.name == name]
    return [(row.name, row.text.replace("\N{EN DASH}", "-")) for row in found.rows]


# Computed by hand from Wilson's formula, and as R's prop.test(x, n, correct=FALSE) gives them.
@pytest.mark.parametrize(
    ("wins", "count", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (1, 1, 0.2065, 1.0)],
)
def test_wilsons_interval(wins, count, low, high):
    assert wilson(wins, count) == pytest.approx((low, high), abs=5e-5)


def test_ties_count_half_and_the_preferred_comes_first(alice, voters, compared):
    terse, chatty = compared.results
    for voter, best in zip(voters, [chatty, chatty, None, terse], strict=True):
        board.prefer(compared.question, user=voter, best=best)

    assert rows(compared.comparison, alice, "Preferred") == [
        ("Chatty", "62% (22-91%)"),
        ("Terse", "38% (9-78%)"),
    ]


def test_who_joins_after_a_vote_has_lost_nothing_by_it(alice, voters, compared, playground):
    board.prefer(compared.question, user=voters[0], best=compared.results[0])
    late = compared_by(alice, playground, "Late").results[0].chat.blueprint

    blueprints = [*joining.chosen(compared.comparison), late]
    board.choose(compared.comparison, user=alice, blueprints=blueprints)
    answer(compared.question.results.get(chat__blueprint=late), "Late.")

    assert rows(compared.comparison, alice, "Preferred") == [
        ("Terse", "100% (21-100%)"),
        ("Chatty", "0% (0-79%)"),
    ]


def test_without_votes_nobody_is_preferred(alice, compared):
    assert rows(compared.comparison, alice, "Preferred") == []
    assert summary_of(compared.comparison, user=alice).votes == 0


def test_the_median_is_of_whole_answers_and_the_cheapest_comes_first(alice, compared):
    terse, chatty = compared.results
    for latency, more in ((3000.0, {}), (9000.0, {}), (1.0, {"finish_reason": "stopped"})):
        question = board.ask_all(compared.comparison, user=alice, text="And then?")
        answer(question.results.get(chat=terse.chat), "a", latency_ms=latency, cost=0, **more)
        answer(question.results.get(chat=chatty.chat), "a", latency_ms=4000.0, cost="0.0009")

    assert rows(compared.comparison, alice, "Median latency") == [
        ("Terse", "3.00 s"),
        ("Chatty", "4.00 s"),
    ]
    assert rows(compared.comparison, alice, "Cost per 1,000") == [
        ("Terse", "$0.08"),
        ("Chatty", "$0.75"),
    ]
    assert summary_of(compared.comparison, user=alice).questions == 4


def test_errors_are_counted_where_there_are_some(alice, compared):
    answer(compared.results[0], "", status=Status.ERROR, latency_ms=5.0)

    assert rows(compared.comparison, alice, "Errors") == [("Terse", "1 of 1")]
    assert rows(compared.comparison, alice, "Median latency") == [("Chatty", "1.50 s")]


def test_running_answers_have_no_part_in_it(alice, compared):
    board.ask_all(compared.comparison, user=alice, text="And then?")

    assert rows(compared.comparison, alice, "Median latency") == [
        ("Terse", "1.00 s"),
        ("Chatty", "1.50 s"),
    ]


def test_a_blind_reader_sees_figures_of_what_they_voted_on(alice, vera, compared):
    board.set_blind(compared.comparison, user=alice, is_blind=True)
    board.prefer(compared.question, user=vera, best=None)

    assert rows(compared.comparison, vera, "Median latency")
    assert rows(compared.comparison, alice, "Median latency") == []
    assert summary_of(compared.comparison, user=alice).votes == 0


def test_it_takes_a_constant_number_of_queries(alice, compared, django_assert_num_queries):
    with django_assert_num_queries(5):
        summary_of(compared.comparison, user=alice)
    board.ask_all(compared.comparison, user=alice, text="And then?")
    with django_assert_num_queries(5):
        summary_of(compared.comparison, user=alice)
