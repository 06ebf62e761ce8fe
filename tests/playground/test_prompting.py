"""What fits into an LLM's context: question and answer first, then documents, then history."""

import pytest

from blueprints.llm_settings import LLMSettings
from blueprints.providers.base import text_of
from config.errors import InvalidInput
from playground.prompting import Budget, Turn, build_messages, estimate_tokens
from vectordb.passages import Passage

SETTINGS = LLMSettings(system_prompt="Be brief.", max_completion_length=100)
QUESTION = "Which oil burns in the north?"
# What question, system prompt and the longest answer take.
FIXED = estimate_tokens("Be brief.") + estimate_tokens(QUESTION) + 100
TURNS = tuple(Turn(str(number), f"Question {number}?", "An answer.") for number in range(3))
TURN = estimate_tokens("Question 0?") + estimate_tokens("An answer.")


def budget(size: int | None, settings: LLMSettings = SETTINGS) -> Budget:
    return Budget.of(context_size=size, settings=settings, question=QUESTION)


def ids(turns: tuple[Turn, ...]) -> str:
    return "".join(turn.prompt_id for turn in turns)


@pytest.mark.parametrize("size", [1, FIXED - 1, FIXED])
def test_question_and_longest_answer_stay_below_the_context(size):
    with pytest.raises(InvalidInput) as refused:
        budget(size)
    assert refused.value.field == "text"


def test_one_token_less_is_enough():
    assert budget(FIXED + 1).for_documents == 0


def test_a_longer_answer_leaves_less_for_documents():
    longer = LLMSettings(system_prompt="Be brief.", max_completion_length=600)

    few, many = budget(1_000, longer).for_documents, budget(1_000).for_documents

    assert few is not None
    assert many is not None
    assert 0 < few < many
    assert (budget(1_000, LLMSettings(system_prompt="a " * 200)).for_documents or 0) < many


def test_history_has_what_documents_leave_the_latest_first():
    whole = budget(FIXED + 3 * TURN)

    assert ids(whole.fit_history(TURNS, documents=0)) == "012"
    assert ids(whole.fit_history(TURNS, documents=1)) == "12"
    assert ids(budget(FIXED + 3 * TURN - 1).fit_history(TURNS, documents=0)) == "12"
    assert ids(budget(FIXED + TURN).fit_history(TURNS, documents=0)) == "2"
    assert ids(budget(FIXED + TURN - 1).fit_history(TURNS, documents=0)) == ""
    assert ids(whole.fit_history(TURNS, documents=whole.for_documents or 0)) == ""


def test_without_a_known_context_everything_fits():
    everything = budget(None)

    assert everything.for_documents is None
    assert ids(everything.fit_history(TURNS, documents=10**9)) == "012"


def test_messages_are_system_turns_documents_and_question():
    passage = Passage(
        chunk_id=1,
        document_id="d",
        document_name="north.txt",
        page=3,
        position=0,
        start=0,
        end=5,
        text="Rapeseed.",
        token_count=3,
        similarity=0.5,
        rank=1,
    )

    system, *turns, last = build_messages(
        settings=SETTINGS, question=QUESTION, passages=[passage], history=TURNS[:2]
    )

    assert system == {"role": "system", "content": "Be brief."}
    assert [turn["content"] for turn in turns] == [
        "Question 0?",
        "An answer.",
        "Question 1?",
        "An answer.",
    ]
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * 2
    assert last["role"] == "user"
    sent = text_of(last)
    assert sent.index("Rapeseed.") < sent.index(QUESTION)
    assert 'document="north.txt" page=3' in sent
