"""The rules of traces: where logs may hang, what their root shows, and what is left of a tree."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from config.errors import Conflict, Forbidden, InvalidInput, NotFound
from config.status import Status
from tracing import deleting, logs, sessions, traces
from tracing.logs import Place
from tracing.models import Log, LogKind, LogStatus, Session
from tracing.services import Step, record

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def at(minute):
    return NOON + timedelta(minutes=minute)


def tree(log):
    log.refresh_from_db()
    return (log.parent_id, log.root_id)


def test_logs_hang_below_any_log_at_any_depth(log_of, flow, prompt, tool):
    top = log_of(flow)
    first = log_of(prompt, parent=top)
    second = log_of(tool, parent=first)
    third = log_of(flow, parent=second)

    assert [tree(log) for log in (top, first, second, third)] == [
        (None, None), (top.pk, top.pk), (first.pk, top.pk), (second.pk, top.pk)
    ]  # fmt: skip
    below = log_of(tool, parent=log_of(prompt))
    assert below.root == below.parent


def test_a_complete_trace_takes_no_more(log_of, flow, prompt, use_case):
    top = log_of(flow, log_status="complete", text="Done")
    lower = log_of(prompt)
    log_of(prompt, parent=lower)

    with pytest.raises(Conflict):
        log_of(prompt, parent=top)
    with pytest.raises(Conflict):
        logs.check_place(use_case, Place(parent=top))
    assert Log.objects.count() == 3


def test_below_a_complete_trace_no_depth_takes_more(log_of, alice, flow, prompt):
    top = log_of(flow)
    lower = log_of(prompt, parent=top)
    logs.patch(top, user=alice, changes={"log_status": "complete", "text": "Done"})

    with pytest.raises(Conflict):
        log_of(prompt, parent=lower)


def test_a_parent_that_is_gone_is_not_found(log_of, alice, flow, prompt):
    top = log_of(flow)
    deleting.delete([Log.objects.get(pk=top.pk)], user=alice)

    with pytest.raises(NotFound):
        log_of(prompt, parent=top)
    assert not Log.objects.exists()


def test_a_flow_lasts_as_long_as_what_is_below_it(log_of, alice, flow, prompt):
    top = log_of(flow, started_at=at(10), ended_at=at(20))
    lower = log_of(prompt, parent=top, started_at=at(12), ended_at=at(18))
    top.refresh_from_db()
    assert (top.started_at, top.ended_at) == (at(10), at(20))

    log_of(prompt, parent=lower, started_at=at(5), ended_at=at(11))
    log_of(prompt, parent=lower, started_at=at(15), ended_at=at(25))
    top.refresh_from_db()
    assert (top.started_at, top.ended_at) == (at(5), at(25))

    logs.patch(lower, user=alice, changes={"started_at": at(1), "ended_at": at(30)})
    top.refresh_from_db()
    lower.refresh_from_db()
    assert (top.started_at, top.ended_at) == (at(1), at(30))
    assert (lower.started_at, lower.ended_at) == (at(1), at(30))


def test_other_roots_keep_their_times(log_of, prompt):
    top = log_of(prompt, started_at=at(10), ended_at=at(20))
    log_of(prompt, parent=top, started_at=at(5), ended_at=at(25))
    top.refresh_from_db()
    assert (top.started_at, top.ended_at) == (at(10), at(20))


def test_a_flow_of_unknown_end_ends_with_what_is_below_it(log_of, flow, prompt):
    top = log_of(flow, started_at=at(10))
    log_of(prompt, parent=top, started_at=at(11))
    assert Log.objects.get(pk=top.pk).ended_at is None
    log_of(prompt, parent=top, started_at=at(11), ended_at=at(12))
    assert Log.objects.get(pk=top.pk).ended_at == at(12)


@pytest.mark.parametrize(
    "word",
    [{"text": "Done"}, {"error_message": "No"}, {"output_message": {"role": "assistant", "content": "Done"}}],
)  # fmt: skip
def test_completing_a_flow_needs_a_word_of_how_it_ended(log_of, alice, flow, word):
    nothing: dict[str, Any] = {}
    for before, now in ((nothing, word), (word, nothing)):
        log = log_of(flow, started_at=at(0), **before)
        changed = logs.patch(log, user=alice, changes={"log_status": "complete", **now})
        log.refresh_from_db()
        assert log.ended_at is not None
        assert log.ended_at == changed.ended_at
        assert log.ended_at >= timezone.now() - timedelta(minutes=1)
        assert log.status == (Status.ERROR if "error_message" in word else Status.COMPLETED)
    log = log_of(flow)
    for refused in ({"log_status": "complete"}, {"log_status": "complete", "text": None}):
        with pytest.raises(InvalidInput):
            logs.patch(log, user=alice, changes=refused)
    with pytest.raises(InvalidInput):
        log_of(flow, log_status="complete")
    log.refresh_from_db()
    assert (log.log_status, log.status, log.ended_at) == ("incomplete", Status.RUNNING, None)


def test_nothing_said_of_a_complete_flow_leaves_it_so(log_of, alice, flow):
    log = log_of(flow, log_status="complete", text="Done", ended_at=at(1))
    logs.patch(log, user=alice, changes={"log_status": None})
    logs.patch(log, user=alice, changes={"log_status": "complete"})
    log.refresh_from_db()
    assert (log.log_status, log.ended_at) == (LogStatus.COMPLETE, at(1))


def test_a_log_moves_with_what_is_below_it_but_never_below_itself(log_of, alice, flow, prompt):
    one, other = log_of(flow, started_at=at(9)), log_of(flow, started_at=at(9))
    middle = log_of(prompt, parent=one)
    leaf = log_of(prompt, parent=middle, started_at=at(10))

    for below in (middle, leaf):
        with pytest.raises(InvalidInput):
            logs.patch(middle, user=alice, changes={"parent": below})
    logs.patch(middle, user=alice, changes={"parent": other, "started_at": at(8)})
    assert (tree(middle), tree(leaf)) == ((other.pk, other.pk), (middle.pk, other.pk))
    assert Log.objects.get(pk=other.pk).started_at == at(8)
    logs.patch(middle, user=alice, changes={"parent": None})
    assert (tree(middle), tree(leaf)) == ((None, None), (middle.pk, middle.pk))
    logs.patch(other, user=alice, changes={"parent": leaf})
    assert tree(other) == (leaf.pk, middle.pk)
    assert traces.below_of(Log.objects.get(pk=middle.pk)) == [leaf.pk, other.pk]


def test_what_hung_below_a_deleted_log_stays(log_of, alice, flow, prompt, tool):
    top = log_of(flow)
    middle = log_of(prompt, parent=top)
    leaf = log_of(tool, parent=middle)
    deeper = log_of(tool, parent=leaf)
    beside = log_of(tool, parent=top)

    deleting.delete([middle], user=alice)

    assert [tree(log) for log in (top, leaf, deeper, beside)] == [
        (None, None), (None, None), (leaf.pk, leaf.pk), (top.pk, top.pk)
    ]  # fmt: skip
    deleting.delete([top, leaf], user=alice)
    assert [tree(log) for log in (deeper, beside)] == [(None, None), (None, None)]


def test_the_steps_of_a_deleted_answer_go_with_it(log_of, alice, use_case, prompt, flow):
    now = timezone.now()
    steps = [
        Step(kind, Status.COMPLETED, now, now) for kind in (LogKind.RETRIEVE, LogKind.GENERATE)
    ]
    answer = record(
        use_case_id=use_case.pk,
        user_id=alice.pk,
        blueprint_id=prompt.blueprint_id,
        blueprint_version_id=prompt.pk,
        root=Step(LogKind.ANSWER, Status.COMPLETED, now, now, text="Yes"),
        children=steps,
    )
    below = log_of(flow, parent=answer)

    deleting.delete_of(prompt.blueprint, user=alice)

    assert list(Log.objects.all()) == [below]
    assert tree(below) == (None, None)


def test_a_viewer_deletes_nothing(log_of, vera, prompt):
    log = log_of(prompt)
    with pytest.raises(Forbidden):
        deleting.delete([log], user=vera)
    with pytest.raises(Forbidden):
        deleting.delete_of(prompt.blueprint, user=vera)
    assert Log.objects.exists()


def test_a_session_begins_with_its_first_log_and_passes_to_what_is_below(
    log_of, alice, use_case, prompt, tool
):
    session = sessions.session_referred_to(use_case, user=alice, reference_id="s")
    assert sessions.session_referred_to(use_case, user=alice, reference_id="s") == session
    other = sessions.create_session(use_case, user=alice)
    parent = log_of(prompt, session=session)

    assert log_of(tool, parent=parent).session == session
    assert log_of(tool, parent=parent, session=session).session == session
    assert log_of(tool, parent=log_of(prompt), session=other).session == other
    with pytest.raises(InvalidInput):
        log_of(tool, parent=parent, session=other)
    before = Session.objects.get(pk=session.pk).updated_at
    log_of(tool, session=session)
    assert Session.objects.get(pk=session.pk).updated_at > before
    assert sessions.session_named(use_case, f"sesh_{session.pk}") == session
    for unknown in ("sesh_" + "0" * 24, "s", ""):
        with pytest.raises(NotFound):
            sessions.session_named(use_case, unknown)
