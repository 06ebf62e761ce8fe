"""The prompt editor: what is saved says what the form says, and what it does not show is kept."""

import json
from typing import Any

import pytest
from django.http import QueryDict
from django.urls import reverse

from accounts.models import UseCase, User
from blueprints.files import get_or_make
from blueprints.models import LLM, BlueprintVersion
from blueprints.settings import AnswerSettings
from playground.prompt_pages.forms import AS_NAMED, EditorForm
from tests.llm_server import LLMServer

WEATHER = {"name": "weather", "description": "Tells it.", "parameters": {}}
PARTS = [
    {"type": "text", "text": "See {{what}}"},
    {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
]
CALL = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
EVERYTHING: dict[str, Any] = {
    "model": "test-model",
    "provider": "openai",
    "template": [
        {"role": "system", "content": "Be brief.\nBe kind."},
        {"role": "user", "content": PARTS},
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "content": "Rain.", "tool_call_id": "1"},
        {"role": "user", "content": "Hello {{name}}"},
    ],
    "temperature": 0.3,
    "top_p": 0.9,
    "max_tokens": 99,
    "stop": ["END", "a\\b", "\n\n"],
    "presence_penalty": 0.5,
    "seed": 7,
    "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {}}},
    "tools": [WEATHER],
    "other": {"top_k": 3},
    "attributes": {"team": "shop"},
}


@pytest.fixture
def made(alice: User, use_case: UseCase, llm: LLM):
    """A version that a program made of these details, over `EVERYTHING`."""

    def make(**details: Any) -> BlueprintVersion:
        kernel = {k: v for k, v in (EVERYTHING | details).items() if v is not None}
        version = get_or_make(
            user=alice,
            use_case=use_case,
            kind="prompt",
            path="shop/bot",
            file_id=None,
            details=kernel,
        )
        assert isinstance(version, BlueprintVersion)
        return version

    return make


def sent(form: EditorForm, **changes: Any) -> dict[str, Any]:
    """What a browser sends of the form as it is, with these changes."""
    data: dict[str, Any] = {}
    for field in form:
        value = field.value()
        if value is True:
            data[field.name] = "on"
        elif value is not None and value is not False:
            data[field.name] = str(value)
    data["role"] = [row.role for row in form.rows]
    data["content"] = [row.content.replace("\n", "\r\n") for row in form.rows]
    data["kept"] = [row.kept for row in form.rows]
    data["parts"] = ["1" if row.is_parts else "" for row in form.rows]
    return data | changes


@pytest.fixture
def editor(client, alice):
    """Saves, or runs, a version's settings with changes, as the page would send them."""
    client.force_login(alice)

    def send(version: BlueprintVersion, act: str = "save", **changes: Any) -> Any:
        arguments = [version.blueprint_id, version.pk]
        page = client.get(reverse("playground:blueprint-editor", args=arguments))
        assert page.status_code == 200
        data = sent(page.context["form"], **changes)
        return client.post(reverse(f"playground:blueprint-{act}", args=arguments), data)

    return send


def newest(version: BlueprintVersion) -> BlueprintVersion:
    return version.blueprint.versions.order_by("-number")[0]


def said(response: Any) -> str:
    """Of a form that was refused."""
    assert response.status_code == 422, response
    return str(response.content.decode())


def test_what_is_saved_unchanged_is_the_version_itself(editor, made):
    version = made()

    response = editor(version)

    assert response.status_code == 302
    assert version.blueprint.versions.count() == 1
    assert response.headers["Location"].endswith(f"/versions/{version.pk}/")


@pytest.mark.parametrize(
    "details",
    [
        {"template": None},
        {"template": "Tell me of {{topic}}"},
        {"template": "Sum up: {{text}}", "endpoint": "complete"},
        {"template": [{"role": "developer", "content": "Be brief."}]},
        {"stop": "END"},
        {"model": "unknown-model", "provider": "anthropic"},
        {"model": "any", "provider": "mock"},
        {"tools": None, "response_format": {"type": "json_object"}},
        {"template_language": "jinja"},
    ],
)
def test_so_it_is_whatever_programs_write(editor, made, details):
    version = made(**details)

    assert editor(version).status_code == 302
    assert version.blueprint.versions.count() == 1


