"""How bodies are read, whatever they are of: names, types, places of errors."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer

from config.api.case import CamelSerializer, camel
from config.api.errors import problems_of
from config.api.fields import (
    Bool,
    Choice,
    Float,
    Int,
    JsonObject,
    NotBuilt,
    QueryBool,
    QueryInt,
    Sort,
    Str,
    StrList,
)
from config.api.wire import FastJSONRenderer


class Part(CamelSerializer):
    part_name = Str(allow_blank=False, max_length=5)
    size = Int(required=False, allow_null=True, min_value=1, max_value=3)


MANY: Any = {
    "many": True,
    "required": False,
    "allow_null": True,
    "allow_empty": False,
    "max_length": 2,
}


class Whole(CamelSerializer):
    some_text = Str(max_length=3)
    some_number = Float(required=False, min_value=-1, max_value=1)
    is_it = Bool(required=False)
    one_of = Choice([("a", "A"), ("b", "B")], required=False)
    words = StrList(required=False, allow_empty=False, max_length=2)
    anything = JsonObject(required=False, allow_null=True)
    not_yet = NotBuilt()
    part = Part(required=False, allow_null=True)
    parts = Part(**MANY)


def problems(body: Any) -> list[tuple[list[str | int], str]]:
    reader = Whole(data={"someText": "a", **body})
    try:
        reader.is_valid(raise_exception=True)
    except ValidationError as error:
        found = problems_of(error, where="body")
        assert all(one["msg"] for one in found)
        return [(one["loc"][1:], one["type"]) for one in found]
    return []


PART = {"partName": "lamp"}


@pytest.mark.parametrize(
    ("body", "loc", "kind"),
    [
        ({"someText": "abcd"}, ["someText"], "string_too_long"),
        ({"someText": None}, ["someText"], "string_type"),
        ({"someNumber": -1.01}, ["someNumber"], "greater_than_equal"),
        ({"someNumber": 1.01}, ["someNumber"], "less_than_equal"),
        ({"someNumber": "1"}, ["someNumber"], "float_type"),
        ({"isIt": "true"}, ["isIt"], "bool_type"),
        ({"oneOf": "c"}, ["oneOf"], "enum"),
        ({"oneOf": ["a"]}, ["oneOf"], "enum"),
        ({"words": "ab"}, ["words"], "list_type"),
        ({"words": []}, ["words"], "too_short"),
        ({"words": ["a", "b", "c"]}, ["words"], "too_long"),
        ({"words": ["a", 1]}, ["words", 1], "string_type"),
        ({"words": [None]}, ["words", 0], "string_type"),
        ({"anything": []}, ["anything"], "dict_type"),
        ({"notYet": {"a": 1}}, ["notYet"], "value_error"),
        ({"part": []}, ["part"], "model_attributes_type"),
        ({"part": {}}, ["part", "partName"], "missing"),
        ({"part": {"partName": ""}}, ["part", "partName"], "string_too_short"),
        ({"part": {"partName": "lanterns"}}, ["part", "partName"], "string_too_long"),
        ({"part": PART | {"size": 0}}, ["part", "size"], "greater_than_equal"),
        ({"part": PART | {"size": 4}}, ["part", "size"], "less_than_equal"),
        ({"part": PART | {"size": 1.5}}, ["part", "size"], "int_from_float"),
        ({"parts": {}}, ["parts"], "list_type"),
        ({"parts": []}, ["parts"], "too_short"),
        ({"parts": [PART, PART, PART]}, ["parts"], "too_long"),
        ({"parts": [None]}, ["parts", 0], "model_attributes_type"),
        ({"parts": [PART, "a"]}, ["parts", 1], "model_attributes_type"),
        ({"parts": [PART, PART | {"size": 9}]}, ["parts", 1, "size"], "less_than_equal"),
    ],
)
def test_an_error_has_its_place_and_kind(body: Any, loc: list[str | int], kind: str):
    assert problems(body) == [(loc, kind)]


@pytest.mark.parametrize(
    "body",
    [
        {"someText": ""},
        {"someText": " a "},
        {"someNumber": -1},
        {"someNumber": 1.0},
        {"isIt": False},
        {"oneOf": "b"},
        {"words": ["a"]},
        {"anything": None},
        {"anything": {"camelCase": {"snake_case": None}}},
        {"notYet": None},
        {"notYet": False},
        {"part": None},
        {"part": PART | {"size": 1}},
        {"part": PART | {"size": 3.0}},
        {"part": PART | {"size": None, "unknown": 1}},
        {"parts": None},
        {"parts": [PART, PART]},
    ],
)
def test_what_is_within_bounds_is_taken(body: Any):
    assert problems(body) == []


def test_everything_is_told_at_once():
    body = {
        "someText": 1,
        "words": [1, "a"],
        "parts": [{"size": 0}, {"partName": 1}],
    }

    assert problems(body) == [
        (["someText"], "string_type"),
        (["words", 0], "string_type"),
        (["parts", 0, "partName"], "missing"),
        (["parts", 0, "size"], "greater_than_equal"),
        (["parts", 1, "partName"], "string_type"),
    ]


def test_names_are_snake_case_inside():
    reader = Whole(data={"someText": "a", "parts": [PART], "anything": {"aB": {"c_d": 1}}})
    reader.is_valid(raise_exception=True)

    assert reader.validated_data == {
        "some_text": "a",
        "parts": [{"part_name": "lamp"}],
        "anything": {"aB": {"c_d": 1}},
    }


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("vector_database_id", "vectorDatabaseId"),
        ("saved_llm_blueprints_count", "savedLLMBlueprintsCount"),
        ("llm_blueprints_count", "llmBlueprintsCount"),
        ("custom_model_llm_validation_id", "customModelLLMValidationId"),
        ("openai_embedding_validations", "openaiEmbeddingValidations"),
        ("provider_llm_guards", "providerLLMGuards"),
    ],
)
def test_names_are_spelled_as_the_reference_has_them(name: str, wire: str):
    assert camel(name) == wire


@pytest.mark.parametrize(
    ("word", "value"),
    [("True", True), ("false", False), ("TRUE", True), ("1", True), ("0", False), ("False", False)],
)
def test_booleans_of_queries_are_words(word: str, value: bool):
    assert QueryBool().run_validation(word) is value


@pytest.mark.parametrize("word", ["", "yes", "2", "None", " true"])
def test_other_words_are_no_booleans(word: str):
    with pytest.raises(ValidationError) as refusal:
        QueryBool().run_validation(word)
    assert refusal.value.get_codes() == ["bool_parsing"]


@pytest.mark.parametrize(("text", "code"), [("-1", "greater_than_equal"), ("a", "int_parsing")])
def test_numbers_of_queries_are_digits(text: str, code: str):
    class Query(CamelSerializer):
        offset = QueryInt(min_value=0)

    reader = Query(data={"offset": text})
    with pytest.raises(ValidationError) as refusal:
        reader.is_valid(raise_exception=True)
    assert [one["type"] for one in problems_of(refusal.value, where="query")] == [code]


def test_a_sort_is_a_name_and_a_direction():
    field = Sort({"creation_date": "created_at"})

    assert field.run_validation("creationDate") == "created_at"
    assert field.run_validation("-creationDate") == "-created_at"
    for other in ("creation_date", "--creationDate", "+creationDate", "", "created_at"):
        with pytest.raises(ValidationError):
            field.run_validation(other)


class Listed(CamelSerializer):
    name = serializers.CharField()
    size_in_mb = serializers.IntegerField(default=3)
    grade = serializers.FloatField(allow_null=True)
    comment = serializers.CharField(allow_null=True, default="none")
    is_new = serializers.BooleanField(required=False)
    made = serializers.DateTimeField(source="created_at", required=False)
    maker = serializers.CharField(source="by.name", default=None)
    kinds = serializers.ListField(child=serializers.CharField(), default=list)


@pytest.mark.parametrize(
    "record",
    [
        {"name": "a"},
        {"name": 7, "size_in_mb": "5", "grade": 1, "comment": None, "is_new": 0, "kinds": [1]},
        {"name": "a", "grade": None, "by": {"name": "b"}, "made": None},
        {"name": "a", "created_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)},
        {"name": "a", "created_at": datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC)},
        {"name": "a", "created_at": datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=2)))},
    ],
)
@pytest.mark.parametrize("kind", [dict, SimpleNamespace])
def test_records_are_shown_as_rest_framework_shows_them(record: dict[str, Any], kind: Any):
    instance = kind(**record)

    shown = Listed().to_representation(instance)

    assert shown == serializers.Serializer.to_representation(Listed(), instance)
    assert list(shown) == [name for name in map(str, Listed().fields) if name in shown]


def test_what_must_be_there_is_missed():
    with pytest.raises(KeyError, match="name"):
        Listed().to_representation({})


@pytest.mark.parametrize(
    "value",
    [
        {"text": "ä\u2028😀", "null": None, "list": [1, 2.5, True, ()]},
        {"moment": datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC)},
        {"price": Decimal("1.50"), "later": gettext_lazy("Yes")},
        {"many digits": 2**70},
        {1: "a number for a name"},
    ],
)
def test_json_says_what_rest_framework_would_say(value: Any):
    rendered = FastJSONRenderer().render(value)

    assert json.loads(rendered) == json.loads(JSONRenderer().render(value))


def test_nothing_is_rendered_as_nothing():
    assert FastJSONRenderer().render(None) == b""
