"""A prompt's life in Chromium, on the real product: made by a program, edited, run, deployed, used."""

import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.llm_server import Behaviour, LLMServer
from tests.pages import steps
from tests.pages.steps import SLOW
from tests.visitors import wait_for

MODEL = "prompts-model"
SYSTEM = "You answer for a museum shop. Be brief."


@pytest.fixture(scope="module")
def llm() -> Iterator[LLMServer]:
    with LLMServer() as server:
        # Other tests of this installation have servers of their own.
        server.models = [dict(server.models[0], id=MODEL)]
        yield server


@pytest.fixture(scope="module")
def shop(signed_in, running) -> Iterator[dict[str, Any]]:
    """A use case in which a program has made a prompt, and the address of the list of prompts."""
    page = signed_in.new_page()
    steps.make_use_case(page, "Prompts in Chromium")
    use_case = page.url.rstrip("/").rpartition("/")[2]
    page.close()
    token = running.manage("token", running.email, "--use-case", "Prompts in Chromium")
    body = {
        "path": "shop/returns",
        "model": "extractive",
        "provider": "groundwork",
        "template": [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": "{{question}}"},
        ],
    }
    key = {"x-api-key": token}
    with httpx2.Client(base_url=f"{running.url}/v5", headers=key, timeout=60) as client:
        made = client.post("/prompts", json=body)
        assert made.status_code == 200, made.text
        prompts = f"/use-cases/{use_case}/prompts/"
        yield {"list": prompts, "client": client, "id": made.json()["id"]}


@pytest.fixture(scope="module")
def model(signed_in, running, llm) -> str:
    """An LLM of the tests' server, which staff added in the pages."""
    staff = signed_in.browser.new_context(base_url=running.url)
    page = staff.new_page()
    page.goto(running.sign_in_link("admin@localhost"))
    page.wait_for_url(f"{running.url}/")
    steps.add_endpoint(page, "Prompts' server", llm.base_url)
    expect(page.get_by_text(MODEL).first).to_be_visible()
    staff.close()
    return MODEL


def edit(page: Page, shop: dict[str, Any], version: str = "v1") -> None:
    page.goto(shop["list"])
    page.get_by_role("link", name="returns", exact=True).click()
    page.get_by_role("link", name=f"Edit from {version}").click()
    expect(page.get_by_role("button", name="Run")).to_be_visible()
    # Keys do nothing before the page's scripts are there.
    page.wait_for_load_state()


def texts(page: Page) -> list[str]:
    boxes = page.get_by_role("textbox", name=re.compile("Text of message"))
    return [box.input_value() for box in boxes.all()]


def test_the_story_of_a_prompt(page, shop, model, llm):
    page.goto(shop["list"])
    expect(page.get_by_role("row", name="returns")).to_contain_text("v1 production")
    edit(page, shop)

    run_changed(page, model, llm)
    save_and_compare(page, model)
    deploy(page, shop, llm)
    roll_back(page, shop)
    open_in_playground(page)


def run_changed(page: Page, model: str, llm: LLMServer) -> None:
    """A variable that comes is asked for at once."""
    page.get_by_role("combobox", name="LLM").select_option(label=model)
    page.get_by_role("textbox", name="Text of message 1").fill(
        f"{SYSTEM} Write in {{{{language}}}}."
    )
    expect(page.locator(".behind mark")).to_have_text(["{{language}}", "{{question}}"])
    marked = page.locator(".marked").first
    laid_out = (
        "one => [one.firstElementChild, one.lastElementChild].map((part) => part.clientWidth)"
    )
    [behind, field] = marked.evaluate(laid_out)
    assert behind == field
    page.get_by_role("textbox", name="question").fill("May I return it?")
    page.get_by_role("textbox", name="language").fill("English")
    page.get_by_role("spinbutton", name="Samples").fill("2")
    page.keyboard.press("Control+Enter")
    cards = page.locator(".sample")
    expect(cards).to_have_count(2)
    expect(cards.get_by_role("link", name="Trace")).to_have_count(2, timeout=SLOW)
    for card in cards.all():
        expect(card).to_contain_text("a return is possible within 30 days")
        expect(card).to_contain_text("tokens")
    assert {body["messages"][0]["content"] for body in llm.prompts[-2:]} == {
        f"{SYSTEM} Write in English."
    }
    expect(page.locator("#live")).to_have_text("The run is finished.")


def save_and_compare(page: Page, model: str) -> None:
    page.get_by_text("Name and note").click()
    page.get_by_role("textbox", name="Name of the version").fill("in any language")
    page.get_by_role("button", name="Save as version").click()
    expect(page.get_by_text("v2 of shop/returns was saved.")).to_be_visible()
    page.get_by_role("link", name="Changes since v1").click()
    expect(page.locator("ins").filter(has_text="Write in {{language}}")).to_be_visible()
    expect(page.get_by_role("row", name="LLM")).to_contain_text(model)


def deploy(page: Page, shop: dict[str, Any], llm: LLMServer) -> None:
    """Programs get it from then on."""
    page.get_by_role("link", name="shop/returns").click()
    page.get_by_role("link", name="Deploy v2").click()
    page.get_by_role("combobox", name="Environment").select_option(
        label="production (v1 now, also for programs that name none)"
    )
    page.get_by_role("dialog").get_by_role("button", name="Deploy").click()
    expect(page.get_by_role("row", name=re.compile("^production"))).to_contain_text("v2")
    asked = {"path": "shop/returns", "inputs": {"question": "Q", "language": "German"}}
    answer = shop["client"].post("/prompts/call", json=asked).json()
    assert "in German." in llm.prompts[-1]["messages"][0]["content"]
    assert answer["prompt"]["version_name"] == "in any language"


