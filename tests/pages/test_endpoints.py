from decimal import Decimal

import pytest
from django.urls import reverse

from blueprints.keys import key_of
from blueprints.models import LLM, LLMEndpoint
from tests.pages.conftest import HTMX

KEY = "sk-very-secret-key"


@pytest.fixture
def signed_in(client, staff):
    client.force_login(staff)
    return client


def create(client, url, **changes):
    data = {"name": "Lab", "base_url": url, "api_key": KEY, **changes}
    return client.post(reverse("blueprints:endpoint-create"), data, follow=True)


def test_an_endpoint_is_added_with_its_models_and_its_key_is_never_shown(signed_in, llm_server):
    page = create(signed_in, llm_server.base_url).content.decode()

    endpoint = LLMEndpoint.objects.get()
    assert key_of(endpoint) == KEY
    assert "Lab has 1 models" in page
    assert LLM.objects.filter(endpoint=endpoint).exists()
    for name in ("blueprints:endpoint-edit",):
        page += signed_in.get(reverse(name, args=[endpoint.pk])).content.decode()
    assert KEY not in page
    assert endpoint.encrypted_key not in page


def test_an_endpoint_that_does_not_answer_is_kept_and_says_why(signed_in):
    page = create(signed_in, "http://127.0.0.1:9/v1").content.decode()

    assert LLMEndpoint.objects.count() == 1
    assert "is-error" in page


@pytest.mark.parametrize("changes", [{"name": ""}, {"base_url": "nonsense"}, {"base_url": ""}])
def test_a_broken_form_adds_nothing(signed_in, changes):
    data = {"name": "Lab", "base_url": "http://127.0.0.1:9/v1", **changes}

    assert signed_in.post(reverse("blueprints:endpoint-create"), data).status_code == 422
    assert not LLMEndpoint.objects.exists()


def test_a_new_address_demands_the_key_again(signed_in, llm_server):
    create(signed_in, llm_server.base_url)
    endpoint = LLMEndpoint.objects.get()
    url = reverse("blueprints:endpoint-edit", args=[endpoint.pk])
    data = {"name": "Lab", "base_url": "http://127.0.0.1:9/v1"}

    refused = signed_in.post(url, data)
    assert refused.status_code == 422
    assert "needs the API key again" in refused.content.decode()
    assert signed_in.post(url, {**data, "api_key": "another"}).status_code == 302
    renamed = signed_in.post(url, {**data, "name": "Shed"})
    assert renamed.status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.name, key_of(endpoint)) == ("Shed", "another")


def test_the_test_button_says_what_is_there_or_what_is_wrong(signed_in, llm_endpoint, endpoint):
    good = signed_in.post(reverse("blueprints:endpoint-test", args=[llm_endpoint.pk]), headers=HTMX)
    bad = signed_in.post(reverse("blueprints:endpoint-test", args=[endpoint.pk]), headers=HTMX)
    whole = signed_in.post(reverse("blueprints:endpoint-test", args=[endpoint.pk]), follow=True)

    assert "test-model" in good.content.decode()
    assert "callout bad" in bad.content.decode()
    assert "is-error" in whole.content.decode()


def test_it_is_switched_off_read_again_and_deleted(signed_in, llm_endpoint):
    keys = [llm_endpoint.pk]
    signed_in.post(reverse("blueprints:endpoint-switch", args=keys))
    llm_endpoint.refresh_from_db()
    assert not llm_endpoint.is_active
    signed_in.post(reverse("blueprints:endpoint-sync", args=keys))
    assert llm_endpoint.llms.exists()
    signed_in.post(reverse("blueprints:endpoint-delete", args=keys))
    assert not LLMEndpoint.objects.exists()


def test_a_model_is_added_by_hand_and_priced(signed_in, endpoint):
    add = reverse("blueprints:llm-create", args=[endpoint.pk])
    signed_in.post(add, {"model_name": "big", "context_size": "8192"})
    llm = LLM.objects.get(endpoint=endpoint)
    assert signed_in.post(add, {"model_name": "big"}).status_code == 422

    signed_in.post(
        reverse("blueprints:llm-edit", args=[llm.pk]),
        {"label": "Big", "context_size": "4096", "input_price": "1.5", "is_active": "on"},
    )

    llm.refresh_from_db()
    assert (llm.label, llm.context_size, llm.input_price) == ("Big", 4096, Decimal("1.5"))
