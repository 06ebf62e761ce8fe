"""Spans of the SDK's decorators, in the form in which they come."""

import json
from typing import Any

import pytest

from tests.v5.conftest import Programme
from tests.v5.test_logs import logged
from tracing.models import Log

pytestmark = pytest.mark.django_db

TOOL = {
    "humanloop.file.source_code": "def add(a, b): ...",
    "humanloop.file.function.name": "add",
    "humanloop.file.function.description": "",
    "humanloop.file.function.strict": "True",
    "humanloop.file.function.parameters.type": "object",
    "humanloop.file.function.parameters.properties.a.type": "string",
    "humanloop.file.function.parameters.required.0": "a",
    "humanloop.file.function.parameters.required.1": "b",
    "humanloop.file.function.parameters.additionalProperties": "False",
    "humanloop.file.path": "tools/add",
    "humanloop.file.type": "tool",
    "humanloop.log.inputs.a": "1",
    "humanloop.log.inputs.b.0": "x",
    "humanloop.log.inputs.b.1": "(1, 2)",
    "humanloop.log.output": "3",
}
FLOW = {"humanloop.file.path": "some/flow", "humanloop.file.type": "flow"}


def spans(*several: dict[str, str]) -> dict[str, Any]:
    made = [
        {
            "name": "humanloop.any",
            "startTimeUnixNano": "1714564800000000000",
            "endTimeUnixNano": "1714564801500000000",
            "attributes": [{"key": k, "value": {"stringValue": v}} for k, v in one.items()],
        }
        for one in several
    ]
    return {"resourceSpans": [{"scopeSpans": [{"spans": made}]}]}


def sent(api: Programme, body: Any, path: str = "import/otel/v1/traces") -> list[str]:
    data = body if isinstance(body, bytes) else json.dumps(body)
    response = api.send("POST", path, data, kind="")
    assert response.status_code == 200, response.content
    records: list[str] = response.json()["records"]
    return records


@pytest.mark.parametrize("path", ["import/otel/v1/traces", "/import/otel/v1/traces"])
def test_a_tools_whole_log_comes_in_one_span(api: Programme, path):
    logged(api, "flow", log_id="top")

    [made] = sent(api, spans({**TOOL, "humanloop.log.trace_parent_id": "top"}), path)

    found = api.get(f"logs/{made}").json()
    assert found["inputs"] == {"a": "1", "b": ["x", "(1, 2)"]}
    assert (found["output"], found["error"], found["trace_id"]) == ("3", None, "top")
    assert found["start_time"] == "2024-05-01T12:00:00Z"
    assert found["end_time"] == "2024-05-01T12:00:01.500000Z"
    tool = found["tool"]
    assert (tool["path"], tool["source_code"]) == ("tools/add", "def add(a, b): ...")
    assert tool["function"] == {
        "name": "add",
        "description": "",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "string"}},
            "required": ["a", "b"],
            "additionalProperties": False,
        },
    }
    [again] = sent(api, spans(TOOL | {"humanloop.log.error": "broken"}))
    assert api.get(f"logs/{again}").json()["tool"]["version_id"] == tool["version_id"]


def test_a_flow_ends_with_its_span(api: Programme):
    for name, word in (("one", {"output": "null"}), ("two", {"error": "broken"})):
        logged(api, "flow", log_id=name, inputs={"q": "?"})
        attributes = {f"humanloop.log.{key}": value for key, value in word.items()}
        attributes |= {"humanloop.log.id": name, "humanloop.log.log_status": "complete"}

        assert sent(api, spans(FLOW | attributes)) == [name]

        found = api.get(f"logs/{name}").json()
        assert (found["log_status"], found["inputs"]) == ("complete", {"q": "?"})
        assert {key: found[key] for key in word} == word
        assert found["end_time"]
    logged(api, "flow", log_id="three")
    message = {"role": "assistant", "content": "Yes"}
    attributes = {f"humanloop.log.output_message.{key}": value for key, value in message.items()}
    sent(api, spans(FLOW | attributes | {"humanloop.log.id": "three"}))
    assert api.get("logs/three").json()["output_message"] == message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\xff not JSON",
        [],
        "text",
        {"resourceSpans": 3},
        {
            "resourceSpans": [
                None,
                {"scopeSpans": [{"spans": [None, {"attributes": [3, {"key": 1}]}]}]},
            ]
        },
        spans({}),
        spans({"humanloop": "x", "humanloop.file.type": "tool"}),
        spans({"humanloop.file.type": "prompt", "gen_ai.system": "openai"}),
        spans({"humanloop.file.type": "tool"}),
        spans(TOOL | {"humanloop.file.path": ""}),
        spans(TOOL | {"humanloop.log.trace_parent_id": "none"}),
        spans(TOOL | {"humanloop.log.output": "a\x00b"}),
        spans(FLOW | {"humanloop.log.id": "none", "humanloop.log.log_status": "complete"}),
        spans(FLOW | {"humanloop.log.id.x": "y"}),
        spans({"humanloop.file.function.parameters": "(" * 500 + ")" * 500, **TOOL}),
    ],
)
def test_whatever_comes_it_is_200(api: Programme, body):
    assert sent(api, body) == []
    assert not Log.objects.exists()


def test_one_bad_span_takes_no_other_with_it(api: Programme):
    bad = TOOL | {"humanloop.log.trace_parent_id": "none", "humanloop.file.path": "new"}
    assert len(sent(api, spans(bad, TOOL))) == 1
    assert [one["path"] for one in api.get("files").json()["records"]] == ["tools/add"]


def test_others_traces_are_out_of_reach(api: Programme, vera_api: Programme, bob_api: Programme):
    logged(api, "flow", log_id="top")
    end = spans(FLOW | {"humanloop.log.id": "top", "humanloop.log.output": "x"})
    for other in (vera_api, bob_api):
        assert sent(other, end) == []
        assert sent(other, spans(TOOL | {"humanloop.log.trace_parent_id": "top"})) == []
    assert Log.objects.count() == 1
    assert api.get("logs/top").json()["output"] is None
