"""The main pages in Chromium: how soon they show, how much they weigh, and how fast a key echoes

Each page is opened several times with an empty cache, of a server that has answered it before. First
and largest paint, layout shift and long tasks are what the browser says of the page (milliseconds
since it was asked for); weight is all that came over the wire for it, scripts and styles included.
Echo is from a key pressed in the page's field until the frame that shows it. A cell is the median of
all times it was opened; of layout shift and long tasks it is the worst.
"""

import argparse
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import (
    Browser,
    CDPSession,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from benchmarks import report
from benchmarks.scratch import table
from tests.browser import ARGUMENTS, installed
from tests.llm_server import Behaviour
from tests.stack import Stack, launched
from tests.visitors import wait_for

PATIENCE_MS = 300_000
# What each figure should stay below; layout does not shift at all.
AIMS = {"first paint": 300, "KB": 150, "layout shift": 0, "echo": 50}
HEADER = ["page", "first paint", "largest paint", "KB", "layout shift", "echo", "longest task"]
KEYS = "abcdefgh"
WINDOW: ViewportSize = {"width": 1440, "height": 900}
WATCH = """
window.seen = { largest: 0, shift: 0, tasks: [], echoes: [] };
const watch = (type, take, more) => new PerformanceObserver((list) => list.getEntries().forEach(take))
  .observe({ type, buffered: true, ...more });
watch("largest-contentful-paint", (one) => { seen.largest = one.startTime; });
watch("layout-shift", (one) => { if (!one.hadRecentInput) seen.shift += one.value; });
watch("longtask", (one) => seen.tasks.push(one.duration));
addEventListener("keydown", (event) => {
  const began = event.timeStamp;
  requestAnimationFrame(() => {
    const painted = new MessageChannel();
    painted.port1.onmessage = () => seen.echoes.push(performance.now() - began);
    painted.port2.postMessage(0);
  });
}, { capture: true });
"""
READ = """
() => ({ ...seen, first: performance.getEntriesByName("first-contentful-paint")[0].startTime })
"""


@dataclass(frozen=True)
class Subject:
    """A page; `field` is where a key is pressed, empty where nothing is typed."""

    name: str
    url: str
    field: str = ""
    is_public: bool = False


@dataclass(frozen=True)
class Opened:
    """What one opening of a page showed; `echoes` are milliseconds."""

    first: float
    largest: float
    bytes: int
    shift: float
    tasks: list[float]
    echoes: list[float]


def furnish(stack: Stack, questions: int) -> list[Subject]:
    """One use case with documents, a long chat, and a comparison of eight blueprints; its pages."""
    use_case, playground = stack.use_case, stack.playground
    dataset = stack.alice.upload({f"guide-{number}.md": _guide(number) for number in range(20)})
    stack.alice.send("POST", f"/api/v2/useCases/{use_case}/datasets/{dataset}/")
    database = stack.alice.make("genai/vectorDatabases/", datasetId=dataset, useCaseId=use_case)[
        "id"
    ]
    address = f"genai/vectorDatabases/{database}/"
    wait_for(
        lambda: stack.alice.get(address)["executionStatus"] == "COMPLETED", "the vector database"
    )
    blueprints = [_blueprint(stack, number, database) for number in range(8)]
    chat = stack.alice.make("genai/chats/", llmBlueprintId=blueprints[0])["id"]
    for number in range(questions):
        stack.alice.ask(chat, f"How long may a customer of branch {number} wait?")
    comparison = stack.alice.make(
        "genai/comparisonChats/", playgroundId=playground, name="Eight at once"
    )["id"]
    for text in ("How long may I wait?", "And if it was a gift?", "Who pays the way back?"):
        stack.alice.make(
            "genai/comparisonPrompts/",
            comparisonChatId=comparison,
            llmBlueprintIds=blueprints,
            text=text,
        )
    stack.nothing_is_left()
    [(log,)] = stack.sql(
        "SELECT log_id FROM playground_chatprompt WHERE chat_id = %s ORDER BY created_at LIMIT 1",
        chat,
    )
    return [
        Subject("sign-in", "/sign-in/", "input[name=username]", is_public=True),
        Subject("start", "/"),
        Subject(f"chat of {questions} questions", f"/chats/{chat}/", "#question"),
        Subject("compare, 8 columns", f"/comparisons/{comparison}/", "#question"),
        Subject("grid, new", f"/playgrounds/{playground}/grid/?new", "textarea"),
        Subject("logs", f"/use-cases/{use_case}/traces/", "input[type=search]"),
        Subject("trace", f"/traces/{log}/"),
        Subject("documents", f"/datasets/{dataset}/"),
        Subject("vector database", f"/vector-databases/{database}/"),
    ]


def _guide(number: int) -> bytes:
    lines = [f"Branch {number} takes item {item} back within {item} days." for item in range(80)]
    return "\n\n".join(lines).encode()


def _blueprint(stack: Stack, number: int, database: str) -> str:
    plain = stack.alice.get(f"genai/llmBlueprints/{stack.blueprint}/")
    made: str = stack.alice.make(
        "genai/llmBlueprints/",
        playgroundId=stack.playground,
        name=f"Side {number}",
        llmId=plain["llmId"],
        vectorDatabaseId=database,
    )["id"]
    stack.alice.send("PATCH", f"/api/v2/genai/llmBlueprints/{made}/", {"isSaved": True})
    return made


def grid_of(page: Page, subject: Subject) -> Subject:
    """The page of a grid of 50 questions to four blueprints, once all are answered."""
    page.goto(subject.url)
    page.locator("textarea[name=lines]").fill("\n".join(f"Why {n}?" for n in range(50)))
    page.get_by_role("button", name="Ask all").click()
    page.wait_for_url("**/grids/*/")
    done = page.locator("#grid-state .status-COMPLETED")
    expect(done).to_be_visible(timeout=PATIENCE_MS)
    return Subject("grid, 50 questions", page.url)


def opened(browser: Browser, url: str, state: Any, subject: Subject) -> Opened:
    """In a window of its own, which remembers nothing but who is signed in."""
    context = browser.new_context(base_url=url, viewport=WINDOW, storage_state=state)
    page = context.new_page()
    page.add_init_script(WATCH)
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    received = _counted(session)
    page.goto(subject.url)
    page.wait_for_load_state("load")
    # Not with a function in the page: its content security policy allows no eval.
    wait_for(lambda: page.evaluate("seen.largest"), "the largest paint")
    weight = sum(received)
    if subject.field:
        _type(page, subject.field)
    seen = page.evaluate(READ)
    context.close()
    return Opened(
        seen["first"], seen["largest"], weight, seen["shift"], seen["tasks"], seen["echoes"]
    )


def _counted(session: CDPSession) -> list[int]:
    """Grows by the bytes of each answer: its headers and its body as it was sent."""
    received: list[int] = []

    def count(event: dict[str, Any]) -> None:
        received.append(int(event["encodedDataLength"]))

    session.on("Network.loadingFinished", count)
    return received


def _type(page: Page, field: str) -> None:
    page.locator(field).first.focus()
    for count, key in enumerate(KEYS, start=1):
        page.keyboard.press(key)
        wait_for(lambda count=count: page.evaluate("seen.echoes.length") >= count, "the echo")


def row_of(subject: Subject, found: list[Opened]) -> list[object]:
    def middle(values: list[float]) -> str:
        return f"{statistics.median(values):,.0f}"

    echoes = [echo for one in found for echo in one.echoes]
    return [
        subject.name,
        middle([one.first for one in found]),
        middle([one.largest for one in found]),
        middle([one.bytes / 1000 for one in found]),
        f"{max(one.shift for one in found):.3f}",
        middle(echoes) if echoes else "",
        f"{max((task for one in found for task in one.tasks), default=0):.0f}",
    ]


def measured(stack: Stack, browser: Browser, questions: int, times: int) -> list[list[object]]:
    subjects = furnish(stack, questions)
    url = stack.running.url
    signed_in = browser.new_context(base_url=url)
    page = signed_in.new_page()
    page.goto(stack.running.sign_in_link())
    page.wait_for_url(f"{url}/")
    new_grid = next(one for one in subjects if one.name == "grid, new")
    subjects.insert(subjects.index(new_grid) + 1, grid_of(page, new_grid))
    state = signed_in.storage_state()
    signed_in.close()
    rows: list[list[object]] = [HEADER]
    for subject in subjects:
        known = None if subject.is_public else state
        opened(browser, url, known, subject)
        found = [opened(browser, url, known, subject) for _ in range(times)]
        rows.append(row_of(subject, found))
    aims = ["aim", AIMS["first paint"], "", AIMS["KB"], AIMS["layout shift"], AIMS["echo"], ""]
    return [*rows, [f"below {one}" if isinstance(one, int) and one else one for one in aims]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--questions", type=int, default=100, help="in the long chat")
    parser.add_argument("--times", type=int, default=9)
    parser.add_argument("--report", type=Path, help="write the table into this Markdown page")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, launched(Path(folder) / "data") as stack:
        stack.llm.always = Behaviour(text="Thirty days, as the guide says [1]. " * 12)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=installed(), args=ARGUMENTS)
            rows = measured(stack, browser, wanted.questions, wanted.times)
            browser_version = browser.version
            browser.close()
    table(rows)
    if wanted.report:
        versions = f"Chromium {browser_version}, {report.python_and_packages()}"
        report.write(wanted.report, "benchmarks.page_timings", __doc__, rows, versions=versions)


if __name__ == "__main__":
    main()
