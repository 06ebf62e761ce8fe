import socket
import ssl
import threading
from decimal import Decimal

import pytest

from accounts.models import User
from blueprints import services
from blueprints.keys import key_of
from blueprints.models import LLM, EndpointSource, LLMEndpoint
from blueprints.providers.base import ProviderError
from config.errors import Conflict, Forbidden, InvalidInput
from config.keys import encrypt_key
from tests.llm_server import Behaviour, failing


@pytest.fixture
def staff(db) -> User:
    return User.objects.create_user("staff@example.com", "correct horse battery", is_staff=True)


@pytest.fixture
def endpoint(staff, llm_server) -> LLMEndpoint:
    llm_server.key = "sk-right"
    return services.create_endpoint(
        user=staff, name="Ours", base_url=llm_server.base_url + "/", api_key=" sk-right "
    )


def refused_field(call) -> str | None:
    with pytest.raises(InvalidInput) as error:
        call()
    return error.value.field


def test_a_key_is_stored_encrypted_and_read_back(endpoint):
    assert "sk-right" not in endpoint.encrypted_key
    assert key_of(LLMEndpoint.objects.get()) == "sk-right"


def test_a_stored_key_is_worth_nothing_elsewhere(endpoint, settings):
    moved = LLMEndpoint.objects.get()
    moved.base_url = "https://attacker.example/v1"
    with pytest.raises(ProviderError, match="enter the key again"):
        key_of(moved)
    settings.SECRET_KEY = "another-secret-" * 4
    with pytest.raises(ProviderError, match="enter the key again"):
        key_of(LLMEndpoint.objects.get())


def test_a_new_address_needs_the_key_again(staff, endpoint):
    url = "https://attacker.example/v1"
    assert (
        refused_field(lambda: services.update_endpoint(endpoint, user=staff, base_url=url))
        == "api_key"
    )
    endpoint.refresh_from_db()
    assert endpoint.base_url != url
    services.update_endpoint(endpoint, user=staff, base_url=url, api_key="sk-new")
    assert key_of(LLMEndpoint.objects.get()) == "sk-new"


def test_without_a_key_the_address_can_change_freely(staff):
    endpoint = services.create_endpoint(user=staff, name="Free", base_url="http://127.0.0.1:1/v1")
    services.update_endpoint(endpoint, user=staff, base_url="http://127.0.0.1:2/v1")
    assert key_of(LLMEndpoint.objects.get()) == ""


def test_other_changes_keep_the_key(staff, endpoint):
    services.update_endpoint(
        endpoint, user=staff, name="Renamed", is_active=False, base_url=endpoint.base_url + "/"
    )
    endpoint.refresh_from_db()
    assert (endpoint.name, endpoint.is_active) == ("Renamed", False)
    assert key_of(endpoint) == "sk-right"
    services.update_endpoint(endpoint, user=staff, api_key="")
    assert key_of(LLMEndpoint.objects.get()) == ""


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example.com",
        "ftp://example.com/v1",
        "file:///etc/passwd",
        "http://",
        "http://user:pass@example.com/v1",
        "http://example.com/v1?key=1",
        "http://example.com/v1#x",
        "http://exa mple.com/",
        "http://[::1/",
        "http://example.com:99999/",
        "https://example.com/" + "x" * 500,
    ],
)
def test_other_addresses_are_refused(staff, url):
    def create():
        services.create_endpoint(user=staff, name="Bad", base_url=url)

    assert refused_field(create) == "base_url"
    assert not LLMEndpoint.objects.exists()


def test_names_are_unique_and_keys_printable(staff, endpoint):
    url = "http://127.0.0.1:1/v1"
    assert (
        refused_field(lambda: services.create_endpoint(user=staff, name="Ours", base_url=url))
        == "name"
    )
    assert (
        refused_field(
            lambda: services.create_endpoint(user=staff, name="B", base_url=url, api_key="a\nb")
        )
        == "api_key"
    )
    assert (
        refused_field(lambda: services.create_endpoint(user=staff, name=" ", base_url=url))
        == "name"
    )


def test_only_staff(alice, staff, endpoint):
    services.sync_models(endpoint)
    llm = LLM.objects.get()
    attempts = [
        lambda: services.create_endpoint(user=alice, name="x", base_url="http://127.0.0.1:1"),
        lambda: services.update_endpoint(endpoint, user=alice, is_active=False),
        lambda: services.delete_endpoint(endpoint, user=alice),
        lambda: services.add_model(endpoint, user=alice, model_name="x"),
        lambda: services.update_llm(llm, user=alice, is_active=False),
    ]
    for attempt in attempts:
        with pytest.raises(Forbidden):
            attempt()


def test_an_endpoint_goes_with_its_llms(staff, endpoint):
    services.sync_models(endpoint)
    services.delete_endpoint(endpoint, user=staff)
    assert not LLM.objects.exists()


@pytest.mark.parametrize("source", [EndpointSource.ENVIRONMENT, EndpointSource.DISCOVERED])
def test_what_is_found_by_itself_is_switched_off_not_deleted(staff, source):
    endpoint = LLMEndpoint.objects.create(
        name="Found", base_url="http://127.0.0.1:1/v1", source=source
    )
    with pytest.raises(Conflict, match="switch it off"):
        services.delete_endpoint(endpoint, user=staff)
    assert (
        refused_field(
            lambda: services.update_endpoint(endpoint, user=staff, base_url="http://127.0.0.1:2")
        )
        == "base_url"
    )
    services.update_endpoint(endpoint, user=staff, is_active=False)
    endpoint.is_found = False
    endpoint.save()
    services.delete_endpoint(endpoint, user=staff)


