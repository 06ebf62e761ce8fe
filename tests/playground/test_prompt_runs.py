"""The editor's runs: asked as programs ask, recorded without a version, stopped by leaving."""

import asyncio
import json
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from blueprints import services as blueprint_services
from blueprints.llm_settings import LLMSettings
from blueprints.models import Blueprint
from blueprints.prompt_details import PromptDetails
from blueprints.settings import AnswerSettings
from config.errors import Forbidden, InvalidInput
from config.status import Status
from playground.prompt_pages import running
from tests.llm_server import UNAUTHORIZED, Behaviour
from tracing.models import Face, Log, LogPayload
from vectordb import services as vectordb
from vectordb.chunking_settings import ChunkingSettings
from vectordb.models import VectorDatabase

pytestmark = pytest.mark.django_db(transaction=True)

TEMPLATE: list[dict[str, Any]] = [{"role": "user", "content": "Tell me of {{topic}}."}]
BROKEN = [{"role": "user", "content": "{% if topic"}]


@pytest.fixture
def settings_of(llm):
    def make(system: str = "Be brief.", **details) -> AnswerSettings:
        return AnswerSettings(
            llm_id=llm.pk,
            llm_settings=LLMSettings(system_prompt=system),
            prompt=PromptDetails(**{"template": TEMPLATE} | details),
        )

    return make


@pytest.fixture
def blueprint(alice, use_case, settings_of) -> Blueprint:
    return blueprint_services.create_blueprint(
        user=alice, use_case=use_case, name="Bot", settings=settings_of()
    )


def lines_of(
    blueprint: Blueprint,
    settings: AnswerSettings,
    *,
    user: User,
    samples: int = 1,
    leaves_after: int = 0,
    **asked: Any,
) -> list[dict[str, Any]]:
    """What the page is sent; a reader who leaves does so after so many lines."""
    given = {"message": "", "inputs": {"topic": "the sea"}} | asked
    call, caller = running.prepare(blueprint, settings, user=user, samples=samples, **given)

    async def read() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        async with aclosing(running.lines(call, caller)) as lines:
            async for line in lines:
                found.append(json.loads(line))
                if len(found) == leaves_after:
                    break
        return found

    return asyncio.run(read())


def last_card(lines: list[dict[str, Any]], sample: int = 0) -> str:
    return str(
        [line for line in lines if line.get("over") and line["sample"] == sample][-1]["card"]
    )


def test_samples_are_asked_at_once_and_each_leaves_a_trace(
    alice, blueprint, settings_of, llm_server
):
    lines = lines_of(blueprint, settings_of("Be exact."), user=alice, samples=3)

    [logs] = [line["logs"] for line in lines if "logs" in line]
    for sample in range(3):
        said = "".join(line.get("text", "") for line in lines if line.get("sample") == sample)
        assert said == llm_server.text
        card = last_card(lines, sample)
        assert f"/traces/{logs[sample]}/" in card
        assert "tokens" in card
        assert "$" in card
    rows = Log.objects.filter(parent=None).order_by("sample_index")
    assert [(row.pk, row.face, row.status) for row in rows] == [
        (pk, Face.PAGES, Status.COMPLETED) for pk in logs
    ]
    assert [body["messages"][-1]["content"] for body in llm_server.prompts] == [
        "Tell me of the sea."
    ] * 3


def test_a_run_makes_no_version_and_its_log_tells_the_settings(alice, blueprint, settings_of):
    lines_of(blueprint, settings_of("Be exact.", stop=["END"]), user=alice)

    assert blueprint.versions.count() == 1
    log = Log.objects.get(parent=None)
    assert (log.blueprint, log.blueprint_version) == (blueprint, None)
    asked = LogPayload.objects.get(log=log).output["asked"]
    assert asked["llm_settings"]["system_prompt"] == "Be exact."
    assert asked["prompt_details"] == {"template": TEMPLATE, "stop": ["END"]}
    assert LogPayload.objects.get(log=log).inputs == {"topic": "the sea"}


def test_a_run_of_what_a_version_says_is_a_call_of_it(alice, blueprint, settings_of):
    lines_of(blueprint, settings_of(), user=alice)

    assert Log.objects.get(parent=None).blueprint_version == blueprint.versions.get()


def test_the_message_comes_after_the_template(alice, blueprint, settings_of, llm_server):
    lines_of(blueprint, settings_of(), user=alice, message="And of ships?")

    sent = [(one["role"], one["content"]) for one in llm_server.prompts[0]["messages"]]
    assert sent == [
        ("system", "Be brief."),
        ("user", "Tell me of the sea."),
        ("user", "And of ships?"),
    ]


