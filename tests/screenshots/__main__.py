"""Pictures of every page, made of a running Groundwork: `python -m tests.screenshots`.

Light and dark, 2560, 1440 and 390 px wide, into screenshots/; those of the README into docs/images/.
With names, as in `python -m tests.screenshots chat grid`, only these are made, and none for the README.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser import ARGUMENTS, installed
from tests.llm_server import LLMServer
from tests.running import ROOT, Running, start
from tests.screenshots.scene import Scene
from tests.screenshots.views import views

OUT = ROOT / "screenshots"
README_IMAGES = ROOT / "docs" / "images"
SIZES = {"broad": (2560, 1440), "wide": (1440, 900), "phone": (390, 844)}
THEMES = ("light", "dark")
NEWCOMER = "newcomer@localhost"
FOR_README = {
    "chat-wide-light": "chat-light.png",
    "chat-wide-dark": "chat-dark.png",
    "compare-wide-light": "compare-light.png",
    "traces-wide-light": "logs-light.png",
    "retrieval-test-wide-light": "retrieval-light.png",
}


def main() -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder, LLMServer() as llm:
        running = start(Path(folder) / "data", GROUNDWORK_LOCAL_LLM_SERVERS=",")
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=installed(), args=ARGUMENTS)
                _shoot_all(browser, running, llm, Path(folder), set(sys.argv[1:]))
                browser.close()
        finally:
            running.end()


def _shoot_all(
    browser: Browser, running: Running, llm: LLMServer, folder: Path, wanted: set[str]
) -> None:
    context = browser.new_context(base_url=running.url)
    page = context.new_page()
    page.goto(running.sign_in_link("admin@localhost"))
    page.wait_for_url(f"{running.url}/")
    scene = Scene(page, llm, folder)
    scene.make()
    running.manage("token", NEWCOMER)
    for size, (width, height) in SIZES.items():
        for theme in THEMES:
            with _window(browser, context, running, width, height, theme) as window:
                for name, show in views(scene):
                    if not wanted or name in wanted:
                        show(window)
                        _save(window, f"{name}-{size}-{theme}")
            with _window(browser, None, running, width, height, theme) as window:
                _shoot_the_way_in(window, running, f"{size}-{theme}")
    if wanted:
        return
    README_IMAGES.mkdir(parents=True, exist_ok=True)
    for name, target in FOR_README.items():
        shutil.copy(OUT / f"{name}.png", README_IMAGES / target)


def _shoot_the_way_in(window: Page, running: Running, kind: str) -> None:
    window.goto("/sign-in/")
    _save(window, f"sign-in-{kind}")
    window.goto(running.sign_in_link(NEWCOMER))
    window.wait_for_selector("text=First steps")
    _save(window, f"first-steps-{kind}")


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


if __name__ == "__main__":
    main()
