"""The chunking lab in Chromium, on the real product."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.pages import steps
from tests.pages.test_lab import TEXT


@pytest.fixture(scope="module")
def lab_url(signed_in, tmp_path_factory) -> str:
    """The lab of a dataset with one long document, reached by its links."""
    path = tmp_path_factory.mktemp("lab") / "rules.txt"
    path.write_bytes(TEXT)
    page = signed_in.new_page()
    steps.make_use_case(page, "Lab")
    page.get_by_role("link", name="Sources").click()
    page.get_by_role("link", name="New dataset").click()
    page.get_by_label("Files").set_input_files(path)
    page.get_by_role("dialog").get_by_role("button", name="Upload").click()
    page.get_by_role("link", name="Build vector database").click()
    page.get_by_role("link", name="Try chunking").click()
    expect(page.get_by_role("heading", name="Chunking lab")).to_be_visible()
    url = str(page.url)
    page.close()
    return url


def test_a_document_is_cut_in_two_ways_and_one_is_built(page: Page, lab_url):
    page.goto(lab_url)
    left, right = page.locator("#trial-left"), page.locator("#trial-right")
    page.get_by_role("group", name="Settings at the left").get_by_label("Chunking method").select_option(
        "semantic"
    )  # fmt: skip

    page.get_by_role("button", name="Compare").click()

    for side in (left, right):
        expect(side.locator(".cut > li").first).to_contain_text("Rule 0.", timeout=60_000)
    expect(right.locator("mark.shared").first).to_be_visible()
    page.reload()
    expect(left.locator(".cut > li").first).to_contain_text("Rule 0.")
    right.get_by_role("button", name="Show more").click()
    expect(right.locator(".cut b", has_text=re.compile("^41$"))).to_be_visible()
    right.get_by_role("link", name="Build with these settings").click()
    expect(page.get_by_label("Chunk size")).to_have_value("128")
    expect(page.get_by_label("Overlap")).to_have_value("20")
