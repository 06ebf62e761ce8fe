"""Templates, and the inputs that fill them."""

from typing import Any

import pytest

from blueprints.templates import fill, variables
from config.errors import InvalidInput


@pytest.mark.parametrize(
    ("template", "names"),
    [
        (None, []),
        ("", []),
        ("{{b}} {{ a }} {{b}}", ["b", "a"]),
        ("{{a.b[0].c_1}} {{  a\t}}", ["a.b[0].c_1", "a"]),
        ("{a} {{a b}} {{}} {{a-b}} {{{a}}}", ["a"]),
        ([{"role": "user"}, {"role": "user", "content": "{{x}}"}], ["x"]),
        (
            [
                {
                    "role": "user",
                    "name": "{{n}}",
                    "content": [
                        {"type": "image_url", "image_url": {"url": "{{u}}"}},
                        {"type": "text", "text": "{{t}}"},
                    ],
                }
            ],
            ["t"],
        ),
    ],
)
def test_variables_are_told_in_the_order_of_their_first_use(template, names):
    assert variables(template) == names


@pytest.mark.parametrize(
    ("template", "inputs", "filled"),
    [
        (None, {}, None),
        ("{{a}}{{ a }}", {"a": 1, "b": 2}, "11"),
        ("{{a}}", {"a": "{{b}}", "b": "x"}, "{{b}}"),
        ("{{a}}", {"a": r"\1 \g<0>"}, r"\1 \g<0>"),
        ("{{a}} {{b}}", {"a": True, "b": 0.5}, "True 0.5"),
        ("{{a}} {{b}}", {"a": {"é": [1]}, "b": []}, '{"é": [1]} []'),
        ("{{a.b}}", {"a.b": "literal", "a": {"b": "path"}}, "literal"),
        ("{{a.b}} {{c[1].d}}", {"a": {"b": "x"}, "c": [0, {"d": "y"}]}, "x y"),
        ("{{a}}", {"a": ""}, ""),
    ],
)
def test_inputs_come_in_the_places_of_their_variables(template, inputs: Any, filled):
    assert fill(template, inputs, "default") == filled


@pytest.mark.parametrize(
    ("inputs", "missing"),
    [
        ({}, "['a', 'b.c']"),
        ({"a": None, "b": {"c": None}}, "['a', 'b.c']"),
        ({"a": 1, "b": [1]}, "['b.c']"),
        ({"a": 1, "b": "c"}, "['b.c']"),
    ],
)
def test_all_that_is_missing_is_told_at_once(inputs, missing):
    with pytest.raises(InvalidInput) as refused:
        fill("{{b.c}} {{a}}", inputs, "default")
    message = f"Prompt requires inputs for the following variables: {missing}"
    assert refused.value.message == message
