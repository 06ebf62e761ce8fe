"""Comparisons in a browser: columns that stream, votes, blind reading, and masses of answers."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.llm_server import UNAUTHORIZED, Behaviour
from tests.pages.steps import SLOW, ask, reload_until_answered
from tests.running import Running
from tests.visitors import Watcher, wait_for

WORDS = " ".join(f"word{number}" for number in range(150))
ONE_SECOND = 1_000


@pytest.fixture(scope="module")
def running(whole_stack) -> Running:
    """That of which the LLM's answers are known; browsers are signed in to it."""
    return whole_stack.running  # type: ignore[no-any-return]


def reply(body: Any) -> str:
    """Every answer tells whose it is, and what was asked."""
    system, question = body["messages"][0]["content"], body["messages"][-1]["content"]
    name = re.search(r"You are (\w+)\.", system)
    return f"{name[1] if name else '?'} on “{question}”: it is so."


@pytest.fixture(autouse=True)
def answers(stack) -> Iterator[None]:
    stack.llm.replies = reply
    yield
    stack.llm.replies = None


@pytest.fixture
def arena(stack) -> Callable[..., str]:
    """Makes a playground with blueprints of these names; gives the address of its comparisons."""
    llms = stack.alice.get("genai/llms/")["data"]
    llm = next(one["id"] for one in llms if one["id"].endswith("test-model"))

    def make(*names: str) -> str:
        playground = stack.alice.make("genai/playgrounds/", name="Arena", useCaseId=stack.use_case)[
            "id"
        ]
        for name in names:
            stack.alice.make(
                "genai/llmBlueprints/",
                playgroundId=playground,
                name=name,
                llmId=llm,
                llmSettings={"systemPrompt": f"You are {name}."},
            )
        return f"/playgrounds/{playground}/compare/"

    return make


def begin(page: Page, url: str, question: str) -> Locator:
    """The article of a first question."""
    page.goto(url)
    ask(page, question)
    page.wait_for_url("**/comparisons/*/")
    return question_of(page, question)


def question_of(page: Page, text: str) -> Locator:
    return page.get_by_role("article", name=text)


def column(question: Locator, name: str) -> Locator:
    return question.get_by_role("region", name=name, exact=True)


def is_answered(question: Locator, *names: str) -> None:
    """Each of them has said what it has to say to this question, in its own column."""
    text = question.locator("h2").text_content()
    for name in names:
        expect(column(question, name).locator(".answer.prose")).to_have_text(
            f"{name} on “{text}”: it is so.", timeout=SLOW
        )


def test_three_of_four_are_asked_and_judged(page, arena):
    page.goto(arena("Ada", "Bert", "Cleo", "Dora"))
    box = page.get_by_label("Your question")
    expect(box).to_have_attribute("placeholder", "Ask all four…")
    page.get_by_role("checkbox", name=re.compile("Dora")).uncheck()
    expect(box).to_have_attribute("placeholder", "Ask all three…")

    ask(page, "Which oil?")

    question = question_of(page, "Which oil?")
    is_answered(question, "Ada", "Bert", "Cleo")
    expect(column(question, "Dora")).to_have_count(0)
    for figure in ("latency", "first token", "tokens", "cost"):
        expect(question.locator(".figures dt", has_text=figure)).to_have_count(3)
    expect(question.locator(".figures div", has_text="latency").locator(".best")).to_have_count(1)
    best = column(question, "Bert").get_by_role("button", name="Bert is best")
    best.click()
    expect(best).to_have_attribute("aria-pressed", "true")
    expect(best).to_be_focused()
    preferred = page.get_by_role("region", name="Preferred")
    expect(preferred.locator(".measured").first).to_contain_text("Bert · 100% (21")
    page.reload()
    expect(best).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#live")).to_have_text("")


