import logging
from decimal import Decimal

import pytest

from blueprints import catalogue
from blueprints.catalogue import openai_chat_models, refresh_catalogue
from blueprints.costs import context_window, price
from blueprints.keys import key_of
from blueprints.models import LLM, EndpointSource, LLMEndpoint, Provider
from blueprints.providers.model_list import ListedModel
from tests.llm_server import Behaviour, LLMServer, failing

pytestmark = pytest.mark.django_db


def local(settings, *servers: LLMServer, kind: str = "vllm") -> None:
    settings.LOCAL_LLM_SERVERS = [f"{kind}={server.base_url}" for server in servers]


def test_without_servers_there_is_the_built_in_llm():
    refresh_catalogue()
    refresh_catalogue()
    (llm,) = LLM.objects.usable()
    assert (llm.pk, llm.provider, llm.endpoint) == ("extractive", Provider.EXTRACTIVE, None)


def test_the_environments_endpoint_is_listed_and_its_key_never_stored(settings, llm_server):
    llm_server.key = settings.OPENAI_API_KEY = "sk-of-the-environment"
    settings.OPENAI_BASE_URL = llm_server.base_url + "/"
    refresh_catalogue()
    refresh_catalogue()
    endpoint = LLMEndpoint.objects.get()
    assert endpoint.source == EndpointSource.ENVIRONMENT
    assert endpoint.encrypted_key == ""
    assert key_of(endpoint) == "sk-of-the-environment"
    assert LLM.objects.usable().filter(pk="test-model", endpoint=endpoint).exists()


def test_the_environments_key_goes_to_no_former_address(settings, llm_server):
    settings.OPENAI_API_KEY = "sk-of-the-environment"
    settings.OPENAI_BASE_URL = llm_server.base_url
    refresh_catalogue()
    settings.OPENAI_BASE_URL = "https://elsewhere.example/v1"
    assert key_of(LLMEndpoint.objects.get()) == ""


def test_without_its_key_the_environments_endpoint_cannot_be_chosen(settings, llm_server):
    settings.OPENAI_BASE_URL = llm_server.base_url
    settings.OPENAI_API_KEY = "sk"
    refresh_catalogue()
    settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = catalogue.OPENAI_URL, ""
    refresh_catalogue()
    assert not LLM.objects.usable().filter(provider=Provider.OPENAI).exists()
    assert LLM.objects.filter(pk="test-model").exists()


def test_a_list_that_cannot_be_had_keeps_the_rows(settings, llm_server, caplog):
    settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = llm_server.base_url, "sk-hidden"
    refresh_catalogue()
    llm_server.models_behaviour = failing(500)
    with caplog.at_level(logging.WARNING):
        refresh_catalogue()
    assert LLM.objects.usable().filter(pk="test-model").exists()
    assert "cannot be listed" in caplog.text
    assert "sk-hidden" not in caplog.text


def test_local_servers_are_found_with_their_context(settings, llm_server):
    local(settings, llm_server)
    refresh_catalogue()
    refresh_catalogue()
    llm = LLM.objects.get(provider=Provider.OPENAI)
    assert llm.endpoint is not None
    assert (llm.pk, llm.context_size) == ("vllm/test-model", 8192)
    assert (llm.endpoint.name, llm.endpoint.source) == ("vLLM", EndpointSource.DISCOVERED)
    assert llm_server.requests[0].headers.get("authorization") is None


def test_a_local_server_that_is_gone_is_kept_but_cannot_be_chosen(settings):
    with LLMServer() as server:
        local(settings, server)
        refresh_catalogue()
        assert LLM.objects.usable().filter(pk="vllm/test-model").exists()
        port = server.port
    refresh_catalogue()
    assert not LLM.objects.usable().filter(pk="vllm/test-model").exists()
    assert LLM.objects.filter(pk="vllm/test-model").exists()
    with LLMServer(port=port):
        refresh_catalogue()
        assert LLM.objects.usable().filter(pk="vllm/test-model").exists()


def test_what_staff_switched_off_stays_off(settings, llm_server):
    local(settings, llm_server)
    refresh_catalogue()
    LLMEndpoint.objects.update(is_active=False)
    refresh_catalogue()
    assert not LLM.objects.usable().filter(pk="vllm/test-model").exists()


def test_several_servers_of_a_kind_keep_their_models_apart(settings, llm_server):
    with LLMServer() as second:
        local(settings, llm_server, second)
        refresh_catalogue()
    ids = set(LLM.objects.filter(provider=Provider.OPENAI).values_list("pk", flat=True))
    assert ids == {"vllm/test-model", "vllm-2/test-model"}


def test_a_server_that_staff_added_is_not_found_again(settings, llm_server):
    LLMEndpoint.objects.create(name="Mine", base_url=llm_server.base_url)
    local(settings, llm_server)
    refresh_catalogue()
    assert LLMEndpoint.objects.count() == 1


def test_it_is_not_its_own_llm_server(settings, llm_server):
    local(settings, llm_server)
    settings.PORT = llm_server.port
    refresh_catalogue()
    assert llm_server.requests == []
    settings.PORT = 1
    llm_server.models = [{"id": "refunds/baseline", "owned_by": "groundwork"}]
    refresh_catalogue()
    assert not LLMEndpoint.objects.exists()


