"""A worker that is killed while a blueprint joins a long comparison: each question is put once, in
order."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.crash.holding import Hold
from tests.llm_server import Behaviour
from tests.stack import Stack
from tests.visitors import Browser, wait_for

# The page puts 20 of them, the worker the others.
_QUESTIONS = 30
_HELD = 25
_PUT = """
SELECT prompt.text, prompt.status, jsonb_array_length(to_jsonb(prompt.history_ids))
FROM playground_chatprompt prompt JOIN playground_chat chat ON chat.id = prompt.chat_id
WHERE chat.comparison_id = %s AND chat.blueprint_id = %s
ORDER BY prompt.created_at, prompt.id
"""


@dataclass
class Comparison:
    """A long one in which all is answered."""

    stack: Stack
    id: str
    questions: list[str]

    def put_to(self, blueprint: str) -> list[tuple[str, str, int]]:
        """Each question with its status, and how many it was asked after."""
        return self.stack.sql(_PUT, self.id, blueprint)


@pytest.fixture
def comparison(held_stack: Stack) -> Iterator[Comparison]:
    stack = held_stack
    stack.running.wait_until_ready()
    stack.answers_with("Yes.", interval_ms=0)
    chat = stack.alice.make("genai/comparisonChats/", playgroundId=stack.playground, name="Long")
    first = stack.saved_blueprint("There from the start")
    questions = [
        stack.alice.make(
            "genai/comparisonPrompts/",
            comparisonChatId=chat["id"],
            llmBlueprintIds=[first],
            text=f"Question {number}?",
        )["id"]
        for number in range(_QUESTIONS)
    ]
    stack.nothing_is_left()
    yield Comparison(stack, chat["id"], questions)
    stack.llm.always = Behaviour()
    stack.nothing_is_left()


def test_who_joins_is_asked_everything_once_although_the_worker_is_killed(
    comparison: Comparison, browser: Browser
):
    stack = comparison.stack
    late = stack.saved_blueprint("Late")

    with Hold(stack, f"putting {comparison.questions[_HELD]}") as hold:
        assert browser.post(f"/comparisons/{comparison.id}/choose/", blueprint=late) == 200
        by_page = len(comparison.put_to(late))
        assert 0 < by_page < _HELD
        hold.wait()
        stack.process("worker").kill()
        # What it had put of its share, it had not kept.
        assert len(comparison.put_to(late)) == by_page

    wait_for(lambda: len(comparison.put_to(late)) >= _QUESTIONS, "all questions to be put")
    stack.nothing_is_left()
    assert comparison.put_to(late) == [
        (f"Question {number}?", "COMPLETED", number) for number in range(_QUESTIONS)
    ]
