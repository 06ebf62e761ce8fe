"""What people do first on the real product in Chromium, a step each; a step ends when its page is there.

A field is looked for by its role: a section of the page that is being left may have a name like
the field's, for it is named after things that other tests have made.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from tests.llm_server import LLMServer
from tests.running import Running

# For what embeds or asks an LLM: the first use of a model loads it.
SLOW = 60_000


def name_it(page: Page, name: str) -> None:
    """Fills in the name on a page that asks for one."""
    page.get_by_role("textbox", name="Name").fill(name)


def add_endpoint(page: Page, name: str, base_url: str) -> None:
    page.goto("/llms/endpoints/new/")
    name_it(page, name)
    page.get_by_label("Base URL").fill(base_url)
    page.get_by_role("button", name="Add").click()
    page.wait_for_url("**/llms/")


def make_use_case(page: Page, name: str) -> None:
    page.goto("/use-cases/new/")
    name_it(page, name)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1, name=name, exact=True)).to_be_visible()


def share_with(page: Page, email: str) -> None:
    """Makes somebody a member of the use case that the page shows."""
    page.get_by_role("link", name="Share").click()
    page.get_by_label(re.compile("Email")).fill(email)
    page.get_by_role("button", name="Share").click()
    expect(page.get_by_role("cell", name=email, exact=True)).to_be_visible()


def shared_use_case(
    context: BrowserContext, running: Running, *, name: str, llm: LLMServer
) -> Page:
    """The page of a use case that the administrator has shared with the owner.

    The administrator added an endpoint for `llm` as well, which only staff may.
    """
    page = context.new_page()
    page.goto(running.sign_in_link("admin@localhost"))
    page.wait_for_url(f"{running.url}/")
    add_endpoint(page, name, llm.base_url)
    make_use_case(page, name)
    share_with(page, running.email)
    return page


def make_playground(page: Page, name: str) -> None:
    """Makes a playground in the use case that the page shows."""
    page.get_by_role("link", name="New playground").click()
    name_it(page, name)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="Start with your documents")).to_be_visible()


def upload_and_build(page: Page, paths: Sequence[Path]) -> None:
    """Gives a new playground its documents and waits until they can be asked."""
    page.set_input_files("input[type=file]", paths)
    page.get_by_role("button", name="Upload and build").click()
    expect(page.get_by_text("is ready:")).to_be_visible(timeout=SLOW)


def ask(page: Page, question: str) -> None:
    """By keys, which do nothing before the page's scripts are there."""
    page.wait_for_load_state()
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Control+Enter")


def reload_until_answered(page: Page) -> None:
    """What one does without scripts."""
    page.wait_for_load_state()
    while page.locator(".is-streaming").count():
        page.reload()
