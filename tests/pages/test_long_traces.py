"""Traces of many steps, and sessions: one page, whatever is in them."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.pages.conftest import HTMX
from tracing.models import Face, Log, LogKind, LogPayload, Session
from tracing.trees import MOST_SHOWN, MOST_TOLD


def grow(root: Log, count: int) -> list[Log]:
    logs = [
        Log(
            use_case=root.use_case,
            kind=LogKind.TOOL,
            face=Face.PROMPTS,
            parent=root,
            root=root,
            started_at=root.started_at + timedelta(milliseconds=number),
            ended_at=root.started_at + timedelta(milliseconds=number + 1),
        )
        for number in range(count)
    ]
    Log.objects.bulk_create(logs)
    LogPayload.objects.bulk_create(
        LogPayload(log=log, text=f"result {number}.") for number, log in enumerate(logs)
    )
    return logs


def page_of(client, log: Log, query: str = "", **extra) -> str:
    url = reverse("tracing:log-detail", args=[log.pk])
    answer = client.get(url + query, **extra)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_every_step_has_its_place_on_the_time_line(client, alice, world):
    client.force_login(alice)
    [retrieve] = Log.objects.filter(parent=world.log, kind=LogKind.RETRIEVE)

    page = page_of(client, world.log)

    assert page.count('<rect class="bar"') == 3
    assert f'href="#log-{retrieve.pk}"' in page
    assert f'id="log-{retrieve.pk}"' in page


def test_of_a_long_trace_contents_come_when_they_are_asked_for(client, alice, world):
    client.force_login(alice)
    logs = grow(world.log, MOST_TOLD)

    page = page_of(client, world.log)
    step = page_of(client, world.log, f"?step={logs[7].pk}", headers=HTMX)
    without_script = page_of(client, world.log, f"?step={logs[7].pk}")

    assert page.count('<rect class="bar"') == MOST_TOLD + 3
    assert page.count('<details class="span ') == 1  # the root's
    assert "How long may I wait?" in page
    assert "result 7." not in page
    assert "result 7." in step
    assert "<html" not in step
    assert "result 7." in without_script
    assert "result 8." not in without_script
    assert without_script.count("<div") == without_script.count("</div>")


def test_of_an_endless_trace_the_first_steps_are_shown(client, alice, world):
    client.force_login(alice)
    grow(world.log, MOST_SHOWN)

    page = page_of(client, world.log)

    assert page.count('<rect class="bar"') == MOST_SHOWN
    assert "3 further steps" in page


@pytest.mark.parametrize("step", ["", "x", "0" * 24, "\0"])
def test_a_step_of_another_trace_is_not_found(client, alice, world, step):
    client.force_login(alice)

    answer = client.get(reverse("tracing:log-detail", args=[world.log.pk]), {"step": step})

    assert answer.status_code == 404


def test_raw_request_and_response_are_shown(client, alice, world):
    client.force_login(alice)
    LogPayload.objects.filter(log=world.log).update(
        provider_request={"model": "m-1"}, provider_response={"id": "chatcmpl-77"}
    )

    page = page_of(client, world.log)

    for part in ("Raw request", "m-1", "Raw response", "chatcmpl-77"):
        assert part in page


def test_what_was_never_kept_and_what_is_no_longer_kept_is_told(client, alice, world):
    client.force_login(alice)
    LogPayload.objects.filter(log=world.log).delete()
    assert "no longer kept" in page_of(client, world.log)

    Log.objects.update(is_payload_kept=False)
    assert "wanted no content kept" in page_of(client, world.log)


@pytest.fixture
def session(world) -> Session:
    return Session.objects.create(use_case=world.use_case, reference_id="support/42")


def call_in(session: Session, *, text: str, minutes: int, **fields) -> Log:
    now = timezone.now() + timedelta(minutes=minutes)
    log = Log.objects.create(
        use_case=session.use_case,
        session=session,
        kind=LogKind.FLOW,
        face=Face.SESSIONS,
        started_at=now,
        ended_at=now + timedelta(seconds=1),
        input_tokens=10,
        output_tokens=2,
        cost="0.5",
        **fields,
    )
    LogPayload.objects.create(log=log, text=text)
    return log


def test_a_session_is_one_trace_of_all_its_calls(client, alice, world, session):
    client.force_login(alice)
    first = call_in(session, text="first text", minutes=0)
    call_in(session, text="second text", minutes=60)
    below = call_in(session, text="text below", minutes=0, parent=first, root=first)
    grow(first, 1)

    page = client.get(reverse("tracing:session-detail", args=[session.pk])).content.decode()

    assert "support/42" in page
    for text in ("first text", "second text", "text below", "result 0."):
        assert page.count(text) == 1
    assert page.index("first text") < page.index("text below") < page.index("second text")
    assert "$1.00" in page  # what is below is in the sum of its root
    assert "Pauses in which nothing ran" in page
    assert reverse("tracing:session-detail", args=[session.pk]) in page_of(client, below)


def test_steps_of_a_long_session_come_when_they_are_asked_for(client, alice, world, session):
    client.force_login(alice)
    first = call_in(session, text="first text", minutes=0)
    logs = grow(first, MOST_TOLD)
    url = reverse("tracing:session-detail", args=[session.pk])

    page = client.get(url).content.decode()
    step = client.get(url, {"step": logs[3].pk}, headers=HTMX).content.decode()

    assert f"?step={logs[3].pk}" in page
    assert "result 3." not in page
    assert "result 3." in step
    assert client.get(url, {"step": "0" * 24}).status_code == 404


def test_a_session_without_a_call_says_how_one_comes(client, alice, session):
    client.force_login(alice)

    page = client.get(reverse("tracing:session-detail", args=[session.pk])).content.decode()

    assert f"sesh_{session.pk}" in page


def test_a_session_is_its_use_cases_alone(client, alice, bob, vera, session):
    url = reverse("tracing:session-detail", args=[session.pk])
    assert client.get(url).status_code == 302
    client.force_login(bob)
    assert client.get(url).status_code == 404
    client.force_login(vera)
    assert client.get(url).status_code == 200
    client.force_login(alice)
    assert client.post(url).status_code == 405
