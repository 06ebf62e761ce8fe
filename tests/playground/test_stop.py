"""Answers that are stopped, deleted, queued up and asked for in masses, by a running worker."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.stack import Stack, words
from tests.visitors import Browser, wait_for

TEXT = words(400)
CROWD = 200


@pytest.fixture(scope="module")
def browser(whole_stack) -> Browser:
    return Browser(whole_stack.running, whole_stack.running.email)


@pytest.fixture
def chat(stack) -> str:
    return str(stack.chat())


def asked(stack: Stack, chat: str) -> str:
    """A prompt in the middle of its answer."""
    stack.answers_with(TEXT, interval_ms=50)
    prompt = stack.alice.ask(chat)
    stack.in_mid_answer(prompt)
    return prompt


def hung_up(stack: Stack) -> None:
    wait_for(stack.llm.requests[-1].hung_up.is_set, "the LLM server to be hung up on", 10)


def test_stop_keeps_what_was_written_and_hangs_up(stack, chat, browser):
    with stack.watch(chat) as watcher:
        prompt = asked(stack, chat)
        begun = time.monotonic()
        assert browser.post(f"/prompts/{prompt}/stop/") == 200
        status, text, attempt = stack.finished(prompt)
        took = time.monotonic() - begun
        assert watcher.wait_for_end(prompt) == "COMPLETED"

    assert (status, attempt) == ("COMPLETED", 1)
    assert TEXT.startswith(text)
    assert 0 < len(text) < len(TEXT)
    assert watcher.texts[prompt] == text
    [(reason, root)] = stack.sql(
        "SELECT finish_reason, log_id FROM playground_chatprompt WHERE id = %s", prompt
    )
    assert reason == "stopped"
    assert root is not None
    hung_up(stack)
    # The promise is a second; busy machines get more.
    assert took < 4


def test_stop_works_while_the_llm_is_silent(stack, chat, browser):
    stack.answers_with(TEXT, stall_after=3)
    prompt = stack.alice.ask(chat)
    stack.in_mid_answer(prompt)

    assert browser.post(f"/prompts/{prompt}/stop/") == 200

    status, text, attempt = stack.finished(prompt)
    assert (status, attempt) == ("COMPLETED", 1)
    assert text
    assert " ".join(TEXT.split(" ")[:3]).startswith(text)
    hung_up(stack)


def test_a_replay_is_stopped_and_keeps_what_was_written(stack, chat, browser):
    stack.answers_with("As it is.")
    prompt = stack.alice.ask(chat)
    assert stack.finished(prompt)[0] == "COMPLETED"
    stack.answers_with(TEXT, stall_after=3)
    before = len(stack.llm.prompts)
    assert browser.post(f"/prompts/{prompt}/replay/", **{"as": "exact"}) == 200
    wait_for(lambda: len(stack.llm.prompts) > before, "the LLM to be asked")
    [(replay,)] = stack.sql("SELECT id FROM playground_replay WHERE prompt_id = %s", prompt)
    assert stack.llm.requests[-1].is_silent.wait(10)

    assert browser.post(f"/replays/{replay}/stop/") == 200

    def ended() -> tuple[str, str, str] | None:
        [row] = stack.sql(
            "SELECT status, finish_reason, result_text FROM playground_replay WHERE id = %s", replay
        )
        return row if row[0] not in {"NEW", "RUNNING"} else None

    status, reason, text = wait_for(ended, "the end of the replay", 10)
    assert (status, reason) == ("COMPLETED", "stopped")
    assert text
    assert " ".join(TEXT.split(" ")[:3]).startswith(text)
    hung_up(stack)


def test_stop_before_the_first_word_leaves_no_answer(stack, chat, browser):
    stack.answers_with(TEXT, first_token_ms=60_000)
    before = len(stack.llm.prompts)
    prompt = stack.alice.ask(chat)
    wait_for(lambda: len(stack.llm.prompts) > before, "the LLM to be asked")

    browser.post(f"/prompts/{prompt}/stop/")

    assert stack.finished(prompt) == ("SKIPPED", "", 1)
    hung_up(stack)


def test_stopping_twice_or_too_late_changes_nothing(stack, chat, browser):
    prompt = stack.alice.ask(chat)
    before = stack.finished(prompt)

    assert browser.post(f"/prompts/{prompt}/stop/") == 200
    assert browser.post(f"/prompts/{prompt}/stop/") == 200

    assert stack.prompt(prompt) == before


def test_what_is_stopped_lets_the_next_one_of_its_chat_begin(stack, chat, browser):
    first = asked(stack, chat)
    stack.answers_with("Here I am.")
    second = stack.alice.ask(chat)
    assert stack.prompt(second)[0] == "NEW"

    browser.post(f"/prompts/{first}/stop/")

    assert stack.finished(second) == ("COMPLETED", "Here I am.", 1)


def test_deleting_in_mid_answer_ends_it_everywhere(stack, chat):
    with stack.watch(chat) as watcher:
        prompt = asked(stack, chat)
        assert stack.alice.send("DELETE", f"/api/v2/genai/chatPrompts/{prompt}/").status == 204
        wait_for(lambda: "deleted" in watcher.names(prompt), "the page to be told")

    hung_up(stack)
    wait_for(
        lambda: (
            stack.sql("SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'") == [(0,)]
        ),
        "the end of the job",
    )
    assert stack.sql("SELECT 1 FROM playground_chatprompt WHERE id = %s", prompt) == []


def test_deleting_the_chat_in_mid_answer_ends_its_answers(stack, chat):
    asked(stack, chat)
    waiting = stack.alice.ask(chat)

    assert stack.alice.send("DELETE", f"/api/v2/genai/chats/{chat}/").status == 204

    hung_up(stack)
    assert stack.sql("SELECT 1 FROM playground_chatprompt WHERE id = %s", waiting) == []


def test_prompts_of_one_chat_are_answered_one_after_the_other(stack, chat):
    stack.answers_with("One by one.", interval_ms=50)
    prompts = [stack.alice.ask(chat, f"Number {n}?") for n in range(3)]

    for prompt in prompts:
        assert stack.finished(prompt) == ("COMPLETED", "One by one.", 1)
    rows = stack.sql(
        "SELECT finished_at - latency_ms * interval '1 ms', finished_at, history_ids"
        " FROM playground_chatprompt WHERE chat_id = %s ORDER BY created_at, id",
        chat,
    )
    for earlier, later in itertools.pairwise(rows):
        assert earlier[1] <= later[0]
    assert rows[-1][2] == prompts[:2]


def test_hundreds_of_questions_at_once_are_all_answered(stack):
    text = words(20)
    with ThreadPoolExecutor(8) as pool:
        chats = list(pool.map(lambda _: stack.chat(), range(CROWD)))
        stack.answers_with(text, interval_ms=100, first_token_ms=2_000)
        prompts = list(pool.map(stack.alice.ask, chats))

    stack.nothing_is_left()
    rows = stack.sql(
        "SELECT status, result_text, attempt, count(*) FROM playground_chatprompt"
        " WHERE id = ANY(%s) GROUP BY 1, 2, 3",
        prompts,
    )
    assert rows == [("COMPLETED", text, 1, CROWD)]
