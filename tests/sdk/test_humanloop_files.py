"""The real `humanloop` package makes, finds and deploys prompts, flows and tools."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from humanloop.core.api_error import ApiError
from humanloop.errors import UnprocessableEntityError
from humanloop.types import FlowResponse, PromptResponse, ToolResponse

from tests.sdk.humanloop_clients import async_loop, folder, humanloop_of, loop
from tests.visitors import Person

__all__ = ["async_loop", "folder", "loop"]

TEMPLATE: Any = [
    {"role": "system", "content": "You are {{person}}."},
    {"role": "user", "content": "{{question}} Tell {{person}}."},
]
ADD: Any = {
    "name": "add",
    "description": "Adds.",
    "parameters": {"type": "object", "properties": {"a": {"type": "number"}}},
}


def status(call: Any, *arguments: Any, **named: Any) -> int | None:
    with pytest.raises(ApiError) as refused:
        call(*arguments, **named)
    assert isinstance(refused.value.body, dict)
    assert "detail" in refused.value.body
    return refused.value.status_code


def test_a_prompt_comes_back_with_all_that_the_package_knows_of_it(groundwork, loop, folder):
    made: Any = loop.prompts.upsert(
        path=f"/{folder}/bot/",
        model="test-model",
        template=TEMPLATE,
        temperature=0.25,
        stop=["END"],
        tools=[ADD],
        attributes={"team": "a"},
        version_name="first",
        tags=["x"],
    )

    assert (made.path, made.name, made.type) == (f"{folder}/bot", "bot", "prompt")
    assert [one.name for one in made.inputs] == ["person", "question"]
    assert [message["role"] for message in made.template] == ["system", "user"]
    assert (made.tools[0].name, made.tools[0].strict) == ("add", False)
    assert (made.version_name, made.tags, made.attributes) == ("first", ["x"], {"team": "a"})
    assert [(one.name, one.tag) for one in made.environments] == [("production", "default")]
    for time in (made.created_at, made.updated_at, made.last_used_at):
        assert abs((datetime.now(UTC) - time).total_seconds()) < 60
    # The package does not check by itself that every field is as it declares it.
    answer = groundwork.alice.send("GET", f"/v5/prompts/{made.id}").json()
    assert PromptResponse.model_validate(answer).version_id == made.version_id
    assert loop.prompts.get(made.id) == made
    assert loop.files.retrieve_by_path(path=made.path).version_id == made.version_id


def test_the_same_prompt_from_many_threads_is_one_version(loop, folder):
    def upsert(temperature: float) -> str:
        made = loop.prompts.upsert(path=f"{folder}/bot", model="m", temperature=temperature)
        return str(made.version_id)

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(upsert, [1, 1.0, 0.5, 1] * 4))

    assert len(set(made)) == 2
    records = loop.prompts.list_versions(loop.files.retrieve_by_path(path=f"{folder}/bot").id)
    assert {one.version_id for one in records.records} == set(made)


def test_versions_are_deployed_rolled_back_named_and_deleted(loop, folder):
    first = loop.prompts.upsert(path=f"{folder}/bot", model="m")
    second = loop.prompts.upsert(id=first.id, model="n")
    assert loop.prompts.get(first.id).version_id == first.version_id
    places = {one.name: one for one in loop.prompts.list_environments(first.id)}
    assert places["production"].file.version_id == first.version_id
    assert places["staging"].file is None

    loop.prompts.set_deployment(first.id, places["staging"].id, version_id=second.version_id)

    assert loop.prompts.get(first.id, environment="staging") == loop.prompts.get(
        first.id, version_id=second.version_id
    )
    loop.prompts.remove_deployment(first.id, places["staging"].id)
    assert status(loop.prompts.get, first.id, environment="staging") == 404
    named = loop.prompts.patch_prompt_version(first.id, second.version_id, name="v2")
    assert named.version_name == "v2"
    assert status(loop.prompts.upsert, id=first.id, model="o", version_name="v2") == 409
    loop.prompts.delete_prompt_version(first.id, second.version_id)
    assert [one.version_id for one in loop.prompts.list_versions(first.id).records] == [
        first.version_id
    ]
    assert loop.prompts.move(first.id, path=f"{folder}/moved").name == "moved"
    loop.prompts.delete(first.id)
    assert status(loop.prompts.get, first.id) == 404


def test_its_pager_ends(loop, folder):
    for number in range(3):
        loop.prompts.upsert(path=f"{folder}/lighthouse-{number}", model="m")

    pager = loop.prompts.list(size=2, name="lighthouse", sort_by="name", order="asc")

    found = [one.name for one in pager if one.path.startswith(folder)]
    assert found == ["lighthouse-0", "lighthouse-1", "lighthouse-2"]


def test_a_template_is_populated(loop, folder):
    made = loop.prompts.upsert(path=f"{folder}/bot", model="m", template=TEMPLATE)

    filled = loop.prompts.populate(made.id, request={"person": "Ada", "question": "Why?"})

    assert [one["content"] for one in filled.populated_template] == [
        "You are Ada.",
        "Why? Tell Ada.",
    ]
    with pytest.raises(UnprocessableEntityError):
        loop.prompts.populate(made.id, request={"person": "Ada"})


def test_flows_and_tools_are_read_as_what_they_are(loop, folder):
    flow = loop.flows.upsert(path=f"{folder}/flow", attributes={"commit": "abc"})
    tool = loop.tools.upsert(path=f"{folder}/tool", function=ADD)
    prompt = loop.prompts.upsert(path=f"{folder}/prompt", model="m", linked_tools=[tool.id])

    assert isinstance(loop.files.retrieve_by_path(path=flow.path), FlowResponse)
    assert isinstance(loop.files.retrieve_by_path(path=tool.path), ToolResponse)
    assert isinstance(loop.files.retrieve_by_path(path=prompt.path), PromptResponse)
    assert flow.attributes == {"commit": "abc"}
    assert (tool.function.name, tool.tool_type) == ("add", "json_schema")
    assert [one.version_id for one in prompt.linked_tools] == [tool.version_id]
    listed = loop.files.list_files(path=folder, sort_by="name", order="asc")
    kinds = [FlowResponse, PromptResponse, ToolResponse]
    assert [type(one) for one in listed.records] == kinds
    assert loop.flows.list_versions(flow.id).records == [flow]
    assert [one.id for one in loop.tools.list(name="tool") if one.id == tool.id] == [tool.id]
    assert len(loop.flows.list_environments(flow.id)) == 2
    loop.flows.delete(flow.id)
    assert status(loop.flows.get, flow.id) == 404


def test_directories_come_with_paths(loop, folder):
    flow = loop.flows.upsert(path=f"{folder}/inner/flow", attributes={})

    made = loop.directories.create(path=f"{folder}/own")
    found = {one.path: one for one in loop.directories.list()}
    above = loop.directories.get(found[folder].id)

    assert [one.path for one in above.subdirectories] == [f"{folder}/inner", f"{folder}/own"]
    assert [one.path for one in above.parents] == ["sdk"]
    inner = loop.directories.get(flow.directory_id)
    assert inner.files == [flow]
    assert status(loop.directories.delete, flow.directory_id) == 409
    assert loop.directories.update(made.id, name="renamed").path == f"{folder}/renamed"
    loop.directories.delete(made.id)
    assert status(loop.directories.get, made.id) == 404


async def test_the_async_client_does_the_same(async_loop, folder):
    made = await async_loop.prompts.upsert(path=f"{folder}/bot", model="m")
    assert await async_loop.prompts.get(made.id) == made
    pager = await async_loop.prompts.list(size=1, name="bot")
    assert made.id in [one.id async for one in pager]


@pytest.mark.parametrize(
    ("wrong", "loc"),
    [
        ({"temperature": "hot"}, ["body", "temperature"]),
        ({"template": [{"role": "king", "content": "x"}]}, ["body", "template", 0, "role"]),
        ({"path": "a//b"}, ["body", "path"]),
    ],
)
def test_what_is_wrong_is_raised_with_its_place(loop, folder, wrong, loc):
    given: Any = {"path": f"{folder}/bot", "model": "m"} | wrong
    with pytest.raises(UnprocessableEntityError) as refused:
        loop.prompts.upsert(**given)

    [problem] = refused.value.body.detail
    assert problem.loc == loc
    assert problem.msg
    assert problem.type


def test_strangers_and_viewers(groundwork, loop, folder):
    made = loop.prompts.upsert(path=f"{folder}/bot", model="m")
    nobody = Person(groundwork.bob.port, "gw_nothing")
    for person, code in ((groundwork.bob, 404), (nobody, 401)):
        with humanloop_of(groundwork, person) as stranger:
            assert status(stranger.prompts.get, made.id) == code
    with humanloop_of(groundwork, groundwork.vera) as vera:
        assert vera.prompts.get(made.id) == made
        assert status(vera.prompts.upsert, id=made.id, model="n") == 403