def test_keys_choose_change_and_take_back(page, arena):
    question = begin(page, arena("Ada", "Bert"), "Which oil?")
    is_answered(question, "Ada", "Bert")
    pressed = question.locator("[aria-pressed=true]")
    page.get_by_label("Your question").press("2")
    expect(page.get_by_label("Your question")).to_have_value("2")
    expect(pressed).to_have_count(0)
    page.get_by_label("Your question").fill("")
    page.get_by_label("Your question").blur()

    for key, chosen in (("2", "Bert is best"), ("1", "Ada is best"), ("0", "Tie")):
        page.keyboard.press(key)
        expect(question.get_by_role("button", name=chosen)).to_have_attribute(
            "aria-pressed", "true"
        )
        expect(pressed).to_have_count(1)
    page.keyboard.press("0")
    expect(pressed).to_have_count(0)


def test_a_second_question_is_asked_with_the_memory_of_the_column(page, arena, stack):
    begin(page, arena("Ada", "Bert"), "Which oil?")
    is_answered(question_of(page, "Which oil?"), "Ada", "Bert")

    ask(page, "And at night?")

    is_answered(question_of(page, "And at night?"), "Ada", "Bert")
    said = [[one["content"] for one in body["messages"]] for body in stack.llm.prompts[-2:]]
    assert {messages[2] for messages in said} == {
        f"{name} on “Which oil?”: it is so." for name in ("Ada", "Bert")
    }
    expect(page.get_by_label("Your question")).to_have_value("")


@pytest.fixture
def veras(chromium: Browser, running) -> Iterator[Page]:
    """The page of a viewer in another browser."""
    context = chromium.new_context(base_url=running.url)
    page = context.new_page()
    page.goto(running.sign_in_link("vera@example.com"))
    page.wait_for_url(f"{running.url}/")
    yield page
    context.close()


def test_two_browsers_see_the_same_and_each_others_votes_within_a_second(page, veras, arena):
    begin(page, arena("Ada", "Bert"), "Which oil?")
    veras.goto(page.url)
    is_answered(question_of(veras, "Which oil?"), "Ada", "Bert")
    ask(page, "And at night?")
    for one in (page, veras):
        is_answered(question_of(one, "And at night?"), "Ada", "Bert")
    hers, theirs = (column(question_of(one, "And at night?"), "Bert") for one in (veras, page))

    hers.get_by_role("button", name="Bert is best").click()

    expect(theirs).to_contain_text("best for vera", timeout=ONE_SECOND)
    expect(page.get_by_role("region", name="Preferred")).to_contain_text(
        "1 vote", timeout=ONE_SECOND
    )
    hers.get_by_role("button", name="Bert is best").click()
    expect(theirs).not_to_contain_text("best for vera", timeout=ONE_SECOND)
    expect(veras.get_by_label("Your question")).to_have_count(0)


def test_a_blind_comparison_names_nobody_until_the_vote(page, arena, stack):
    page.goto(arena("Ada", "Bert", "Cleo"))
    page.get_by_label("Blind").check()
    stack.llm.replies = lambda body: "It is so."
    ask(page, "Which oil?")
    page.wait_for_url("**/comparisons/*/")
    comparison = page.url.rstrip("/").rpartition("/")[2]
    first = question_of(page, "Which oil?")
    expect(first.locator(".answer.prose")).to_have_count(3, timeout=SLOW)
    with Watcher(stack.alice, f"comparison={comparison}") as watcher:
        ask(page, "And at night?")
        question = question_of(page, "And at night?")
        expect(question.locator(".answer.prose")).to_have_count(3, timeout=SLOW)
        wait_for(lambda: len(watcher.finished) == 3, "the end of three answers")
        heard = str(watcher.events)

    shown = question.inner_html()
    secrets = stack.sql(
        "SELECT chat.id, blueprint.id, blueprint.name FROM playground_chat AS chat"
        " JOIN blueprints_blueprint AS blueprint ON blueprint.id = chat.blueprint_id"
        " WHERE chat.comparison_id = %s",
        comparison,
    )
    assert len(secrets) == 3
    for secret in (word for row in secrets for word in row):
        assert secret not in shown
        assert secret not in heard
    expect(question.locator(".figures")).to_have_count(0)
    expect(page.locator("#compare-state .measured")).to_have_count(0)

    page.keyboard.press("Escape")
    page.get_by_label("Your question").blur()
    page.keyboard.press("2")

    expect(question.locator(".col").nth(1).get_by_role("button", name="is best")).to_have_attribute(
        "aria-pressed", "true"
    )
    names = question.get_by_role("heading", level=3).all_text_contents()
    assert sorted(names) == ["Ada", "Bert", "Cleo"]
    expect(question.locator(".figures")).to_have_count(3)
    expect(first.locator("h3").first).to_have_text("Answer 1")