def test_a_changed_message_makes_a_version_that_keeps_all_else(editor, made, alice):
    version = made()
    content = ["Be exact.", *[row.content for row in _form(version).rows[1:]]]

    editor(version, content=content, description="Calmer")

    saved = newest(version)
    assert (saved.number, saved.description, saved.created_by) == (2, "Calmer", alice)
    assert saved.llm_parameters.system_prompt == "Be exact."
    assert saved.prompt == version.prompt
    version.blueprint.refresh_from_db()
    assert version.blueprint.version_id == version.pk
    assert not saved.deployments.exists()


def _form(version: BlueprintVersion) -> EditorForm:
    return EditorForm(
        use_case=version.blueprint.use_case, settings=AnswerSettings.of_version(version)
    )


def test_messages_may_be_moved_added_and_left_empty(editor, made):
    version = made(template=[{"role": "user", "content": "One"}])

    editor(
        version,
        role=["system", "user", "assistant", "user"],
        content=["", "Two", " ", "One"],
        kept=[""] * 4,
        parts=[""] * 4,
    )

    saved = newest(version)
    assert saved.llm_parameters.system_prompt is None
    assert saved.prompt.template == [
        {"role": "user", "content": "Two"},
        {"role": "user", "content": "One"},
    ]


def test_settings_are_taken_from_the_form(editor, made):
    version = made()

    editor(version, temperature="1.5", top_p="", stop="STOP\r\na\\nb", response_format="", tools="")

    saved = newest(version)
    assert (saved.llm_parameters.temperature, saved.llm_parameters.top_p) == (1.5, None)
    assert saved.prompt.stop == ["STOP", "a\nb"]
    assert saved.prompt.response_format is None
    assert saved.prompt.tools is None
    assert saved.prompt.seed == 7


def test_tools_are_taken_as_openai_writes_them_too(editor, made):
    version = made()
    tools = [{"type": "function", "function": WEATHER | {"name": "clock"}}]

    editor(version, tools=json.dumps(tools))

    assert newest(version).prompt.tools == [WEATHER | {"name": "clock", "strict": False}]


def test_another_llm_is_named_as_programs_name_it(editor, made, llm):
    version = made(model="unknown-model", provider="anthropic")
    assert _form(version)["llm_id"].value() == AS_NAMED

    editor(version, llm_id=llm.pk)

    saved = newest(version)
    assert saved.llm == llm
    assert (saved.prompt.model, saved.prompt.provider) == ("test-model", "openai")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"tools": "["}, "This is no JSON"),
        ({"tools": "{}"}, "Tools are a list"),
        ({"tools": '[{"name": "x"}]'}, "Tool 1.description"),
        ({"tools": json.dumps([WEATHER, WEATHER])}, "Two tools have the same name"),
        ({"tools": "[1e999]"}, "cannot be kept"),
        ({"tools": "[NaN]"}, "NaN is not JSON"),
        ({"tools": '["\\u0000"]'}, "cannot be kept"),
        ({"tools": "[" * 50_000}, "nested too deep"),
        ({"response_schema": "[]"}, "Write the schema"),
        ({"response_schema": ""}, "Write the schema"),
        ({"temperature": "3"}, "less than or equal to 2"),
        ({"llm_id": "nobody"}, "Select a valid choice"),
        ({"vector_database_id": "f" * 24}, "Select a valid choice"),
        ({"role": ["user"]}, "did not arrive whole"),
        ({"name": "x" * 201}, "at most 200 characters"),
    ],
)
def test_what_does_not_hold_is_said_and_nothing_is_lost(editor, made, changes, problem):
    version = made()

    page = said(editor(version, **changes))

    assert problem in page
    if "role" not in changes:
        assert "Be brief." in page
        assert "Hello {{name}}" in page
    assert version.blueprint.versions.count() == 1


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"role": "pirate", "content": "x"}, "A message is of user, assistant"),
        ({"role": "user", "content": "x\x00y"}, "a character that is none"),
        ({"role": "user", "content": "[", "parts": "1"}, "This is no JSON"),
        ({"role": "user", "content": '[{"type": "sound"}]', "parts": "1"}, "type"),
        ({"role": "user", "content": "x", "kept": '{"tool_calls": 1}'}, "tool_calls"),
        ({"role": "user", "content": "x", "kept": "no JSON"}, "This is no JSON"),
        ({"role": "user", "content": "x", "kept": "[1]"}, "did not arrive whole"),
    ],
)
def test_what_is_wrong_with_a_message_is_said_at_it(editor, made, row, problem):
    version = made(template=None)
    columns = {name: [row.get(name, "")] for name in ("role", "content", "kept", "parts")}

    page = said(editor(version, **columns))

    assert problem in page
    assert "aria-invalid" in page
    assert version.blueprint.versions.count() == 1