def test_what_is_no_llm_server_is_left_alone(settings, llm_server, monkeypatch):
    monkeypatch.setattr(catalogue, "PROBE_SECONDS", 0.2)
    local(settings, llm_server)
    for behaviour in (
        Behaviour(body=b"<html>"),
        failing(401),
        Behaviour(is_silent=True),
        Behaviour(body={"data": "?"}),
    ):
        llm_server.models_behaviour = behaviour
        refresh_catalogue()
    assert not LLMEndpoint.objects.exists()


@pytest.mark.parametrize(
    ("row", "size"),
    [
        ({"max_model_len": 4096}, 4096),
        ({"context_length": 131072}, 131072),
        ({"meta": {"n_ctx_train": 2048}}, 2048),
        ({"max_model_len": "many"}, None),
        ({}, None),
    ],
)
def test_the_context_is_what_the_server_tells(settings, llm_server, row, size):
    llm_server.models = [{"id": "x", **row}]
    local(settings, llm_server)
    refresh_catalogue()
    assert LLM.objects.get(pk="vllm/x").context_size == size


@pytest.mark.parametrize(
    ("shown", "size"),
    [
        ({"model_info": {"llama.context_length": 131072}, "parameters": "stop x"}, 4096),
        ({"model_info": {"llama.context_length": 131072}, "parameters": "num_ctx    8192"}, 8192),
        ({"model_info": {"bert.context_length": 512}}, 512),
        ([], None),
    ],
)
def test_ollamas_context_is_the_one_it_will_use(settings, llm_server, shown, size):
    llm_server.models = [{"id": "llama3.2:3b"}]
    llm_server.pages["/api/show"] = shown
    local(settings, llm_server, kind="ollama")
    refresh_catalogue()
    assert LLM.objects.get(pk="ollama/llama3.2:3b").context_size == size


def test_openais_list_is_reduced_to_what_chats():
    names = [
        "gpt-4o",
        "gpt-4o-2024-08-06",
        "gpt-4o-mini",
        "gpt-4o-audio-preview",
        "gpt-4o-realtime-preview",
        "o3",
        "o3-pro",
        "o4-mini",
        "gpt-5",
        "gpt-5-pro",
        "gpt-5-codex",
        "gpt-image-1",
        "gpt-4-0613",
        "chatgpt-4o-latest",
        "text-embedding-3-small",
        "whisper-1",
        "dall-e-3",
        "tts-1",
        "davinci-002",
        "gpt-3.5-turbo-instruct",
    ]
    kept = [model.name for model in openai_chat_models([ListedModel(name) for name in names])]
    assert kept == [
        "gpt-4o",
        "gpt-4o-mini",
        "o3",
        "o4-mini",
        "gpt-5",
        "gpt-4-0613",
        "chatgpt-4o-latest",
    ]


def llm_at(url: str, **fields) -> LLM:
    endpoint = LLMEndpoint(name="x", base_url=url)
    return LLM(provider=Provider.OPENAI, endpoint=endpoint, model_name="gpt-4o-mini", **fields)


def test_prices_come_from_the_list_for_a_known_host():
    llm = llm_at(catalogue.OPENAI_URL)
    assert price(llm, "gpt-4o-mini-2024-07-18", 1_000_000, 1_000_000) == Decimal("0.75")
    assert price(llm, "", 1_000_000, 0) == Decimal("0.15")
    assert price(llm, "some-unknown-finetune", 1_000_000, 0) == Decimal("0.15")


def test_an_unknown_host_or_unknown_usage_has_no_price():
    assert price(llm_at("http://127.0.0.1:1/v1"), "gpt-4o-mini", 10, 10) is None
    assert price(llm_at(catalogue.OPENAI_URL), "gpt-4o-mini", None, 10) is None


def test_prices_set_by_staff_go_first():
    llm = llm_at(catalogue.OPENAI_URL, input_price=Decimal(1), output_price=Decimal(2))
    assert price(llm, "gpt-4o-mini", 500_000, 250_000) == Decimal(1)


def test_what_runs_here_costs_nothing():
    assert price(catalogue.built_in_llm(), "extractive", 10, 10) == 0
    llm = llm_at("http://127.0.0.1:11434/v1")
    assert llm.endpoint is not None
    llm.endpoint.source = EndpointSource.DISCOVERED
    assert price(llm, "gpt-4o-mini", 10, 10) == 0


def test_the_price_list_knows_contexts():
    assert context_window(catalogue.OPENAI_URL, "gpt-4o-mini") == 128_000
    assert context_window("http://127.0.0.1:1/v1", "gpt-4o-mini") is None


def test_openais_key_works_before_its_models_can_be_listed(settings, monkeypatch):
    monkeypatch.setattr(catalogue, "LIST_SECONDS", 0.2)
    # OpenAI's host, and a port at which it has nothing.
    settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = "http://api.openai.com:1/v1", "sk"
    refresh_catalogue()
    assert LLM.objects.usable().filter(pk=catalogue.FALLBACK_MODEL).exists()
