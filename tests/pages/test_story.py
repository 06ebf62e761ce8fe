"""The main job in a browser, on the real product: documents in, cited answers out."""

import re

import pytest
from playwright.sync_api import Page, expect
from reportlab.lib.pagesizes import A5
from reportlab.pdfgen.canvas import Canvas

from tests.pages import steps
from tests.pages.steps import SLOW, ask

PAGES = [
    "The workshop lends tools to members. A drill may be kept for seven days.",
    "Late tools cost two euros a day. Lost tools are paid at the price of a new one.",
    "The workshop is closed on Mondays. Keys are at the porter's lodge.",
]


@pytest.fixture(scope="module")
def pdf(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "tools.pdf"
    canvas = Canvas(str(path), pagesize=A5)
    for text in PAGES:
        for line, sentence in enumerate(text.split(". ")):
            canvas.drawString(30, 500 - 20 * line, sentence)
        canvas.showPage()
    canvas.save()
    return path


def new_playground(page: Page, name: str) -> None:
    steps.make_use_case(page, f"{name}: use case")
    steps.make_playground(page, name)


@pytest.fixture(scope="module")
def chat_url(signed_in, pdf) -> str:
    """The address of a chat with one answered question, reached the way people reach it."""
    page = signed_in.new_page()
    new_playground(page, "Tool library")
    steps.upload_and_build(page, [pdf])
    ask(page, "How long may a drill be kept?")
    page.wait_for_url("**/chats/*/")
    expect(page.locator(".source").first).to_be_visible(timeout=SLOW)
    url = str(page.url)
    page.close()
    return url


def test_own_pdf_is_uploaded_built_asked_and_cited(page, chat_url):
    page.goto(chat_url)

    turn = page.locator(".turn").first
    expect(turn.locator(".answer")).to_contain_text("seven days")
    chip = turn.locator(".answer .cite").first
    expect(chip).to_be_visible()
    card = turn.locator(f"[data-source='{chip.text_content()}']")
    expect(card).to_contain_text("tools.pdf · p. 1")


def test_a_number_and_its_card_light_up_together_and_open_the_passage(page, chat_url):
    page.goto(chat_url)
    chip = page.locator(".answer .cite").first
    card = page.locator(f"[data-source='{chip.text_content()}']").first

    chip.hover()
    expect(card).to_have_attribute("data-on", "")
    chip.click()
    expect(page.locator("dialog mark")).to_contain_text("A drill may be kept for seven days")
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_an_answer_streams_into_two_pages_and_survives_a_reload(page, chat_url, signed_in):
    page.goto(chat_url)
    other = signed_in.new_page()
    other.goto(chat_url)
    before = page.locator(".turn").count()

    ask(page, "What do late tools cost?")

    for one in (page, other):
        expect(one.locator(".turn")).to_have_count(before + 1)
        expect(one.locator(".turn").last.locator(".answer")).to_contain_text(
            "two euros", timeout=SLOW
        )
        expect(one.locator(".turn").last.locator(".source").first).to_be_visible(timeout=SLOW)
    other.close()
    expect(page.get_by_label("Your question")).to_have_value("")
    page.reload()
    expect(page.locator(".turn")).to_have_count(before + 1)


def test_a_thumb_is_set_changed_and_taken_back(page, chat_url):
    page.goto(chat_url)
    turn = page.locator(".turn").first
    good, bad = (turn.get_by_role("button", name=f"{name} answer") for name in ("Good", "Bad"))

    good.click()
    expect(good).to_have_attribute("aria-pressed", "true")
    bad.click()
    expect(bad).to_have_attribute("aria-pressed", "true")
    expect(good).to_have_attribute("aria-pressed", "false")
    page.reload()
    expect(bad).to_have_attribute("aria-pressed", "true")
    bad.click()
    expect(bad).to_have_attribute("aria-pressed", "false")


def test_a_changed_setting_holds_for_the_chat_is_marked_and_can_be_reset(page, chat_url):
    page.goto(chat_url)
    chunks = page.get_by_role("spinbutton", name="Chunks per prompt")

    chunks.fill("2")
    chunks.press("Tab")
    save = page.get_by_role("button", name="Save as defaults")
    expect(save).to_be_enabled()
    expect(page.locator("[data-field=max_documents_retrieved_per_prompt]")).to_have_attribute(
        "data-changed", ""
    )
    page.reload()
    expect(chunks).to_have_value("2")
    page.get_by_role("button", name="Reset").click()
    expect(chunks).to_have_value("")
    expect(save).to_be_disabled()


def test_an_impossible_setting_says_so_in_its_place(page, chat_url):
    page.goto(chat_url)
    cap = page.get_by_role("spinbutton", name="Token cap")

    cap.evaluate("input => { input.max = ''; input.value = '51201'; }")
    cap.dispatch_event("change")

    expect(page.locator("[data-field=max_tokens] .errorlist")).to_contain_text("51200")


def test_the_trace_shows_the_funnel_and_the_prompt_as_sent(page, chat_url):
    page.goto(chat_url)
    page.locator(".turn").first.get_by_role("link", name="Trace").click()

    page.wait_for_url("**/traces/*/")
    expect(page.get_by_text("How passages were chosen")).to_be_visible()
    expect(page.locator(".message").last).to_contain_text("How long may a drill be kept?")


def test_keys_focus_the_composer_and_choose_blueprints(page, chat_url):
    page.goto(chat_url)
    page.locator("h2.ask").first.click()

    page.keyboard.press("/")
    expect(page.get_by_label("Your question")).to_be_focused()
    page.keyboard.type("1")
    expect(page.get_by_label("Your question")).to_have_value("1")
    page.get_by_label("Your question").fill("")
    page.get_by_label("Your question").blur()
    with page.expect_navigation():
        page.keyboard.press("1")


def test_each_uploaded_file_tells_its_own_error(page, chat_url, tmp_path):
    page.goto(chat_url)
    page.get_by_role("link", name="Sources").click()
    page.get_by_role("link", name=re.compile("documents")).first.click()
    good, empty = tmp_path / "hours.md", tmp_path / "empty.txt"
    good.write_text("# Hours\n\nOpen from nine to five.\n")
    empty.write_text("")

    page.set_input_files("input[type=file]", [good, empty])

    expect(page.locator(".uploads li").first).to_contain_text("Added")
    expect(page.locator(".uploads .bad")).to_be_visible()
    page.get_by_role("link", name="Show the documents").click()
    expect(page.get_by_role("link", name="hours.md", exact=True)).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_theme_is_kept(page, running, theme):
    page.goto("/")
    page.get_by_text("ada", exact=True).click()
    page.get_by_role("button", name=theme.capitalize()).click()
    page.reload()

    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == theme
    page.get_by_text("ada", exact=True).click()
    page.get_by_role("button", name="System").click()
    page.reload()
    assert "data-theme" not in page.content().split(">")[1]