def test_a_completion_has_one_text(editor, made):
    version = made(template="Sum up: {{text}}", endpoint="complete")
    columns = {"role": ["user", "user"], "content": ["One", "Two"]}

    page = said(editor(version, **columns, kept=["", ""], parts=["", ""]))

    assert "A completion has one text" in page


def test_a_version_is_named_as_it_is_saved_and_no_two_alike(editor, made):
    version = made()
    editor(version, temperature="1.5", name="wild")

    page = said(editor(version, temperature="1.6", name="wild"))

    assert newest(version).name == "wild"
    assert "Another version is called" in page
    assert version.blueprint.versions.count() == 2


def test_inputs_stand_below_for_each_variable(client, alice, made):
    version = made()
    client.force_login(alice)

    page = client.get(
        reverse("playground:blueprint-editor", args=[version.blueprint_id, version.pk])
    ).content.decode()

    assert 'name="input:what"' in page
    assert 'name="input:name"' in page


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"samples": "0"}, "Samples"),
        ({"samples": "9"}, "Samples"),
        ({"samples": "1", "temperature": "9"}, "#id_temperature"),
        ({"samples": "1", "tools": "["}, "#id_tools"),
        ({"samples": "1"}, "Fill in the inputs: what, name."),
        ({"samples": "1", "input:what": "x", "input:name": " "}, "Fill in the inputs: name."),
    ],
)
def test_a_run_that_cannot_be_is_refused_with_all_that_is_wrong(
    editor, made, llm_server: LLMServer, changes, problem
):
    page = said(editor(made(), "run", **changes))

    assert problem in page
    assert "<html" not in page
    assert llm_server.prompts == []


def test_a_runs_problems_name_the_messages_too(editor, made):
    columns = {"role": ["user", "pirate"], "content": ["x", "y"], "kept": ["", ""]}

    page = said(editor(made(template=None), "run", samples="1", parts=["", ""], **columns))

    assert 'href="#message-2"' in page


def test_a_run_that_can_be_is_answered_in_lines(editor, made):
    response = editor(made(), "run", samples="2", **{"input:what": "the sea", "input:name": "Ada"})

    assert response.status_code == 200
    assert response.streaming
    assert response.headers["Content-Type"] == "application/x-ndjson"
    assert response.headers["Cache-Control"] == "no-store"


def test_rows_without_any_data_are_a_system_prompt_to_be_written(made):
    form = _form(made(template=None))

    assert [(row.role, row.content) for row in form.rows] == [("system", "")]
    unbound = EditorForm(
        QueryDict(), use_case=made(template=None).blueprint.use_case, settings=form.settings
    )
    assert unbound.rows == []
