"""The real `humanloop` package calls prompts."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from humanloop.core.api_error import ApiError
from humanloop.error import HumanloopRuntimeError
from openai.resources.chat.completions import Completions

from tests.llm_server import Behaviour, failing, rate_limited
from tests.sdk.humanloop_clients import async_loop, folder, humanloop_of, is_watched, loop
from tests.sdk.test_openai import CALLS, tool_stream
from tests.stack import Stack
from tests.visitors import wait_for

__all__ = ["async_loop", "folder", "loop"]

PIRATE: Any = {
    "model": "test-model",
    "template": [{"role": "system", "content": "You are {{person}}, aged {{ facts.age }}."}],
    "temperature": 0.5,
}
INPUTS = {"person": "a pirate", "facts": {"age": 41}}
HI: Any = [{"role": "user", "content": "Hi {{person}}"}]


def refused(call: Any, *arguments: Any, **named: Any) -> ApiError:
    """The error below the package's own."""
    with pytest.raises((HumanloopRuntimeError, ApiError)) as caught:
        list(call(*arguments, **named) or ())
    error = caught.value
    cause: Any = error if isinstance(error, ApiError) else error.__cause__
    assert isinstance(cause, ApiError)
    return cause


def detail(error: ApiError) -> Any:
    """Of a body that the package leaves as it is, or reads into a class of its own."""
    body: Any = error.body
    return body["detail"] if isinstance(body, dict) else body.detail


def row(groundwork: Stack, log_id: str, columns: str) -> tuple[Any, ...]:
    logs = "tracing_log l LEFT JOIN tracing_logpayload p ON p.log_id = l.id"
    named = "coalesce(l.chosen_id, 'log_' || l.id) = %s"
    [found] = groundwork.sql(f"SELECT {columns} FROM {logs} WHERE {named}", log_id)  # noqa: S608
    return found


def test_a_prompt_with_details_is_made_filled_asked_and_recorded(loop, groundwork, folder):
    answer = loop.prompts.call(
        path=f"{folder}/persona",
        prompt=PIRATE,
        inputs=INPUTS,
        messages=HI,
        source="tests",
        metadata={"a": 1},
        user="u1",
    )

    sent = groundwork.llm.prompts[-1]
    assert sent["messages"] == [
        {"role": "system", "content": "You are a pirate, aged 41."},
        {"role": "user", "content": "Hi {{person}}"},
    ]
    assert (sent["temperature"], sent["user"]) == (0.5, "u1")
    [log] = answer.logs
    assert (log.index, log.output, log.finish_reason) == (0, groundwork.llm.text, "stop")
    assert log.output_message.role == "assistant"
    assert log.prompt_tokens > 0
    assert log.output_tokens > 0
    assert answer.prompt.path == f"{folder}/persona"
    assert answer.prompt.version_logs_count == 1
    assert (answer.inputs, answer.metadata, answer.source) == (INPUTS, {"a": 1}, "tests")
    assert answer.tool_choice == "none"
    assert (answer.id, answer.trace_id) == (answer.log_id, None)
    kept = row(groundwork, answer.id, "status, face, end_user, text, inputs, provider_request")
    assert kept[:5] == ("COMPLETED", "prompts", "u1", groundwork.llm.text, INPUTS)
    assert kept[5]["model"] == "test-model"


def test_a_deployed_prompt_is_called_by_its_path_or_id(loop, llm, folder):
    made = loop.prompts.upsert(path=f"{folder}/p", **PIRATE)
    other = loop.prompts.upsert(path=f"{folder}/p", **PIRATE | {"temperature": 0.1})

    for names in ({"path": f"{folder}/p"}, {"id": made.id}):
        assert loop.prompts.call(**names, inputs=INPUTS).prompt.version_id == made.version_id
    called = loop.prompts.call(path=f"{folder}/p", version_id=other.version_id, inputs=INPUTS)
    assert called.prompt.version_id == other.version_id
    assert llm.prompts[-1]["temperature"] == 0.1
    loop.prompts.set_deployment(
        made.id, environment("staging", loop, made.id), version_id=other.version_id
    )
    staged = loop.prompts.call(path=f"{folder}/p", environment="staging", inputs=INPUTS)
    assert staged.prompt.version_id == other.version_id
    labelled = loop.prompts.call(
        path=f"{folder}/p", prompts_call_request_environment="staging", inputs=INPUTS
    )
    assert (labelled.environment, labelled.prompt.version_id) == ("staging", made.version_id)


