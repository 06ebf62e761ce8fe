"""Grids in a browser: cells that stream, rows that are there when they are looked at, and masses of both."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.axe import violations
from tests.llm_server import UNAUTHORIZED, Behaviour
from tests.running import Running
from tests.visitors import wait_for

SLOW = 90_000
WORDS = " ".join(f"word{number}" for number in range(120))
EIGHT = ("Ada", "Bert", "Cleo", "Dora", "Emil", "Frida", "Gus", "Hilde")
# What keeps a page from answering its reader. Told by the browser itself.
WATCH_TASKS = """
window.longest = 0;
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) window.longest = Math.max(window.longest, task.duration);
}).observe({ type: "longtask" });
"""


@pytest.fixture(scope="module")
def running(whole_stack) -> Running:
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
    """Makes a playground with blueprints of these names; gives the address of its grids."""
    llms = stack.alice.get("genai/llms/")["data"]
    llm = next(one["id"] for one in llms if one["id"].endswith("test-model"))
    use_case = stack.alice.make("useCases/", name="Grids")["id"]

    def make(*names: str) -> str:
        playground = stack.alice.make("genai/playgrounds/", name="Arena", useCaseId=use_case)["id"]
        for name in names:
            stack.alice.make(
                "genai/llmBlueprints/",
                playgroundId=playground,
                name=name,
                llmId=llm,
                llmSettings={"systemPrompt": f"You are {name}."},
            )
        return f"/playgrounds/{playground}/grid/"

    return make


def begin(page: Page, url: str, *questions: str) -> None:
    page.goto(url)
    page.get_by_label("Questions, one per line").fill("\n".join(questions))
    page.get_by_role("button", name="Ask all").click()
    page.wait_for_url("**/grids/*/")


def cells(page: Page, number: int) -> Locator:
    return page.locator(f"#row-{number} .cell-text")


def is_done(page: Page) -> None:
    expect(page.locator("#grid-state")).to_contain_text("done", timeout=SLOW)


def scroll_to(page: Page, share: float) -> None:
    page.evaluate(
        "share => { const box = document.getElementById('grid-scroll');"
        " box.scrollTop = share * (box.scrollHeight - box.clientHeight); }",
        share,
    )


def test_cells_fill_as_their_answers_are_written(page, arena, stack):
    stack.llm.replies = None
    stack.llm.always = Behaviour(text=WORDS, interval_ms=60)
    begin(page, arena("Ada", "Bert"), "Which oil?", "Who pays?")

    growing = page.locator("#row-1 [data-text]").first
    expect(growing).to_contain_text("word5 ", timeout=SLOW)
    expect(growing).not_to_contain_text("word119")
    expect(page.locator("#grid-state")).to_contain_text("of 4 answers")
    is_done(page)
    expect(page.locator(".cell-text", has_text="word0 word1")).to_have_count(4)
    expect(page.locator("[data-unfinished]")).to_have_count(0)
    expect(page.locator("#row-1 .q-foot")).to_contain_text("agreement 1.00")
    expect(page.locator("#grid-head dd", has_text="0 of 2")).to_have_count(2)
    expect(page.locator("#grid-said")).to_contain_text("4 of 4 answers")


def test_four_hundred_answers_are_right_and_in_their_cells(page, arena, stack):
    streams: list[str] = []
    page.on("request", lambda sent: streams.append(sent.url) if "/events/" in sent.url else None)
    page.add_init_script(WATCH_TASKS)
    questions = [f"Question number {number}?" for number in range(1, 51)]
    stack.llm.always = Behaviour(interval_ms=10)
    begin(page, arena(*EIGHT), *questions)
    expect(page.locator("#grid-state")).to_contain_text(re.compile(r"[1-9]\d of 400"), timeout=SLOW)

    page.reload()
    is_done(page)

    assert len(streams) == 2  # one for each time that the page was loaded
    for number in range(1, 51):
        scroll_to(page, (number - 1) / 49)
        expected = [f"{name} on “Question number {number}?”: it is so." for name in EIGHT]
        expect(cells(page, number)).to_have_text(expected, timeout=SLOW)
    assert page.locator("tr[data-row]").count() < 30
    # A tenth of that on a machine with nothing else to do; here others work beside it.
    assert page.evaluate("window.longest") < 1_000


def test_of_a_thousand_questions_those_in_view_are_on_the_page(page, arena, stack):
    stack.llm.always = Behaviour(first_token_ms=60_000)
    begin(page, arena("Ada"), *(f"{number}?" for number in range(1, 1_001)))
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#grid-state")).to_contain_text("stopped", timeout=SLOW)
    height = page.evaluate("document.getElementById('grid-scroll').scrollHeight")

    for share, number in ((1.0, 1_000), (0.5, 501), (0.0, 1)):
        scroll_to(page, share)
        row = page.locator(f"#row-{number}")
        expect(row.locator(".q")).to_have_text(f"{number}?", timeout=SLOW)
        expect(row).to_have_attribute("aria-rowindex", str(number + 1))
        assert page.locator("tr[data-row]").count() < 30
        assert page.evaluate("document.getElementById('grid-scroll').scrollHeight") == height
    assert page.locator("table").get_attribute("aria-rowcount") == "1001"


def test_what_failed_is_asked_again_and_the_page_hears_of_it(page, arena, stack):
    stack.llm.replies = None
    stack.llm.always = UNAUTHORIZED
    begin(page, arena("Ada", "Bert"), "Which oil?")
    expect(page.locator(".cell.is-failed")).to_have_count(2, timeout=SLOW)
    expect(page.locator("#grid-state")).to_contain_text("2 failed")
    stack.llm.always, stack.llm.replies = Behaviour(), reply

    page.get_by_role("button", name="Ask the missing 2").click()

    expect(cells(page, 1)).to_have_text(
        [f"{name} on “Which oil?”: it is so." for name in ("Ada", "Bert")], timeout=SLOW
    )
    is_done(page)
    assert page.evaluate("document.activeElement !== document.body")


def test_one_who_stops_is_seen_by_another(page, signed_in, arena, stack):
    stack.llm.always = Behaviour(first_token_ms=60_000)
    begin(page, arena("Ada"), *(f"{number}?" for number in range(1, 20)))
    other = signed_in.new_page()
    other.goto(page.url)
    expect(other.locator("#row-1 .cell")).to_contain_text("waiting")

    page.get_by_role("button", name="Stop").click()

    for window in (page, other):
        expect(window.locator("#grid-state")).to_contain_text("stopped", timeout=SLOW)
        expect(window.locator("#row-1 .cell.is-failed")).to_have_count(1, timeout=SLOW)
        expect(window.get_by_role("button", name="Ask the missing 19")).to_be_visible()
    other.close()


def test_rows_are_sorted_and_narrowed_to_those_that_differ(page, arena, stack):
    def same_or_not(body: Any) -> str:
        question = body["messages"][-1]["content"]
        return "It is so." if question == "Same?" else reply(body)

    stack.llm.replies = same_or_not
    begin(page, arena("Ada", "Bert"), "Same?", "Other?")
    is_done(page)

    page.get_by_label("Show").select_option("Only different")
    page.wait_for_url("**/*show=different")
    expect(page.locator("tr[data-row] .q")).to_have_text(["Other?"])
    page.get_by_label("Show").select_option("All questions")
    expect(page.locator("tr[data-row]")).to_have_count(2)
    page.get_by_label("Sort by").select_option("Agreement")
    page.wait_for_url("**/*sort=agreement")
    expect(page.locator("tr[data-row] .q")).to_have_text(["Other?", "Same?"])


def test_a_cell_opens_by_keyboard_is_asked_again_and_shows_the_new_answer(page, arena, stack):
    begin(page, arena("Ada", "Bert"), "Which oil?")
    is_done(page)
    link = page.get_by_role("link", name="Open the answer of Bert to question 1")
    link.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".answer")).to_have_text("Bert on “Which oil?”: it is so.")
    assert violations(page) == []
    stack.llm.replies = lambda body: "Otherwise."

    dialog.get_by_role("button", name="Ask again").click()

    expect(dialog.locator(".answer")).to_have_text("Otherwise.", timeout=SLOW)
    page.keyboard.press("Escape")
    expect(cells(page, 1)).to_have_text(["Ada on “Which oil?”: it is so.", "Otherwise."])


def test_a_question_goes_on_as_a_comparison(page, arena):
    begin(page, arena("Ada", "Bert"), "Which oil?")
    is_done(page)
    page.locator(".cell-open").first.click()
    page.get_by_role("button", name="Ask in a comparison").click()

    page.wait_for_url("**/comparisons/*/")
    expect(page.locator(".col .answer.prose")).to_have_count(2, timeout=SLOW)


def test_the_rows_shown_are_taken_along(page, arena, tmp_path):
    begin(page, arena("Ada", "Bert"), "Which oil?", "Who pays?")
    is_done(page)
    page.goto(f"{page.url}?sort=latency")
    page.get_by_text("Export").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="JSONL").click()
    lines = [json.loads(line) for line in download.value.path().read_text().splitlines()]
    assert {line["answer"] for line in lines} == {
        f"{name} on “{question}”: it is so."
        for name in ("Ada", "Bert")
        for question in ("Which oil?", "Who pays?")
    }
    with page.expect_download() as download:
        page.get_by_role("link", name="HTML report").click()
    download.value.save_as(tmp_path / "report.html")
    report = page.context.new_page()
    asked: list[str] = []
    report.on("request", lambda sent: asked.append(sent.url))
    report.goto(f"file://{tmp_path}/report.html")
    expect(report.locator("article")).to_have_count(4)
    assert len(asked) == 1
    assert violations(report) == []
    report.close()


def test_a_grid_survives_a_worker(page, arena, stack):
    stack.llm.always = Behaviour(interval_ms=30)
    begin(page, arena("Ada", "Bert"), *(f"Question {number}?" for number in range(1, 13)))
    expect(page.locator("#grid-state")).to_contain_text(re.compile(r"[1-9] of 24"), timeout=SLOW)
    stack.process("worker").kill()

    is_done(page)

    expect(page.locator("#grid-state")).to_contain_text("24 of 24 answers")
    expect(cells(page, 1)).to_have_text(
        [f"{name} on “Question 1?”: it is so." for name in ("Ada", "Bert")]
    )


def test_on_a_phone_only_the_table_is_wider_than_the_window(page, arena):
    page.set_viewport_size({"width": 390, "height": 844})
    begin(page, arena("Ada", "Bert", "Cleo"), "Which oil?")
    is_done(page)

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".cell-open").first.click()
    expect(page.get_by_role("dialog").locator(".answer")).to_contain_text("Ada on")


def test_without_scripts_one_can_ask_sort_and_open(chromium, running, signed_in, arena, stack):
    context = chromium.new_context(
        base_url=running.url, java_script_enabled=False, storage_state=signed_in.storage_state()
    )
    page = context.new_page()
    begin(page, arena("Ada", "Bert"), "Which oil?", "Who pays?")

    def all_are_there() -> bool:
        page.reload()
        return "done" in page.locator("#grid-state").inner_text()

    wait_for(all_are_there, "the end of the grid")
    page.get_by_label("Order").select_option("Highest first")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tr[data-row] .q")).to_have_text(["Who pays?", "Which oil?"])
    page.get_by_role("link", name="Open the answer of Ada to question 2").click()
    expect(page.locator(".answer")).to_have_text("Ada on “Who pays?”: it is so.")
    context.close()
