"""How well passages support the sentences of an answer: measured after it, by real jobs and the real
embedding model."""

import asyncio

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from blueprints.catalogue import EXTRACTIVE_ID
from config.status import Status
from playground import asking, services, tasks
from playground.models import Chat, ChatPrompt
from playground.rush import Rush
from playground.support import measuring
from playground.support.scores import Level, support_from_json
from tests.llm_server import Behaviour

QUESTION = "Until when can opened items be returned?"


@pytest.fixture
def answered(alice, llm_server, reading_chat, run_jobs):
    """Asks, has the tests' LLM answer with the text, and gives back the prompt."""

    def answer(text: str, chat: Chat | None = None) -> ChatPrompt:
        llm_server.script(Behaviour(text=text))
        prompt = services.ask(user=alice, chat=chat or reading_chat, text=QUESTION)
        run_jobs()
        prompt.refresh_from_db()
        assert prompt.status == Status.COMPLETED, prompt.error_message
        return prompt

    return answer


def levels(prompt: ChatPrompt) -> list[Level]:
    return [one.level for one in support_from_json(prompt.sentence_support)]


def test_what_the_passage_says_is_supported_and_what_it_does_not_say_is_not(answered):
    prompt = answered(
        "Opened items can be returned for store credit until day 60 [1]. "
        "Most shops abroad sell umbrellas in autumn [1]."
    )

    assert levels(prompt) == [Level.SUPPORTED, Level.NONE]
    assert all(one.is_cited for one in support_from_json(prompt.sentence_support))


def test_the_same_in_other_words_is_supported(answered):
    prompt = answered("You get store credit for items that were opened until day 60 [1].")

    assert levels(prompt) == [Level.SUPPORTED]


def test_a_figure_that_no_passage_has_is_weak_support_at_most(answered):
    prompt = answered("Opened items can be returned for store credit until day 90 [1].")

    [support] = support_from_json(prompt.sentence_support)
    assert (support.level, support.missing) == (Level.WEAK, "90")


def test_without_a_citation_the_best_passage_counts_and_is_told(
    alice, answered, chat_with, llm, handbook
):
    chat = chat_with(llm_id=llm.pk, vector_database_id=handbook.pk)

    prompt = answered("Parcels are insured and leave within one working day.", chat)

    [support] = support_from_json(prompt.sentence_support)
    [best] = [one for one in prompt.citations if one["number"] == support.number]
    assert best["source"] == "shipping.md"
    assert (support.level, support.is_cited) == (Level.SUPPORTED, False)


def test_what_the_built_in_llm_quotes_is_supported(alice, chat_with, handbook, run_jobs):
    chat = chat_with(llm_id=EXTRACTIVE_ID, vector_database_id=handbook.pk)
    prompt = services.ask(user=alice, chat=chat, text=QUESTION)
    nothing = services.ask(user=alice, chat=chat, text="Who won the elections in Peru?")
    run_jobs()

    prompt.refresh_from_db()
    assert set(levels(prompt)) == {Level.SUPPORTED}
    nothing.refresh_from_db()
    assert nothing.result_text
    assert nothing.sentence_support is None


def test_without_passages_nothing_is_measured(alice, llm_server, chat, run_jobs):
    llm_server.script(Behaviour(text="Opened items can be returned until day 60."))
    prompt = services.ask(user=alice, chat=chat, text=QUESTION)
    run_jobs()

    prompt.refresh_from_db()
    assert prompt.status == Status.COMPLETED
    assert prompt.sentence_support is None


def test_what_states_nothing_has_no_support(answered):
    prompt = answered("Which items do you mean [1]?")

    assert (prompt.sentence_support, prompt.support_due) == (None, False)


def test_an_answer_that_is_tried_again_is_measured_anew(alice, answered, llm_server, run_jobs):
    prompt = answered("Most shops abroad sell umbrellas in autumn [1].")
    ChatPrompt.objects.filter(pk=prompt.pk).update(status=Status.ERROR)
    prompt.refresh_from_db()

    llm_server.script(
        Behaviour(text="Opened items can be returned for store credit until day 60 [1].")
    )
    asking.retry(prompt, user=alice)
    run_jobs()

    prompt.refresh_from_db()
    assert levels(prompt) == [Level.SUPPORTED]


def test_a_measurement_that_comes_late_leaves_the_newer_answer_alone(answered):
    prompt = answered("Opened items can be returned for store credit until day 60 [1].")
    ChatPrompt.objects.filter(pk=prompt.pk).update(support_due=True)
    [late] = measuring._read_some()
    work = measuring._work(late)
    ChatPrompt.objects.filter(pk=prompt.pk).update(finished_at=None, sentence_support=None)

    measuring._keep([(work, support_from_json(prompt.sentence_support))])

    prompt.refresh_from_db()
    assert (prompt.sentence_support, prompt.support_due) == (None, True)


