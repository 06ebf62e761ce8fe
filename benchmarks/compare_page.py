"""The page of a comparison in Chromium: several blueprints and many questions, one after the other as
fast as the page takes them, with a reload in the middle. Are all answers right and in their cells,
and does the page stay responsive?

    python -m benchmarks.compare_page --blueprints 8 --questions 50
"""

import argparse
import re
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.scratch import table
from tests.browser import ARGUMENTS, installed
from tests.llm_server import Behaviour
from tests.stack import Stack, launched

PATIENCE_MS = 300_000
# A task longer than this, in milliseconds, is told of by the browser.
LONG_TASK = 50
WATCH = """
window.longTasks = [];
new PerformanceObserver((list) => longTasks.push(...list.getEntries().map((one) => one.duration)))
  .observe({ type: "longtask" });
"""
COUNT_RIGHT = """
() => [...document.querySelectorAll(".question")].reduce((sum, question) => {
  const asked = question.querySelector("h2").textContent;
  return sum + [...question.querySelectorAll(".col")].filter((cell, place) => (
    cell.querySelector("h3").textContent === `Side${place}`
    && cell.querySelector(".answer").textContent.trim() === `Side${place} on ${asked}: ${"word ".repeat(30).trim()}.`
  )).length;
}, 0)
"""


def reply(body: Any) -> str:
    name = re.search(r"You are (\w+)\.", body["messages"][0]["content"])
    assert name is not None
    return f"{name[1]} on {body['messages'][-1]['content']}: {('word ' * 30).strip()}."


def furnish(stack: Stack, blueprints: int) -> str:
    """The path of a new comparison of so many blueprints."""
    llms = stack.alice.get("genai/llms/")["data"]
    llm = next(one["id"] for one in llms if one["id"].endswith("test-model"))
    playground = stack.alice.make("genai/playgrounds/", name="Load", useCaseId=stack.use_case)["id"]
    for number in range(blueprints):
        stack.alice.make(
            "genai/llmBlueprints/",
            playgroundId=playground,
            name=f"Side{number}",
            llmId=llm,
            llmSettings={"systemPrompt": f"You are Side{number}."},
        )
    return f"/playgrounds/{playground}/compare/"


def ask(page: Page, text: str) -> None:
    page.locator("#question").fill(text)
    page.keyboard.press("Control+Enter")


def run(stack: Stack, browser: Browser, blueprints: int, questions: int) -> list[tuple[str, str]]:
    context = browser.new_context(base_url=stack.running.url)
    page = context.new_page()
    page.goto(stack.running.sign_in_link())
    page.wait_for_url(f"{stack.running.url}/")
    page.add_init_script(WATCH)
    streams: list[str] = []
    page.on("request", lambda sent: streams.append(sent.url) if "/events/" in sent.url else None)
    page.goto(furnish(stack, blueprints))
    for box in page.locator("[name=blueprint]").all():
        box.check()
    began = time.monotonic()
    ask(page, "Question 0?")
    page.wait_for_url("**/comparisons/*/")
    long_tasks: list[float] = []
    for number in range(1, questions):
        ask(page, f"Question {number}?")
        expect(page.locator(".question")).to_have_count(number + 1, timeout=PATIENCE_MS)
        if number == questions // 2:
            long_tasks += page.evaluate("longTasks")
            page.goto(page.url.split("?")[0] + "?all")
    answers = blueprints * questions
    expect(page.locator(".col .answer.prose")).to_have_count(answers, timeout=PATIENCE_MS)
    seconds = time.monotonic() - began
    long_tasks += page.evaluate("longTasks")
    right = page.evaluate(COUNT_RIGHT)
    context.close()
    return [
        ("answers right and in their cells", f"{right} of {answers}"),
        ("seconds from the first question to the last answer", f"{seconds:.1f}"),
        ("event streams, of two page loads", str(len(streams))),
        (f"tasks over {LONG_TASK} ms", str(len(long_tasks))),
        ("the longest task, ms", f"{max(long_tasks, default=0):.0f}"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blueprints", type=int, default=8)
    parser.add_argument("--questions", type=int, default=50)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, launched(Path(folder) / "data") as stack:
        stack.llm.replies = reply
        stack.llm.always = Behaviour(interval_ms=20)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=installed(), args=ARGUMENTS)
            rows = run(stack, browser, wanted.blueprints, wanted.questions)
            browser.close()
    table([["measure", "value"], *map(list, rows)])


if __name__ == "__main__":
    main()
