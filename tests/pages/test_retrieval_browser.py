"""The retrieval page in Chromium, on the real product: searched, compared, on a phone, by keys."""

import psycopg
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from config.postgres import embedded_url
from tests.pages import steps
from tests.pages.steps import SLOW

DOCUMENTS = {
    "returns.md": "# Returns\n\nOpened items get store credit until day 60 after delivery.\n",
    "refunds.md": "# Refunds\n\nRefunds are paid to the card within five working days.\n",
    "shipping.md": "# Shipping\n\nParcels leave the warehouse within one working day.\n",
    "gifts.md": "# Gifts\n\nStore credit for a gift goes to the person who got the item.\n",
}
QUESTION = "Is there store credit for opened items?"


@pytest.fixture(scope="module")
def url(signed_in, tmp_path_factory) -> str:
    """The retrieval page of a small vector database, reached the way people reach it."""
    folder = tmp_path_factory.mktemp("shop")
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text)
    page = signed_in.new_page()
    steps.make_use_case(page, "Retrieval")
    steps.make_playground(page, "Shop bot")
    steps.upload_and_build(page, [folder / name for name in DOCUMENTS])
    page.get_by_role("link", name="Test what it retrieves").click()
    page.wait_for_url("**/retrieval/?from=*")
    # Filled in from the blueprint that the link stood beside.
    chosen = page.get_by_role("group", name="Search with").get_by_role("combobox", name="Settings")
    expect(chosen).not_to_have_value("own")
    found = str(page.url).split("?")[0]
    page.close()
    return found


def side(page: Page, name: str) -> Locator:
    return page.get_by_role("group", name=name)


def search(page: Page) -> None:
    page.get_by_role("textbox", name="Question").fill(QUESTION)
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**/retrieval-tests/*/")


def test_results_arrive_without_a_reload_and_stay_after_one(page, url):
    page.goto(url)
    search(page)

    hits = page.locator(".hit")
    expect(hits).to_have_count(4, timeout=SLOW)
    expect(hits.first).to_contain_text("returns.md")
    hits.first.locator("summary").click()
    expect(hits.first.locator(".passage")).to_contain_text("until day 60")
    expect(page.get_by_role("row", name="fusion")).to_contain_text("meaning counts 55%")
    page.reload()
    expect(page.locator(".hit")).to_have_count(4)


def test_a_search_that_ends_before_the_stream_opens_is_shown(page, url, running):
    held: list[Route] = []
    page.route("**/events/*", lambda route: held.append(route))
    page.goto(url)
    with psycopg.connect(embedded_url(running.data / "postgres")) as link:
        # The search waits for this lock until the page shows that it is under way.
        link.execute("LOCK TABLE vectordb_chunk IN ACCESS EXCLUSIVE MODE")
        search(page)
        expect(page.get_by_text("Searching …")).to_be_visible()
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator(".hit")).to_have_count(4, timeout=SLOW)
    other.close()
    expect(page.get_by_text("Searching …")).to_be_visible()

    held[0].continue_()

    expect(page.locator(".hit")).to_have_count(4, timeout=SLOW)
    expect(page.locator("#live")).to_have_text("The search is done.")


@pytest.fixture(scope="module")
def compared(signed_in, url) -> str:
    """The address of a test of two ways of searching."""
    page = signed_in.new_page()
    page.goto(url)
    left, right = side(page, "Search with"), side(page, "Compare with")
    left.get_by_role("spinbutton", name="Chunks per prompt").fill("3")
    right.get_by_role("combobox", name="Settings").select_option(label="Own settings")
    # Other settings begin as those that they are compared with.
    chunks = right.get_by_role("spinbutton", name="Chunks per prompt")
    expect(chunks).to_have_value("3")
    chunks.fill("4")
    right.get_by_label("Search", exact=True).select_option(label="By words")
    right.get_by_role("spinbutton", name="Token cap").fill("25")
    search(page)
    expect(page.locator(".found-side")).to_have_count(2, timeout=SLOW)
    found = str(page.url)
    page.close()
    return found


def test_two_ways_of_searching_stand_side_by_side(page, url, compared):
    page.goto(compared)
    left, right = (page.get_by_role("region", name=name) for name in ("left", "right"))

    expect(left.locator(".hit").first).to_contain_text("= shared, same rank")
    expect(left.locator(".hit").nth(1)).to_contain_text("≠ only left")
    expect(right.locator(".hit")).to_have_count(1)
    expect(right.get_by_role("list", name="What the cap cut")).to_contain_text("gifts.md")
    expect(left).to_contain_text("Found at the right too, and dropped there by token cap")
    expect(page.locator(".tally")).to_contain_text("Only left")
    boxes = [one.bounding_box() for one in (left, right)]
    assert boxes[0]["x"] + boxes[0]["width"] < boxes[1]["x"]
    assert boxes[0]["y"] == boxes[1]["y"]

    page.set_viewport_size({"width": 390, "height": 844})
    for address in (compared, url):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
    page.goto(compared)
    page.get_by_text("Change and search again").click()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
    boxes = [one.bounding_box() for one in (left, right)]
    assert boxes[0]["x"] == boxes[1]["x"]


def test_the_trade_off_is_asked_for_only_where_it_counts(page, url):
    page.goto(url)
    left = side(page, "Search with")
    trade_off = left.get_by_role("spinbutton", name="Relevance (λ)")
    choose = left.get_by_role("combobox", name="Choose by")
    expect(choose).to_be_visible()
    expect(trade_off).to_be_hidden()

    choose.select_option(label="Maximal marginal relevance")
    trade_off.fill("7")
    choose.select_option(label="Similarity")
    # What the browser does not send stays in sight.
    expect(trade_off).to_be_visible()
    trade_off.fill("0.25")
    expect(trade_off).to_be_hidden()

    choose.select_option(label="Maximal marginal relevance")
    expect(trade_off).to_have_value("0.25")
    search(page)
    stage = page.get_by_role("row", name="diversity")
    expect(stage).to_contain_text("fit counts 25%, difference the rest", timeout=SLOW)
    expect(page.locator(".found-side header")).to_contain_text("λ 0.25")


def tab_to(page: Page, target: Locator) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if target.evaluate("one => one === document.activeElement"):
            return
    pytest.fail("The key Tab does not lead there.")


def test_the_keyboard_is_enough(page, url):
    page.goto(url)
    tab_to(page, page.get_by_role("textbox", name="Question"))
    page.keyboard.type(QUESTION)
    source = side(page, "Compare with").get_by_role("combobox", name="Settings")
    tab_to(page, source)
    page.keyboard.press("ArrowDown")
    expect(side(page, "Compare with").get_by_label("Token cap").first).to_be_visible()
    expect(source).to_be_focused()
    tab_to(page, page.get_by_role("button", name="Search"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/retrieval-tests/*/")

    hit = page.locator(".hit").first
    expect(hit).to_be_visible(timeout=SLOW)
    tab_to(page, hit.locator("summary"))
    page.keyboard.press("Enter")
    expect(hit.locator(".passage")).to_be_visible()
