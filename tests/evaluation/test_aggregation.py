"""One figure from many."""

import pytest

from evaluation.aggregation import aggregate, natural_type
from evaluation.models import AggregationType


@pytest.mark.parametrize(
    ("how", "values", "expected"),
    [
        ("average", [1, 2, 6], 3),
        ("average", [0.5], 0.5),
        ("average", [True, False], 0.5),
        ("percentYes", [True, False, False, False], 25),
        ("percentYes", [1, 0, 0.5, 0.49], 50),
        ("percentYes", ["yes", " No ", "TRUE", "0"], 50),
        (
            "classPercentCoverage",
            ["good", "bad", "good", "fair"],
            [
                {"item": "good", "value": 50},
                {"item": "bad", "value": 25},
                {"item": "fair", "value": 25},
            ],
        ),
        ("classPercentCoverage", [1, 1], [{"item": "1", "value": 100}]),
        # An item without a name is not told, and yet it was one.
        ("classPercentCoverage", ["a", " "], [{"item": "a", "value": 50}]),
    ],
)
def test_values_become_one_figure(how, values, expected):
    aggregated = aggregate(how, values, guarded=None)

    assert aggregated.value == expected
    assert aggregated.error_message == ""


def test_the_share_of_guarded_answers():
    aggregated = aggregate("guardConditionPercentYes", [1, 2], guarded=[True, False])

    assert aggregated.value == 50


@pytest.mark.parametrize(
    ("how", "values", "said"),
    [
        ("average", [], "No answer has a value"),
        ("guardConditionPercentYes", [], "No answer has a value"),
        ("average", ["good", 1], "have no average"),
        ("percentYes", ["good"], "neither yes nor no"),
        ("guardConditionPercentYes", [1], "no guard condition"),
    ],
)
def test_where_there_is_no_figure_it_says_why(how, values, said):
    aggregated = aggregate(how, values, guarded=None)

    assert aggregated.value is None
    assert said in aggregated.error_message


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2.5], AggregationType.AVERAGE),
        ([], AggregationType.AVERAGE),
        ([True, False], AggregationType.PERCENT_YES),
        ([True, 2], AggregationType.AVERAGE),
        (["good"], AggregationType.CLASS_PERCENT_COVERAGE),
    ],
)
def test_values_know_how_they_are_aggregated(values, expected):
    assert natural_type(values) == expected
