"""What the chat page does by script, in a browser: rendering in steps, versions, branches, filters,
citations, the palette and the keys."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.axe import violations
from tests.llm_server import Behaviour, LLMServer
from tests.pages import steps
from tests.pages.steps import SLOW, ask, name_it
from tests.visitors import Person

CODE = "def credit(days):\n    return days <= 60\n"
STEPS = (
    "Credit is given until **day 60** [1].\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n"
    f"```python\n{CODE}```\n\nThe end of it all"
)
# So long that nobody waits for its end.
ENDLESS = f"{STEPS} {' '.join(f'word{number}' for number in range(600))}"
DOCUMENTS = {
    "returns.md": "# Returns\n\nOpened items get store credit until day 60 after delivery.\n",
    "rueckgabe.md": "# Rückgabe\n\nGeöffnete Waren werden bis zum Tag 60 gutgeschrieben, danach nicht.\n",
}


@pytest.fixture(scope="module")
def llm() -> Iterator[LLMServer]:
    with LLMServer() as server:
        server.models = [dict(server.models[0], id="chat-model")]
        yield server


@pytest.fixture(scope="module")
def playground_url(chromium, running, llm, tmp_path_factory) -> str:
    """A playground of the owner whose first blueprint is asked through `llm`."""
    folder = tmp_path_factory.mktemp("shop")
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text)
    context = chromium.new_context(base_url=running.url)
    page = steps.shared_use_case(context, running, name="Chat pages", llm=llm)
    steps.make_playground(page, "Counter bot")
    steps.upload_and_build(page, [folder / name for name in DOCUMENTS])
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("LLM", exact=True).select_option(label="chat-model")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Your question")).to_be_visible()
    url = str(page.url).split("?")[0]
    context.close()
    return url


@pytest.fixture
def chat(page, playground_url, llm) -> str:
    """The address of a new chat with one answer, which is open."""
    page.goto(playground_url)
    page.get_by_role("link", name="New chat").click()
    expect(page.locator(".item.is-chat").first).to_contain_text("New chat")
    llm.script(Behaviour(text="Until day 60 [1]."))
    ask(page, "How long is credit given?")
    page.wait_for_url("**/chats/*/")
    expect(page.locator(".answer.prose")).to_contain_text("Until day 60", timeout=SLOW)
    # The marks of its sentences come a moment later.
    expect(page.locator("[data-awaited], [data-unfinished]")).to_have_count(0, timeout=SLOW)
    return str(page.url)


def turn(page: Page):
    return page.locator(".turn").last


def test_blocks_are_rendered_once_while_the_rest_is_written(page, chat, llm):
    llm.script(Behaviour(text=ENDLESS, interval_ms=60))

    ask(page, "In steps?")

    settled = turn(page).locator("[data-settled]")
    expect(settled.locator("strong")).to_have_text("day 60", timeout=SLOW)
    # It stays the same element: what is rendered once is not rendered again.
    settled.locator("strong").evaluate("strong => { strong.dataset.kept = 'yes'; }")
    expect(settled.locator(".code .k").first).to_have_text("def", timeout=SLOW)
    expect(settled.locator("table")).to_be_visible()
    expect(settled.locator("strong[data-kept]")).to_have_count(1)
    expect(turn(page).locator("[data-text]")).to_contain_text("word")
    expect(turn(page).locator("[data-text]")).not_to_contain_text("| 1 | 2 |")
    page.keyboard.press("Escape")
    expect(turn(page).locator(".answer.prose .code")).to_have_count(1, timeout=SLOW)
    expect(turn(page).locator(".answer.prose > p").last).to_contain_text("The end of it all")


def test_an_address_within_the_page_scrolls_nothing_away(page, chat):
    page.set_viewport_size({"width": 1440, "height": 600})

    page.goto("about:blank")
    page.goto(f"{chat}#question")

    expect(page.get_by_label("Your question")).to_be_in_viewport()
    expect(page.get_by_role("banner")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollHeight") == 600


def test_earlier_questions_come_above_what_is_read(page, chat, running):
    ada = Person(running.port, running.token)
    for number in range(24):
        ada.ask(chat.split("/chats/")[1].strip("/"), f"Number {number}?")
    expect(page.locator(".turn")).to_have_count(25)
    expect(page.locator("[data-unfinished]")).to_have_count(0, timeout=SLOW)
    page.set_viewport_size({"width": 1440, "height": 600})
    page.reload()
    expect(turn(page).locator(".ask")).to_have_text("Number 23?")
    expect(page.locator(".turn")).to_have_count(12)
    asked = page.get_by_role("heading", name="Number 12?", exact=True)
    question = page.get_by_label("Your question")
    expect(question).to_be_focused()

    # Those that the page does not hold yet are recalled as well.
    for _ in range(12):
        page.keyboard.press("ArrowUp")
    expect(question).to_have_value("Number 12?")
    expect(page.locator(".turn")).to_have_count(12)
    page.keyboard.press("ArrowUp")
    expect(question).to_have_value("Number 11?")
    expect(page.locator(".turn")).to_have_count(24)
    question.fill("")
    page.reload()
    expect(page.locator(".turn")).to_have_count(12)

    # As soon as one has scrolled up to the first of them.
    asked.scroll_into_view_if_needed()
    page.locator("#thread-wrap").evaluate("wrap => { wrap.scrollTop = 0; }")
    expect(page.locator(".turn")).to_have_count(24)
    expect(asked).to_be_in_viewport()
    expect(question).to_be_focused()

    # Or has come there by keys.
    page.get_by_role("link", name="Show earlier questions").focus()
    expect(page.locator(".turn")).to_have_count(25)
    assert page.locator(".turn .ask").first.text_content() == "How long is credit given?"
    expect(page.get_by_role("link", name="Show earlier questions")).to_have_count(0)
    expect(page.locator(".turn").nth(1)).to_be_focused()


def test_a_reload_in_mid_answer_renders_what_was_settled(page, chat, llm):
    llm.script(Behaviour(text=ENDLESS, interval_ms=60))
    ask(page, "Reloaded?")
    expect(turn(page).locator("[data-settled] table")).to_be_visible(timeout=SLOW)

    page.reload()

    expect(turn(page).locator("[data-settled] .code")).to_be_visible(timeout=SLOW)
    expect(turn(page).locator("[data-settled] table")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(turn(page).locator(".answer.prose table")).to_have_count(1, timeout=SLOW)


def test_code_is_copied_as_it_is(page, chat, llm):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    llm.script(Behaviour(text=STEPS))
    ask(page, "Code?")
    copy = turn(page).locator(".answer.prose .code").get_by_role("button", name="Copy")

    copy.click(timeout=SLOW)

    expect(turn(page).locator(".code-head button")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == CODE


def test_versions_are_leafed_through_with_the_focus_where_it_was(page, chat, llm):
    llm.script(Behaviour(text="Sixty days, no more [1]."))
    page.get_by_role("button", name="Regenerate").click()
    expect(turn(page).locator(".answer.prose")).to_contain_text("no more", timeout=SLOW)
    expect(page.locator(".turn")).to_have_count(1)

    before = page.get_by_role("link", name="Version before")
    before.focus()
    page.keyboard.press("Enter")
    expect(turn(page).locator(".answer.prose")).to_contain_text("Until day 60")
    expect(page.locator(".versions")).to_contain_text("1 of 2")
    after = page.get_by_role("link", name="Version after")
    expect(after).to_be_focused()
    page.keyboard.press("Enter")
    expect(turn(page).locator(".answer.prose")).to_contain_text("no more")
    expect(before).to_be_focused()


def test_another_page_of_the_chat_sees_the_new_version_in_its_place(page, chat, llm, signed_in):
    other = signed_in.new_page()
    other.goto(chat)
    llm.script(Behaviour(text="Sixty days, no more [1]."))

    page.get_by_role("button", name="Regenerate").click()

    expect(other.locator(".answer.prose")).to_contain_text("no more", timeout=SLOW)
    expect(other.locator(".turn")).to_have_count(1)
    expect(other.locator(".versions")).to_contain_text("2 of 2")
    other.close()


def test_an_edited_question_begins_a_branch_that_leads_back(page, chat, llm):
    llm.script(Behaviour(text="Forty days."))
    page.get_by_label("More about this question").click()
    page.get_by_role("link", name="Edit and ask again").click()
    question = page.get_by_role("textbox", name="Question", exact=True)
    expect(question).to_have_value("How long is credit given?")

    question.fill("How long in summer?")
    page.get_by_role("button", name="Ask in a branch").click()

    page.wait_for_url(lambda url: url != chat and "/chats/" in url)
    expect(page.locator(".ask")).to_have_text(["How long in summer?"])
    expect(turn(page).locator(".answer.prose")).to_contain_text("Forty", timeout=SLOW)
    page.locator(".branched").get_by_role("link").click()
    page.wait_for_url(chat)
    expect(page.locator(".ask")).to_have_text(["How long is credit given?"])


def test_a_branch_goes_on_by_itself(page, chat, llm):
    page.get_by_label("More about this question").click()
    page.get_by_role("button", name="Branch from here").click()
    page.wait_for_url(lambda url: url != chat and "/chats/" in url)
    llm.script(Behaviour(text="Gifts too."))

    ask(page, "And gifts?")

    expect(turn(page).locator(".answer.prose")).to_contain_text("Gifts too", timeout=SLOW)
    expect(page.locator(".ask")).to_have_text(["How long is credit given?", "And gifts?"])
    page.goto(chat)
    expect(page.locator(".ask")).to_have_count(1)


def test_a_filter_is_added_used_and_taken_out(page, chat, llm):
    page.get_by_role("link", name="+ filter").click()
    page.get_by_label("Field").select_option("language")
    expect(page.locator("#filter-values option")).to_have_count(2)
    page.get_by_label("Value").fill("de")
    page.get_by_role("button", name="Add").click()

    chip = page.locator(".chip.is-filter")
    expect(chip).to_contain_text("language = de")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.get_by_role("link", name="+ filter")).to_be_focused()
    llm.script(Behaviour(text="Bis Tag 60 [1]."))
    ask(page, "Nur auf Deutsch?")
    expect(turn(page).locator(".source")).to_have_count(1, timeout=SLOW)
    expect(turn(page).locator(".source")).to_contain_text("rueckgabe.md")
    expect(turn(page).locator(".meta")).to_contain_text("language = de")
    page.get_by_role("button", name="Remove the filter language = de").click()
    expect(chip).to_have_count(0)
    page.reload()
    expect(chip).to_have_count(0)


def test_what_cannot_be_filtered_by_is_said_in_the_dialog(page, chat):
    page.get_by_role("link", name="+ filter").click()
    page.get_by_label("Comparison").select_option(label="is at least")
    page.get_by_label("Value").fill("soon")
    page.get_by_role("button", name="Add").click()

    expect(page.locator("dialog .errorlist")).to_contain_text("Write a number")
    expect(page.get_by_label("Value")).to_have_value("soon")


def test_earlier_questions_come_back_by_the_arrow_keys(page, chat, llm):
    llm.script(Behaviour(text="Yes."))
    ask(page, "Second?")
    expect(turn(page).locator(".answer.prose")).to_contain_text("Yes", timeout=SLOW)
    box = page.get_by_label("Your question")
    expect(box).to_be_focused()

    page.keyboard.press("ArrowUp")
    expect(box).to_have_value("Second?")
    page.keyboard.press("ArrowUp")
    expect(box).to_have_value("How long is credit given?")
    page.keyboard.press("ArrowUp")
    expect(box).to_have_value("How long is credit given?")
    page.keyboard.press("ArrowDown")
    expect(box).to_have_value("Second?")
    page.keyboard.press("ArrowDown")
    expect(box).to_have_value("")
    box.fill("My own")
    page.keyboard.press("ArrowUp")
    expect(box).to_have_value("My own")


def test_a_citation_shows_its_passage_beside_it_and_moves_nothing(page, chat):
    number = page.locator(".answer a[data-cite]").first
    before = page.locator(".turn").bounding_box()

    number.hover()

    box = page.locator("#citation-box")
    expect(box).to_be_visible()
    expect(box).to_contain_text("until day 60 after delivery")
    assert page.locator(".turn").bounding_box() == before
    box.hover()
    expect(box).to_be_visible()
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()


def test_a_citation_is_read_by_keys_and_opens_its_source(page, chat):
    number = page.locator(".answer a[data-cite]").first
    # By keys, so that the focus is one that is seen.
    page.locator(".thread-wrap").click()
    for _ in range(40):
        page.keyboard.press("Tab")
        if number.evaluate("one => one === document.activeElement"):
            break

    expect(number).to_be_focused()
    expect(page.locator("#citation-box")).to_be_visible()
    expect(number).to_have_attribute("aria-describedby", "citation-box")
    page.keyboard.press("Enter")
    expect(page.locator("dialog mark")).to_contain_text("until day 60 after delivery")
    expect(page.locator("#citation-box")).to_be_hidden()


def test_the_palette_goes_where_its_choice_leads(page, chat):
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name=re.compile("Find playgrounds"))
    expect(box).to_be_focused()
    options = page.locator("#palette").get_by_role("option")
    expect(options.first).to_be_visible()

    box.press_sequentially("traces")
    only = options.filter(has_text="Traces")
    expect(options).to_have_count(1)
    expect(only).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", str(only.get_attribute("id")))
    page.keyboard.press("Enter")
    page.wait_for_url("**/use-cases/*/traces/")


def test_the_palette_is_walked_by_arrows_and_left_by_escape(page, chat):
    page.get_by_label("Your question").focus()
    page.keyboard.press("Control+k")
    options = page.locator("#palette").get_by_role("option")
    expect(options.nth(2)).to_be_visible()

    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.get_by_label("Your question")).to_be_focused()
    page.get_by_role("button", name="Find anything").click()
    page.get_by_role("combobox", name=re.compile("Find playgrounds")).fill("zzzz")
    expect(page.locator(".palette-empty")).to_contain_text("Nothing is called")


def test_a_question_mark_lists_the_keys_but_not_while_one_writes(page, chat):
    box = page.get_by_label("Your question")
    box.focus()
    page.keyboard.type("?")
    expect(box).to_have_value("?")
    expect(page.locator("dialog[open]")).to_have_count(0)
    box.fill("")
    box.blur()

    page.keyboard.press("?")

    keys = page.get_by_role("dialog")
    expect(keys).to_contain_text("Write a question")
    expect(keys).to_contain_text("Find anything")
    page.keyboard.press("Escape")
    expect(keys).to_have_count(0)


def test_a_setting_is_put_back_alone_with_the_focus_at_its_field(page, chat):
    for name, value in (("Longest answer", "300"), ("Top P", "0.5")):
        page.get_by_role("spinbutton", name=name).fill(value)
        page.keyboard.press("Tab")
    expect(page.locator("#was-top_p")).to_contain_text("was default")
    expect(page.locator("#settings-state")).to_contain_text("2 settings changed against v")
    # Enter in a field changes it, and presses no button.
    page.get_by_role("spinbutton", name="Top P").press("Enter")

    page.get_by_role("button", name="put back Longest answer").focus()
    page.keyboard.press("Enter")

    longest = page.get_by_role("spinbutton", name="Longest answer")
    expect(longest).to_have_value("")
    expect(longest).to_be_focused()
    expect(page.get_by_role("spinbutton", name="Top P")).to_have_value("0.5")
    expect(page.locator("#settings-state")).to_contain_text("1 setting changed")
    expect(page.locator("[data-field=top_p]")).to_have_attribute("data-changed", "")


def test_a_version_is_looked_at_and_tried_from_the_panel(page, chat):
    page.get_by_role("spinbutton", name="Temperature").fill("0.7")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Save as defaults").click()
    expect(page.get_by_text("These are the defaults")).to_be_visible()
    page.get_by_role("spinbutton", name="Temperature").fill("0.8")
    page.keyboard.press("Tab")
    expect(page.locator("#was-temperature")).to_contain_text("was 0.7")
    page.get_by_role("link", name="History").click()
    sheet = page.locator("dialog[open]")

    sheet.get_by_role("link", name="Differences to v1").click()
    row = sheet.get_by_role("row", name="Temperature")
    expect(row.locator("del")).to_have_text("0.8")
    expect(sheet.get_by_role("button", name="Close")).to_be_focused()
    assert violations(page) == []
    sheet.get_by_role("button", name="Try in this chat with v1").click()

    expect(page.get_by_text("What was changed here before is kept as v")).to_be_visible()
    expect(page.get_by_role("spinbutton", name="Temperature")).to_have_value("")
    expect(page.locator("#was-temperature")).to_contain_text("was 0.7")


def names(page: Page) -> list[str]:
    return [
        str(link.inner_text()).split("\n")[0].removesuffix(" ★")
        for link in page.locator("#blueprints > li > a").all()
    ]


@pytest.fixture
def three(page, playground_url) -> Iterator[None]:
    """Two more blueprints, for as long as the test runs."""
    page.goto(playground_url)
    for name in ("Second", "Third"):
        page.get_by_label("More about Baseline").click()
        page.get_by_role("link", name="Duplicate").click()
        name_it(page, name)
        page.get_by_role("button", name="Duplicate").click()
        expect(page.get_by_label(f"More about {name}")).to_have_count(1)
    yield
    for name in ("Second", "Third"):
        page.goto(playground_url)
        page.get_by_label(f"More about {name}").click()
        page.locator("#blueprints [open]").get_by_role("link", name="Delete").click()
        page.get_by_role("button", name="Delete").click()
        expect(page.get_by_label(f"More about {name}")).to_have_count(0)


def test_blueprints_are_starred_and_moved_by_keys_alone(page, three):
    more = page.get_by_label("More about Third")
    more.focus()
    page.keyboard.press("Enter")
    assert violations(page) == []

    up = page.get_by_role("button", name="Move up")
    up.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_have_text("Third is number 2 of 3.")
    expect(up).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_have_text("Third is number 1 of 3.")
    assert names(page) == ["Third", "Baseline", "Second"]
    page.get_by_label("More about Third").click()

    page.get_by_label("More about Second").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Star", exact=True).focus()
    page.keyboard.press("Enter")
    off = page.get_by_role("button", name="Take the star off")
    expect(off).to_be_focused()
    assert names(page) == ["Second", "Third", "Baseline"]
    page.reload()
    assert names(page) == ["Second", "Third", "Baseline"]


def test_blueprints_are_dragged(page, three, signed_in):
    items = page.locator("#blueprints > li")

    items.nth(2).drag_to(items.nth(0), target_position={"x": 20, "y": 4})

    expect(page.locator("#live")).to_have_text("Third is number 1 of 3.")
    assert names(page) == ["Third", "Baseline", "Second"]
    other = signed_in.new_page()
    other.goto(page.url)
    assert names(other) == ["Third", "Baseline", "Second"]
    other.close()


def test_a_locked_blueprint_is_unlocked_where_it_says_so(page, chat):
    page.get_by_label("More about Baseline").click()
    page.get_by_role("button", name="Lock its settings").click()
    expect(page.get_by_role("spinbutton", name="Temperature")).to_be_disabled()
    assert page.url == chat
    assert violations(page) == []

    page.get_by_role("button", name="Unlock").first.click()

    expect(page.get_by_role("spinbutton", name="Temperature")).to_be_enabled()


def test_variables_are_listed_while_the_prompt_is_written(page, chat):
    prompt = page.get_by_label("System prompt")
    box = page.locator("#prompt-variables")
    expect(box).to_be_hidden()

    prompt.press_sequentially("Of {{product}} and {{ tone }}, {{product}}.")

    expect(box.locator("code")).to_have_text(["{{product}}", "{{tone}}"])
    expect(box).to_contain_text("Chats fill no variables")
    assert violations(page) == []
    prompt.fill("Plainly.")
    expect(box).to_be_hidden()


def test_a_setting_explains_itself_beneath_its_line(page, chat):
    sign = page.locator("[data-field=temperature] summary")
    expect(sign).to_have_text("?About Temperature")

    sign.focus()
    page.keyboard.press("Enter")

    tip = page.get_by_text("0 takes the likeliest each time")
    expect(tip).to_be_visible()
    head, number = page.locator("[data-field=temperature] label"), page.locator("#id_temperature")
    assert tip.bounding_box()["y"] > head.bounding_box()["y"] + 10
    assert number.bounding_box()["y"] < tip.bounding_box()["y"]
    assert violations(page) == []
    page.keyboard.press("Enter")
    expect(tip).to_be_hidden()
