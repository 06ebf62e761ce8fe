"""Every page of a scene, and what opens in pages."""

from collections.abc import Callable
from functools import partial

from playwright.sync_api import Page, expect

from tests.llm_server import Behaviour
from tests.screenshots.material import STREAMED
from tests.screenshots.scene import PATIENCE, Scene

Show = Callable[[Page], object]

# Of no use case.
_PLAIN = {
    "home": "/",
    "llms": "/llms/",
    "llm-endpoint-new": "/llms/endpoints/new/",
    "embedding-models": "/embedding-models/",
    "tokens": "/account/tokens/",
    "password": "/account/password/",
    "use-case-new": "/use-cases/new/",
    "api": "/api/docs/",
    "404": "/nothing/",
}
_OF_THE_SCENE = (
    *("use-case", "sources", "dataset", "database", "trace", "traces", "failed", "session"),
    *("retrieval", "retrieval-test", "lab", "lab-trial", "gold", "chunks", "chunk-edit", "source"),
    *("prompts", "prompt", "prompt-version", "prompt-differences", "prompt-deploy", "file"),
    *("compare", "compare-blind", "compare-new", "charts", "question-sets", "question-set"),
    *("replays", "replay", "grid", "grid-new", "grid-differences", "new-blueprint", "chat"),
)


def views(scene: Scene) -> list[tuple[str, Show]]:
    addresses = _PLAIN | {name: scene.urls[name] for name in _OF_THE_SCENE}
    addresses |= {
        "members-new": scene.urls["use-case"] + "members/new/",
        "retention": scene.urls["use-case"] + "retention/",
        "traces-nothing": scene.urls["traces"] + "?text=nothing+of+the+kind",
        "question-new": scene.urls["question-set"] + "questions/new/",
        "side": scene.urls["chat"] + "#side",
        "panel": scene.urls["chat"] + "#panel",
        "compare-side": scene.urls["compare"] + "#side",
        "chat-read": scene.urls["chat"] + "read/",
        "chat-share": scene.urls["chat"] + "share/",
        "chat-search": scene.urls["use-case"] + "chats/?q=return",
    }
    opened = {
        "citation": _show_citation,
        "build": _show_build_form,
        "differences": _show_differences,
        "grid-cell": _show_cell,
        "history": _show_history,
        "changed": _show_changed,
        "blueprint-menu": _show_menu,
        "prompt-editor": _show_run,
        "chat-filter": _show_filter,
        "palette": _show_palette,
        "keys": _show_keys,
        "streaming": _show_streaming,
    }
    return [
        *((name, partial(_go, url)) for name, url in addresses.items()),
        *((name, partial(show, scene)) for name, show in opened.items()),
    ]


def _go(url: str, page: Page) -> None:
    page.goto(url)


def _show_filter(scene: Scene, page: Page) -> None:
    page.goto(scene.urls["chat"])
    page.get_by_role("link", name="+ filter").first.click()
    page.wait_for_selector("dialog[open] form")


def _show_palette(scene: Scene, page: Page) -> None:
    page.goto(scene.urls["chat"])
    page.keyboard.press("Control+k")
    page.wait_for_selector("#palette [role=option]")


def _show_keys(scene: Scene, page: Page) -> None:
    page.goto(scene.urls["chat"])
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open] .keys")


def _show_citation(scene: Scene, page: Page) -> None:
    page.goto(scene.urls["chat"])
    page.locator("[data-source]").first.click()
    page.wait_for_selector("dialog[open] mark")
    page.wait_for_selector("dialog[open] .drawn rect", state="attached")
    page.wait_for_function("document.querySelector('dialog[open] .drawn img').complete")


def _show_differences(scene: Scene, page: Page) -> None:
    page.goto(scene.urls["compare"])
    page.get_by_role("link", name="Differences").click()
    page.wait_for_selector("dialog[open] .words")


def _show_cell(scene: Scene, page: Page) -> None:
    page.goto(scene.urls["grid"])
    page.locator(".cell-open").first.click()
    page.wait_for_selector("dialog[open] [data-sheet]")


def _load(scene: Scene, page: Page, place: str) -> None:
    """The chat at this place, also where only the place differs from what is open."""
    page.goto(scene.urls["chat"] + place)
    page.reload()


def _show_history(scene: Scene, page: Page) -> None:
    _load(scene, page, "#panel")
    page.get_by_role("link", name="History").click()
    page.wait_for_selector("dialog[open] .history")


def _show_changed(scene: Scene, page: Page) -> None:
    """What was changed in the panel, what a setting does, and a variable in the prompt."""
    _load(scene, page, "#panel")
    page.get_by_label("System prompt").fill("Speak for {{shop}}, from the sources.")
    page.get_by_role("spinbutton", name="Temperature").fill("0.2")
    page.keyboard.press("Tab")
    expect(page.locator("#was-temperature")).to_contain_text("was", timeout=PATIENCE)
    page.locator("[data-field=temperature] summary").click()
    expect(page.locator("#settings-state")).to_contain_text("2 settings changed", timeout=PATIENCE)


def _show_menu(scene: Scene, page: Page) -> None:
    _load(scene, page, "#side")
    page.get_by_label("More about Baseline").click()
    page.wait_for_selector("#blueprints [open]")


def _show_build_form(scene: Scene, page: Page) -> None:
    page.goto(scene.urls["dataset"])
    page.get_by_role("link", name="Build vector database").click()
    page.wait_for_selector("dialog[open]")


def _show_run(scene: Scene, page: Page) -> None:
    page.goto(scene.urls["prompt-editor"])
    question = "Can a customer return an opened item after 30 days?"
    page.get_by_role("textbox", name="Message of the user").fill(question)
    page.get_by_role("spinbutton", name="Samples").fill("2")
    page.get_by_role("button", name="Run").click()
    traces = page.locator(".sample").get_by_role("link", name="Trace")
    expect(traces).to_have_count(2, timeout=PATIENCE)


def _show_streaming(scene: Scene, page: Page) -> None:
    page.goto(scene.urls["failed"])
    expect(page.locator(".is-streaming")).to_have_count(0, timeout=PATIENCE)
    scene.llm.script(Behaviour(text=STREAMED, interval_ms=60))
    page.get_by_label("Your question").fill("And if it was a gift?")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".is-streaming [data-text]")).to_contain_text("person", timeout=PATIENCE)
