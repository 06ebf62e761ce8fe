"""Pictures of the main pages, made of a running Groundwork: `python -m tests.screenshots`.

Light and dark, 1440 and 390 px wide, into screenshots/; those of the README into docs/images/.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from reportlab.lib.pagesizes import A5
from reportlab.pdfgen.canvas import Canvas

from tests.browser import ARGUMENTS, installed
from tests.llm_server import UNAUTHORIZED, Behaviour, LLMServer
from tests.running import ROOT, Running, start

OUT = ROOT / "screenshots"
README_IMAGES = ROOT / "docs" / "images"
SIZES = {"wide": (1440, 900), "phone": (390, 844)}
THEMES = ("light", "dark")
FOR_README = {
    "chat-wide-light": "chat-light.png",
    "chat-wide-dark": "chat-dark.png",
    "compare-wide-light": "compare-light.png",
    "traces-wide-light": "logs-light.png",
    "retrieval-test-wide-light": "retrieval-light.png",
}
PATIENCE = 60_000

RETURNS = [
    "Items can be returned for a refund within 30 days of delivery when they are unopened.",
    "Refunds are paid to the card that was used. They arrive within five working days.",
    "Gift cards and cut fabric cannot be returned.",
    "Opened items, complete with all accessories, qualify for store credit until day 60.",
    "Damage in transit must be reported within 48 hours. A full refund is then given.",
]
WARRANTY = """# Warranty

From day 61 on, claims are settled by the manufacturer under its own warranty.

# Gifts

