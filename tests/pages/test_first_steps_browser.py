"""Somebody new goes the way that the start page shows, in a browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.axe import violations
from tests.pages.steps import SLOW, name_it, upload_and_build

RETURNS = "# Returns\n\nOpened items get store credit until day 60 after delivery.\n"


@pytest.fixture
def newcomer(chromium, running, request) -> Iterator[Page]:
    """A page of somebody who was never here before."""
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, base_url=running.url, reduced_motion="reduce"
    )
    page = context.new_page()
    email = f"{request.node.name.replace('_', '-')[:40]}@example.com"
    running.manage("token", email)
    page.goto(running.sign_in_link(email))
    page.wait_for_url(f"{running.url}/")
    yield page
    context.close()


def steps(page: Page):
    return page.get_by_role("region", name="First steps").get_by_role("listitem")


def test_each_step_leads_on_until_all_are_taken(newcomer, tmp_path):
    page = newcomer
    file = tmp_path / "returns.md"
    file.write_text(RETURNS)
    assert violations(page) == []

    steps(page).nth(0).get_by_role("link", name="Make a use case").click()
    name_it(page, "Newcomers")
    page.get_by_role("button", name="Create").click()
    steps(page).nth(0).get_by_role("link", name="Make a playground").click()
    name_it(page, "First bot")
    page.get_by_role("button", name="Create").click()
    upload_and_build(page, [file])

    page.goto("/")
    expect(steps(page).nth(0)).to_contain_text("(done)")
    steps(page).nth(1).get_by_role("link", name="Ask").click()
    page.get_by_label("Your question").fill("How long is store credit given?")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".answer.prose")).to_contain_text("day 60", timeout=SLOW)

    page.goto("/")
    expect(steps(page).nth(1)).to_contain_text("(done)")
    assert violations(page) == []
    steps(page).nth(2).get_by_role("link", name="Compare").click()
    page.get_by_label("Your question").fill("How long is store credit given?")
    page.get_by_role("button", name="Ask all").click()
    page.wait_for_url("**/comparisons/*/")
    page.goto("/")
    expect(page.get_by_role("heading", name="Newcomers")).to_be_visible()
    expect(page.get_by_role("region", name="First steps")).to_have_count(0)


def test_they_are_hidden_by_key_and_brought_back_from_the_menu(newcomer):
    page = newcomer
    hide = page.get_by_role("button", name="Hide the first steps")
    hide.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("brings the first steps back")).to_be_visible()

    page.reload()

    expect(page.get_by_role("region", name="First steps")).to_have_count(0)
    page.locator("header .menu summary").click()
    page.get_by_role("button", name="First steps").click()
    expect(steps(page)).to_have_count(3)
