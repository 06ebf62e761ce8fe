"""How long logs are kept, on the page of the use case."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from accounts.models import Role
from accounts.services import share
from tests.pages.conftest import HTMX
from tracing.list_models import Retention


@pytest.fixture
def url(use_case) -> str:
    return reverse("tracing:use-case-retention", args=[use_case.pk])


@pytest.fixture
def use_case_page(client, use_case):
    return lambda: client.get(f"/use-cases/{use_case.pk}/").content.decode()


def test_an_owner_says_how_long_and_sees_it(client, alice, url, use_case, use_case_page):
    client.force_login(alice)
    assert "is kept for ever, logs for ever." in use_case_page()

    response = client.post(url, {"payload_days": "30", "log_days": "365"})

    assert response.headers["Location"] == f"/use-cases/{use_case.pk}/"
    assert "is kept for 30 days, logs for 365 days." in use_case_page()
    assert 'value="30"' in client.get(url, headers=HTMX).content.decode()
    client.post(url, {"payload_days": "", "log_days": "1"})
    assert "is kept as long as its log, logs for 1 day." in use_case_page()


def test_the_page_says_what_the_last_run_did(client, alice, use_case, use_case_page):
    client.force_login(alice)
    Retention.objects.create(
        use_case=use_case,
        log_days=30,
        updated_by=alice,
        last_run_at=datetime(2024, 5, 31, 3, 17, tzinfo=UTC),
        deleted_logs=1,
        deleted_payloads=2_000,
    )

    assert (
        "Last looked at on 31 May 2024, 03:17 UTC: 1 log and the contents of 2,000 more were deleted."
        in use_case_page()
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"payload_days": "0"}, "greater than or equal to 1"),
        ({"log_days": "soon"}, "whole number"),
        ({"log_days": "99999999999999999999"}, "less than or equal to"),
        ({"payload_days": "8", "log_days": "7"}, "Nothing stays longer than its log"),
    ],
)
def test_what_makes_no_sense_is_said(client, alice, url, data, said):
    client.force_login(alice)

    response = client.post(url, data, headers=HTMX)

    assert response.status_code == 422
    assert said in response.content.decode()
    assert not Retention.objects.exists()


def test_whoever_does_not_own_it_may_look_only(client, alice, bob, url, use_case, use_case_page):
    share(use_case, by=alice, email=bob.email, role=Role.EDITOR)
    client.force_login(bob)

    assert client.get(url).status_code == client.post(url, {"log_days": "1"}).status_code == 403
    assert "is kept for ever" in use_case_page()
    assert "How long they are kept" not in use_case_page()
