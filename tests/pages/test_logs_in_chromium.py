"""The page of logs in a browser: the filter without a reload, and new logs at the top."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.running import Running
from tests.visitors import Person


@pytest.fixture
def person(running: Running) -> Person:
    token = running.manage("token", running.email, "--use-case", "Calls of programs")
    return Person(running.port, token)


@pytest.fixture
def write(person: Person):
    def write(output: str, **more: object) -> str:
        body = {"path": "tools/live", "tool": {"function": {"name": "live", "description": "d"}}}
        answer = person.send("POST", "/v5/tools/log", {**body, "output": output, **more})
        assert answer.status == 200, answer.body
        return str(answer.json()["id"])

    return write


@pytest.fixture
def logs_url(page: Page, running: Running, write) -> str:
    """Of the use case in which the token's programs write."""
    write("The first of all", source="begin")
    page.goto("/")
    for link in page.locator("a[href^='/use-cases/']").evaluate_all("all => all.map(a => a.href)"):
        found = re.search(r"/use-cases/[0-9a-f]{24}/", link)
        if found:
            page.goto(f"{found[0]}traces/?source=begin")
            if page.locator("#log-rows tr").count():
                return f"{found[0]}traces/"
    raise AssertionError("no use case shows the log")


def row(page: Page, text: str):
    return page.locator("#log-rows tr", has_text=text)


def test_a_filter_works_without_a_reload_and_is_in_the_address(page: Page, logs_url, write):
    write("Only in Oslo", source="north")
    write("Only in Lima", source="south")
    page.goto(logs_url)
    page.evaluate("window.isSame = true")

    page.get_by_text("More filters").click()
    page.get_by_label("Source").fill("north")
    page.get_by_label("Source").press("Enter")

    expect(row(page, "Only in Lima")).to_have_count(0)
    expect(row(page, "Only in Oslo").first).to_be_visible()
    expect(page).to_have_url(re.compile(r"/traces/\?source=north$"))
    assert page.evaluate("window.isSame")
    expect(page.get_by_label("Source")).to_be_focused()

    page.get_by_label("Path").fill("nowhere")
    page.get_by_label("Path").press("Tab")
    expect(page.locator("#errors-path")).to_contain_text("choose one of the list")
    page.get_by_label("Path").fill("")
    page.get_by_label("Path").press("Tab")
    expect(page.locator("#errors-path")).to_be_empty()
    expect(row(page, "Only in Oslo").first).to_be_visible()

    page.reload()
    expect(page.get_by_label("Source")).to_have_value("north")
    expect(row(page, "Only in Lima")).to_have_count(0)


def test_new_logs_come_to_the_top_once_each_and_only_those_of_the_filter(page, logs_url, write):
    page.goto(f"{logs_url}?source=live")
    expect(page.locator(".empty")).to_be_visible()
    page.get_by_role("button", name="Live").click()

    for number in range(5):
        write(f"Live number {number}", source="live")
        write(f"Other number {number}", source="other")

    for number in range(5):
        expect(row(page, f"Live number {number}")).to_have_count(1)
    expect(row(page, "Other number")).to_have_count(0)
    expect(page.locator("#log-rows tr").first).to_contain_text("Live number 4")
    expect(page.locator("#live")).to_have_text(re.compile("new log"))


def test_what_is_deleted_leaves_a_live_list(page, logs_url, write, person):
    gone = write("Soon gone", source="leaving")
    write("Here to stay", source="leaving")
    page.goto(f"{logs_url}?source=leaving")
    page.get_by_role("button", name="Live").click()
    expect(row(page, "Soon gone")).to_have_count(1)

    assert person.send("DELETE", f"/v5/logs?id={gone}").status == 204

    expect(row(page, "Soon gone")).to_have_count(0)
    expect(row(page, "Here to stay")).to_have_count(1)


def test_a_thumb_in_a_chat_comes_to_a_live_list(page, person):
    use_case = person.make("useCases/", name="Judged")["id"]
    playground = person.make("genai/playgrounds/", name="Bot", useCaseId=use_case)["id"]
    blueprint = person.make(
        "genai/llmBlueprints/", playgroundId=playground, name="Bot", llmId="extractive"
    )["id"]
    chat = person.make("genai/chats/", llmBlueprintId=blueprint)["id"]
    person.ask(chat, "How long?")
    page.goto(f"/use-cases/{use_case}/traces/")
    page.get_by_role("button", name="Live").click()
    expect(row(page, "How long?").get_by_text("done")).to_be_visible()
    judged = row(page, "How long?").locator(".log-judged")
    expect(judged).to_be_empty()

    other = page.context.new_page()
    other.goto(f"/chats/{chat}/")
    thumb = other.get_by_role("button", name="Good answer")
    thumb.click()
    expect(judged).to_contain_text("good 1")
    thumb.click()
    expect(judged).to_be_empty()
    other.close()


def test_live_waits_while_somebody_reads(page, logs_url, write):
    for number in range(40):
        write(f"Earlier number {number}", source="reading")
    page.goto(f"{logs_url}?source=reading")
    live = page.get_by_role("button", name="Live")
    live.click()
    page.mouse.wheel(0, 1200)
    page.wait_for_function("scrollY > 600")

    write("Came while reading", source="reading")

    expect(page.locator("#live-btn[data-paused]")).to_have_count(1)
    expect(page.locator("#live-news")).to_be_attached()
    expect(row(page, "Came while reading")).to_have_count(0)
    page.evaluate("scrollTo(0, 0)")
    expect(row(page, "Came while reading")).to_have_count(1)
    expect(page.locator("#live-btn[data-paused]")).to_have_count(0)

    row(page, "Earlier number 39").locator(".name").select_text()
    write("Came while marking", source="reading")
    expect(page.locator("#live-btn[data-paused]")).to_have_count(1)
    expect(row(page, "Came while marking")).to_have_count(0)
    page.evaluate("getSelection().removeAllRanges(), document.activeElement.blur()")
    expect(row(page, "Came while marking")).to_have_count(1)


def test_a_page_that_is_not_live_says_that_there_are_new_logs(page, logs_url, write):
    page.goto(f"{logs_url}?source=quiet")
    page.wait_for_function("performance.getEntriesByType('resource').length > 0")
    write("Quietly", source="quiet")

    news = page.get_by_role("link", name="Logs came or went")
    expect(news).to_be_visible()
    expect(row(page, "Quietly")).to_have_count(0)
    news.click()
    expect(row(page, "Quietly")).to_have_count(1)


def test_a_view_is_saved_and_chosen(page: Page, logs_url, write):
    write("In a view", source="viewed")
    page.goto(f"{logs_url}?source=viewed")
    page.get_by_role("link", name="Save as view").click()
    page.get_by_role("textbox", name="Name").fill("My view")
    page.get_by_role("button", name="Save").click()

    chosen = page.get_by_role("navigation", name="Saved views").get_by_role(
        "link", name="My view", exact=True
    )
    expect(chosen).to_have_attribute("aria-current", "page")
    page.goto(logs_url)
    chosen.click()
    expect(page).to_have_url(re.compile(r"\?source=viewed$"))
    page.get_by_role("link", name="Delete the view My view").click()
    page.get_by_role("button", name="Delete").click()
    expect(chosen).to_have_count(0)