def environment(name: str, loop: Any, prompt_id: str) -> str:
    found = loop.prompts.list_environments(prompt_id)
    return str(next(one.id for one in found if one.name == name))


def test_a_stream_has_a_piece_for_what_came_and_one_for_the_end(loop, groundwork, folder):
    groundwork.llm.script(Behaviour(text="One two\u2028three.", interval_ms=100))
    events = list(loop.prompts.call_stream(path=f"{folder}/s", prompt=PIRATE, inputs=INPUTS))

    *pieces, end = events
    assert "".join(one.output for one in pieces) == "One two\u2028three."
    assert {one.finish_reason for one in pieces} == {None}
    assert (end.output, end.finish_reason, end.index) == ("", "stop", 0)
    assert end.output_tokens == 2
    assert len({one.id for one in events}) == 1
    kept = row(groundwork, end.id, "text, finish_reason, output_tokens")
    assert kept == ("One two\u2028three.", "stop", 2)


async def test_the_async_client_calls_and_streams(async_loop, groundwork, folder):
    answer = await async_loop.prompts.call(path=f"{folder}/a", prompt=PIRATE, inputs=INPUTS)
    said = [
        event.output
        async for event in async_loop.prompts.call_stream(path=f"{folder}/a", inputs=INPUTS)
    ]

    assert answer.logs[0].output == "".join(said) == groundwork.llm.text


@pytest.mark.parametrize("is_stream", [False, True])
def test_samples_are_logs_of_their_own(loop, groundwork, folder, is_stream):
    groundwork.llm.script(Behaviour(text="First."), failing(400, "No."), Behaviour(text="Third."))
    named: Any = {"path": f"{folder}/n", "prompt": PIRATE, "inputs": INPUTS, "num_samples": 3}
    if is_stream:
        ends = [one for one in loop.prompts.call_stream(**named) if one.finish_reason or one.error]
        logs = sorted(ends, key=lambda one: one.index)
        first = logs[0].id
    else:
        answer = loop.prompts.call(**named)
        logs, first = answer.logs, answer.id

    assert [one.index for one in logs] == [0, 1, 2]
    assert sum(one.error is not None for one in logs) == 1
    version = row(groundwork, first, "l.blueprint_version_id")[0]
    stored = groundwork.sql(
        "SELECT sample_index, status FROM tracing_log WHERE blueprint_version_id = %s"
        " AND kind = 'answer' ORDER BY 1",
        version,
    )
    assert [index for index, _ in stored] == [0, 1, 2]
    assert sorted(status for _, status in stored) == ["COMPLETED", "COMPLETED", "ERROR"]


def test_tools_are_offered_and_called(loop, llm, folder):
    llm.script(tool_stream(*CALLS))
    tool: Any = {"name": "weather", "description": "Tells it.", "parameters": {"type": "object"}}
    answer = loop.prompts.call(
        path=f"{folder}/t", prompt=PIRATE | {"tools": [tool]}, inputs=INPUTS, tool_choice="required"
    )

    [sent] = llm.prompts[-1]["tools"]
    assert sent == {"type": "function", "function": {"strict": False, **tool}}
    assert llm.prompts[-1]["tool_choice"] == answer.tool_choice == "required"
    [log] = answer.logs
    assert (log.finish_reason, log.output) == ("tool_calls", "")
    [call] = log.output_message.tool_calls
    assert json.loads(call.function.arguments) == {"city": "Oslo"}


def test_what_is_not_to_be_saved_is_written_nowhere(loop, groundwork, folder):
    groundwork.llm.script(Behaviour(text="I heard quartz-heron."))
    answer = loop.prompts.call(
        path=f"{folder}/q", prompt=PIRATE, inputs=INPUTS | {"x": "quartz-heron"}, save=False,
        messages=[{"role": "user", "content": "quartz-heron"}], provider_api_keys={"openai": "sk-own"},
    )  # fmt: skip

    assert "quartz-heron" in answer.logs[0].output
    assert groundwork.llm.requests[-1].headers["authorization"] == "Bearer sk-own"
    assert row(groundwork, answer.id, "is_payload_kept, output_tokens, text") == (False, 3, None)
    for word in ("quartz-heron", "sk-own"):
        everything = (
            "SELECT count(*) FROM tracing_log l LEFT JOIN tracing_logpayload p ON p.log_id = l.id"
        )
        where = " WHERE l::text LIKE %s OR p::text LIKE %s"
        assert groundwork.sql(everything + where, *[f"%{word}%"] * 2) == [(0,)]
    assert "sk-own" not in groundwork.running.said()