def test_who_joins_late_answers_the_whole_thread(page, veras, arena):
    page.goto(arena("Ada", "Bert", "Cleo"))
    page.get_by_role("checkbox", name=re.compile("Cleo")).uncheck()
    ask(page, "Which oil?")
    page.wait_for_url("**/comparisons/*/")
    is_answered(question_of(page, "Which oil?"), "Ada", "Bert")
    ask(page, "And at night?")
    is_answered(question_of(page, "And at night?"), "Ada", "Bert")
    veras.goto(page.url)

    page.get_by_role("checkbox", name=re.compile("Cleo")).check()

    for one in (page, veras):
        for text in ("Which oil?", "And at night?"):
            is_answered(question_of(one, text), "Ada", "Bert", "Cleo")
    expect(page.get_by_role("checkbox", name=re.compile("Cleo"))).to_be_focused()
    page.get_by_role("checkbox", name=re.compile("Ada")).uncheck()
    for one in (page, veras):
        expect(column(question_of(one, "Which oil?"), "Ada")).to_have_count(0)
        # Two are as broad again as three were: none leaves its place empty.
        columns = question_of(one, "Which oil?").locator(".cols")
        last = columns.locator("> :last-child").bounding_box()
        whole = columns.bounding_box()
        assert last is not None
        assert whole is not None
        assert last["x"] + last["width"] == pytest.approx(whole["x"] + whole["width"], abs=2)


def test_escape_stops_all_and_keeps_what_was_written(page, arena, stack):
    stack.llm.always = Behaviour(text=WORDS, interval_ms=100)
    question = begin(page, arena("Ada", "Bert", "Cleo"), "Tell me much")
    for name in ("Ada", "Bert", "Cleo"):
        expect(column(question, name).locator("[data-text]")).to_contain_text("word3", timeout=SLOW)

    page.keyboard.press("Escape")

    expect(question.locator(".meta", has_text="stopped")).to_have_count(3, timeout=SLOW)
    for answer in question.locator(".answer").all_text_contents():
        assert "word3" in answer
        assert "word149" not in answer
    expect(page.get_by_role("button", name="Stop all")).to_be_hidden()


def test_one_is_stopped_and_the_others_go_on(page, arena, stack):
    stack.llm.always = Behaviour(text=WORDS, interval_ms=30)
    question = begin(page, arena("Ada", "Bert"), "Tell me much")
    ada, bert = column(question, "Ada"), column(question, "Bert")
    expect(ada.locator("[data-text]")).to_contain_text("word3", timeout=SLOW)

    ada.get_by_role("button", name="Stop Ada").click()

    expect(ada.locator(".meta")).to_contain_text("stopped", timeout=SLOW)
    expect(bert.locator(".answer.prose")).to_have_text(WORDS, timeout=SLOW)
    expect(ada.locator(".answer")).not_to_contain_text("word149")


def test_one_that_failed_is_retried_in_its_place(page, arena, stack):
    stack.llm.always = UNAUTHORIZED
    question = begin(page, arena("Ada", "Bert"), "Which oil?")
    ada, bert = column(question, "Ada"), column(question, "Bert")
    expect(ada.locator(".failure")).to_contain_text("key", timeout=SLOW)
    expect(bert.locator(".failure")).to_contain_text("key", timeout=SLOW)
    stack.llm.always = Behaviour()

    ada.get_by_role("button", name="Retry Ada").click()

    is_answered(question, "Ada")
    expect(bert.locator(".failure")).to_contain_text("key")
    expect(question.locator("h3")).to_have_text(["Ada", "Bert"])
    assert page.evaluate("document.activeElement.closest('.col') !== null")


