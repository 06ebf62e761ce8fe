"""A chat's metadata filter: its chips, and conditions as they are put together."""

import pytest

from config.errors import Forbidden, InvalidInput
from playground.chat.filters import (
    add_condition,
    chips_of,
    read_value,
    remove_field,
    with_condition,
)
from vectordb.metadata_values import Field

FIELDS = [Field("lang", ("en", "de")), Field("year", (2020, 2021)), Field("open", (True,))]


def labels(metadata_filter) -> list[str]:
    return [chip.label for chip in chips_of(metadata_filter)]


@pytest.mark.parametrize(
    ("metadata_filter", "expected"),
    [
        (None, []),
        ({}, []),
        ({"lang": "en"}, ["lang = en"]),
        ({"year": 2020, "open": True}, ["year = 2020", "open = true"]),
        ({"lang": {"$in": ["en", "de"]}}, ["lang = en or de"]),
        ({"year": {"$gte": 2000, "$lte": 2020}}, ["year ≥ 2000 and year ≤ 2020"]),
        ({"lang": {"$nin": ["fr"]}}, ["lang ≠ fr"]),
        ({"title": {"$contains": "tax"}}, ["title contains tax"]),
        ({"$or": [{"lang": "en"}]}, ['{"$or": [{"lang": "en"}]}']),
        ({"lang": "x" * 200}, [f"lang = {'x' * 72}…"]),
    ],
)
def test_a_chip_says_what_holds_for_one_field(metadata_filter, expected):
    assert labels(metadata_filter) == expected


@pytest.mark.parametrize(
    ("name", "comparison", "text", "value"),
    [
        ("lang", "$in", "en", "en"),
        ("year", "$in", "2020", 2020),
        ("year", "$in", "1999", "1999"),
        ("open", "$in", "true", True),
        ("year", "$gte", "2020", 2020),
        ("year", "$lte", "3.5", 3.5),
        ("lang", "$contains", "2020", "2020"),
    ],
)
def test_what_is_written_is_read_as_the_data_have_it(name, comparison, text, value):
    read = read_value(text, name=name, comparison=comparison, fields=FIELDS)

    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize("text", ["many", "true", "", "[1]", '"1"'])
def test_bounds_are_numbers(text):
    with pytest.raises(InvalidInput, match="number"):
        read_value(text, name="year", comparison="$gte", fields=FIELDS)


@pytest.mark.parametrize(
    ("before", "comparison", "value", "after"),
    [
        (None, "$in", "en", {"lang": {"$in": ["en"]}}),
        ({"lang": "en"}, "$in", "de", {"lang": {"$in": ["en", "de"]}}),
        ({"lang": {"$in": ["en"]}}, "$in", "en", {"lang": {"$in": ["en"]}}),
        ({"lang": {"$ne": "fr"}}, "$nin", "es", {"lang": {"$nin": ["fr", "es"]}}),
        ({"lang": {"$gte": 1}}, "$lte", 5, {"lang": {"$gte": 1, "$lte": 5}}),
        ({"lang": {"$gte": 1}}, "$gte", 2, {"lang": {"$gte": 2}}),
        ({"year": 1}, "$in", "en", {"year": 1, "lang": {"$in": ["en"]}}),
    ],
)
def test_conditions_are_put_together(before, comparison, value, after):
    assert with_condition(before, name="lang", comparison=comparison, value=value) == after


def test_the_filter_before_is_left_as_it_was():
    before = {"lang": {"$in": ["en"]}}

    with_condition(before, name="lang", comparison="$in", value="de")

    assert before == {"lang": {"$in": ["en"]}}


@pytest.fixture
def empty_chat(chat_with, db):
    return chat_with()


def test_conditions_are_kept_and_taken_out(alice, empty_chat):
    for name, text in (("lang", "en"), ("year", "2020")):
        add_condition(empty_chat, user=alice, name=name, comparison="$in", text=text, fields=FIELDS)

    empty_chat.refresh_from_db()
    assert labels(empty_chat.metadata_filter) == ["lang = en", "year = 2020"]
    remove_field(empty_chat, user=alice, name="lang")
    remove_field(empty_chat, user=alice, name="never there")
    empty_chat.refresh_from_db()
    assert labels(empty_chat.metadata_filter) == ["year = 2020"]
    remove_field(empty_chat, user=alice, name="year")
    empty_chat.refresh_from_db()
    assert empty_chat.metadata_filter is None


def test_a_condition_that_cannot_hold_changes_nothing(alice, empty_chat):
    with pytest.raises(InvalidInput):
        add_condition(
            empty_chat, user=alice, name="$where", comparison="$in", text="x", fields=FIELDS
        )

    empty_chat.refresh_from_db()
    assert empty_chat.metadata_filter is None


def test_only_editors_narrow_what_a_chat_searches(vera, empty_chat):
    with pytest.raises(Forbidden):
        add_condition(
            empty_chat, user=vera, name="lang", comparison="$in", text="en", fields=FIELDS
        )
    with pytest.raises(Forbidden):
        remove_field(empty_chat, user=vera, name="lang")
