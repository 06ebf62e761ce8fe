"""Replays: the very messages of an answer sent again, or its question with what is found today."""

import pytest

from blueprints.catalogue import EXTRACTIVE_ID
from blueprints.models import LLM
from blueprints.settings import SettingsChanges
from config.errors import Conflict, Forbidden, InvalidInput
from config.status import Status
from evaluation.models import MetricConfiguration
from playground import services
from playground.chat.settings import write_back
from playground.models import ChatPrompt, Replay
from playground.replays.asking import MOST_UNFINISHED, replay, stop
from playground.replays.replaying import obstacle
from tests.llm_server import UNAUTHORIZED, Behaviour
from tracing.models import Log
from vectordb.models import VectorDatabase

QUESTION = "Until when can opened items be returned?"
FOLLOW_UP = "And when they are damaged?"


@pytest.fixture
def answered(alice, llm_server, reading_chat, run_jobs) -> ChatPrompt:
    """The second answer of a chat, from passages and with history."""
    llm_server.script(Behaviour(text="Until day 60 [1]."), Behaviour(text="Likewise [1]."))
    services.ask(user=alice, chat=reading_chat, text=QUESTION)
    prompt = services.ask(user=alice, chat=reading_chat, text=FOLLOW_UP)
    run_jobs()
    prompt.refresh_from_db()
    assert prompt.status == Status.COMPLETED, prompt.error_message
    return prompt


@pytest.fixture
def replayed(alice, run_jobs):
    def make(prompt: ChatPrompt, *, is_exact: bool = True) -> Replay:
        made = replay(prompt, user=alice, is_exact=is_exact)
        run_jobs()
        made.refresh_from_db()
        return made

    return make


def test_an_exact_replay_sends_the_very_messages_again(answered, replayed, llm_server):
    sent = llm_server.requests[-1].body

    made = replayed(answered)

    assert made.status == Status.COMPLETED
    assert llm_server.requests[-1].body == sent
    assert [one["role"] for one in sent["messages"]] == ["system", "user", "assistant", "user"]
    assert made.citations == answered.citations


def test_an_exact_replay_searches_nothing_and_asks_nothing_of_the_database(
    answered, replayed, llm_server
):
    VectorDatabase.objects.all().delete()
    first = answered.chat.prompts.exclude(pk=answered.pk).get()
    first.delete()
    llm_server.script(Behaviour(text="Until the very end [1]."))

    made = replayed(answered)

    assert made.result_text == "Until the very end [1]."
    kinds = set(Log.objects.filter(root=made.log).values_list("kind", flat=True))
    assert kinds == {"generate"}


def test_changed_settings_of_the_chat_do_not_matter(alice, answered, replayed, llm_server):
    sent = llm_server.requests[-1].body
    write_back(answered.chat, SettingsChanges(llm_id=EXTRACTIVE_ID))

    replayed(answered)

    assert llm_server.requests[-1].body == sent


def test_a_replay_is_part_of_no_chat(alice, answered, replayed, llm_server, run_jobs):
    before = answered.chat.prompts.count()
    llm_server.script(Behaviour(text="Something else."))
    replayed(answered)

    services.ask(user=alice, chat=answered.chat, text="And then?")
    run_jobs()

    assert answered.chat.prompts.count() == before + 1
    assert "Something else." not in str(llm_server.requests[-1].body)


def test_a_replay_leaves_a_trace_with_its_cost(answered, replayed):
    made = replayed(answered)

    assert made.log is not None
    assert made.log.cost == made.cost
    assert made.cost is not None
    assert made.log.cost > 0
    assert made.log.payload.inputs["replay_of"] == answered.pk
    assert made.log.use_case_id == answered.chat.playground.use_case_id


def test_with_todays_search_the_question_is_searched_for_anew(answered, replayed, llm_server):
    ChatPrompt.objects.filter(pk=answered.pk).update(citations=[])
    answered.refresh_from_db()

    made = replayed(answered, is_exact=False)

    assert made.status == Status.COMPLETED
    assert len(made.citations) == 1
    kinds = set(Log.objects.filter(root=made.log).values_list("kind", flat=True))
    assert kinds == {"retrieve", "generate"}
    roles = [one["role"] for one in llm_server.requests[-1].body["messages"]]
    assert roles == ["system", "user", "assistant", "user"]


