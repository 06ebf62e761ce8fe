"""Kernels of the prompt API, and the settings that they stand for."""

import pytest

from blueprints import services
from blueprints.kernel import canonical_hash, filled, kernel_of, kernel_of_settings, settings_of
from blueprints.llm_names import find_llm, provider_of
from blueprints.llm_settings import LLMSettings
from blueprints.models import LLM, LLMEndpoint, Provider
from blueprints.prompt_details import PromptDetails
from blueprints.settings import AnswerSettings
from config.errors import InvalidInput

pytestmark = pytest.mark.django_db

USER = {"role": "user", "content": "In {{city}}?"}
SYSTEM = {"role": "system", "content": "You are {{who}}."}


def settings(**given) -> AnswerSettings:
    return settings_of(filled({"model": "gpt-x"} | given))


def llm(pk: str, *, endpoint: str = "https://llm.example/v1", **fields) -> LLM:
    server, _ = LLMEndpoint.objects.get_or_create(name=endpoint, base_url=endpoint)
    named = {"label": pk, "model_name": pk, "provider": Provider.OPENAI} | fields
    return LLM.objects.create(pk=pk, endpoint=server, **named)


def test_what_is_left_out_has_its_default():
    assert filled({"model": "gpt-x", "path": "a", "seed": None, "tools": []}) == {
        "model": "gpt-x",
        "endpoint": "chat",
        "template": None,
        "template_language": "default",
        "provider": "openai",
        "max_tokens": -1,
        "temperature": 1,
        "top_p": 1,
        "presence_penalty": 0,
        "frequency_penalty": 0,
        "stop": None,
        "other": {},
        "seed": None,
        "response_format": None,
        "reasoning_effort": None,
        "tools": None,
        "linked_tools": None,
        "attributes": None,
    }


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"template": [SYSTEM, USER], "temperature": 0, "top_p": 0.5, "max_tokens": 300},
        {"template": [SYSTEM]},
        {"template": [USER, SYSTEM]},
        {"template": [SYSTEM | {"name": "guide"}, USER]},
        {"template": [{"role": "system", "content": [{"type": "text", "text": "Hi"}]}]},
        {"template": [{"role": "system", "content": ""}, USER]},
        {"template": "Once {{upon}}", "endpoint": "complete", "stop": ["\n"], "seed": 0},
        {"template": [USER], "template_language": "jinja", "provider": "anthropic"},
        {
            "presence_penalty": -2,
            "frequency_penalty": 0.5,
            "stop": "END",
            "other": {"a": [1]},
            "response_format": {"type": "json_object"},
            "reasoning_effort": "high",
            "tools": [{"name": "t", "description": "d", "strict": True, "parameters": {}}],
            "linked_tools": ["tl_" + "0" * 24],
            "attributes": {"team": "a"},
        },
        {"reasoning_effort": 2048},
    ],
)
def test_a_kernel_comes_back_as_it_was_filled(given):
    kernel = filled({"model": "gpt-x"} | given)

    assert kernel_of_settings(settings_of(kernel), None) == kernel


def test_the_first_system_message_is_the_system_prompt_of_the_pages():
    made = settings(template=[SYSTEM, USER], max_tokens=300)

    assert made.llm_settings.system_prompt == "You are {{who}}."
    assert made.llm_settings.max_completion_length == 300
    assert made.prompt.template == [USER]
    assert settings(max_tokens=-1).llm_settings.max_completion_length is None


def test_what_retrieves_is_as_in_the_base():
    base = AnswerSettings(vector_database_id="a" * 24, prompt_type="ONE_TIME_PROMPT")

    made = settings_of(filled({"model": "gpt-x"}), base)

    assert made.vector_database_id == "a" * 24
    assert made.prompt_type == "ONE_TIME_PROMPT"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"temperature": 2.5}, "temperature"),
        ({"top_p": -1}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"template": [SYSTEM | {"content": "x" * 500_001}]}, "template"),
    ],
)
def test_what_does_not_hold_is_told_by_its_name_in_the_kernel(given, field):
    with pytest.raises(InvalidInput) as refused:
        settings(**given)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ({"a": 1, "b": [2.0]}, {"b": [2], "a": 1.0}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"a": "1"}, False),
        ({"a": [1, 2]}, {"a": [2, 1]}, False),
        ({"a": 0.1}, {"a": 0.10}, True),
    ],
)
def test_equal_json_hashes_equally(left, right, same):
    assert (canonical_hash(left) == canonical_hash(right)) is same


def test_a_version_of_the_pages_has_a_kernel_too(alice, use_case):
    mine = llm("local/llama", model_name="llama")
    blueprint = services.create_blueprint(
        user=alice,
        use_case=use_case,
        name="Bot",
        settings=AnswerSettings(llm_id=mine.pk, llm_settings=LLMSettings(system_prompt="Be kind.")),
    )

    kernel = kernel_of(blueprint.current)

    template = [{"role": "system", "content": "Be kind."}]
    assert kernel == filled({"model": "llama", "template": template})


def test_a_text_after_a_system_prompt_is_the_users():
    prompt = PromptDetails(model="m", template="In {{city}}?")
    asked = AnswerSettings(llm_settings=LLMSettings(system_prompt="Be kind."), prompt=prompt)

    assert kernel_of_settings(asked, None)["template"] == [
        {"role": "system", "content": "Be kind."},
        USER,
    ]


def test_an_llm_is_found_by_its_id_then_by_what_its_server_calls_it():
    llm("a/gpt-x", model_name="gpt-x", is_active=False)
    second = llm("b/gpt-x", model_name="gpt-x")
    third = llm("c/gpt-x", endpoint="https://api.groq.com/openai/v1", model_name="gpt-x")

    assert find_llm("gpt-x", "openai") == second
    assert find_llm("gpt-x", "groq") == third
    assert find_llm("gpt-x", "mock") is None
    assert find_llm("gpt-y", "openai") is None
    exact = llm("gpt-x", model_name="other", is_active=False)
    assert find_llm("gpt-x", "openai") == exact
    assert settings().llm_id == "gpt-x"


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://mine.openai.azure.com/", "openai_azure"),
        ("https://generativelanguage.googleapis.com/v1beta/openai/", "google"),
        ("http://127.0.0.1:11434/v1", "openai"),
    ],
)
def test_a_provider_is_told_by_its_address(url, provider):
    assert provider_of(llm("x", endpoint=url)) == provider
