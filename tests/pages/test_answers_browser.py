"""What comes after an answer, in a browser: the support of its sentences, its settings used again,
replays, and questions that may follow."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.axe import violations
from tests.llm_server import Behaviour, LLMServer
from tests.pages import steps
from tests.pages.steps import SLOW

ANSWER = (
    "Opened items get store credit until day 60 after delivery [1]. "
    "Most shops abroad sell umbrellas in autumn [1]. "
    "Parcels leave the warehouse within one working day."
)
DOCUMENTS = {
    "returns.md": "# Returns\n\nOpened items get store credit until day 60 after delivery.\n",
    "shipping.md": "# Shipping\n\nParcels leave the warehouse within one working day.\n",
}


@pytest.fixture(scope="module")
def llm() -> Iterator[LLMServer]:
    with LLMServer() as server:
        server.models = [dict(server.models[0], id="support-model")]
        yield server


@pytest.fixture(scope="module")
def playground_url(chromium, running, llm, tmp_path_factory) -> str:
    """A playground of the owner whose first blueprint is asked through `llm`."""
    folder = tmp_path_factory.mktemp("support")
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text)
    context = chromium.new_context(base_url=running.url)
    page = steps.shared_use_case(context, running, name="Support of sentences", llm=llm)
    steps.make_playground(page, "Proof bot")
    steps.upload_and_build(page, [folder / name for name in DOCUMENTS])
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("LLM", exact=True).select_option(label="support-model")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Your question")).to_be_visible()
    url = str(page.url).split("?")[0]
    context.close()
    return url


@pytest.fixture
def answered(page: Page, playground_url, llm) -> Page:
    """A new chat whose one answer has been checked."""
    page.goto(playground_url)
    page.get_by_role("link", name="New chat").click()
    expect(page.locator(".item.is-chat").first).to_contain_text("New chat")
    llm.script(Behaviour(text=ANSWER))
    page.get_by_label("Your question").fill("Until when is credit given?")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/chats/*/")
    expect(page.locator("details.support")).to_be_visible(timeout=SLOW)
    return page


def test_marks_arrive_by_themselves_and_survive_a_reload(answered):
    for _ in range(2):
        sentences = answered.locator(".answer .said")
        expect(sentences).to_have_count(3)
        levels = [one.get_attribute("data-support") for one in sentences.all()]
        assert levels == ["supported", "none", "supported"]
        expect(answered.locator(".support summary")).to_have_text(
            "2 of 3 sentences supported · 1 not"
        )
        answered.reload()


def test_a_click_on_a_sentence_lights_up_its_passage(answered):
    card = answered.locator('.source[data-source="1"]')
    expect(card).not_to_have_attribute("data-on", "")

    answered.locator(".answer .said").first.click(position={"x": 5, "y": 8})

    expect(card).to_be_focused()
    expect(card).to_have_attribute("data-on", "")


def test_keys_lead_from_a_sentence_to_its_passage(answered):
    link = answered.locator(".answer a[data-found]").last
    number = link.get_attribute("data-found")
    assert number is not None

    link.focus()
    answered.keyboard.press("Enter")

    expect(answered.locator(f'.source[data-source="{number}"]')).to_be_focused()
    expect(answered.locator(f'.source[data-source="{number}"]')).to_be_in_viewport()


def test_a_card_shows_which_sentences_it_supports(answered):
    answered.locator('.source[data-source="1"]').hover()

    expect(answered.locator('.said[data-by="1"][data-on]').first).to_be_visible()


def test_the_marks_break_no_rule(answered):
    answered.locator(".support summary").click()
    expect(answered.get_by_text("Each sentence was compared")).to_be_visible()
    for scheme in ("light", "dark"):
        answered.emulate_media(color_scheme=scheme)
        assert violations(answered) == []


def test_a_replay_arrives_by_itself_beside_the_answer(answered, llm):
    answered.get_by_label("More about this question").click()
    answered.get_by_role("link", name="Replay", exact=True).click()
    assert violations(answered) == []
    llm.script(Behaviour(text=ANSWER.replace("umbrellas", "parasols"), first_token_ms=500))

    answered.get_by_role("button", name="Replay exactly").click()

    expect(answered.locator(".words del")).to_have_text("umbrellas", timeout=SLOW)
    expect(answered.locator(".words ins")).to_have_text("parasols")
    expect(answered.locator("#live")).to_have_text("The replay is done.")
    for scheme in ("light", "dark"):
        answered.emulate_media(color_scheme=scheme)
        assert violations(answered) == []


def test_the_settings_of_an_answer_are_used_again(answered):
    answered.get_by_role("spinbutton", name="Temperature").fill("0.7")
    answered.keyboard.press("Tab")
    expect(answered.locator("#settings-state")).to_contain_text("1 setting changed", timeout=SLOW)
    answered.reload()
    expect(answered.get_by_text("settings changed since")).to_be_visible()

    answered.get_by_label("More about this question").click()
    answered.get_by_role("button", name="Use this answer").click()

    expect(answered.get_by_text("Temperature: 0.7 → default")).to_be_visible(timeout=SLOW)
    expect(answered.get_by_role("spinbutton", name="Temperature")).to_have_value("")
    expect(answered.get_by_text("settings changed since")).to_have_count(0)


def test_a_suggested_question_goes_into_the_box(answered, llm, playground_url):
    settings = f"{playground_url}rename/"
    chat = answered.url
    answered.goto(settings)
    answered.get_by_label("Suggest follow-up questions").check()
    answered.get_by_role("button", name="Save", exact=True).click()
    answered.goto(chat)
    llm.script(Behaviour(text=ANSWER), Behaviour(text="Who pays for the way back?\nAnd then?"))
    answered.get_by_label("Your question").fill("And for gifts?")
    answered.keyboard.press("Control+Enter")

    answered.get_by_role("button", name="Who pays for the way back?").click(timeout=SLOW)

    expect(answered.get_by_label("Your question")).to_have_value("Who pays for the way back?")
    expect(answered.get_by_label("Your question")).to_be_focused()
    assert violations(answered) == []
    answered.goto(settings)
    answered.get_by_label("Suggest follow-up questions").uncheck()
    answered.get_by_role("button", name="Save", exact=True).click()
    answered.wait_for_url("**/chats/**")
