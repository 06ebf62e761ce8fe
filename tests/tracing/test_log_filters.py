"""Which logs of a use case a reader finds, by every filter of the list."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import User
from accounts.services import create_use_case
from blueprints.models import FileKind
from playground.models import Chat, ChatPrompt, Feedback, Playground
from tests.tracing.conftest import version_at
from tracing.forms import LogFilterForm, filter_data
from tracing.judgments import evaluator as evaluator_of
from tracing.judgments import judge
from tracing.log_filters import logs_in
from tracing.logs import create
from tracing.models import Face

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def found(use_case):
    """`found(status="ERROR")`: the sources of the logs, each of which has its own."""

    def find(**data: str) -> set[str]:
        form = LogFilterForm(data, use_case=use_case)
        assert form.is_valid(), form.errors
        return {log.source for log in logs_in(use_case, form.wanted)}

    return find


@pytest.fixture
def errors(use_case):
    def errors(**data: str) -> dict[str, list[str]]:
        form = LogFilterForm(data, use_case=use_case)
        assert not form.is_valid()
        return {name: [str(one) for one in said] for name, said in form.errors.items()}

    return errors


@pytest.fixture
def logs(log_of, prompt, flow, tool, alice):
    """One by the tool, one by the prompt, one by the flow with a log of the tool below it."""
    trace = log_of(flow, source="trace", created_at=NOON + timedelta(hours=2))
    return {
        "tool": log_of(
            tool,
            source="tool",
            created_at=NOON,
            environment="staging",
            end_user="customer-7",
            latency_ms=250.0,
        ),
        "prompt": log_of(
            prompt,
            source="prompt",
            created_at=NOON + timedelta(hours=1),
            error_message="Out of luck",
            output_cost=Decimal("0.02"),
            face=Face.SESSIONS,
            started_at=NOON,
            ended_at=NOON + timedelta(seconds=4),
        ),
        "trace": trace,
        "step": log_of(tool, source="step", parent=trace, created_at=NOON),
    }


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, {"tool", "prompt", "trace"}),
        ({"levels": "all"}, {"tool", "prompt", "trace", "step"}),
        ({"path": "tools/search"}, {"tool"}),
        ({"path": "/tools/search/", "levels": "all"}, {"tool", "step"}),
        ({"path": "tools/search", "version": "1"}, {"tool"}),
        ({"path": "persona", "version": "v1"}, {"prompt"}),
        ({"environment": "staging"}, {"tool"}),
        ({"source": "trace"}, {"trace"}),
        ({"face": "sessions"}, {"prompt"}),
        ({"user": " ALICE@example.com "}, {"tool", "prompt", "trace"}),
        ({"end_user": "customer-7"}, {"tool"}),
        ({"status": "ERROR"}, {"prompt"}),
        ({"status": "RUNNING"}, {"trace"}),
        ({"since": "2024-05-01T13:00"}, {"prompt", "trace"}),
        ({"until": "2024-05-01T13:00"}, {"tool"}),
        ({"since": "2024-05-01", "until": "2024-05-02"}, {"tool", "prompt", "trace"}),
        ({"cost_from": "0.01"}, {"prompt"}),
        ({"cost_to": "0.01"}, set()),
        ({"latency_from": "200", "latency_to": "300"}, {"tool"}),
        ({"latency_from": "3999"}, {"prompt"}),  # from its start to its end
        ({"status": "ERROR", "face": "prompts"}, set()),
    ],
)
def test_each_filter_finds_its_own(found, logs, data, expected):
    assert found(**data) == expected


def test_logs_of_another_use_case_are_never_found(found, logs, log_of, bob):
    theirs = version_at(create_use_case(user=bob), FileKind.TOOL, "tools/search")
    create(user=bob, version=theirs, face=Face.PROMPTS, fields={"source": "theirs"})

    assert "theirs" not in found() | found(levels="all") | found(path="tools/search")


def test_feedback_of_programs_and_of_chats_counts(found, logs, log_of, tool, alice, bob, use_case):
    def rate(name: str, word: str | None) -> None:
        version = evaluator_of(user=alice, use_case=use_case, path="rating")
        judge(logs[name], user=alice, version=version, face=Face.PROMPTS, fields={"judgment": word})

    rate("tool", "good")
    rate("prompt", "bad")
    chat = log_of(tool, source="chat")
    blueprint = logs["prompt"].blueprint
    playground = Playground.objects.create(
        use_case=use_case, name="P", created_by=alice, updated_by=alice
    )
    home = Chat.objects.create(
        playground=playground, blueprint=blueprint, name="C", created_by=alice
    )
    asked = ChatPrompt.objects.create(chat=home, text="?", log=chat, created_by=alice)
    Feedback.objects.create(prompt=asked, user=alice, is_positive=False)

    assert found(feedback="good") == {"tool"}
    assert found(feedback="bad") == {"prompt", "chat"}
    assert found(feedback="any") == {"tool", "prompt", "chat"}
    assert found(feedback="none") == {"trace"}


@pytest.mark.parametrize(
    ("data", "field", "said"),
    [
        ({"path": "nowhere"}, "path", "choose one of the list"),
        ({"path": "tools/search", "version": "7"}, "version", "no such version"),
        ({"path": "tools/search", "version": "²"}, "version", "no such version"),
        ({"version": "1"}, "version", "Of which path?"),
        ({"user": "bob@example.com"}, "user", "Nobody with this address"),
        ({"status": "odd"}, "status", "valid choice"),
        ({"since": "yesterday"}, "since", "valid date"),
        ({"until": "0001-01-05T00:00"}, "until", "1970 to 2200"),
        ({"since": "9999-12-20"}, "since", "1970 to 2200"),
        ({"since": "2024-05-02", "until": "2024-05-01"}, "until", "not after"),
        ({"cost_from": "-1"}, "cost_from", "greater than or equal"),
        ({"cost_from": "2", "cost_to": "1"}, "cost_to", "lowest cost"),
        ({"latency_from": "nan"}, "latency_from", "number"),
        ({"latency_from": "2", "latency_to": "1"}, "latency_to", "lowest latency"),
        ({"source": "x" * 201}, "source", "at most 200"),
        ({"levels": "some"}, "levels", "valid choice"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(errors, logs, bob, data, field, said):
    assert list(errors(**data)) == [field]
    assert said in errors(**data)[field][0]


def test_who_has_left_is_still_found_by_their_logs(found, logs, use_case, alice, bob):
    assert User.objects.filter(email="bob@example.com").exists()
    logs["tool"].user = bob
    logs["tool"].save()

    assert found(user="bob@example.com") == {"tool"}


def test_the_address_says_what_was_given_and_nothing_else(use_case, rf):
    asked = rf.get("/", {"status": "ERROR", "text": "a b", "path": "", "older": "x", "odd": "1"})

    form = LogFilterForm(filter_data(asked.GET), use_case=use_case)

    assert form.query == "text=a+b&status=ERROR"
