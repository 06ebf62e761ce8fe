"""What is of prompts alone: their kernels, templates, and tools."""

from typing import Any

import pytest

from blueprints import services
from blueprints.settings import AnswerSettings
from tests.v5.conftest import Programme, problems, refusal

pytestmark = pytest.mark.django_db

SYSTEM = {"role": "system", "content": "You are {{ who }}, {{who}}."}
PICTURE = {"type": "image_url", "image_url": {"url": "https://x.example/a.png", "detail": "low"}}
USER = {"role": "user", "content": [{"type": "text", "text": "In {{where.city}}?"}, PICTURE]}
TOOL = {"name": "add", "description": "Adds.", "parameters": {"properties": {"a": {}, "b": {}}}}


def test_defaults_are_filled_in(api: Programme):
    made = api.made("prompts", path="bot", model="gpt-x")

    assert {name: made[name] for name in ("endpoint", "template_language", "provider")} == {
        "endpoint": "chat",
        "template_language": "default",
        "provider": "openai",
    }
    assert (made["max_tokens"], made["temperature"], made["top_p"]) == (-1, 1, 1)
    assert (made["presence_penalty"], made["frequency_penalty"], made["other"]) == (0, 0, {})
    for name in ("template", "stop", "seed", "response_format", "tools", "attributes"):
        assert made[name] is None
    assert made["inputs"] == []


def test_a_kernel_comes_back_and_finds_its_version_again(api: Programme):
    kernel: dict[str, Any] = {
        "model": "gpt-x",
        "endpoint": "chat",
        "template": [SYSTEM, USER],
        "template_language": "default",
        "provider": "some new one",
        "max_tokens": 300,
        "temperature": 0.25,
        "top_p": 0.5,
        "stop": ["END", "STOP"],
        "presence_penalty": -2.0,
        "frequency_penalty": 2.0,
        "other": {"logit_bias": {"50256": -100}},
        "seed": 7,
        "response_format": {"type": "json_schema", "json_schema": {"name": "x"}},
        "reasoning_effort": "low",
        "tools": [TOOL | {"strict": True}],
        "attributes": {"team": "a"},
    }
    made = api.made("prompts", path="bot", **kernel)

    assert {name: made[name] for name in kernel} == kernel
    assert made["inputs"] == [{"name": "who"}, {"name": "where.city"}]
    assert api.made("prompts", **made)["version_id"] == made["version_id"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"temperature": 1}, {"temperature": 1.0}),
        ({}, {"temperature": 1, "top_p": 1.0, "provider": "openai", "endpoint": "chat"}),
        ({}, {"tools": [], "linked_tools": [], "attributes": {}, "stop": None}),
        ({"other": {"a": 1, "b": 2}}, {"other": {"b": 2.0, "a": 1}}),
        ({"tools": [TOOL]}, {"tools": [TOOL | {"strict": False}]}),
        (
            {"template": [{"role": "user", "content": "x", "name": None}]},
            {"template": [{"role": "user", "content": "x"}]},
        ),
        ({}, {"version_description": "x", "description": "y", "tags": ["z"], "colour": "red"}),
    ],
)
def test_these_are_the_same_version(api: Programme, one, other):
    first = api.made("prompts", path="bot", model="m", **one)

    assert api.made("prompts", path="bot", model="m", **other)["version_id"] == first["version_id"]


@pytest.mark.parametrize(
    "other",
    [
        {"model": "n"},
        {"temperature": 0},
        {"provider": "groq"},
        {"template": "x"},
        {"seed": 0},
        {"stop": "x"},
        {"endpoint": "complete"},
        {"attributes": {"a": None}},
        {"max_tokens": 1},
    ],
)
def test_these_are_others(api: Programme, other):
    first = api.made("prompts", path="bot", model="m")

    made = api.made("prompts", **({"path": "bot", "model": "m"} | other))
    assert made["version_id"] != first["version_id"]


