import json

import pytest
from django.db import connection
from psycopg import sql

from config.errors import InvalidInput
from vectordb.metadata_filter import to_sql
from vectordb.retrieval import validate_metadata_filter

ROWS = {
    "book": {"source": "book.pdf", "year": 2020, "tags": ["a"], "draft": False, "it's": "quoted"},
    "note": {"source": "note.md", "year": 2023.5, "author": "Ann Lee"},
    "odd": {"source": "50%_odd.txt", "year": "2020", "author": None},
}


def matching(metadata_filter) -> set[str]:
    condition = to_sql(metadata_filter) or sql.SQL("true")
    rows = sql.SQL(", ").join(
        sql.SQL("({}, {}::jsonb)").format(name, json.dumps(row)) for name, row in ROWS.items()
    )
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT name FROM (VALUES {}) AS t(name, metadata) WHERE {}").format(
                rows, condition
            )
        )
        return {row[0] for row in cursor.fetchall()}


@pytest.mark.parametrize(
    ("metadata_filter", "expected"),
    [
        (None, {"book", "note", "odd"}),
        ({}, {"book", "note", "odd"}),
        ({"source": "book.pdf"}, {"book"}),
        ({"source": {"$eq": "book.pdf"}}, {"book"}),
        ({"year": 2020}, {"book"}),
        ({"year": 2020.0}, {"book"}),
        ({"year": "2020"}, {"odd"}),
        ({"draft": False}, {"book"}),
        ({"draft": 0}, set()),
        ({"year": {"$ne": 2020}}, {"note", "odd"}),
        ({"missing": {"$ne": 1}}, {"book", "note", "odd"}),
        ({"year": {"$in": [2020, 2023.5]}}, {"book", "note"}),
        ({"year": {"$nin": [2020]}}, {"note", "odd"}),
        ({"year": {"$gt": 2020}}, {"note"}),
        ({"year": {"$gte": 2020, "$lt": 2021}}, {"book"}),
        ({"year": {"$lte": 3000}}, {"book", "note"}),
        ({"author": {"$contains": "Lee"}}, {"note"}),
        ({"author": {"$not_contains": "Lee"}}, {"book", "odd"}),
        ({"source": {"$contains": "%_"}}, {"odd"}),
        ({"tags": {"$contains": "a"}}, set()),
        ({"it's": "quoted"}, {"book"}),
        ({"$or": [{"year": 2020}, {"author": "Ann Lee"}]}, {"book", "note"}),
        ({"$and": [{"year": {"$gt": 1}}, {"$or": [{"source": "note.md"}, {"x": 1}]}]}, {"note"}),
        ({"source": "book.pdf", "year": 1}, set()),
    ],
)
def test_conditions_match(db, metadata_filter, expected):
    assert matching(metadata_filter) == expected


@pytest.mark.parametrize("text", ["' OR true --", "%s", "{}", "\\", 'a"b', "naïve 文"])
def test_names_and_values_are_data(db, text):
    assert matching({text: text}) == set()
    assert matching({"source": {"$contains": text}}) == set()


DEEP: dict[str, object] = {"a": 1}
for _ in range(10):
    DEEP = {"$or": [DEEP]}


@pytest.mark.parametrize(
    "metadata_filter",
    [
        [],
        "source",
        {"": 1},
        {1: 1},
        {"a\0": 1},
        {"$not": [{"a": 1}]},
        {"$and": []},
        {"$or": {"a": 1}},
        {"$and": [1]},
        {"a": {}},
        {"a": {"$like": "x"}},
        {"a": {"b": 1}},
        {"a": None},
        {"a": [1]},
        {"a": {"$eq": {"b": 1}}},
        {"a": {"$in": 1}},
        {"a": {"$in": []}},
        {"a": {"$in": [None]}},
        {"a": {"$gt": "1"}},
        {"a": {"$gt": True}},
        {"a": {"$lt": float("nan")}},
        {"a": float("inf")},
        {"a": {"$contains": 1}},
        {"a": {"$contains": ""}},
        {"a": "x\0"},
        DEEP,
        {str(number): 1 for number in range(101)},
    ],
)
def test_what_cannot_be_understood_is_refused(metadata_filter):
    with pytest.raises(InvalidInput) as refused:
        validate_metadata_filter(metadata_filter)
    assert refused.value.field == "metadata_filter"


@pytest.mark.parametrize(
    "operand", [10**400, {"$gt": 10**400}, {"$in": [1, 10**400]}, float("inf")]
)
def test_a_number_beyond_all_floats_is_refused(operand):
    with pytest.raises(InvalidInput):
        validate_metadata_filter({"year": operand})
