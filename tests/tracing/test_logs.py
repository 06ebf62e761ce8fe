"""Logs that programs write: every field as it came, chosen ids, and payloads that are not kept."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.errors import Conflict, Forbidden, InvalidInput, NotFound
from config.status import Status
from tracing import contents, logs
from tracing.logs import Place
from tracing.models import Face, Log, LogKind, LogPayload, LogStatus

EARLY = datetime(2024, 5, 1, 12, tzinfo=UTC)
COLUMNS = {
    "created_at": EARLY,
    "started_at": EARLY + timedelta(seconds=1),
    "ended_at": EARLY + timedelta(seconds=3),
    "latency_ms": 812.5,
    "error_message": "Out of luck",
    "log_status": LogStatus.INCOMPLETE,
    "source": "test",
    "end_user": "customer-7",
    "environment": "my label",
    "source_datapoint_id": "dp_1",
    "metadata": {"a": [1, {"b": None}]},
    "batches": ["one", "two"],
    "sample_index": 2,
    "input_tokens": 20,
    "output_tokens": 3,
    "reasoning_tokens": 1,
    "input_cost": Decimal("0.000000000123"),
    "output_cost": Decimal("0.0001"),
    "finish_reason": "stop",
    "model_name": "theirs",
    "first_token_ms": 12.5,
}
PAYLOAD = {
    "inputs": {"person": "a pirate", "n": 1.5, "deep": {"list": [True, None, "é😀"]}},
    "messages": [{"role": "user", "content": "Hi"}],
    "tool_choice": {"type": "function", "function": {"name": "search"}},
    "text": "  Ahoy! \n",
    "output_message": {"role": "assistant", "content": "Ahoy!"},
    "stdout": "debug",
    "provider_request": {"model": "m"},
    "provider_response": {"id": "x"},
}


def test_every_field_is_kept_as_it_came(log_of, prompt):
    log = log_of(prompt, **COLUMNS, **PAYLOAD)

    assert {name: getattr(log, name) for name in COLUMNS} == COLUMNS
    assert {name: getattr(log.payload, name) for name in PAYLOAD} == PAYLOAD
    assert set(COLUMNS) | {"judgment", "is_marked_completed"} == set(contents.COLUMNS)
    assert set(PAYLOAD) == set(contents.PAYLOAD)
    assert log.cost == log.input_cost + log.output_cost
    assert (log.kind, log.blueprint, log.blueprint_version) == (
        LogKind.ANSWER,
        prompt.blueprint,
        prompt,
    )


def test_nothing_but_the_version_is_needed(log_of, prompt, flow, tool, alice):
    before = timezone.now()
    made = [log_of(version) for version in (prompt, flow, tool)]

    assert [log.kind for log in made] == [LogKind.ANSWER, LogKind.FLOW, LogKind.TOOL]
    assert [log.log_status for log in made] == ["complete", "incomplete", "complete"]
    assert all(before <= log.started_at <= timezone.now() and log.user == alice for log in made)
    assert all(log.payload.inputs == {} and log.payload.text is None for log in made)
    assert made[0].model_name == prompt.llm_id
    prompt.refresh_from_db()
    assert prompt.last_used_at >= before


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"role": "assistant", "content": "Yes"}, "Yes"),
        ({"role": "assistant", "content": [{"type": "text", "text": "Y"}, {"type": "text", "text": "es"}]}, "Yes"),
        ({"role": "assistant", "tool_calls": []}, None),
        ({"role": "assistant", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}, None),
    ],
)  # fmt: skip
def test_the_text_of_a_message_is_the_output_where_only_that_is_given(log_of, tool, message, text):
    assert log_of(tool, output_message=message).payload.text == text
    assert log_of(tool, output_message=message, text="given").payload.text == "given"


def test_text_that_the_database_cannot_hold_loses_only_what_it_cannot(log_of, tool):
    log = log_of(tool, text="a\x00b\ud83d", inputs={"k\x00": ["\x00v", 1, None, {"x": "😀\udc00"}]})

    assert log.payload.text == "ab\ufffd"
    assert log.payload.inputs == {"k": ["v", 1, None, {"x": "😀\ufffd"}]}


def test_a_payload_that_is_not_kept_is_never_written(log_of, alice, prompt, flow):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        log = log_of(prompt, save=False, **COLUMNS, **PAYLOAD)
        logs.patch(log, user=alice, changes={"text": "Ahoy!", "input_tokens": 7})
        trace = log_of(flow, save=False, text="Ahoy!")
        trace = logs.patch(trace, user=alice, changes={"log_status": "complete"})

    log.refresh_from_db()
    assert (log.input_tokens, log.finish_reason, log.is_payload_kept) == (7, "stop", False)
    assert trace.log_status == LogStatus.COMPLETE
    assert not LogPayload.objects.exists()
    assert not any("Ahoy" in query["sql"] for query in queries.captured_queries)


def test_an_id_of_ones_own_is_the_logs_id(log_of, prompt, use_case, alice):
    log = log_of(prompt, chosen_id="my-run_7")
    made = log_of(prompt)

    assert log.public_id == "my-run_7"
    assert logs.log_named(use_case, "my-run_7") == log
    assert logs.log_named(use_case, made.public_id) == made
    assert log_of(prompt, face=Face.SESSIONS).public_id.startswith("data_")
    for taken in ("my-run_7", made.public_id):
        with pytest.raises(Conflict):
            log_of(prompt, chosen_id=taken)
        with pytest.raises(Conflict):
            logs.check_place(use_case, Place(chosen_id=taken))
    for name in (f"log_{log.pk}", "nobodys", "log_" + "0" * 24, "\x00", ""):
        with pytest.raises(NotFound):
            logs.log_named(use_case, name)


@pytest.mark.parametrize("bad", ["", "a b", "a/b", "é", "x" * 201, "a\n"])
def test_an_id_that_fits_no_path_is_refused(log_of, prompt, bad):
    with pytest.raises(InvalidInput) as info:
        log_of(prompt, chosen_id=bad)
    assert info.value.field == "log_id"
    with pytest.raises(InvalidInput):
        log_of(prompt, reference_id="x" * 201)


def test_a_reference_is_of_one_log(log_of, prompt, tool, use_case):
    log = log_of(prompt, reference_id="p")

    assert logs.log_referred_to(use_case, "p") == log
    with pytest.raises(Conflict):
        log_of(tool, reference_id="p")
    with pytest.raises(NotFound):
        logs.log_referred_to(use_case, "q")
    assert Log.objects.count() == 1


def test_a_viewer_writes_nothing(log_of, prompt, vera, use_case):
    log = log_of(prompt)
    with pytest.raises(Forbidden):
        logs.create(user=vera, version=prompt, face=Face.PROMPTS, fields={})
    with pytest.raises(Forbidden):
        logs.patch(log, user=vera, changes={"source": "x"})


def test_a_change_leaves_alone_what_it_does_not_name_and_null_clears(log_of, alice, prompt):
    log = log_of(prompt, **COLUMNS, **PAYLOAD)

    logs.patch(log, user=alice, changes={"text": "Arr", "metadata": {"b": 1}})
    log = Log.objects.select_related("payload").get(pk=log.pk)
    assert (log.payload.text, log.metadata) == ("Arr", {"b": 1})
    kept = {name: value for name, value in PAYLOAD.items() if name != "text"}
    assert {name: getattr(log.payload, name) for name in kept} == kept

    names = [*COLUMNS, *PAYLOAD]
    logs.patch(log, user=alice, changes=dict.fromkeys(names))
    log = Log.objects.select_related("payload").get(pk=log.pk)
    found = {name: getattr(log, name) for name in COLUMNS}
    assert {name for name, value in found.items() if value} == {
        "created_at", "started_at", "log_status", "sample_index"
    }  # fmt: skip
    assert (log.log_status, log.status, log.cost) == ("complete", Status.COMPLETED, None)
    left = {getattr(log.payload, name) for name in PAYLOAD if name != "inputs"}
    assert (log.payload.inputs, left) == ({}, {None})


def test_a_payload_that_expired_can_be_written_again(log_of, alice, prompt):
    log = log_of(prompt, text="gone")
    LogPayload.objects.all().delete()

    logs.patch(log, user=alice, changes={"source": "x"})
    assert not LogPayload.objects.exists()
    logs.patch(log, user=alice, changes={"text": "back"})
    assert LogPayload.objects.get().text == "back"


def test_a_log_takes_a_handful_of_statements(
    log_of, prompt, flow, alice, django_assert_max_num_queries
):
    root = log_of(flow)
    log_of(prompt)

    with django_assert_max_num_queries(5):  # role, begin, log, payload, commit
        logs.create(user=alice, version=prompt, face=Face.PROMPTS, fields=PAYLOAD)
    with django_assert_max_num_queries(7):  # and the parent with its root, which it widens
        logs.create(
            user=alice,
            version=prompt,
            face=Face.PROMPTS,
            fields={**PAYLOAD, "ended_at": timezone.now()},
            place=Place(parent=root),
        )