def test_inputs_may_be_left_out_of_the_answer(loop, groundwork, folder):
    answer = loop.prompts.call(
        path=f"{folder}/i",
        prompt=PIRATE,
        inputs=INPUTS,
        return_inputs=False,
        log_id=f"my-{folder[4:]}",
    )

    assert answer.inputs == {}
    assert answer.id == f"my-{folder[4:]}"
    assert row(groundwork, answer.id, "inputs") == (INPUTS,)


def test_a_call_hangs_below_its_flow(loop, groundwork, folder):
    flow = loop.flows.log(path=f"{folder}/f", flow={"attributes": {}})
    answer = loop.prompts.call(
        path=f"{folder}/in", prompt=PIRATE, inputs=INPUTS, trace_parent_id=flow.id
    )

    assert answer.trace_id == flow.id
    [child] = loop.logs.get(flow.id)["trace_children"]
    assert child["id"] == answer.id
    loop.flows.update_log(flow.id, output="Done.", log_status="complete")
    before = len(groundwork.llm.prompts)
    late = refused(loop.prompts.call, path=f"{folder}/in", inputs=INPUTS, trace_parent_id=flow.id)
    assert (late.status_code, len(groundwork.llm.prompts)) == (409, before)


@pytest.mark.parametrize(
    ("given", "status", "says"),
    [
        ({"inputs": {}}, 422, "['facts.age', 'person']"),
        ({"inputs": {"person": None, "facts": {"age": 1}}}, 422, "['person']"),
        ({"num_samples": 0}, 422, "num_samples"),
        ({"tool_choice": "sometimes"}, 422, "tool_choice"),
        ({"trace_parent_id": "log_nothing"}, 404, "no log log_nothing"),
        ({"version_id": "prv_nothing", "prompt": None}, 404, "Version not found"),
        ({"environment": "nowhere", "prompt": None}, 404, "Nothing is deployed"),
        ({"version_id": "prv_x"}, 422, "leave out version_id"),
        ({"path": None}, 422, "path"),
        ({"prompt": {"model": "no-such-model"}, "messages": HI}, 422, "No LLM here is called"),
        ({"prompt": {"model": "test-model"}}, 422, "send messages"),
    ],
)
@pytest.mark.parametrize("is_stream", [False, True])
def test_what_is_wrong_is_refused_before_any_llm_is_asked(
    loop, groundwork, folder, given, status, says, is_stream
):
    loop.prompts.upsert(path=f"{folder}/w", **PIRATE)
    named: Any = {"path": f"{folder}/w", "prompt": PIRATE, "inputs": INPUTS} | given
    before = len(groundwork.llm.prompts)
    call = loop.prompts.call_stream if is_stream else loop.prompts.call
    error = refused(call, **{name: value for name, value in named.items() if value is not None})

    assert error.status_code == status
    assert says in str(detail(error))
    assert len(groundwork.llm.prompts) == before


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize(
    ("behaviour", "status"),
    [(failing(400, "Bad."), 422), (failing(401, "Key."), 422), (rate_limited("99"), 429)],
)
def test_what_the_provider_refuses_has_its_status_and_origin(
    loop, groundwork, folder, behaviour, status, is_stream
):
    groundwork.llm.script(behaviour)
    call = loop.prompts.call_stream if is_stream else loop.prompts.call
    error = refused(call, path=f"{folder}/r", prompt=PIRATE, inputs=INPUTS)

    assert (error.status_code, detail(error)["origin"]) == (status, "openai")
    [last] = groundwork.sql(
        "SELECT status, text FROM tracing_log l JOIN tracing_logpayload p ON p.log_id = l.id"
        " WHERE kind = 'answer' ORDER BY l.created_at DESC LIMIT 1"
    )
    assert last == ("ERROR", None)


def test_a_stream_that_breaks_says_so_in_its_last_event(loop, groundwork, folder):
    groundwork.llm.script(Behaviour(text="a b c d e", break_after=2))
    *pieces, end = loop.prompts.call_stream(path=f"{folder}/b", prompt=PIRATE, inputs=INPUTS)

    assert "".join(one.output for one in pieces) == "a b"
    assert (end.output, end.finish_reason) == ("", None)
    assert "broke off" in end.error
    assert row(groundwork, end.id, "status, text") == ("ERROR", "a b")


