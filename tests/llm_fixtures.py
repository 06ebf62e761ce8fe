"""An LLM server for any test, and an LLM that is answered by it."""

import pytest

from blueprints.models import LLM, LLMEndpoint, Provider
from tests.llm_server import LLMServer


@pytest.fixture
def llm_server():
    """Empty-handed requests are answered well; see LLMServer for failing as told."""
    with LLMServer() as server:
        yield server


@pytest.fixture
def llm_endpoint(db, llm_server) -> LLMEndpoint:
    return LLMEndpoint.objects.create(name="Test server", base_url=llm_server.base_url)


@pytest.fixture
def llm(llm_endpoint) -> LLM:
    """Answers through `llm_server`, at a dollar per million tokens in and two out."""
    return LLM.objects.create(
        id="test-server/test-model",
        label="Test model",
        provider=Provider.OPENAI,
        endpoint=llm_endpoint,
        model_name="test-model",
        context_size=8192,
        input_price=1,
        output_price=2,
    )
