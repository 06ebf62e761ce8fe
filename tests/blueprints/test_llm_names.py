"""Whose key a server may be given."""

import pytest

from blueprints.llm_names import key_name
from blueprints.models import LLM, EndpointSource, LLMEndpoint, Provider


@pytest.mark.parametrize(
    ("url", "source", "name"),
    [
        ("https://api.openai.com/v1", EndpointSource.STAFF, "openai"),
        ("https://api.groq.com/openai/v1", EndpointSource.STAFF, "groq"),
        ("https://evil.example/v1", EndpointSource.STAFF, ""),
        ("https://api.openai.com.evil.example/v1", EndpointSource.STAFF, ""),
        ("http://127.0.0.1:11434/v1", EndpointSource.DISCOVERED, ""),
        ("https://proxy.example/v1", EndpointSource.ENVIRONMENT, "openai"),
    ],
)
def test_a_key_is_for_the_company_that_gave_it(url, source, name):
    endpoint = LLMEndpoint(name="x", base_url=url, source=source)

    assert key_name(LLM(provider=Provider.OPENAI, endpoint=endpoint)) == name


def test_the_built_in_llm_is_given_none():
    assert key_name(LLM(provider=Provider.EXTRACTIVE)) == ""
