"""The event stream of a comparison: who may listen, and columns that come while one does."""

import pytest

from tests.playground.test_events import UNKNOWN, status_of
from tests.stack import Stack, words
from tests.visitors import Watcher, wait_for


@pytest.fixture
def comparison(stack) -> str:
    made = stack.alice.make(
        "genai/comparisonChats/", playgroundId=stack.playground, name="Listened to"
    )
    return str(made["id"])


def compare(stack: Stack, comparison: str, *blueprints: str) -> list[str]:
    """The ids of the answers."""
    made = stack.alice.make(
        "genai/comparisonPrompts/",
        comparisonChatId=comparison,
        llmBlueprintIds=list(blueprints),
        text="Why?",
    )
    return [result["id"] for result in made["results"]]


def test_members_may_listen_and_to_others_it_does_not_exist(stack, comparison):
    query = f"comparison={comparison}"
    single = stack.alice.make(
        "genai/comparisonPrompts/", llmBlueprintIds=[stack.saved_blueprint("Alone")], text="a"
    )
    stack.nothing_is_left()

    for member in (stack.alice, stack.vera):
        assert status_of(stack, query, member.headers) == 200
        assert status_of(stack, f"comparison={UNKNOWN}", member.headers) == 404
        assert status_of(stack, f"{query}&chat={UNKNOWN}", member.headers) == 404
        assert status_of(stack, f"comparison={single['id']}", member.headers) == 404
    assert status_of(stack, query, stack.bob.headers) == 404
    assert status_of(stack, query, {}) == 401


def test_columns_that_come_later_are_heard_from_their_first_word(stack, comparison):
    stack.answers_with(words(40), interval_ms=20)
    first, second = (stack.saved_blueprint(name) for name in ("First", "Second"))
    with Watcher(stack.alice, f"comparison={comparison}") as watcher:
        [one] = compare(stack, comparison, first)
        wait_for(lambda: watcher.texts.get(one), "the first words")
        answers = [one, *compare(stack, comparison, first, second)]
        for answer in answers:
            assert watcher.wait_for_end(answer) == "COMPLETED"

    assert [watcher.texts[answer] for answer in answers] == [words(40)] * 3
    assert (watcher.gaps, watcher.trouble) == (0, [])
    assert watcher.statuses == [200]


def test_each_change_has_the_next_revision_which_whoever_connects_is_told(stack, comparison):
    blueprint = stack.saved_blueprint("Told of")
    with Watcher(stack.alice, f"comparison={comparison}") as watcher:
        for _ in range(3):
            compare(stack, comparison, blueprint)
        stack.nothing_is_left()
        told = [data["revision"] for name, data in watcher.events if name == "compared"]

    assert sorted(set(told)) == [0, 1, 2, 3]
    with Watcher(stack.vera, f"comparison={comparison}") as later:
        wait_for(lambda: any(name == "compared" for name, _ in later.events), "the revision of now")
    assert later.events[-1][1] == {"comparison": comparison, "revision": 3}