def test_models_are_listed_once_and_keep_what_staff_set(staff, endpoint, llm_server):
    assert services.sync_models(endpoint) == 1
    llm = LLM.objects.get()
    assert (llm.pk, llm.model_name, llm.context_size) == ("ours/test-model", "test-model", 8192)
    services.update_llm(llm, user=staff, label="Good one", is_active=False, input_price=Decimal(3))
    services.update_endpoint(endpoint, user=staff, name="Renamed")
    llm_server.models.append({"id": "second"})
    assert services.sync_models(endpoint) == 2
    llm.refresh_from_db()
    assert (llm.label, llm.is_active, llm.input_price) == (
        "Good one",
        False,
        Decimal(3),
    )
    assert LLM.objects.get(model_name="second").pk == "renamed/second"


def test_a_model_that_is_gone_stays_but_cannot_be_chosen(endpoint, llm_server):
    services.sync_models(endpoint)
    llm_server.models = [{"id": "other"}]
    services.sync_models(endpoint)
    assert [llm.model_name for llm in LLM.objects.usable()] == ["other"]
    llm_server.models.append({"id": "test-model"})
    services.sync_models(endpoint)
    assert LLM.objects.usable().count() == 2


def test_a_list_that_cannot_be_had_changes_nothing(endpoint, llm_server):
    services.sync_models(endpoint)
    llm_server.models_behaviour = failing(500)
    with pytest.raises(ProviderError, match="HTTP 500"):
        services.sync_models(endpoint)
    assert LLM.objects.usable().count() == 1


def test_a_model_can_be_listed_by_hand(staff, endpoint):
    llm = services.add_model(endpoint, user=staff, model_name="my-deployment", context_size=4000)
    assert (llm.pk, llm.context_size) == ("ours/my-deployment", 4000)
    for name in ("my-deployment", ""):
        assert (
            refused_field(
                lambda name=name: services.add_model(endpoint, user=staff, model_name=name)
            )
            == "model_name"
        )


def test_long_model_names_get_ids_that_fit(staff, endpoint):
    names = ["m" * 199 + letter for letter in "ab"]
    ids = {services.add_model(endpoint, user=staff, model_name=name).pk for name in names}
    assert len(ids) == 2
    assert all(len(pk) <= 150 for pk in ids)


@pytest.mark.parametrize(
    ("field", "value"),
    [("context_size", 0), ("max_completion_length", -1), ("input_price", Decimal(-1))],
)
def test_figures_have_bounds(staff, endpoint, field, value):
    llm = services.add_model(endpoint, user=staff, model_name="x")
    assert refused_field(lambda: services.update_llm(llm, user=staff, **{field: value})) == field


async def check(base_url: str, key: str = "") -> services.EndpointCheck:
    endpoint = LLMEndpoint(
        name="Tried", base_url=base_url, encrypted_key=encrypt_key(key, base_url=base_url)
    )
    return await services.test_endpoint(endpoint)


async def test_a_test_lists_the_models(llm_server):
    llm_server.models.append({"id": "nomic-embed-text"})
    result = await check(llm_server.base_url)
    assert result.ok
    assert result.models == ("test-model",)
    assert "has 1 model." in result.message


async def test_a_test_uses_the_key(llm_server):
    llm_server.key = "sk-right"
    assert (await check(llm_server.base_url, "sk-right")).ok
    wrong = await check(llm_server.base_url, "sk-wrong")
    assert not wrong.ok
    assert "refuses the API key" in wrong.message


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (failing(404), "lack a /v1"),
        (failing(500), "HTTP 500"),
        (failing(429), "HTTP 429"),
        (Behaviour(status=301, body=b"", headers={"Location": "http://127.0.0.1:1/"}), "redirect"),
        (Behaviour(body=b"<html>"), "not as an OpenAI-compatible one"),
        (Behaviour(body={"models": []}), "not as an OpenAI-compatible one"),
        (Behaviour(body={"data": []}), "no chat model"),
    ],
)
async def test_a_test_says_what_the_server_does_wrong(llm_server, behaviour, words):
    llm_server.models_behaviour = behaviour
    assert words in (await check(llm_server.base_url)).message


async def test_redirects_are_not_followed(llm_server):
    llm_server.models_behaviour = Behaviour(
        status=302, body=b"", headers={"Location": llm_server.base_url + "/elsewhere"}
    )
    assert not (await check(llm_server.base_url)).ok
    assert [request.path for request in llm_server.requests] == ["/v1/models"]


async def test_a_test_of_a_silent_server_ends(llm_server, monkeypatch):
    monkeypatch.setattr("blueprints.catalogue.LIST_SECONDS", 0.2)
    llm_server.models_behaviour = Behaviour(is_silent=True)
    assert "No answer within 0.2 seconds" in (await check(llm_server.base_url)).message


async def test_a_test_of_nothing():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert "refused" in (await check(f"http://127.0.0.1:{port}/v1")).message


async def test_a_test_of_an_unknown_host():
    assert "is not known" in (await check("http://no-such-host.invalid/v1")).message


async def test_a_test_of_https_where_there_is_none(llm_server):
    result = await check(llm_server.base_url.replace("http://", "https://"))
    assert "No secure connection" in result.message


async def test_a_test_of_a_server_that_hangs_up():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up():
            server.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        result = await check(f"http://127.0.0.1:{server.getsockname()[1]}/v1")
        thread.join()
    assert "closed the connection" in result.message


def test_testing_needs_no_tls_trust_in_strangers():
    """The default context verifies certificates and host names."""
    from blueprints.providers.openai import _ssl_context

    context = _ssl_context()
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