def test_the_built_in_llm_quotes_the_passages_of_then(
    alice, chat_with, handbook, run_jobs, replayed
):
    chat = chat_with(llm_id=EXTRACTIVE_ID, vector_database_id=handbook.pk)
    prompt = services.ask(user=alice, chat=chat, text=QUESTION)
    run_jobs()
    prompt.refresh_from_db()

    assert replayed(prompt).result_text == prompt.result_text


def test_what_the_llm_refuses_is_kept_as_the_replays_error(answered, replayed, llm_server):
    llm_server.script(UNAUTHORIZED)

    made = replayed(answered)

    assert made.status == Status.ERROR
    assert made.error_message
    assert made.log is not None


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"final_prompt": None}, "never reached the LLM"),
        ({"status": Status.ERROR}, "never reached the LLM"),
        ({"blocked_text": "No."}, "withheld"),
        ({"llm_id": "gone"}, "gone or switched off"),
    ],
)
def test_what_cannot_be_sent_again_says_why(alice, answered, fields, reason):
    ChatPrompt.objects.filter(pk=answered.pk).update(**fields)
    answered.refresh_from_db()

    with pytest.raises(InvalidInput, match=reason):
        replay(answered, user=alice, is_exact=True)

    assert not Replay.objects.exists()


def test_an_llm_that_is_switched_off_answers_no_replay(alice, answered):
    LLM.objects.filter(pk=answered.llm_id).update(is_active=False)

    assert "gone or switched off" in obstacle(answered, is_exact=True)


def test_todays_search_needs_its_database_and_its_history(answered):
    assert not obstacle(answered, is_exact=False)

    answered.chat.prompts.exclude(pk=answered.pk).delete()
    assert "Earlier questions" in obstacle(answered, is_exact=False)
    VectorDatabase.objects.all().delete()
    assert "cannot be searched today" in obstacle(answered, is_exact=False)
    answered.vector_database_id = None
    assert "read no documents" in obstacle(answered, is_exact=False)
    assert not obstacle(answered, is_exact=True)


def test_a_guard_of_now_rules_on_replays_too(alice, answered, replayed, llm_server):
    MetricConfiguration.objects.create(
        playground=answered.chat.playground,
        name="prompt_tokens",
        moderation={
            "guard_conditions": [{"comparator": "greaterThan", "comparand": 0}],
            "intervention": {"action": "block", "message": "Withheld by a guard."},
        },
        created_by=alice,
    )
    asked = len(llm_server.requests)

    made = replayed(answered)

    assert made.finish_reason == "blocked"
    assert len(llm_server.requests) == asked


def test_a_viewer_replays_nothing(vera, answered):
    with pytest.raises(Forbidden):
        replay(answered, user=vera, is_exact=True)


def test_one_user_has_a_few_replays_at_a_time(alice, answered):
    for _ in range(MOST_UNFINISHED):
        replay(answered, user=alice, is_exact=True)

    with pytest.raises(Conflict, match="not done yet"):
        replay(answered, user=alice, is_exact=True)


def test_a_replay_goes_with_its_answer(alice, answered, replayed, run_jobs):
    waiting = replay(answered, user=alice, is_exact=True)
    services.delete_prompt(answered, user=alice)

    run_jobs()

    assert not Replay.objects.filter(pk=waiting.pk).exists()


def test_one_that_waits_is_stopped_at_once(alice, answered, llm_server, run_jobs):
    waiting = replay(answered, user=alice, is_exact=True)
    before = len(llm_server.prompts)

    stop(waiting, user=alice)
    run_jobs()

    waiting.refresh_from_db()
    assert waiting.status == Status.SKIPPED
    assert waiting.error_message == "Stopped before the answer began."
    assert len(llm_server.prompts) == before


def test_one_that_is_done_stays_as_it_is(alice, answered, replayed):
    done = replayed(answered)

    stop(done, user=alice)

    done.refresh_from_db()
    assert done.status == Status.COMPLETED


def test_a_viewer_stops_nothing(alice, vera, answered):
    waiting = replay(answered, user=alice, is_exact=True)

    with pytest.raises(Forbidden):
        stop(waiting, user=vera)
