"""Answers in the making, in a browser: a slow LLM, Stop, failures, and a server that goes away."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.llm_server import UNAUTHORIZED, Behaviour, LLMServer
from tests.pages import steps
from tests.pages.steps import SLOW, ask, name_it, reload_until_answered

WORDS = " ".join(f"word{number}" for number in range(150))


@pytest.fixture(scope="module")
def llm() -> Iterator[LLMServer]:
    with LLMServer() as server:
        # Other tests of this installation have servers of their own.
        server.models = [dict(server.models[0], id="streaming-model")]
        yield server


@pytest.fixture(scope="module")
def chat_url(chromium, running, llm) -> str:
    """A chat with a blueprint of `llm`, shared with the owner by the administrator who made it."""
    context = chromium.new_context(base_url=running.url)
    page = steps.shared_use_case(context, running, name="Streams", llm=llm)
    steps.make_playground(page, "Streams")
    page.get_by_role("link", name="make a blueprint without documents").click()
    name_it(page, "Slow")
    page.get_by_label("LLM", exact=True).select_option(label="streaming-model")
    page.get_by_role("button", name="Create").click()
    llm.script(Behaviour(text="Hello."))
    ask(page, "Are you there?")
    page.wait_for_url("**/chats/*/")
    expect(page.locator(".answer.prose")).to_contain_text("Hello.", timeout=SLOW)
    url = str(page.url)
    context.close()
    return url


def test_text_grows_word_by_word_and_ends_rendered(page, chat_url, llm):
    page.goto(chat_url)
    llm.script(Behaviour(text="**Bold** " + WORDS, interval_ms=15))

    ask(page, "Tell me much")

    turn = page.locator(".turn").last
    expect(turn.locator("[data-text]")).to_contain_text("word3", timeout=SLOW)
    expect(turn.locator("[data-first-token]")).to_contain_text("first token")
    expect(turn.locator(".answer")).to_have_attribute("aria-busy", "true")
    expect(turn.locator(".answer strong")).to_have_text("Bold", timeout=SLOW)
    expect(turn.locator(".answer")).to_have_text(f"Bold {WORDS}")
    expect(page.locator("#live")).to_have_text("The answer is finished.")


def test_words_that_come_before_their_question_are_timed(page, chat_url, llm):
    page.goto(chat_url)
    llm.script(Behaviour(text=WORDS, interval_ms=50))

    held = []

    def hold(route):
        held.append(answer := route.fetch())
        # The page has the words by its event stream, and has then fetched the question itself.
        expect(page.locator(".turn").last.locator("[data-text]")).to_contain_text("word3")
        expect(page.locator("[data-first-token]")).to_be_empty()
        route.fulfill(response=answer)

    page.route("**/chats/*/ask/", hold)
    ask(page, "What comes first?")

    expect(page.locator("[data-first-token]")).to_have_text(re.compile(r"first token \d+ ms"))
    assert len(held) == 1
    page.keyboard.press("Escape")
    expect(page.locator(".answer.is-streaming")).to_have_count(0)


def test_escape_stops_and_keeps_what_was_written(page, chat_url, llm):
    page.goto(chat_url)
    llm.script(Behaviour(text=WORDS, interval_ms=100))

    ask(page, "Tell me too much")
    turn = page.locator(".turn").last
    expect(turn.locator("[data-text]")).to_contain_text("word3", timeout=SLOW)
    page.keyboard.press("Escape")

    expect(turn.locator(".meta")).to_contain_text("stopped", timeout=SLOW)
    expect(turn.locator(".answer")).to_contain_text("word3")
    expect(turn.locator(".answer")).not_to_contain_text("word149")


def test_a_failure_is_said_in_place_and_retry_mends_it(page, chat_url, llm):
    page.goto(chat_url)
    llm.script(UNAUTHORIZED)

    ask(page, "Will you refuse?")

    turn = page.locator(".turn").last
    expect(turn.locator(".failure")).to_contain_text("key", timeout=SLOW)
    expect(turn.locator(".failure")).not_to_contain_text("sk-secret123")
    llm.script(Behaviour(text="Not any more."))
    turn.get_by_role("button", name="Retry").click()
    expect(page.locator(".turn").last.locator(".answer.prose")).to_have_text(
        "Not any more.", timeout=SLOW
    )


def test_a_web_process_killed_in_mid_answer_costs_no_word_and_doubles_none(
    page, chat_url, llm, running
):
    page.goto(chat_url)
    llm.script(Behaviour(text=WORDS, interval_ms=60))

    ask(page, "Survive this")
    turn = page.locator(".turn").last
    expect(turn.locator("[data-text]")).to_contain_text("word5", timeout=SLOW)
    running.kill("web")

    expect(turn.locator(".answer.prose")).to_have_text(WORDS, timeout=SLOW)
    expect(page.locator("#banner")).to_be_hidden(timeout=SLOW)


def test_a_reload_in_mid_answer_goes_on_where_it_was(page, chat_url, llm):
    page.goto(chat_url)
    llm.script(Behaviour(text=WORDS, interval_ms=30))

    ask(page, "Tell me while I reload")
    expect(page.locator(".turn").last.locator("[data-text]")).to_contain_text("word5", timeout=SLOW)
    page.reload()

    turn = page.locator(".turn").last
    expect(turn.locator("[data-text]")).to_contain_text("word9", timeout=SLOW)
    expect(turn.locator(".answer.prose")).to_have_text(WORDS, timeout=SLOW)


@pytest.mark.parametrize("width", [390, 1440])
def test_no_page_is_wider_than_the_window(page, chat_url, width):
    page.set_viewport_size({"width": width, "height": 844})

    for url in (chat_url, "/", "/account/tokens/"):
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_phone_the_panels_are_sheets(page, chat_url):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(chat_url)

    side = page.get_by_role("complementary", name="Blueprints and chats")
    expect(side).to_be_hidden()
    page.get_by_role("link", name="Blueprints and chats").click()
    expect(side).to_be_visible()
    page.keyboard.press("Escape")
    expect(side).to_be_hidden()


def test_without_scripts_one_can_ask_and_reload(chromium, running, signed_in, chat_url, llm):
    llm.script(Behaviour(text="Plain and **good**."))
    context = chromium.new_context(
        base_url=running.url, java_script_enabled=False, storage_state=signed_in.storage_state()
    )
    page = context.new_page()
    page.goto(chat_url)

    expect(page.get_by_role("button", name="Find anything")).to_be_hidden()
    page.get_by_label("Your question").fill("Without scripts?")
    page.get_by_role("button", name="Send").click()
    turn = page.locator(".turn").last
    expect(turn.locator("h2")).to_have_text("Without scripts?")
    reload_until_answered(page)
    expect(turn.locator(".answer strong")).to_have_text("good")
    context.close()