def test_who_leaves_ends_the_llms_work(loop, groundwork, folder):
    text = " ".join(f"word{number}" for number in range(500))
    groundwork.llm.script(Behaviour(text=text, interval_ms=20))
    stream = loop.prompts.call_stream(path=f"{folder}/g", prompt=PIRATE, inputs=INPUTS)
    first = next(stream)
    stream.close()

    assert groundwork.llm.requests[-1].hung_up.wait(20)
    kept = wait_for(
        lambda: groundwork.sql(
            "SELECT text FROM tracing_logpayload WHERE log_id = %s", first.id.removeprefix("log_")
        ),
        "the log",
    )
    assert text.startswith(kept[0][0])


def test_times_that_the_caller_gives_are_kept(loop, groundwork, folder):
    begun, ended = datetime(2024, 5, 1, 12, tzinfo=UTC), datetime(2024, 5, 1, 13, tzinfo=UTC)
    answer = loop.prompts.call(
        path=f"{folder}/time", prompt=PIRATE, inputs=INPUTS, start_time=begun, end_time=ended
    )

    assert (answer.start_time, answer.end_time) == (begun, ended)
    assert row(groundwork, answer.id, "started_at, ended_at") == (begun, ended)


def test_other_parameters_do_not_decide_who_is_asked_what(loop, llm, folder):
    other = {"model": "gpt-dear", "n": 9, "messages": [], "stream": False, "top_k": 7}
    loop.prompts.call(path=f"{folder}/o", prompt=PIRATE | {"other": other}, inputs=INPUTS)

    sent = llm.prompts[-1]
    assert (sent["model"], sent["stream"], sent["top_k"]) == ("test-model", True, 7)
    assert "n" not in sent
    assert sent["messages"] != []


def test_a_call_that_is_refused_makes_no_prompt(loop, groundwork, folder):
    error = refused(loop.prompts.call, path=f"{folder}/new", prompt=PIRATE, inputs={})

    assert error.status_code == 422
    made = "SELECT count(*) FROM blueprints_blueprint WHERE path = %s"
    assert groundwork.sql(made, f"{folder}/new") == [(0,)]


def test_the_mock_provider_needs_no_llm(loop, groundwork, folder):
    before = len(groundwork.llm.prompts)
    mock: Any = PIRATE | {"provider": "mock", "model": "any"}
    answer = loop.prompts.call(path=f"{folder}/m", prompt=mock, inputs=INPUTS, messages=HI)

    assert answer.logs[0].output == "Hi {{person}}"
    assert answer.logs[0].prompt_cost == 0
    assert len(groundwork.llm.prompts) == before


def test_a_blueprint_of_the_pages_is_called_by_its_path(loop, groundwork):
    answer = loop.prompts.call(path="plain", messages=[{"role": "user", "content": "What?"}])

    assert answer.prompt.path == "plain"
    assert answer.logs[0].output == groundwork.llm.text


def test_strangers_and_viewers_call_nothing(groundwork, loop, folder):
    made = loop.prompts.upsert(path=f"{folder}/x", **PIRATE)
    before = len(groundwork.llm.prompts)
    for person, status in ((groundwork.bob, 404), (groundwork.vera, 403)):
        with humanloop_of(groundwork, person) as client:
            error = refused(client.prompts.call, id=made.id, inputs=INPUTS)
            assert error.status_code == status
    assert len(groundwork.llm.prompts) == before


def test_a_template_in_jinja_is_filled_before_the_llm_is_asked(loop, folder):
    path = f"{folder}/rules"
    text = "{% for one in rules %}{{ one }};{% endfor %}"
    loop.prompts.upsert(
        path=path, provider="mock", model="m", template=text, template_language="jinja"
    )

    said = loop.prompts.call(path=path, inputs={"rules": ["a", "b"]})
    streamed = list(loop.prompts.call_stream(path=path, inputs={"rules": ["c"]}))
    error = refused(loop.prompts.call, path=path, inputs={"rules": 5})

    assert said.logs[0].output == "a;b;"
    assert "".join(event.output for event in streamed) == "c;"
    assert error.status_code == 422
    assert "not iterable" in str(error.body)


def test_other_tests_have_the_openai_package_as_it_is(groundwork):
    with humanloop_of(groundwork, groundwork.alice):
        assert is_watched(Completions.create)

    assert not is_watched(Completions.create)
