"""Where things stand in Chromium: nothing moves while a page comes, and a phone holds what matters."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from tests.running import Running
from tests.visitors import Person, wait_for

PHONE: ViewportSize = {"width": 390, "height": 844}
WINDOWS: dict[str, ViewportSize] = {"window": {"width": 1440, "height": 900}, "phone": PHONE}
LONG = "A name that has no room on a phone, " + "and-a-part-that-cannot-be-broken-anywhere-at-all"
GUIDE = b"# Returns\n\nOpened items can be returned for store credit until day 60.\n" * 40
# What the browser itself says moved, but for what somebody's click or key has moved.
WATCH = """
window.moved = [];
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) {
    const parts = one.sources.map(({ node }) => (node?.outerHTML ?? node?.data ?? "").slice(0, 120));
    if (!one.hadRecentInput) window.moved.push([one.value, parts]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""
# Less than when one line comes into a page. Where the machine is busy Chromium shows a page in parts.
A_LINE = 0.02
# Two frames: what was changed before is laid out by then, and told.
MOVED = """
() => new Promise((resolve) => {
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => resolve(window.moved))));
})
"""
# What stands in the heads and reaches beyond the window; the tabs are scrolled.
TOO_WIDE = """
() => [...document.querySelectorAll(
    "html, .top, .top *, .page-head, .page-head *, .grid-top h1, .question h2, .thread h2"
)].filter((one) => !one.closest(".tabs, .menu-panel, .visually-hidden"))
  .filter((one) => one.getBoundingClientRect().right > innerWidth || one.matches("html") && one.scrollWidth > innerWidth)
  .map((one) => one.outerHTML.slice(0, 120))
"""


@pytest.fixture(scope="module")
def pages(running: Running, signed_in: BrowserContext) -> dict[str, str]:
    """The addresses of pages of one use case, where everything has a long name."""
    person = Person(running.port, running.manage("token", running.email))
    use_case = person.make("useCases/", name=LONG)["id"]
    dataset = person.upload({f"{LONG}.md": GUIDE})
    person.send("POST", f"/api/v2/useCases/{use_case}/datasets/{dataset}/")
    database = person.make(
        "genai/vectorDatabases/", datasetId=dataset, useCaseId=use_case, name=LONG
    )["id"]
    playground = person.make("genai/playgrounds/", name=LONG, useCaseId=use_case)["id"]
    wait_for(lambda: _is_built(person, database), "the vector database")
    blueprints = [_blueprint(person, playground, database, number) for number in range(2)]
    chat = person.make("genai/chats/", llmBlueprintId=blueprints[0])["id"]
    for number in range(3):
        person.ask(chat, f"Until when can opened items be returned to branch {number}? {LONG}")
    comparison = person.make("genai/comparisonChats/", playgroundId=playground, name=LONG)["id"]
    person.make(
        "genai/comparisonPrompts/",
        comparisonChatId=comparison,
        llmBlueprintIds=blueprints,
        text=f"Until when can opened items be returned? {LONG}",
    )
    home = f"/use-cases/{use_case}/"
    found = {
        "use case": home,
        "chat": f"/chats/{chat}/",
        "comparison": f"/comparisons/{comparison}/",
        "grid": _grid(signed_in, playground),
        "prompts": f"{home}prompts/",
        "logs": f"{home}traces/",
        "question sets": f"{home}question-sets/",
        "sources": f"{home}sources/",
        "database": f"/vector-databases/{database}/",
    }
    _wait_for_support(signed_in, found["chat"], found["comparison"])
    return found


def _is_built(person: Person, database: str) -> bool:
    found = person.get(f"genai/vectorDatabases/{database}/")
    return bool(found["executionStatus"] == "COMPLETED")


def _blueprint(person: Person, playground: str, database: str, number: int) -> str:
    made = person.make(
        "genai/llmBlueprints/",
        playgroundId=playground,
        name=f"{number}: {LONG}",
        llmId="extractive",
        vectorDatabaseId=database,
    )["id"]
    saved = person.send("PATCH", f"/api/v2/genai/llmBlueprints/{made}/", {"isSaved": True})
    assert saved.status == 200, saved
    return str(made)


def _grid(window: BrowserContext, playground: str) -> str:
    """Its address, once everything of the use case is answered."""
    page = window.new_page()
    page.goto(f"/playgrounds/{playground}/grid/")
    page.get_by_label("Questions, one per line").fill(
        "\n".join(f"May I return item {number}? {LONG}" for number in range(30))
    )
    page.get_by_label("Name", exact=True).fill(LONG)
    page.get_by_role("button", name="Ask all").click()
    page.wait_for_url("**/grids/*/")
    expect(page.locator("#grid-state")).to_contain_text("done", timeout=90_000)
    address = str(page.url)
    page.close()
    return address


def _wait_for_support(window: BrowserContext, *addresses: str) -> None:
    """It comes a moment after the answers, and adds to what is shown of them."""
    page = window.new_page()
    for address in addresses:
        page.goto(address)
        expect(page.locator("[data-awaited], [data-unfinished]")).to_have_count(0, timeout=90_000)
    page.close()


@pytest.fixture
def fresh(
    request: pytest.FixtureRequest, chromium: Browser, signed_in: BrowserContext, running: Running
) -> Iterator[Page]:
    """A page with an empty cache in which shifts are watched; the parameter is its window."""
    context = chromium.new_context(
        viewport=WINDOWS[request.param],
        base_url=running.url,
        storage_state=signed_in.storage_state(),
    )
    page = context.new_page()
    page.add_init_script(WATCH)
    yield page
    context.close()


@pytest.mark.parametrize("fresh", WINDOWS, indirect=True)
@pytest.mark.parametrize("name", ["chat", "comparison", "grid", "logs"])
def test_nothing_moves_while_a_page_comes(fresh: Page, pages, name):
    # The last that its scripts ask for by themselves.
    with fresh.expect_response(lambda response: "/events/?" in response.url):
        fresh.goto(pages[name])
    fresh.wait_for_load_state()

    moved = fresh.evaluate(MOVED)
    assert sum(value for value, _ in moved) < A_LINE, moved


@pytest.mark.parametrize(
    "name",
    ["chat", "comparison", "grid", "prompts", "logs", "question sets", "sources", "database"],
)
def test_on_a_phone_the_tab_of_the_page_is_in_view(page: Page, pages, name):
    page.set_viewport_size(PHONE)
    page.goto(pages[name])

    expect(page.locator(".top .tabs [aria-current]")).to_be_in_viewport(ratio=0.98)


@pytest.mark.parametrize(
    "name", ["use case", "chat", "comparison", "grid", "logs", "sources", "database"]
)
def test_on_a_phone_the_head_of_a_page_is_no_wider_than_the_phone(page: Page, pages, name):
    page.set_viewport_size(PHONE)
    page.goto(pages[name])

    assert page.evaluate(TOO_WIDE) == []


@pytest.mark.parametrize("name", ["chat", "database"])
def test_on_a_phone_a_long_name_sends_nobody_to_a_line_of_their_own(page: Page, pages, name):
    page.set_viewport_size(PHONE)
    page.goto(pages[name])
    tops = []
    for part in (".top .brand", ".top .crumbs b", ".top > .menu > summary"):
        box = page.locator(part).bounding_box()
        assert box is not None
        tops.append(box["y"] + box["height"] / 2)

    assert max(tops) - min(tops) < 4