When the item was a gift, store credit goes to the person who received it.
"""
QUESTIONS = [
    ("Can a customer return an opened item after 30 days?", "Yes, for store credit until day 60."),
    ("Who settles claims from day 61 on?", "The manufacturer, under its own warranty."),
    ("When must damage in transit be reported?", "Within 48 hours."),
    ("Can gift cards be returned?", "No."),
    ("Who receives the credit for a gift?", ""),
    ("How fast is a refund paid?", "Within five working days."),
]
STREAMED = "The same limits apply, but the credit goes to the person who received the gift. " * 9


def main() -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder, LLMServer() as llm:
        running = start(Path(folder) / "data", GROUNDWORK_LOCAL_LLM_SERVERS=",")
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=installed(), args=ARGUMENTS)
                _shoot_all(browser, running, llm, Path(folder))
                browser.close()
        finally:
            running.end()


def _shoot_all(browser: Browser, running: Running, llm: LLMServer, folder: Path) -> None:
    context = browser.new_context(base_url=running.url)
    page = context.new_page()
    page.goto(running.sign_in_link("admin@localhost"))
    page.wait_for_url(f"{running.url}/")
    scene = Scene(page, llm, folder)
    scene.make()
    for size, (width, height) in SIZES.items():
        for theme in THEMES:
            with _window(browser, context, running, width, height, theme) as window:
                for name, show in scene.views():
                    show(window)
                    _save(window, f"{name}-{size}-{theme}")
            with _window(browser, None, running, width, height, theme) as window:
                window.goto("/sign-in/")
                _save(window, f"sign-in-{size}-{theme}")
    README_IMAGES.mkdir(parents=True, exist_ok=True)
    for name, target in FOR_README.items():
        shutil.copy(OUT / f"{name}.png", README_IMAGES / target)


@contextmanager
def _window(
    browser: Browser,
    signed_in: BrowserContext | None,
    running: Running,
    width: int,
    height: int,
    theme: str,
) -> Iterator[Page]:
    context = browser.new_context(
        base_url=running.url,
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
        storage_state=signed_in.storage_state() if signed_in else None,
    )
    yield context.new_page()
    context.close()


def _save(page: Page, name: str) -> None:
    OUT.mkdir(exist_ok=True)
    page.wait_for_load_state()
    page.screenshot(path=OUT / f"{name}.png")
    width = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if width > 0:
        raise SystemExit(f"{name} is {width} px wider than its window")


class Scene:
    """A small shop's support team, made by hand in the browser."""

    def __init__(
        self, page: Page, llm: LLMServer, folder: Path, *, endpoint: str = "Test server"
    ) -> None:
        """`endpoint` is what `llm` is added as; its model must have a name of its own."""
        self.page = page
        self.llm = llm
        self.folder = folder
        self.endpoint = endpoint
        self.urls: dict[str, str] = {}

    def make(self) -> None:
        self._fill_form("/llms/endpoints/new/", Name=self.endpoint, Base_URL=self.llm.base_url)
        self._fill_form("/use-cases/new/", Name="Support", submit="Create")
        self.urls["use-case"] = self.page.url
        self._click("New playground")
        self._fill(Name="Refund policy bot")
        self.page.get_by_role("button", name="Create").click()
        self.page.wait_for_selector("text=Start with your documents")
        self.urls["playground"] = self.page.url
        self._upload()
        self._ask("Can a customer return an opened item after 30 days?")
        self._answered(1)
        self.urls["chat"] = self.page.url
        self.page.get_by_role("button", name="Good answer").first.click()
        self._ask("When is damage in transit refunded?")
        self._answered(2)
        self._other_blueprints()
        self._find_other_pages()
        self._replay()
        self._test_retrieval()
        self._find_prompts()
        self._compare()
        self._ask_a_grid()

    def _fill_form(self, url: str, *, submit: str = "Add", **fields: str) -> None:
        self.page.goto(url)
        self._fill(**fields)
        self.page.get_by_role("button", name=submit).click()
        self.page.wait_for_load_state()

    def _fill(self, **fields: str) -> None:
        for label, value in fields.items():
            self.page.get_by_label(label.replace("_", " "), exact=True).fill(value)

    def _click(self, name: str) -> None:
        self.page.get_by_role("link", name=name).first.click()

    def _upload(self) -> None:
        handbook, warranty = self.folder / "returns.pdf", self.folder / "warranty.md"
        canvas = Canvas(str(handbook), pagesize=A5)
        for text in RETURNS:
            canvas.setFont("Helvetica", 8)
            canvas.drawString(20, 500, text)
            canvas.showPage()
        canvas.save()
        warranty.write_text(WARRANTY)
        self.page.set_input_files("input[type=file]", [handbook, warranty])
        self.page.get_by_role("button", name="Upload and build").click()
        self.page.wait_for_selector("text=is ready:", timeout=PATIENCE)

    def _ask(self, text: str) -> None:
        self.page.get_by_label("Your question").fill(text)
        self.page.keyboard.press("Control+Enter")

    def _answered(self, count: int) -> None:
        # Not with a function in the page: its content security policy allows no eval.
        expect(self.page.locator(".turn .answer.prose")).to_have_count(count, timeout=PATIENCE)

    def _other_blueprints(self) -> None:
        new = self.page.locator("a[aria-label='New blueprint']").get_attribute("href")
        assert new is not None
        self.urls["new-blueprint"] = new
        self.page.goto(new)
        self._fill(Name="Neighbours on")
        self.page.get_by_label("Add neighbour chunks").check()
        self.page.get_by_role("button", name="Create").click()
        self.page.goto(new)
        self._fill(Name="Own server")
        self.page.get_by_label("LLM", exact=True).select_option(label=self.llm.models[0]["id"])
        self.page.get_by_role("button", name="Create").click()
        self.llm.script(UNAUTHORIZED)
        self._ask("Is an opened item refunded?")
        self.page.wait_for_selector(".failure", timeout=PATIENCE)
        self.urls["failed"] = self.page.url

    def _find_other_pages(self) -> None:
        page = self.page
        page.goto(self.urls["chat"])
        trace = page.get_by_role("link", name="Trace", exact=True).first.get_attribute("href")
        page.get_by_role("link", name="Sources").click()
        page.wait_for_load_state()
        self.urls["sources"] = page.url
        links = page.locator("td.name a").evaluate_all("all => all.map(one => one.href)")
        self.urls |= {"trace": trace or "", "dataset": links[0], "database": links[1]}
        self.urls["traces"] = self.urls["use-case"] + "traces/"
        self.urls["lab"] = self.urls["dataset"] + "lab/"
        self.urls["gold"] = self.urls["database"] + "gold/"
        self.urls["chunks"] = self.urls["database"] + "documents/1/chunks/"
        self.urls["source"] = self.urls["database"] + "chunks/1000000/"

    def _replay(self) -> None:
        page = self.page
        page.goto(self.urls["chat"])
        page.get_by_label("More about this question").first.click()
        page.get_by_role("link", name="Replay", exact=True).first.click()
        page.wait_for_url("**/replay/")
        self.urls["replays"] = page.url
        page.get_by_role("button", name="Replay exactly").click()
        page.wait_for_selector("text=Passages that were read", timeout=PATIENCE)
        self.urls["replay"] = page.url

    def _test_retrieval(self) -> None:
        page = self.page
        page.goto(self.urls["database"])
        self._click("Test retrieval")
        page.wait_for_url("**/retrieval/")
        self.urls["retrieval"] = page.url
        question = page.get_by_role("textbox", name="Question")
        question.fill("Can a customer return an opened item after 30 days?")
        other = page.get_by_role("group", name="Compare with")
        other.get_by_label("Settings").select_option(label="Own settings")
        other.get_by_label("Search", exact=True).select_option(label="By words")
        other.get_by_role("spinbutton", name="Token cap").fill("45")
        page.get_by_role("button", name="Search").click()
        page.wait_for_selector(".found-side", timeout=PATIENCE)
        self.urls["retrieval-test"] = page.url

    def _find_prompts(self) -> None:
        page = self.page
        self.urls["prompts"] = self.urls["use-case"] + "prompts/"
        page.goto(self.urls["prompts"])
        page.get_by_role("link", name="baseline", exact=True).click()
        page.wait_for_url("**/blueprints/*/")
        self.urls["prompt"] = page.url
        page.get_by_role("link", name="Edit from v1").click()
        page.wait_for_url("**/edit/")
        self.urls["prompt-editor"] = page.url
        self.urls["prompt-version"] = page.url.replace("/edit/", "/")
        page.get_by_role("textbox", name="Text of message 1").fill(
            "Answer {{name}} from the sources, and cite them."
        )
        page.get_by_role("button", name="Save as version").click()
        page.wait_for_selector("text=was saved")
        self._click("Changes since v1")
        page.wait_for_url("**/differences/*")
        self.urls["prompt-differences"] = page.url

    def _compare(self) -> None:
        page = self.page
        page.goto(self.urls["playground"] + "compare/?new")
        self._ask("Can a customer return an opened item after 30 days?")
        page.wait_for_url("**/comparisons/*/")
        expect(page.get_by_role("button", name="is best").first).to_be_visible(timeout=PATIENCE)
        page.get_by_role("button", name="is best").first.click()
        expect(page.locator(".measured").first).to_be_visible()
        self.urls["compare"] = page.url
        self.urls["compare-new"] = self.urls["playground"] + "compare/?new"
        self.urls["charts"] = self.urls["use-case"] + "traces/charts/"
        self.urls["question-sets"] = self.urls["use-case"] + "question-sets/"

    def _ask_a_grid(self) -> None:
        page = self.page
        self.urls["grid-new"] = self.urls["playground"] + "grid/?new"
        page.goto(self.urls["grid-new"])
        rows = "".join(f'"{question}","{expected}"\n' for question, expected in QUESTIONS)
        file = {"name": "returns.csv", "mimeType": "text/csv"}
        page.get_by_label("Or a CSV file").set_input_files(
            file | {"buffer": f"question,expected_answer\n{rows}".encode()}  # type: ignore[arg-type]
        )
        page.get_by_label("Name", exact=True).fill("Returns, before the spring sale")
        page.get_by_role("button", name="Ask all").click()
        page.wait_for_url("**/grids/*/")
        expect(page.locator("#grid-state .status-COMPLETED")).to_be_visible(timeout=PATIENCE)
        self.urls["grid"] = page.url
        self.urls["grid-differences"] = page.url + "?show=different&sort=word+f1&order=desc"

    def views(self) -> list[tuple[str, Callable[[Page], object]]]:
        names = (
            *("use-case", "sources", "dataset", "database", "trace", "traces", "failed"),
            *("retrieval", "retrieval-test", "lab", "gold", "chunks", "source"),
            *("prompts", "prompt", "prompt-version", "prompt-differences"),
            *("compare", "compare-new", "charts", "question-sets", "replays", "replay"),
            *("grid", "grid-new", "grid-differences"),
        )
        plain = {"home": "/", "llms": "/llms/", "tokens": "/account/tokens/", "404": "/nothing/"}
        addresses = plain | {name: self.urls[name] for name in (*names, "new-blueprint", "chat")}

        def at(url: str) -> Callable[[Page], object]:
            return lambda page: page.goto(url)

        return [
            *((name, at(url)) for name, url in addresses.items()),
            ("citation", self._show_citation),
            ("build", self._show_build_form),
            ("side", lambda page: page.goto(self.urls["chat"] + "#side")),
            ("panel", lambda page: page.goto(self.urls["chat"] + "#panel")),
            ("differences", self._show_differences),
            ("grid-cell", self._show_cell),
            ("history", self._show_history),
            ("changed", self._show_changed),
            ("blueprint-menu", self._show_menu),
            ("prompt-editor", self._show_run),
            ("chat-read", lambda page: page.goto(self.urls["chat"] + "read/")),
            ("chat-search", lambda page: page.goto(self.urls["use-case"] + "chats/?q=return")),
            ("chat-filter", lambda page: self._show_dialog(page, "+ filter")),
            ("chat-share", lambda page: page.goto(self.urls["chat"] + "share/")),
            ("palette", self._show_palette),
            ("keys", self._show_keys),
            ("streaming", self._show_streaming),
        ]

    def _show_dialog(self, page: Page, link: str) -> None:
        page.goto(self.urls["chat"])
        page.get_by_role("link", name=link).first.click()
        page.wait_for_selector("dialog[open] form")

    def _show_palette(self, page: Page) -> None:
        page.goto(self.urls["chat"])
        page.keyboard.press("Control+k")
        page.wait_for_selector("#palette [role=option]")

    def _show_keys(self, page: Page) -> None:
        page.goto(self.urls["chat"])
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("?")
        page.wait_for_selector("dialog[open] .keys")

    def _show_citation(self, page: Page) -> None:
        page.goto(self.urls["chat"])
        page.locator("[data-source]").first.click()
        page.wait_for_selector("dialog[open] mark")

    def _show_differences(self, page: Page) -> None:
        page.goto(self.urls["compare"])
        page.get_by_role("link", name="Differences").click()
        page.wait_for_selector("dialog[open] .words")

    def _show_cell(self, page: Page) -> None:
        page.goto(self.urls["grid"])
        page.locator(".cell-open").first.click()
        page.wait_for_selector("dialog[open] [data-sheet]")

    def _load(self, page: Page, place: str) -> None:
        """The chat at this place, also where only the place differs from what is open."""
        page.goto(self.urls["chat"] + place)
        page.reload()

    def _show_history(self, page: Page) -> None:
        self._load(page, "#panel")
        page.get_by_role("link", name="History").click()
        page.wait_for_selector("dialog[open] .history")

    def _show_changed(self, page: Page) -> None:
        """What was changed in the panel, what a setting does, and a variable in the prompt."""
        self._load(page, "#panel")
        page.get_by_label("System prompt").fill("Speak for {{shop}}, from the sources.")
        page.get_by_role("spinbutton", name="Temperature").fill("0.2")
        page.keyboard.press("Tab")
        expect(page.locator("#was-temperature")).to_contain_text("was", timeout=PATIENCE)
        page.locator("[data-field=temperature] summary").click()
        expect(page.locator("#settings-state")).to_contain_text(
            "2 settings changed", timeout=PATIENCE
        )

    def _show_menu(self, page: Page) -> None:
        self._load(page, "#side")
        page.get_by_label("More about Baseline").click()
        page.wait_for_selector("#blueprints [open]")

    def _show_build_form(self, page: Page) -> None:
        page.goto(self.urls["dataset"])
        page.get_by_role("link", name="Build vector database").click()
        page.wait_for_selector("dialog[open]")

    def _show_run(self, page: Page) -> None:
        page.goto(self.urls["prompt-editor"])
        question = "Can a customer return an opened item after 30 days?"
        page.get_by_role("textbox", name="Message of the user").fill(question)
        page.get_by_role("spinbutton", name="Samples").fill("2")
        page.get_by_role("button", name="Run").click()
        traces = page.locator(".sample").get_by_role("link", name="Trace")
        expect(traces).to_have_count(2, timeout=PATIENCE)

    def _show_streaming(self, page: Page) -> None:
        page.goto(self.urls["failed"])
        expect(page.locator(".is-streaming")).to_have_count(0, timeout=PATIENCE)
        self.llm.script(Behaviour(text=STREAMED, interval_ms=60))
        page.get_by_label("Your question").fill("And if it was a gift?")
        page.get_by_role("button", name="Send").click()
        expect(page.locator(".is-streaming [data-text]")).to_contain_text(
            "person", timeout=PATIENCE
        )


if __name__ == "__main__":
    main()