def test_many_answers_are_measured_together_the_newest_first(answered, monkeypatch):
    monkeypatch.setattr(measuring, "_AT_ONCE", 2)
    text = "Opened items can be returned for store credit until day 60 [1]."
    prompts = [answered(text) for _ in range(3)]
    due = ChatPrompt.objects.filter(pk__in=[prompt.pk for prompt in prompts])
    due.update(support_due=True, sentence_support=None)

    async def at_once() -> None:
        return None

    assert asyncio.run(measuring.measure_some(give_way=at_once)) == 2

    assert due.get(support_due=True) == prompts[0]
    assert asyncio.run(measuring.measure_some(give_way=at_once)) == 1
    assert asyncio.run(measuring.measure_some(give_way=at_once)) == 0
    assert all(levels(prompt) == [Level.SUPPORTED] for prompt in due)


def test_what_is_measured_does_not_wait_long_for_the_rest(answered, monkeypatch):
    monkeypatch.setattr(measuring, "_KEPT_BACK_SECONDS", 0)
    text = "Opened items can be returned for store credit until day 60 [1]."
    prompts = [answered(text) for _ in range(2)]
    due = ChatPrompt.objects.filter(pk__in=[prompt.pk for prompt in prompts])
    due.update(support_due=True)
    still_due = []

    async def count() -> None:
        still_due.append(await due.filter(support_due=True).acount())

    asyncio.run(measuring.measure_some(give_way=count))

    assert still_due[0] == 2
    assert still_due[-1] == 1
    assert not due.filter(support_due=True).exists()


def test_an_answer_that_cannot_be_read_does_not_hold_up_the_others(answered, monkeypatch, caplog):
    text = "Opened items can be returned for store credit until day 60 [1]."
    older, newer = answered(text), answered(text)
    due = ChatPrompt.objects.filter(pk__in=[older.pk, newer.pk])
    due.update(support_due=True, sentence_support=None)
    ChatPrompt.objects.filter(pk=newer.pk).update(citations=[{"text": "without a number"}])

    asyncio.run(tasks.measure_support())

    assert not due.filter(support_due=True).exists()
    older.refresh_from_db()
    newer.refresh_from_db()
    assert (levels(older), newer.sentence_support) == ([Level.SUPPORTED], None)
    assert f"The support of the answer {newer.pk} cannot be measured." in caplog.text


def test_one_job_waits_however_many_answers_are_due(answered, run_jobs):
    answered("Opened items can be returned for store credit until day 60 [1].")
    waiting = ProcrastinateJob.objects.filter(queue_name=tasks.SUPPORT_QUEUE, status="todo")

    asyncio.run(tasks._have_measured())
    asyncio.run(tasks._have_measured())

    assert waiting.count() == 1
    run_jobs()
    assert not waiting.exists()


def test_what_is_due_while_the_job_is_at_its_end_is_measured_by_it(monkeypatch):
    looked = []

    async def look(*, give_way: object) -> int:
        looked.append(give_way)
        if len(looked) == 1:
            await tasks._have_measured()
        return 0

    monkeypatch.setattr(measuring, "measure_some", look)
    asyncio.run(tasks.measure_support())

    assert len(looked) == 2


def test_measuring_waits_for_the_first_words_that_people_wait_for():
    async def order() -> list[str]:
        rush, seen = Rush(), []
        rush.enter("one")
        rush.enter("two")

        async def measure() -> None:
            await rush.over()
            seen.append("measured")

        measuring = asyncio.create_task(measure())
        for prompt in ("one", "one", "two"):
            await asyncio.sleep(0)
            seen.append(prompt)
            rush.leave(prompt)
        await asyncio.sleep(0)
        # Nobody is awaited any more, but not for long.
        rush.enter("three")
        await asyncio.sleep(0.1)
        seen.append("three")
        rush.leave("three")
        await measuring
        return seen

    assert asyncio.run(order()) == ["one", "one", "two", "three", "measured"]


def test_measuring_goes_on_when_answers_never_cease_to_be_asked(monkeypatch):
    monkeypatch.setattr("playground.rush._LONGEST_SECONDS", 0.01)

    async def wait() -> None:
        rush = Rush()
        rush.enter("one")
        async with asyncio.timeout(5):
            await rush.over()

    asyncio.run(wait())
