import os
import time
from typing import Any

import pytest

from blueprints import jinja
from blueprints.templates import fill, variables
from config.errors import InvalidInput

ENDLESS = "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}"


def test_texts_are_filled_and_the_rest_of_a_template_stays():
    template: Any = [
        {"role": "system", "content": "{% if strict %}Be brief.{% else %}Tell all.{% endif %}"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "{{ who.name }}:"},
                {"type": "image_url", "image_url": {"url": "{{ who }}"}},
                {"type": "text", "text": "{{ who.ages[1] }}\n"},
            ],
        },
        {"role": "assistant", "content": None},
    ]

    filled = fill(template, {"who": {"name": "Ada", "ages": [1, 36]}}, "jinja")

    assert filled == [
        {"role": "system", "content": "Tell all."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Ada:"},
                {"type": "image_url", "image_url": {"url": "{{ who }}"}},
                {"type": "text", "text": "36\n"},
            ],
        },
        {"role": "assistant", "content": None},
    ]


@pytest.mark.parametrize("template", [None, [], ""])
def test_where_there_is_nothing_to_fill_nothing_changes(template):
    assert fill(template, {"a": 1}, "jinja") == template


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{{ b.c }} {{ a|upper }} {{ b }}", ["b", "a"]),
        ("{% for one in many %}{{ one }}{{ loop.index }}{% endfor %}", ["many"]),
        ("{% set x = y %}{{ x }}", ["y"]),
        ("{% macro m(p) %}{{ p }}{% endmacro %}{{ m(q) }}", ["q"]),
        ("{{ range(3) }}{# {{ hidden }} #}{% raw %}{{ raw }}{% endraw %}", []),
        ("{{ a", []),
        ("(" * 3 + "{{" + "(" * 50_000 + "a" + ")" * 50_000 + "}}", []),
    ],
)
def test_variables_are_what_the_text_does_not_make_itself(text, names):
    assert variables(text, "jinja") == names


def test_what_is_in_an_input_is_not_looked_through():
    assert fill("{{ a }}", {"a": "{{ b }}", "b": "no"}, "jinja") == "{{ b }}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ a.b.c }}", "no attribute 'b'"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ a | nothing }}", "No filter named 'nothing'"),
        ("{% endfor %}", "endfor"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ cycler.__init__.__globals__ }}", "unsafe"),
        ("{% include 'secret' %}", "loader"),
        ("{% set _ = many.append(1) %}", "unsafe"),
        ("{{ 'x' * 3000000 }}", "longer than 2,000,000"),
        ("{{ 'x' * 9000000000 }}", "memory"),
        ("{{ 'x' | center(9000000000) }}", "memory"),
        (ENDLESS, "longer than 2 seconds"),
    ],
)
def test_a_template_that_does_not_hold_is_refused_with_the_reason(text, reason):
    with pytest.raises(InvalidInput, match="The template cannot be filled") as refused:
        fill(text, {"a": {}, "many": [1]}, "jinja")
    assert reason in refused.value.message


def test_an_endless_template_ends_with_its_process():
    before = time.process_time(), os.times().children_user

    with pytest.raises(InvalidInput):
        jinja.fill([ENDLESS], {})

    assert time.process_time() - before[0] < 1  # nothing of it runs here
    assert os.times().children_user > before[1]  # and its process was waited for
