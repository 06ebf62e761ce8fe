"""The chunk browser in Chromium, on the real product: edited and disabled, and what a search finds."""

import psycopg
import pytest
from playwright.sync_api import Page, Route, expect

from config.postgres import embedded_url
from tests.pages import steps
from tests.pages.steps import SLOW

MOON = "Parcels to the moon leave with the next rocket."


@pytest.fixture(scope="module")
def url(signed_in, tmp_path_factory) -> str:
    """The chunks of a document, reached the way people reach them."""
    path = tmp_path_factory.mktemp("shop") / "shipping.md"
    path.write_text(
        "# Shipping\n\nParcels leave within a day.\n\n# Returns\n\nWithin sixty days.\n"
    )
    page = signed_in.new_page()
    steps.make_use_case(page, "Chunks")
    page.get_by_role("link", name="Sources").click()
    page.get_by_role("link", name="New dataset").first.click()
    steps.name_it(page, "Shop")
    page.set_input_files("input[type=file]", path)
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("link", name="Build vector database").click()
    page.get_by_role("button", name="Build", exact=True).click()
    page.wait_for_url("**/vector-databases/*/")
    page.get_by_role("link", name="shipping.md").click(timeout=SLOW)
    page.wait_for_url("**/documents/1/chunks/")
    found = str(page.url)
    page.close()
    return found


def found_by(page: Page, url: str, words: str) -> list[str]:
    page.goto(f"{url.partition('/documents/')[0]}/retrieval/")
    page.get_by_role("textbox", name="Question").fill(words)
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**/retrieval-tests/*/")
    expect(page.get_by_role("row", name="token cap")).to_be_visible(timeout=SLOW)
    return page.locator(".hit").all_inner_texts()


def test_a_chunk_is_edited_and_found(page, url, running):
    page.goto(url)
    page.get_by_role("link", name="Edit Chunk 0").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Text").fill(MOON)
    with psycopg.connect(embedded_url(running.data / "postgres")) as link:
        # The worker waits for this lock until the page shows that it is at it.
        link.execute("LOCK TABLE vectordb_chunk IN SHARE MODE")
        dialog.get_by_role("button", name="Save").click()
        card = page.get_by_role("listitem").filter(has_text=MOON)
        expect(card.get_by_text("edited", exact=True)).to_be_visible()
        expect(card.get_by_text("being embedded")).to_be_visible()

    expect(page.locator("#live")).to_have_text("The chunks are embedded.", timeout=SLOW)
    expect(card.get_by_text("being embedded")).to_have_count(0)
    assert any(MOON[:20] in hit for hit in found_by(page, url, "rocket to the moon"))

    page.goto(url)
    page.get_by_role("button", name="Go back to the document's text of Chunk 0").click()
    expect(page.get_by_text(MOON)).to_have_count(0)
    expect(page.get_by_text("being embedded")).to_have_count(0, timeout=SLOW)


def test_a_chunk_is_disabled_by_keys_and_stays_in_focus(page, url):
    page.goto(url)
    page.get_by_role("link", name="Add a chunk").click()
    page.get_by_role("dialog").get_by_label("Text").fill("Lamps burn rapeseed oil.")
    page.get_by_role("dialog").get_by_role("button", name="Add").click()
    disable = page.get_by_role("button", name="Disable Added 1")
    expect(disable).to_be_visible(timeout=SLOW)

    disable.focus()
    page.keyboard.press("Enter")

    enable = page.get_by_role("button", name="Enable Added 1")
    expect(enable).to_be_focused()
    assert not any("rapeseed" in hit for hit in found_by(page, url, "lamps oil"))
    page.goto(url)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
    page.get_by_role("link", name="Delete Added 1").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("rapeseed")).to_have_count(0)


def test_an_answer_finds_its_place_when_an_event_renewed_it_meanwhile(page, url):
    def late(route: Route) -> None:
        answer = route.fetch()
        page.evaluate("""() => {
          const old = document.querySelector("[id^=progress-]");
          const fresh = old.cloneNode(true);
          old.replaceWith(fresh);
          htmx.process(fresh);
        }""")
        route.fulfill(response=answer)

    page.goto(url)
    page.route("**/switch/", late)
    page.get_by_role("button", name="Disable Chunk 0").click()
    expect(page.get_by_role("button", name="Enable Chunk 0")).to_be_visible()
    page.get_by_role("button", name="Enable Chunk 0").click()
    expect(page.get_by_role("button", name="Disable Chunk 0")).to_be_visible()
