"""What is said of a log is counted with it, by whatever way it is said, changed or taken back."""

from importlib import import_module

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Membership, Role
from blueprints import files
from blueprints.settings import AnswerSettings
from config.status import Status
from playground import services
from playground.models import ChatPrompt
from tests.v5.conftest import programme_of
from tracing import deleting
from tracing.judgments import evaluator, judge
from tracing.models import Face, Log, LogKind

pytestmark = pytest.mark.django_db
OLDER = import_module("playground.migrations.0019_count_older_feedback")


@pytest.fixture
def blueprint(alice, playground):
    return services.create_blueprint(
        user=alice, playground=playground, name="Bot", settings=AnswerSettings()
    )


@pytest.fixture
def log(alice, use_case, blueprint) -> Log:
    now = timezone.now()
    return Log.objects.create(
        use_case=use_case, kind=LogKind.ANSWER, user=alice, blueprint=blueprint, started_at=now
    )


@pytest.fixture
def prompt(alice, playground, blueprint, log) -> ChatPrompt:
    chat = services.create_chat(user=alice, playground=playground, blueprint=blueprint)
    asked = services.ask(user=alice, chat=chat, text="How long?")
    ChatPrompt.objects.filter(pk=asked.pk).update(log=log, status=Status.COMPLETED)
    asked.refresh_from_db()
    return asked


@pytest.fixture
def say(alice, use_case, log):
    def say(path: str, judgment, **fields) -> Log:
        version = evaluator(
            user=alice, use_case=use_case, path=path, spec=None if path == "rating" else {"a": 1}
        )
        told = {"judgment": judgment, **fields}
        return judge(log, user=alice, version=version, face=Face.PROMPTS, fields=told)

    return say


def counts(log: Log) -> tuple[int, int, int]:
    log.refresh_from_db()
    return log.thumbs_up, log.thumbs_down, log.judgment_count


def test_ratings_count_by_what_they_say_and_others_by_being_there(say, log):
    say("rating", "good")
    say("rating", "bad", end_user="bob")
    say("length", 7)
    say("length", "good")

    assert counts(log) == (1, 1, 4)


def test_a_new_rating_of_the_same_end_user_replaces_the_old_one(say, log):
    say("rating", "good")
    say("rating", "bad")
    assert counts(log) == (0, 1, 1)
    say("rating", None)
    assert counts(log) == (0, 0, 0)


def test_thumbs_in_chats_count_too(say, log, prompt, alice, bob, use_case):
    Membership.objects.create(use_case=use_case, user=bob, role=Role.VIEWER)
    say("rating", "good")
    services.set_feedback(prompt, user=alice, is_positive=True)
    services.set_feedback(prompt, user=bob, is_positive=False)
    assert counts(log) == (2, 1, 3)
    services.set_feedback(prompt, user=bob, is_positive=True)
    assert counts(log) == (3, 0, 3)
    services.set_feedback(prompt, user=bob, is_positive=None)
    assert counts(log) == (2, 0, 2)

    services.delete_prompt(prompt, user=alice)

    assert counts(log) == (1, 0, 1)


def test_a_thumb_goes_along_to_the_log_of_a_new_answer(log, prompt, alice):
    services.set_feedback(prompt, user=alice, is_positive=True)
    newer = Log.objects.create(
        use_case=log.use_case, kind=LogKind.ANSWER, started_at=log.started_at
    )

    ChatPrompt.objects.filter(pk=prompt.pk).update(log=newer)

    assert (counts(log), counts(newer)) == ((0, 0, 0), (1, 0, 1))


def test_a_rating_that_is_changed_or_deleted_counts_no_more(say, log, alice):
    rating, other = say("rating", "good"), say("rating", "good", end_user="x")
    Log.objects.filter(pk=rating.pk).update(judgment="bad")
    assert counts(log) == (1, 1, 2)

    deleting.delete([other], user=alice)
    assert counts(log) == (0, 1, 1)
    rating.file.delete()
    assert counts(log) == (0, 0, 0)


def test_an_evaluator_that_gets_another_path_rates_or_does_not(say, log, alice):
    rating = say("rating", "good")
    files.move(rating.file, user=alice, path="once/rating", name=None)
    assert counts(log) == (0, 0, 1)
    files.move(rating.file, user=alice, path="rating", name=None)
    assert counts(log) == (1, 0, 1)


def test_a_judged_log_can_be_deleted_with_all_that_is_said(say, log, prompt, alice, use_case):
    say("rating", "good")
    services.set_feedback(prompt, user=alice, is_positive=True)

    deleting.delete([log], user=alice)

    assert not Log.objects.filter(pk=log.pk).exists()
    assert use_case.delete()


def test_what_was_said_before_is_counted_by_the_migration(say, log, prompt, alice):
    say("rating", "good")
    services.set_feedback(prompt, user=alice, is_positive=False)
    Log.objects.update(thumbs_up=0, thumbs_down=0, judgment_count=0)

    with connection.cursor() as cursor:
        cursor.execute(OLDER._COUNT)

    assert counts(log) == (1, 1, 2)


def test_ratings_over_the_api_count(alice, use_case, log):
    api = programme_of(alice, use_case)

    api.made("evaluators/log", parent_id=log.public_id, path="rating", judgment="good")

    assert counts(log) == (1, 0, 1)