def test_a_reload_in_mid_answer_loses_nothing(page, arena, stack):
    stack.llm.always = Behaviour(text=WORDS, interval_ms=30)
    question = begin(page, arena("Ada", "Bert", "Cleo"), "Tell me much")
    expect(column(question, "Bert").locator("[data-text]")).to_contain_text("word5", timeout=SLOW)

    page.reload()

    expect(column(question, "Bert").locator("[data-text]")).to_contain_text("word9", timeout=SLOW)
    for name in ("Ada", "Bert", "Cleo"):
        expect(column(question, name).locator(".answer.prose")).to_have_text(WORDS, timeout=SLOW)


def test_differences_are_shown_beside_the_page(page, arena):
    question = begin(page, arena("Ada", "Bert", "Cleo"), "Which oil?")
    is_answered(question, "Ada", "Bert", "Cleo")

    question.get_by_role("link", name="Differences").click()

    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".words del")).to_have_text("Ada")
    expect(dialog.locator(".words ins")).to_have_text("Bert")
    dialog.get_by_label("To").select_option("Cleo")
    expect(dialog.locator(".words ins")).to_have_text("Cleo")
    expect(dialog.locator(".words del")).to_have_text("Ada")


def test_eight_blueprints_and_six_questions_at_once_are_right_and_in_their_cells(
    page, arena, stack
):
    names = ("Ada", "Bert", "Cleo", "Dora", "Emil", "Frida", "Gus", "Hilde")
    streams: list[str] = []
    page.on("request", lambda sent: streams.append(sent.url) if "/events/" in sent.url else None)
    page.goto(arena(*names))
    for name in names[4:]:
        page.get_by_role("checkbox", name=re.compile(name)).check()
    stack.llm.always = Behaviour(interval_ms=40)
    ask(page, "Question number 0?")
    page.wait_for_url("**/comparisons/*/")
    for number in range(1, 6):
        ask(page, f"Question number {number}?")
        expect(page.locator(".question")).to_have_count(number + 1)

    expect(page.locator(".col .answer.prose")).to_have_count(6 * 8, timeout=SLOW)
    expect(page.locator("[data-unfinished]")).to_have_count(0)
    for number in range(6):
        question = question_of(page, f"Question number {number}?")
        is_answered(question, *names)
        expect(question.locator("h3")).to_have_text(list(names))
    assert len(streams) == 1


def test_on_a_phone_columns_stand_one_below_the_other(page, arena):
    page.set_viewport_size({"width": 390, "height": 844})
    question = begin(page, arena("Ada", "Bert"), "Which oil?")
    is_answered(question, "Ada", "Bert")

    ada, bert = (column(question, name).bounding_box() for name in ("Ada", "Bert"))

    assert ada is not None
    assert bert is not None
    assert ada["x"] == bert["x"]
    assert ada["y"] + ada["height"] < bert["y"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_scripts_one_can_ask_vote_and_choose(chromium, running, signed_in, arena):
    context = chromium.new_context(
        base_url=running.url, java_script_enabled=False, storage_state=signed_in.storage_state()
    )
    page = context.new_page()
    page.goto(arena("Ada", "Bert"))

    page.get_by_label("Your question").fill("Which oil?")
    page.get_by_role("button", name="Ask all").click()
    question = question_of(page, "Which oil?")
    reload_until_answered(page)
    is_answered(question, "Ada", "Bert")
    question.get_by_role("button", name="Ada is best").click()
    expect(question.get_by_role("button", name="Ada is best")).to_have_attribute(
        "aria-pressed", "true"
    )
    page.get_by_role("checkbox", name=re.compile("Bert")).uncheck()
    page.get_by_role("button", name="Choose these").click()
    expect(question.locator("h3")).to_have_text(["Ada"])
    context.close()
