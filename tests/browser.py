"""Chromium for tests. What a page complains about in its console fails the test."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def installed() -> str | None:
    """The browser of this machine; None lets playwright take its own."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    # Not for the whole run: playwright keeps an event loop in this thread, and other tests own theirs.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def signed_in(chromium: Browser, running) -> Iterator[BrowserContext]:
    """A browser window in which the owner has opened their one-time link."""
    context = chromium.new_context(
        viewport={"width": 1440, "height": 900}, base_url=running.url, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(running.sign_in_link())
    page.wait_for_url(f"{running.url}/")
    page.close()
    yield context
    context.close()


@pytest.fixture
def page(signed_in: BrowserContext) -> Iterator[Page]:
    """A page of the owner, whose console stays clean."""
    page = signed_in.new_page()
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # A refused request is shown there too; what the page makes of it is what tests look at.
        if message.type == "error" and "Failed to load resource" not in message.text:
            complaints.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    page.close()
    assert complaints == []
