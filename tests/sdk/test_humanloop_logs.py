"""The real `humanloop` package records calls: logs, traces, judgments, and what its decorators send."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from humanloop.core.api_error import ApiError
from humanloop.error import HumanloopRuntimeError
from humanloop.types import (
    EvaluatorLogResponse,
    FlowLogResponse,
    PromptLogResponse,
    ToolLogResponse,
)

from tests.sdk.humanloop_clients import async_loop, folder, loop
from tests.visitors import wait_for

__all__ = ["async_loop", "folder", "loop"]

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
ADD: Any = {"name": "add", "description": "Adds."}


def cause_of(refused: Any) -> int | None:
    cause = refused.value.__cause__
    assert isinstance(cause, ApiError)
    return cause.status_code


def test_a_prompt_log_is_written_changed_found_and_deleted(loop, folder):
    path = f"{folder}/bot"
    made = loop.prompts.log(
        path=path,
        prompt={"model": "nobody's", "template": [{"role": "user", "content": "{{q}}"}]},
        inputs={"q": "?"},
        messages=[{"role": "user", "content": "Hi"}],
        output_message={"role": "assistant", "content": "Ahoy!"},
        start_time=NOON,
        created_at=NOON,
        prompt_tokens=3,
        output_cost=0.5,
        metadata={"a": [1]},
        user="u",
        prompt_log_request_environment="label",
    )
    assert made.session_id is None

    changed: Any = loop.prompts.update_log(
        made.prompt_id, made.id, finish_reason="stop", metadata=None
    )

    assert (changed["output"], changed["finish_reason"], changed["metadata"]) == (
        "Ahoy!",
        "stop",
        None,
    )
    PromptLogResponse.model_validate(changed)
    listed = list(loop.logs.list(file_id=made.prompt_id, search="ahoy", start_date=NOON, size=1))
    [row] = listed
    assert type(row) is PromptLogResponse
    assert row.output_message is not None
    assert (row.id, row.start_time, row.created_at, row.environment) == (
        made.id,
        NOON,
        NOON,
        "label",
    )
    assert (row.prompt.path, row.prompt.version_id) == (path, made.version_id)
    assert row.output_message.content == "Ahoy!"
    assert loop.logs.get(made.id) == changed
    loop.logs.delete(id=[made.id, "unknown"])
    assert list(loop.logs.list(file_id=made.prompt_id)) == []
    with pytest.raises(ApiError) as gone:
        loop.logs.get(made.id)
    assert gone.value.status_code == 404


def test_a_trace_is_recorded_judged_and_read_back_in_its_types(loop, folder):
    name = f"run-{uuid.uuid4().hex}"
    flow = loop.flows.log(path=f"{folder}/flow", flow={"attributes": {"v": 1}}, log_id=name)
    assert (flow.id, flow.log_status) == (name, "incomplete")
    prompt = loop.prompts.log(
        path=f"{folder}/bot", prompt={"model": "m"}, output="A", trace_parent_id=name
    )
    tool = loop.tools.log(
        path=f"{folder}/add", tool={"function": ADD}, output="3", trace_parent_id=prompt.id
    )
    with pytest.raises(HumanloopRuntimeError) as taken:
        loop.flows.log(path=f"{folder}/flow", log_id=name)
    assert cause_of(taken) == 409
    done = loop.flows.update_log(name, log_status="complete", output="All")
    judged = loop.evaluators.log(parent_id=prompt.id, path="rating", judgment="good", user="u")

    assert type(done) is FlowLogResponse
    assert (done.trace_id, done.log_status, done.output) == (name, "complete", "All")
    changed: Any = loop.tools.update(tool.tool_id, tool.id, output="4")
    ToolLogResponse.model_validate(changed)
    assert (changed["output"], changed["trace_flow_id"]) == ("4", name)
    [row] = loop.logs.list(file_id=flow.flow_id, include_trace_children=True)
    [below] = row.trace_children
    assert (type(row), type(below)) == (FlowLogResponse, PromptLogResponse)
    assert [type(one) for one in below.trace_children] == [ToolLogResponse]
    assert [(one.id, one.judgment) for one in below.evaluator_logs] == [(judged.id, "good")]
    [rating] = loop.logs.list(
        file_id=below.evaluator_logs[0].evaluator.id, include_parent=True, id=judged.id
    )
    assert type(rating) is EvaluatorLogResponse
    assert (type(rating.parent), rating.parent_id) == (PromptLogResponse, prompt.id)
    with pytest.raises(HumanloopRuntimeError) as complete:
        loop.tools.log(path=f"{folder}/add", output="3", trace_parent_id=name)
    assert cause_of(complete) == 409


async def test_the_async_package_pages_through_logs(async_loop, folder):
    path = f"{folder}/bot"
    made = [
        await async_loop.prompts.log(path=path, prompt={"model": "m"}, output=str(n))
        for n in range(5)
    ]
    pager = await async_loop.logs.list(file_id=made[0].prompt_id, size=2)
    assert [row.output async for row in pager] == ["4", "3", "2", "1", "0"]


def test_decorated_functions_leave_a_trace(loop: Any, folder: str) -> None:
    @loop.tool(path=f"{folder}/add")  # type: ignore[untyped-decorator] # reads the annotations
    def add(a: int, b: int) -> int:
        """Adds."""
        return a + b

    @loop.flow(path=f"{folder}/inner")
    def inner(question):
        return f"{question} {add(1, 2)}"

    @loop.flow(path=f"{folder}/outer", attributes={"team": "a"})
    def outer(question, messages):
        loop.prompts.log(path=f"{folder}/bot", prompt={"model": "m"}, output="B")
        return inner(question=question)

    @loop.flow(path=f"{folder}/broken")
    def broken():
        raise ValueError("out of luck")

    assert outer("Sum?", messages=[{"role": "user", "content": "Hi"}]) == "Sum? 3"
    assert broken() is None

    def ended(name: str) -> Any:
        file = loop.files.retrieve_by_path(path=f"{folder}/{name}")
        [row] = loop.logs.list(file_id=file.id, include_trace_children=True)
        return row if row.log_status == "complete" else None

    top = wait_for(lambda: ended("outer"), "the outer flow's end")
    assert (top.inputs, top.output, top.flow.attributes) == (
        {"question": "Sum?"},
        "Sum? 3",
        {"team": "a"},
    )
    assert top.messages[0].content == "Hi"
    prompt, middle = top.trace_children
    assert (type(prompt), prompt.output) == (PromptLogResponse, "B")
    assert (type(middle), middle.output, middle.log_status) == (
        FlowLogResponse,
        "Sum? 3",
        "complete",
    )
    [sum_] = middle.trace_children
    assert (type(sum_), sum_.output, sum_.inputs) == (ToolLogResponse, "3", {"a": "1", "b": "2"})
    assert sum_.tool.function.name == "add"
    assert sum_.trace_id == top.id
    failed = wait_for(lambda: ended("broken"), "the broken flow's end")
    assert (failed.output, failed.error) == (None, "out of luck")
