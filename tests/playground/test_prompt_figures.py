"""What calls cost and were worth: of versions, of all that has a path, and in how many queries."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts import services as accounts
from blueprints import services as blueprint_services
from blueprints.files import get_or_make
from blueprints.kinds import Kind
from blueprints.llm_settings import LLMSettings
from blueprints.settings import AnswerSettings
from config.status import Status
from playground import services
from playground.models import ChatPrompt, Feedback
from playground.prompt_pages import figures
from playground.prompt_pages.figures import Figures
from playground.prompt_pages.paths import listed
from tests.v5.conftest import programme_of
from tracing import log_sums, summing
from tracing.durations import ACCURACY
from tracing.models import Log, LogKind

pytestmark = pytest.mark.django_db


@pytest.fixture
def blueprint(alice, playground):
    made = services.create_blueprint(
        user=alice, playground=playground, name="Bot", settings=AnswerSettings()
    )
    settings = AnswerSettings(llm_id="extractive", llm_settings=LLMSettings(temperature=1))
    blueprint_services.save_version(made, user=alice, settings=settings)
    return made


@pytest.fixture
def call(alice, use_case, blueprint):
    """A call of one of the blueprint's versions, as it is recorded."""

    def record(number: int | None, *, cost=None, latency_ms=None, days_ago=0, **more) -> Log:
        when = timezone.now() - timedelta(days=days_ago)
        version = blueprint.versions.get(number=number) if number else None
        values = {"kind": LogKind.ANSWER, "status": Status.COMPLETED, "user": alice} | more
        return Log.objects.create(
            use_case=use_case,
            blueprint=blueprint,
            blueprint_version=version,
            created_at=when,
            started_at=when,
            cost=cost,
            latency_ms=latency_ms,
            **values,
        )

    return record


def of_number(blueprint, number) -> Figures:
    return figures.of_versions(blueprint)[blueprint.versions.get(number=number).pk]


def test_versions_have_their_own_calls_costs_and_median(blueprint, call):
    for latency, cost in ((100, "0.1"), (200, "0.2"), (900, None)):
        call(1, latency_ms=latency, cost=cost and Decimal(cost))
    call(2, latency_ms=50)
    call(None)

    first, second = of_number(blueprint, 1), of_number(blueprint, 2)

    assert (first.calls, first.cost, first.latency_ms) == (3, Decimal("0.3"), 200)
    assert (second.calls, second.cost, second.latency_ms) == (1, None, 50)
    assert figures.of_versions(blueprint)[None].calls == 1
    alone = blueprint.versions.get(number=1)
    assert figures.of_versions(blueprint, alone) == {alone.pk: first}


def test_sums_of_hours_tell_the_same(blueprint, call, monkeypatch):
    for days_ago in (1, 2, 20):
        call(1, latency_ms=100, cost=Decimal("0.1"), days_ago=days_ago)
        call(1, latency_ms=9_000, status=Status.ERROR, days_ago=days_ago)
    counted = of_number(blueprint, 1)
    summing.sum_up()
    monkeypatch.setattr(log_sums, "FEW", 0)

    summed = of_number(blueprint, 1)

    assert summed.latency_ms == pytest.approx(100, rel=ACCURACY)
    assert summed.latency_ms != 100
    assert replace(summed, latency_ms=100) == counted
    assert figures.of_files(blueprint.use_case)[blueprint.pk].calls == 6


def test_what_failed_counts_as_a_call_but_not_for_the_latency(blueprint, call):
    call(1, latency_ms=10)
    call(1, latency_ms=60_000, status=Status.ERROR)

    first = of_number(blueprint, 1)

    assert (first.calls, first.latency_ms) == (2, 10)


def test_steps_inside_answers_and_older_calls_do_not_count(blueprint, call):
    root = call(1)
    call(1, kind=LogKind.GENERATE, parent=root, root=root)
    call(1, days_ago=figures.DAYS + 1)

    assert of_number(blueprint, 1).calls == 1


def test_thumbs_of_chats_and_ratings_of_programs_make_the_score(
    alice, bob, use_case, playground, blueprint, call
):
    chat = services.create_chat(user=alice, playground=playground, blueprint=blueprint)
    prompt = services.ask(user=alice, chat=chat, text="How long?")
    version = blueprint.versions.get(number=2)
    ChatPrompt.objects.filter(pk=prompt.pk).update(log=call(2))
    for user, is_positive in ((alice, True), (bob, False)):
        Feedback.objects.create(prompt=prompt, user=user, is_positive=is_positive)
    api = programme_of(alice, use_case)
    for judgment in ("good", "good"):
        log = call(2)
        api.made("evaluators/log", parent_id=log.public_id, path="rating", judgment=judgment)

    second = of_number(blueprint, 2)

    assert (second.ups, second.votes, second.score) == (3, 4, 75)
    assert figures.of_versions(blueprint, version) == {version.pk: second}
    assert figures.of_files(use_case)[blueprint.pk].score == 75
    assert Figures().score is None


def test_the_last_call_of_each_is_found_with_its_user(alice, use_case, blueprint, call):
    call(1, days_ago=90)
    newest = call(2, days_ago=40)

    found = figures.last_calls([blueprint])

    assert found == {blueprint.pk: newest}
    assert found[blueprint.pk].user == alice


@pytest.fixture
def make(alice, use_case):
    def one(kind: Kind, path: str, **details):
        return get_or_make(
            user=alice, use_case=use_case, kind=kind, path=path, file_id=None, details=details
        )

    return one


def test_the_list_takes_as_many_queries_for_many_as_for_few(
    use_case, make, django_assert_max_num_queries
):
    for number in range(12):
        make("prompt", f"a/{number}", model="m", provider="mock", temperature=0.1)
        make("tool", f"b/{number}", source_code="1")

    with django_assert_max_num_queries(24) as queries:
        few = listed(use_case, words="11")
    count = len(queries)
    with django_assert_max_num_queries(count):
        many = listed(use_case)

    assert [len(folder.rows) for folder in few.folders] == [1, 1]
    assert [(folder.path, len(folder.rows)) for folder in many.folders] == [("a", 12), ("b", 12)]


def test_folders_come_in_order_and_what_is_in_none_comes_first(use_case, make):
    for path in ("z", "b/x", "a/b/c", "a/y", "B/x"):
        make("prompt", path, model="m", provider="mock")

    folders = listed(use_case).folders

    assert [(folder.path, [row.name for row in folder.rows]) for folder in folders] == [
        ("", ["z"]),
        ("B", ["x"]),
        ("a", ["y"]),
        ("a/b", ["c"]),
        ("b", ["x"]),
    ]


def test_a_kind_and_words_choose(use_case, make):
    make("prompt", "refunds/bot", model="m", provider="mock")
    make("tool", "refunds/weather", source_code="1")
    make("flow", "tours/bot", attributes={"a": 1})

    def names(**which: str) -> list[str]:
        return [
            row.file.path for folder in listed(use_case, **which).folders for row in folder.rows
        ]

    assert names(kind="tool") == ["refunds/weather"]
    assert names(words="REFUNDS") == ["refunds/bot", "refunds/weather"]
    assert names(words="bot", kind="flow") == ["tours/bot"]
    assert names(words="nothing") == []


def test_the_list_is_of_one_use_case(alice, use_case, make):
    make("prompt", "mine", model="m", provider="mock")
    other = accounts.create_use_case(user=alice, name="Other")

    assert listed(other).folders == []