def test_jinja_is_filled_by_its_own_rules(alice, blueprint, settings_of, llm_server):
    template = [
        {"role": "user", "content": "{% if topic %}Of {{ topic|upper }}.{% endif %}{{ no }}"}
    ]
    settings = settings_of(template_language="jinja", template=template)
    assert running.variables_of(settings) == ["topic", "no"]

    lines_of(blueprint, settings, user=alice)

    assert llm_server.prompts[0]["messages"][-1]["content"] == "Of THE SEA."


def test_what_the_provider_says_no_to_is_told_in_the_card(
    alice, blueprint, settings_of, llm_server
):
    llm_server.script(UNAUTHORIZED, Behaviour())

    lines = lines_of(blueprint, settings_of("Two."), user=alice, samples=2)

    cards = [last_card(lines, sample) for sample in (0, 1)]
    failed = [card for card in cards if "callout bad" in card]
    assert len(failed) == 1
    assert "key" in failed[0]
    assert "/traces/" in failed[0]
    assert {row.status for row in Log.objects.filter(parent=None)} == {
        Status.COMPLETED,
        Status.ERROR,
    }


def test_what_fails_before_the_llm_is_asked_is_told_in_each_card(
    alice, use_case, blueprint, settings_of, llm, llm_server
):
    llm.context_size = 10
    llm.save()
    dataset = vectordb.create_dataset(user=alice, name="Book", use_case=use_case)
    vectordb.add_files(dataset, user=alice, files=[SimpleUploadedFile("a.md", b"One.")])
    database = vectordb.create_vector_database(
        user=alice, use_case=use_case, dataset=dataset, chunking=ChunkingSettings()
    )
    VectorDatabase.objects.update(status=Status.COMPLETED)
    settings = replace(settings_of("word " * 400), vector_database_id=database.pk)

    lines = lines_of(blueprint, settings, user=alice, samples=2)

    assert llm_server.prompts == []
    assert len(lines) == 3
    assert all("callout bad" in last_card(lines, sample) for sample in (0, 1))
    log = Log.objects.get(parent=None)
    assert log.status == Status.ERROR
    assert f"/traces/{log.pk}/" in last_card(lines)


def test_who_leaves_ends_the_llms_work_and_what_was_said_is_kept(
    alice, blueprint, settings_of, llm_server
):
    llm_server.script(Behaviour(stall_after=3, interval_ms=300))

    lines_of(blueprint, settings_of("Slow."), user=alice, leaves_after=2)

    assert llm_server.requests[-1].hung_up.wait(10)
    log = Log.objects.get(parent=None)
    assert log.status == Status.COMPLETED
    said = LogPayload.objects.get(log=log).text
    assert said
    assert "According to the".startswith(said)


def test_tool_calls_are_shown_with_their_arguments(alice, blueprint, settings_of, llm_server):
    call = {
        "index": 0,
        "id": "call_1",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"city":"Oslo"}'},
    }
    events = [
        {"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
    ]
    chunks = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events]
    llm_server.script(Behaviour(chunks=(*chunks, b"data: [DONE]\n\n")))

    card = last_card(lines_of(blueprint, settings_of("Tools."), user=alice))

    assert "calls weather" in card
    assert "&quot;city&quot;: &quot;Oslo&quot;" in card


def test_markup_of_an_answer_is_text(alice, blueprint, settings_of, llm_server):
    llm_server.script(Behaviour(text="<img src=x onerror=alert(1)> ![a](https://evil.example/b)"))

    card = last_card(lines_of(blueprint, settings_of("Markup."), user=alice))

    assert "<img" not in card
    assert "&lt;img" in card


@pytest.mark.parametrize(
    ("details", "asked", "problem"),
    [
        ({}, {"inputs": {}}, "Fill in the inputs: topic"),
        ({"template": None}, {"inputs": {}}, "write a message of the user"),
        ({"template": None}, {"message": "", "inputs": {"topic": "x"}}, "write a message"),
    ],
)
def test_what_cannot_be_asked_is_refused_before(
    alice, blueprint, settings_of, llm_server, details, asked, problem
):
    given = {"message": "", "inputs": {"topic": "the sea"}} | asked
    with pytest.raises(InvalidInput, match=problem):
        running.prepare(blueprint, settings_of(**details), user=alice, samples=1, **given)

    assert llm_server.prompts == []
    assert not Log.objects.exists()


def test_a_template_that_jinja_cannot_read_is_told_in_its_card(
    alice, blueprint, settings_of, llm_server
):
    settings = settings_of(template_language="jinja", template=BROKEN)

    card = last_card(lines_of(blueprint, settings, user=alice))

    assert "unexpected" in card
    assert llm_server.prompts == []
    assert "unexpected" in Log.objects.get().error_message


def test_a_viewer_runs_nothing(vera, blueprint, settings_of):
    with pytest.raises(Forbidden):
        running.prepare(
            blueprint,
            settings_of(),
            user=vera,
            samples=1,
            message="",
            inputs={"topic": "the sea"},
        )