@pytest.mark.parametrize(
    ("given", "loc", "code"),
    [
        ({"model": None}, ["model"], "missing"),
        ({"model": ""}, ["model"], "string_too_short"),
        ({"endpoint": "talk"}, ["endpoint"], "enum"),
        ({"template": 5}, ["template"], "list_type"),
        ({"template": [{"content": "x"}]}, ["template", 0, "role"], "missing"),
        ({"template": [{"role": "king"}]}, ["template", 0, "role"], "enum"),
        ({"template": [{"role": "user", "content": 5}]}, ["template", 0, "content"], "string_type"),
        (
            {"template": [USER, {"role": "user", "content": [PICTURE, {"type": "text"}]}]},
            ["template", 1, "content", 1, "text"],
            "missing",
        ),
        ({"max_tokens": "x"}, ["max_tokens"], "int_type"),
        ({"max_tokens": -2}, ["max_tokens"], "greater_than_equal"),
        ({"max_tokens": 0}, ["max_tokens"], "value_error"),
        ({"temperature": "hot"}, ["temperature"], "float_type"),
        ({"temperature": 3}, ["temperature"], "value_error"),
        ({"presence_penalty": 2.5}, ["presence_penalty"], "less_than_equal"),
        ({"stop": [1]}, ["stop"], "string_type"),
        ({"other": []}, ["other"], "dict_type"),
        ({"seed": 1.5}, ["seed"], "int_from_float"),
        ({"response_format": {"type": "xml"}}, ["response_format", "type"], "enum"),
        ({"reasoning_effort": "some"}, ["reasoning_effort"], "enum"),
        ({"tools": [{"name": "x"}]}, ["tools", 0, "description"], "missing"),
        ({"linked_tools": ["tl_" + "0" * 24]}, ["linked_tools"], "value_error"),
        ({"tags": "x"}, ["tags"], "list_type"),
        ({"version_name": "x" * 201}, ["version_name"], "string_too_long"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(api: Programme, given, loc, code):
    answer = api.post("prompts", {"path": "bot", "model": "m"} | given)

    assert problems(answer) == [(["body", *loc], code)]
    assert api.get("prompts").json()["total"] == 0


def test_linked_tools_are_told_of(api: Programme):
    tool = api.made("tools", path="add", function=TOOL)
    made = api.made("prompts", path="bot", model="m", linked_tools=[tool["id"]])

    [linked] = made["linked_tools"]
    assert linked == TOOL | {
        "strict": False,
        "id": tool["id"],
        "version_id": tool["version_id"],
    }
    assert api.made("prompts", **made)["version_id"] == made["version_id"]


def test_tools_say_what_they_take(api: Programme):
    made = api.made("tools", path="add", function=TOOL, setup_values={"key": 1})
    code = api.made("tools", path="add", source_code="def add(): ...")
    told = api.made("tools", path="find", attributes={"a": 1}, tool_type="snippet")

    assert made["inputs"] == [{"name": "a"}, {"name": "b"}]
    assert (made["function"], made["setup_values"]) == (TOOL | {"strict": False}, {"key": 1})
    kinds = [made["tool_type"], code["tool_type"], told["tool_type"]]
    assert kinds == ["json_schema", "python", "snippet"]


def test_populating_fills_the_template_and_calls_nothing(api: Programme):
    made = api.made("prompts", path="bot", model="m", template=[SYSTEM, USER])
    inputs = {"who": "{{where.city}}", "where": {"city": ["Ulm", 1]}, "more": 1}

    answer = api.post(f"prompts/{made['id']}/populate", inputs).json()

    assert answer["populated_template"] == [
        {"role": "system", "content": "You are {{where.city}}, {{where.city}}."},
        {"role": "user", "content": [{"type": "text", "text": 'In ["Ulm", 1]?'}, PICTURE]},
    ]
    assert answer["template"] == made["template"]
    assert answer["version_id"] == made["version_id"]


def test_populating_needs_all_inputs(api: Programme):
    made = api.made("prompts", path="bot", model="m", template="{{b}} {{a}} {{c}}")

    for body in (None, {"c": 1, "a": None}):
        answer = api.post(f"prompts/{made['id']}/populate", body)
        assert refusal(answer) == (422, "unprocessable_entity_error")
    message = "Prompt requires inputs for the following variables: ['a', 'b']"
    assert answer.json()["detail"]["message"] == message
    wrong = api.post(f"prompts/{made['id']}/populate", b"[1]")
    assert problems(wrong) == [(["body"], "dict_type")]


def test_a_blueprint_of_the_pages_is_a_prompt(api: Programme, alice, use_case):
    blueprint = services.create_blueprint(
        user=alice, use_case=use_case, name="Baseline", path="refunds/b", settings=AnswerSettings()
    )

    [found] = api.get("prompts").json()["records"]

    assert found["id"] == f"pr_{blueprint.pk}"
    assert found["version_id"] == f"prv_{blueprint.current.pk}"
    assert (found["model"], found["name"]) == ("extractive", "b")
    assert api.made("prompts", **found)["version_id"] == found["version_id"]


def test_a_prompt_is_written_as_a_file_and_read_again(api: Programme):
    tool = api.made("tools", path="add", function=TOOL)
    given = {"template": [SYSTEM, USER], "linked_tools": [tool["id"]], "stop": "END"}
    made = api.made("prompts", path="bot", model="m", **given)

    written = api.get(f"prompts/{made['id']}/serialize", environment="production")
    text = written.content.decode()
    kernel = api.made("prompts/deserialize", prompt=text)

    assert written["Content-Type"] == "text/plain; charset=utf-8"
    assert (kernel["linked_tools"], kernel["template"]) == ([tool["id"]], [SYSTEM, USER])
    assert api.made("prompts", path="bot", **kernel)["version_id"] == made["version_id"]
    raw = {"include_raw_file_content": "true"}
    [listed] = api.get("files", type="prompt", **raw).json()["records"]
    found = api.post("files/retrieve-by-path", {"path": "bot"}, **raw).json()
    assert listed["raw_file_content"] == found["raw_file_content"] == text


def test_details_may_be_the_text_of_a_file(api: Programme):
    made = api.made("prompts", path="bot", model="m", template=[SYSTEM])
    text = api.get(f"prompts/{made['id']}/serialize").content.decode()

    logged = api.made("prompts/log", path="bot", prompt=text, output="x")

    assert logged["version_id"] == made["version_id"]
    wrong = api.post("prompts/log", {"path": "bot", "prompt": "hello"})
    assert problems(wrong) == [(["body", "prompt"], "value_error")]
    wrong = api.post("prompts/deserialize", {"prompt": "---\nmodel: 5\n---\n"})
    assert problems(wrong) == [(["body", "prompt", "model"], "string_type")]


def test_a_template_in_jinja_is_filled_by_its_own_rules(api: Programme):
    template = [
        {
            "role": "system",
            "content": "{% for one in rules %}{{ loop.index }}. {{ one }}\n{% endfor %}",
        },
        {"role": "user", "content": "{{ question | upper }}"},
    ]
    made = api.made("prompts", path="bot", model="m", template=template, template_language="jinja")

    populated = api.post(
        f"prompts/{made['id']}/populate", {"rules": ["a", "b"], "question": "why?"}
    )

    assert made["inputs"] == [{"name": "rules"}, {"name": "question"}]
    said = [message["content"] for message in populated.json()["populated_template"]]
    assert said == ["1. a\n2. b\n", "WHY?"]


def test_a_template_in_jinja_that_does_not_hold_is_refused(api: Programme):
    made = api.made("prompts", path="bot", model="m", template="{{ a", template_language="jinja")

    assert made["inputs"] == []
    refused = api.post(f"prompts/{made['id']}/populate", {"a": 1})
    assert refusal(refused) == (422, "unprocessable_entity_error")
    assert "unexpected end of template" in refused.json()["detail"]["message"]