def roll_back(page: Page, shop: dict[str, Any]) -> None:
    page.get_by_role("link", name="Roll production back to v1").click()
    expect(page.get_by_role("dialog")).to_contain_text("get v1 instead of v2 from now on")
    page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    expect(page.get_by_text("v1 again in")).to_be_visible()
    found = shop["client"].get(f"/prompts/{shop['id']}").json()
    assert found["template"][0]["content"] == SYSTEM


def open_in_playground(page: Page) -> None:
    """And there into a chat."""
    page.get_by_role("link", name="in any language").click()
    page.get_by_role("link", name="Open in playground").click()
    page.get_by_role("textbox", name="Name of the new playground").fill("Returns desk")
    page.get_by_role("dialog").get_by_role("button", name="Open").click()
    expect(page.get_by_label("Your question")).to_be_visible()
    expect(page.get_by_role("link", name="returns v2")).to_be_visible()
    page.get_by_label("Your question").fill("May I?")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".turn .answer")).to_contain_text("30 days", timeout=SLOW)


def test_a_run_is_stopped_and_what_was_said_stays_with_its_trace(page, shop, model, llm):
    edit(page, shop)
    page.get_by_role("combobox", name="LLM").select_option(label=model)
    page.get_by_role("textbox", name="question").fill("May I?")
    llm.script(Behaviour(stall_after=3))
    page.get_by_role("button", name="Run").click()
    card = page.locator(".sample")
    expect(card.locator("[data-text]")).to_have_text("According to the")

    page.keyboard.press("Escape")

    expect(card).to_contain_text("stopped")
    expect(card).to_contain_text("According to the")
    assert llm.requests[-1].hung_up.wait(10)
    expect(page.get_by_role("button", name="Run")).to_be_enabled()
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    address = card.get_by_role("link", name="Trace").get_attribute("href")
    other = page.context.new_page()
    expect_trace(other, str(address))
    other.close()


def expect_trace(page: Page, address: str) -> None:
    """The log is written when the run has heard that its reader left."""

    def is_there() -> bool:
        answer = page.goto(address)
        return answer is not None and answer.ok

    wait_for(is_there, "the trace")
    expect(page.get_by_text("According to the", exact=True)).to_be_visible()


def test_what_is_wrong_is_said_before_anything_is_asked(page, shop, llm):
    edit(page, shop)
    before = len(llm.prompts)
    page.get_by_text("Tools", exact=True).first.click()
    page.get_by_role("textbox", name="Tools").fill('[{"name": "weather"}]')

    page.get_by_role("button", name="Run").click()

    alert = page.locator("#problems")
    expect(alert).to_contain_text("Tools: Tool 1.description")
    page.get_by_role("textbox", name="Tools").fill("")
    page.get_by_role("button", name="Run").click()
    expect(alert).to_contain_text("Fill in the inputs: question.")
    assert len(llm.prompts) == before
    # What was written is still there.
    assert texts(page)[0] == SYSTEM


def test_a_providers_refusal_is_shown_in_its_card(page, shop, model, llm):
    edit(page, shop)
    page.get_by_role("combobox", name="LLM").select_option(label=model)
    page.get_by_role("textbox", name="question").fill("May I?")
    llm.script(Behaviour(status=401, body={"error": {"message": "No.", "code": "invalid_api_key"}}))

    page.get_by_role("button", name="Run").click()

    expect(page.locator(".sample .callout.bad")).to_contain_text("key", timeout=SLOW)
    expect(page.locator(".sample").get_by_role("link", name="Trace")).to_be_visible()


def test_messages_are_added_moved_and_removed_by_keys(page, shop):
    edit(page, shop)
    page.get_by_role("button", name="Add a message").press("Enter")
    third = page.get_by_role("textbox", name="Text of message 3")
    expect(third).to_be_focused()
    expect(page.get_by_role("combobox", name="Role of message 3")).to_have_value("assistant")
    page.keyboard.type("Of {{topic}}")
    expect(page.get_by_role("textbox", name="topic")).to_be_visible()

    page.keyboard.press("Alt+ArrowUp")

    assert texts(page) == [SYSTEM, "Of {{topic}}", "{{question}}"]
    expect(page.get_by_role("textbox", name="Text of message 2")).to_be_focused()
    expect(page.locator("#live")).to_have_text("Now message 2 of 3.")
    page.get_by_role("button", name="Move message 2 down").press("Enter")
    expect(page.get_by_role("button", name="Move message 3 down")).to_be_focused()
    page.get_by_role("textbox", name="topic").fill("ships")
    page.get_by_role("button", name="Remove message 3").press("Enter")
    assert texts(page) == [SYSTEM, "{{question}}"]
    expect(page.get_by_role("textbox", name="topic")).to_have_count(0)
    # An input keeps its value where its variable comes back.
    page.get_by_role("textbox", name="Text of message 2").fill("{{question}} {{ topic }}")
    expect(page.get_by_role("textbox", name="topic")).to_have_value("ships")


def test_the_editor_asks_before_what_was_written_is_lost(page, shop):
    edit(page, shop)
    asked: list[str] = []

    def agree(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", agree)
    page.get_by_role("textbox", name="Text of message 1").press_sequentially("x")

    page.get_by_role("link", name="Traces").click()

    page.wait_for_url("**/traces/")
    assert asked == ["beforeunload"]


@pytest.mark.parametrize("width", [390, 1440, 2560])
def test_no_page_is_wider_than_its_window(page, shop, width):
    page.set_viewport_size({"width": width, "height": 900})
    edit(page, shop)
    editor = page.url
    page.goto(editor.replace("/edit/", "/"))
    version = page.url
    blueprint = version.partition("/versions/")[0]

    for url in (editor, version, f"{blueprint}/", f"{blueprint}/differences/", shop["list"]):
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, url
