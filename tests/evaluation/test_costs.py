"""What answers cost by a team's own prices."""

import pytest

from evaluation import configuring
from evaluation.costs import cost_of

PRICE = {
    "llm_id": "test-server/test-model",
    "currency_code": "EUR",
    "input_token_price": 0.5,
    "reference_input_token_count": 10,
    "output_token_price": 2,
    "reference_output_token_count": 100,
}

in_queue = pytest.mark.django_db(transaction=True)


@pytest.fixture
def prices(alice, playground, llm):
    def make(name="", **changes):
        return configuring.create_costs(
            user=alice, playground=playground, name=name, prices=[PRICE | changes]
        )

    return make


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 3 * 0.5 / 10 + 50 * 2 / 100),
        ({"input_token_price": 0}, 1.0),
        ({"reference_input_token_count": 0}, None),
        ({"reference_output_token_count": 0}, None),
    ],
)
def test_a_price_is_for_so_many_tokens(changes, expected):
    cost = cost_of(PRICE | changes, 3, 50)
    assert (None if cost is None else float(cost)) == expected


@in_queue
def test_answers_cost_what_their_llm_costs(answered, chat, prices):
    configuration = prices(name="Ours")

    prompt = answered(chat)

    [metric] = prompt.metrics
    expected = prompt.input_tokens * 0.5 / 10 + prompt.output_tokens * 2 / 100
    assert metric["value"] == pytest.approx(expected)
    assert metric["formatted_value"] == f"{expected:.6f} EUR"
    assert (metric["name"], metric["cost_configuration_id"]) == ("Ours", configuration.pk)


@in_queue
def test_earlier_answers_and_those_of_other_llms_do_not(answered, chat, prices, judge):
    earlier = answered(chat)
    prices(llm_id=judge.pk)

    later = answered(chat)
    earlier.refresh_from_db()

    assert (earlier.metrics, later.metrics) == ([], [])


@in_queue
def test_the_newest_prices_come_first_and_a_price_for_nothing_is_none(answered, chat, prices):
    first = prices()
    second = prices(reference_input_token_count=0)

    found = answered(chat).metrics

    assert [one["cost_configuration_id"] for one in found] == [second.pk, first.pk]
    assert (found[0]["value"], found[0]["execution_status"]) == (None, "ERROR")
    assert found[1]["value"] > 0
