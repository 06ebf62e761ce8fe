"""One prompt, from a program through the pages and back to programs, by each of the three APIs."""

import re
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
from playwright.sync_api import Page, expect

from tests.pages.steps import SLOW
from tests.running import Running
from tests.sdk.humanloop_clients import humanloop_of
from tests.visitors import Person, wait_for

PATH = "story/returns"
NAME = "Story of a prompt"
HI: Any = [{"role": "user", "content": "May I return it?"}]
INPUTS = {"tone": "kindly"}
# What each API asks in its own way, and what says who asked.
_OF_THE_CALL = ("stream", "stream_options", "n", "user")


@pytest.fixture(scope="module")
def running(whole_stack) -> Running:
    return whole_stack.running  # type: ignore[no-any-return]


@pytest.fixture
def program(stack) -> Person:
    """In a use case of its own: what other tests made is in the stack's."""
    token = stack.running.manage("token", stack.running.email, "--use-case", NAME)
    return Person(stack.running.port, token)


@pytest.fixture
def use_case(program) -> str:
    found = program.get("useCases/")["data"]
    return next(str(one["id"]) for one in found if one["name"] == NAME)


@pytest.fixture
def made(stack, program) -> Iterator[Any]:
    """The client of the program that made the prompt."""
    with humanloop_of(stack, program) as client:
        client.prompts.upsert(
            path=PATH,
            model="test-model",
            temperature=0.3,
            max_tokens=77,
            template=[{"role": "system", "content": "Answer {{tone}}."}],
        )
        yield client


def to_playground(page: Page, stack: Any, use_case: str) -> str:
    """The address of a playground in which the prompt stands beside another blueprint."""
    page.goto(f"/use-cases/{use_case}/prompts/")
    expect(page.get_by_role("row", name="returns")).to_contain_text("v1 production")
    page.get_by_role("link", name="returns", exact=True).click()
    page.get_by_role("link", name=re.compile("^v1")).first.click()
    page.get_by_role("link", name="Open in playground").click()
    page.get_by_role("textbox", name="Name of the new playground").fill("Story desk")
    page.get_by_role("dialog").get_by_role("button", name="Open").click()
    expect(page.get_by_label("Your question")).to_be_visible()
    found = re.search(r"/playgrounds/(\w+)/", page.url)
    assert found, page.url
    llms = stack.alice.get("genai/llms/")["data"]
    stack.alice.make(
        "genai/llmBlueprints/",
        playgroundId=found[1],
        name="Other",
        llmId=next(one["id"] for one in llms if one["id"].endswith("test-model")),
    )
    return f"/playgrounds/{found[1]}/"


def compare(page: Page, playground: str) -> None:
    page.goto(f"{playground}compare/")
    page.get_by_label("Your question").fill("Which of you is better?")
    page.keyboard.press("Control+Enter")
    question = page.get_by_role("article", name="Which of you is better?")
    expect(question.locator(".answer.prose")).to_have_count(2, timeout=SLOW)
    question.get_by_role("button", name="returns is best").click()
    expect(page.get_by_role("region", name="Preferred")).to_contain_text("returns · 100%")


def tune_and_deploy(page: Page, use_case: str) -> None:
    page.goto(f"/use-cases/{use_case}/prompts/")
    page.get_by_role("link", name="returns", exact=True).click()
    page.get_by_role("link", name="Edit from v1").click()
    page.get_by_role("textbox", name="Text of message 1").fill("Answer {{tone}}, and briefly.")
    page.get_by_role("button", name="Save as version").click()
    expect(page.get_by_text(f"v2 of {PATH} was saved.")).to_be_visible()
    page.get_by_role("link", name=PATH).click()
    page.get_by_role("link", name="Deploy v2").click()
    page.get_by_role("combobox", name="Environment").select_option(
        label="production (v1 now, also for programs that name none)"
    )
    page.get_by_role("dialog").get_by_role("button", name="Deploy").click()
    expect(page.get_by_role("row", name=re.compile("^production"))).to_contain_text("v2")


def called_by_all(stack: Any, program: Person, client: Any) -> list[str]:
    """What each of them answered."""
    url, token = stack.running.url, program.token
    by_prompt = client.prompts.call(path=PATH, messages=HI, inputs=INPUTS).logs[0].output
    with openai.OpenAI(base_url=f"{url}/v1", api_key=token, max_retries=0) as models:
        completion = models.chat.completions.create(
            model=PATH, messages=HI, extra_body={"inputs": INPUTS}
        )
    body = {"project": PATH, "messages": HI, "inputs": INPUTS}
    key = {"x-api-key": token}
    old = httpx2.post(f"{url}/v4/chat-deployed", json=body, headers=key, timeout=60).json()
    return [by_prompt, completion.choices[0].message.content, old["data"][0]["output"]]


def test_a_programs_prompt_is_tuned_in_the_pages_and_called_by_all_three_apis(
    page, stack, program, use_case, made
):
    compare(page, to_playground(page, stack, use_case))
    tune_and_deploy(page, use_case)
    before = len(stack.llm.prompts)

    answers = called_by_all(stack, program, made)

    assert answers == [stack.llm.text] * 3
    sent = [
        {name: value for name, value in body.items() if name not in _OF_THE_CALL}
        for body in stack.llm.prompts[before:]
    ]
    assert sent[0] == sent[1] == sent[2]
    assert sent[0]["messages"] == [
        {"role": "system", "content": "Answer kindly, and briefly."},
        *HI,
    ]
    assert sent[0]["temperature"] == 0.3
    assert 77 in sent[0].values()  # under the name that its server knows

    def is_listed() -> bool:
        page.goto(f"/use-cases/{use_case}/traces/?path={PATH}")
        return int(page.get_by_role("row", name="May I return it?").count()) == 3

    wait_for(is_listed, "the logs of the three calls")
